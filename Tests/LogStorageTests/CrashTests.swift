// SPDX-License-Identifier: Apache-2.0

import Glibc
import GoldenFixtures
import KafkaModel
import KafkaRecords
import Testing

@testable import LogStorage

/// Random work on a disk that forgets, a crash, and the same again on what is left.
@Suite struct CrashTests {
    /// What must be so after each crash.
    private struct Model {
        /// Values by offset, as appended last.
        var values: [Offset: String] = [:]
        /// All that were ever appended at an offset.
        var ever: [Offset: Set<String>] = [:]
        var end: Offset = 0
        var logStart: Offset = 0
        /// Below it, everything was synced.
        var flushed: Offset = 0
        /// What the checkpoint says: at most ``flushed``.
        var recoveryPoint: Offset = 0

        mutating func append(_ batch: [String]) {
            for value in batch {
                values[end] = value
                ever[end, default: []].insert(value)
                end += 1
            }
        }

        mutating func truncate(to offset: Offset) {
            for gone in offset..<max(end, offset) { values[gone] = nil }
            end = offset
            flushed = min(flushed, offset)
            recoveryPoint = min(recoveryPoint, offset)
        }
    }

    @Test(arguments: 0..<150)
    func whatWasFlushedIsThereAndWhatIsThereIsAPrefix(_ seed: Int) throws {
        var random = SeededRandom(seed: UInt64(seed))
        let disk = ForgetfulFileSystem(seed: UInt64(seed) &+ 1_000_000)
        try disk.makeDirectory("/d")
        try disk.syncDirectory("/")
        var model = Model()
        var isClean = true
        for life in 0..<4 {
            var test = try TestLog("/d", disk, openFiles: 8)
            // As LogDirectories does when it makes a log.
            try disk.syncDirectory("/d")
            test.configuration.segmentBytes = 600
            test.configuration.indexIntervalBytes = 100
            test.configuration.indexBytes = 400
            let log = try test.open(
                clean: isClean, recoveryPoint: model.recoveryPoint, logStart: model.logStart, highWatermark: 0,
                now: 0)
            try check(log, &model, "seed \(seed), life \(life)")
            isClean = false
            var counter = 0
            for _ in 0..<Int.random(in: 0..<40, using: &random) {
                try step(log, &model, &random, &counter, life)
            }
            // Recovery itself may be interrupted, and run again.
            if Bool.random(using: &random) {
                disk.crash()
                let fragment = Int.random(in: 0..<12, using: &random)
                disk.fail(after: fragment, with: EIO, [.write, .ftruncate, .unlink, .rename, .fsync])
                let again = try TestLog("/d", disk)
                _ = try? again.open(clean: false, recoveryPoint: model.recoveryPoint, logStart: model.logStart)
                disk.heal()
            }
            disk.crash()
        }
    }

    /// A process dies between a write and its flush; the next one takes the log up; then the power fails.
    @Test(arguments: 0..<20)
    func whatAProcessLeftUnflushedIsFlushedBeforeItCounts(_ seed: Int) throws {
        let disk = ForgetfulFileSystem(seed: UInt64(seed))
        try disk.makeDirectory("/d")
        try disk.syncDirectory("/")
        func open(_ body: (PartitionLog) throws -> Void) throws {
            var test = try TestLog("/d", disk)
            try disk.syncDirectory("/d")
            test.configuration.flushRecords = 1
            try body(try test.open(clean: false))
        }
        try open { log in
            try log.append(TestBatch(["flushed"]))
            var left = TestBatch(["left"])
            #expect(try log.append(&left, leaderEpoch: 0, now: 0, flush: .byCaller).flushIsDue)
        }
        disk.kill()
        try open { log in
            #expect(log.offsets.logEnd == 2)
            try log.flushIfOwed()
        }
        disk.crash()
        try open { log in #expect(log.offsets.logEnd == 2) }
    }

    private func step(
        _ log: PartitionLog, _ model: inout Model, _ random: inout SeededRandom, _ counter: inout Int, _ life: Int
    ) throws {
        switch Int.random(in: 0..<20, using: &random) {
        case 0..<12:
            let values = (0..<Int.random(in: 1...5, using: &random)).map { index -> String in
                counter += 1
                return "life \(life) value \(counter) "
                    + String(repeating: "x", count: Int.random(in: 0..<60, using: &random))
            }
            try log.append(TestBatch(values), epoch: Int32(life))
            model.append(values)
        case 12..<15:
            model.flushed = max(model.flushed, try log.flush())
        case 15: model.recoveryPoint = log.offsets.recoveryPoint
        case 16:
            try log.flushRolledSegments()
            model.flushed = max(model.flushed, log.offsets.recoveryPoint)
        case 17:
            let end = log.offsets.logEnd
            let target = Offset.random(in: max(model.logStart, end - 8)...max(end, model.logStart), using: &random)
            model.truncate(to: try log.truncate(to: target, now: 0))
            // As LogDirectories checkpoints it.
            model.recoveryPoint = min(model.recoveryPoint, log.offsets.recoveryPoint)
        case 18: try log.roll(now: 0)
        default:
            log.updateHighWatermark(log.offsets.logEnd)
            let end = log.offsets.logEnd
            let start = Offset.random(in: model.logStart...end, using: &random)
            try log.raiseLogStart(to: start)
            try log.deleteOldSegments(now: 0)
            try log.removeDeletedFiles(now: .max)
            // The checkpoint is written in time with this test.
            model.logStart = log.offsets.logStart
            model.flushed = max(model.flushed, 0)
        }
        #expect(log.offsets.logEnd == model.end)
    }

    private func check(_ log: PartitionLog, _ model: inout Model, _ context: String) throws {
        let offsets = log.offsets
        #expect(offsets.logEnd >= min(model.flushed, model.end), "\(context): flushed records are gone")
        #expect(offsets.logStart >= model.logStart, "\(context)")
        var next = offsets.logStart
        for batch in try log.allBatches() {
            #expect(batch.hasValidChecksum, "\(context)")
            for record in try batch.allRecords() where record.offset >= offsets.logStart {
                #expect(record.offset == next, "\(context): a hole before \(record.offset)")
                let value = record.value.map { String(buffer: $0) } ?? ""
                if record.offset < model.flushed {
                    #expect(value == model.values[record.offset], "\(context): another record at \(record.offset)")
                } else {
                    #expect(
                        model.ever[record.offset]?.contains(value) == true,
                        "\(context): what was never written at \(record.offset)")
                }
                model.values[record.offset] = value
                next = record.offset + 1
            }
        }
        #expect(next == offsets.logEnd, "\(context)")
        for gone in model.values.keys where gone >= offsets.logEnd { model.values[gone] = nil }
        model.end = offsets.logEnd
        model.logStart = offsets.logStart
        model.flushed = min(model.flushed, offsets.logEnd)
        model.recoveryPoint = min(model.recoveryPoint, offsets.logEnd)
    }
}
