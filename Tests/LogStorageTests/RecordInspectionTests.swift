// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import KafkaRecords
import NIOCore
import Synchronization
import Testing

@testable import LogStorage

/// What an earlier process has left is looked at before it is served, once.
@Suite struct RecordInspectionTests {
    private static let count = 40

    /// A log of `count` batches with three offsets each, a third of them per leader epoch, closed in order.
    private static func fill(_ test: TestLog, from first: Int = 0) throws {
        let log = try test.open()
        for index in first..<count {
            try log.append(
                TestBatch((0..<3).map { "\(index)-\($0)" }), epoch: LeaderEpoch(1 + index / (count / 3)))
        }
        try log.close(now: 0)
    }

    private static func test(_ root: String) throws -> TestLog {
        var test = try TestLog(root)
        // An entry for every second batch or so.
        test.configuration.indexIntervalBytes = 200
        return test
    }

    private static func path(_ test: TestLog) -> String { test.directory + "/00000000000000000000.log" }

    private static func headers(_ test: TestLog) throws -> [BatchHeader] {
        let file = try test.fileSystem.open(path(test), .read)
        var reader = try BatchReader(file)
        var headers: [BatchHeader] = []
        while case .batch(let batch, let position)? = try reader.next() {
            headers.append(BatchHeader(position: position, header: batch.header))
        }
        return headers
    }

    private static func flip(_ test: TestLog, byte: Int64, bit: UInt8) throws {
        let file = try test.fileSystem.open(path(test), .update)
        var bytes = try file.bytes(at: byte, count: 1)
        let value = bytes.readInteger(as: UInt8.self) ?? 0
        try file.write(ByteBuffer(integer: value ^ (1 << bit)), at: byte)
    }

    /// All that a reader gets that goes forward, batch by batch, and at damage to the next batch: the first offsets as they
    /// were, and where it was refused.
    private static func readAll(_ log: PartitionLog, _ form: ReadForm) throws -> (
        served: [Offset], refused: Set<Offset>
    ) {
        var (served, refused): ([Offset], Set<Offset>) = ([], [])
        var next: Offset = 0
        while next < log.offsets.logEnd {
            do {
                let read = try log.read(from: next, maxBytes: 300, upTo: .logEnd, atLeastOneBatch: true, as: form)
                let count = try read.inspection?.run() ?? read.records.byteCount
                let before = next
                var batches = RecordBatches(try bytes(read.records.prefix(count), log))
                while let batch = try batches.next() {
                    #expect(batch.hasValidChecksum)
                    served.append(batch.header.baseOffset)
                    next = batch.header.nextOffset
                }
                #expect(next > before)
                if next == before { break }
            } catch let error as LogError {
                guard case .damagedRecords = error else { throw error }
                #expect(error.errorCode == .corruptMessage)
                refused.insert(next / 3 * 3)
                next = next / 3 * 3 + 3
            }
        }
        return (served, refused)
    }

    private static func bytes(_ data: LogData, _ log: PartitionLog) throws -> ByteBuffer {
        switch data {
        case .bytes(let bytes): return bytes
        case .region(let region):
            let file = try PosixFileSystem().open(log.path + "/00000000000000000000.log", .read)
            return try file.bytes(at: Int64(region.readerIndex), count: region.readableBytes)
        }
    }

    /// Which bytes of a batch of format 2 are flipped: one of each field, and of the records.
    private static let places: [Int64] = [4, 7, 10, 12, 15, 16, 17, 18, 22, 26, 30, 40, 50, 52, 56, 60, 64, 70]

    @Test(arguments: places, [ReadForm.regions, .bytes])
    func damageIsRefusedAndNamed(_ place: Int64, _ form: ReadForm) throws {
        try withDirectory { root in
            try Self.fill(Self.test(root))
            for batch in [0, 12, 13, Self.count - 2] {
                for bit: UInt8 in [0, 6] {
                    let test = try Self.test(root)
                    let headers = try Self.headers(test)
                    let byte = headers[batch].position + place
                    try Self.flip(test, byte: byte, bit: bit)
                    let log = try test.open()
                    let (served, refused) = try Self.readAll(log, form)
                    log.abandon()
                    try Self.flip(test, byte: byte, bit: bit)
                    let damaged = headers[batch].baseOffset
                    #expect(!served.contains(damaged), "batch \(batch), bit \(bit)")
                    // Where its length is wrong, those behind it are found from the next entry of the index on.
                    let others = headers.map(\.baseOffset).filter { $0 != damaged && !served.contains($0) }
                    #expect(others.count <= 4, "batch \(batch), bit \(bit): \(others) are not served")
                    #expect(refused.contains(damaged), "batch \(batch), bit \(bit): \(refused)")
                    #expect(test.damage.list.contains { $0.path == Self.path(test) })
                    #expect(test.damage.list.count == Set(test.damage.list.map(\.place)).count)
                }
            }
        }
    }

    @Test func whatIsSoundIsLookedAtOnce() throws {
        try withDirectory { root in
            let test = try Self.test(root)
            try Self.fill(test)
            let log = try test.open()
            defer { log.abandon() }
            // The last batch is cut off by the limit, and looked at whole all the same.
            let size = try Int(Self.headers(test)[..<10].reduce(0) { $0 + $1.size }) - 30
            let first = try log.read(from: 0, maxBytes: size, upTo: .logEnd, atLeastOneBatch: true)
            let inspection = try #require(first.inspection)
            #expect(try inspection.run() == size)
            let second = try log.read(from: 0, maxBytes: size, upTo: .logEnd, atLeastOneBatch: true)
            #expect(second.inspection == nil)
            // What this process appends needs no look, nor does what a recovery has scanned.
            let end = log.offsets.logEnd
            try log.append(TestBatch(["new"]))
            #expect(try log.read(from: end, maxBytes: 999, upTo: .logEnd, atLeastOneBatch: true).inspection == nil)
        }
        try withDirectory { root in
            let test = try Self.test(root)
            try Self.fill(test)
            let log = try test.open(clean: false)
            defer { log.abandon() }
            #expect(try log.read(from: 3, maxBytes: 999, upTo: .logEnd, atLeastOneBatch: true).inspection == nil)
        }
    }

    /// An earlier process's records are cut off, and others take their place, while an inspection is on its way: that is no
    /// damage.
    @Test func aCutIsNoDamage() throws {
        try withDirectory { root in
            let test = try Self.test(root)
            try Self.fill(test)
            let log = try test.open()
            defer { log.abandon() }
            let read = try log.read(from: 0, maxBytes: 1 << 20, upTo: .logEnd, atLeastOneBatch: true)
            let inspection = try #require(read.inspection)
            try log.truncate(to: 60, now: 0)
            for index in 0..<9 { try log.append(TestBatch(["other \(index)"]), epoch: 9) }
            #expect(try inspection.run() == read.records.byteCount)
            #expect(test.damage.list.isEmpty)
            #expect(try log.allBatches().count == 29)
            #expect(test.damage.list.isEmpty)
        }
    }

    /// Where the checkpoint of leader epochs is wrong, the batches bear one another out: they are served, and it is told.
    @Test func aWrongCheckpointOfEpochsHidesNoRecords() throws {
        try withDirectory { root in
            let test = try Self.test(root)
            try Self.fill(test)
            let checkpoint = LeaderEpochCheckpoint(in: test.directory, test.fileSystem)
            var entries = try checkpoint.read()
            #expect(entries.count == 4)
            entries[1].startOffset += 17
            try checkpoint.write(entries)
            let log = try test.open()
            defer { log.abandon() }
            let (served, refused) = try Self.readAll(log, .regions)
            #expect(served.count == Self.count && refused.isEmpty)
            #expect(test.damage.list.contains { $0.problem.contains("leader epoch") })
        }
    }

    /// Offsets that compaction has taken are no damage, and neither are records below the log's start in the same batch.
    @Test func holesAndDeletedRecordsAreNoDamage() throws {
        try withDirectory { root in
            let test = try Self.test(root)
            let log = try test.open()
            for offset: Offset in [5, 40, 41, 1000, 70_000] {
                var batch = TestBatch(["a", "b"])
                batch.assign(baseOffset: offset, leaderEpoch: 3, logAppendTime: nil)
                if offset == 5 { try log.truncateFullyAndStart(at: 5, now: 0) }
                if offset != 41 { _ = try log.appendAsFollower(batch.buffer, now: 0) }
            }
            log.updateHighWatermark(.max)
            try log.raiseLogStart(to: 6)
            try log.close(now: 0)
            let again = try test.open(logStart: 6)
            defer { again.abandon() }
            #expect(again.epochs.entries.first?.startOffset == 6)
            #expect(try again.allBatches().map(\.header.baseOffset) == [5, 40, 1000, 70_000])
            #expect(test.damage.list.isEmpty)
        }
    }

    @Test func anotherEndThanTheOneItWasClosedAtIsNamed() throws {
        try withDirectory { root in
            let test = try Self.test(root)
            try Self.fill(test)
            let end = Offset(Self.count * 3)
            try test.open(recoveryPoint: end).abandon()
            #expect(test.reports.list.isEmpty)
            // The last batch's first offset has become larger, which nothing in the log belies.
            try Self.flip(test, byte: try #require(Self.headers(test).last).position + 5, bit: 0)
            try test.open(recoveryPoint: end).abandon()
            #expect(
                test.reports.list.contains { report in
                    if case .malformed(let file) = report {
                        file.problem.contains("was closed at \(end)")
                    } else {
                        false
                    }
                })
        }
    }

    // MARK: Stretches

    @Test func stretchesGrowTogether() {
        var ranges = SoundRanges(isNew: false)
        #expect(!ranges.covers(0..<1))
        #expect(ranges.covers(5..<5))
        ranges.insert(100..<200)
        ranges.insert(300..<400)
        #expect(ranges.covers(100..<200) && ranges.covers(150..<160))
        #expect(!ranges.covers(100..<201) && !ranges.covers(99..<110) && !ranges.covers(150..<350))
        #expect(
            ranges.end(reaching: 200) == 200 && ranges.end(reaching: 250) == nil && ranges.end(reaching: 300) == 400)
        ranges.insert(200..<300)
        #expect(ranges.covers(100..<400))
        ranges.write(from: 350)
        #expect(ranges.covers(100..<9999) && !ranges.covers(0..<9999) && ranges.covers(350..<9999))
        #expect(ranges.isInherited(349) && !ranges.isInherited(350))
        ranges.cut(to: 150)
        #expect(ranges.covers(100..<150) && !ranges.covers(100..<151))
        #expect(SoundRanges(isNew: true).covers(0..<9999))
    }

    @Test func fewStretchesAreRemembered() {
        var ranges = SoundRanges(isNew: false)
        for index in 0..<100 as Range<Int64> { ranges.insert(index * 100..<index * 100 + 10 + index % 7) }
        let remembered = (0..<100 as Range<Int64>).filter { ranges.covers($0 * 100..<$0 * 100 + 1) }
        #expect(remembered.count == 8)
    }
}
