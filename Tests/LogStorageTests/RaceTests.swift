// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import NIOCore
import Synchronization
import Testing

@testable import LogStorage

/// Flushes and looks beside changes that take files away: a file that is gone because the log has changed is no failure of the
/// disk, and a new file of its name belongs to another segment.
@Suite struct RaceTests {
    private func log(segments: Int = 5) throws -> (ForgetfulFileSystem, TestLog, PartitionLog) {
        let disk = ForgetfulFileSystem(seed: 1)
        try disk.makeDirectory("/d")
        var test = try TestLog("/d", disk, openFiles: 8)
        test.configuration.segmentBytes = 300
        test.configuration.indexIntervalBytes = 1
        let log = try test.open()
        while log.segmentCount < segments { try log.append(TestBatch(["value", "another"])) }
        return (disk, test, log)
    }

    /// The names of files that were synced.
    private final class Synced: Sendable {
        let paths = Mutex<[String]>([])
    }

    /// Lets something happen right behind the first sync of a file.
    @discardableResult
    private func afterFirstSync(
        _ disk: ForgetfulFileSystem, _ body: @escaping @Sendable () throws -> Void
    ) -> Synced {
        let synced = Synced()
        disk.afterSync.withLock {
            $0 = { path in
                let isFirst = synced.paths.withLock { paths in
                    paths.append(path)
                    return paths.count == 1
                }
                if isFirst { #expect(throws: Never.self) { try body() } }
            }
        }
        return synced
    }

    private func segments(_ log: PartitionLog) -> [LogSegment] { log.published.withLock { $0.segments.all } }

    /// A follower's mark goes down when its log is cut, while retention or its leader's start moves its own.
    @Test func theLogsStartNeverComesToLieAboveTheMark() async throws {
        let (_, _, log) = try log()
        let end = log.offsets.logEnd
        await withTaskGroup(of: Void.self) { group in
            for body in [
                { @Sendable in
                    for _ in 0..<20_000 {
                        log.updateHighWatermark(end)
                        log.updateHighWatermark(0)
                    }
                },
                { @Sendable in
                    for offset in 1...end {
                        for _ in 0..<2000 { _ = try? log.raiseLogStart(to: offset) }
                        let offsets = log.offsets
                        #expect(offsets.logStart <= offsets.highWatermark)
                    }
                },
            ] { group.addTask(operation: body) }
        }
    }

    @Test func aFlushGoesOnWithTheLogAsItIsAfterACut() throws {
        let (disk, test, log) = try log()
        let second = segments(log)[1].base
        afterFirstSync(disk) { try log.truncate(to: second, now: 0) }
        #expect(try log.flush() == second)
        #expect(!test.health.isOffline)
    }

    @Test func aFlushGoesOnWithTheLogAsItIsAfterANewBeginning() throws {
        let (disk, test, log) = try log()
        afterFirstSync(disk) { try log.truncateFullyAndStart(at: 1000, now: 0) }
        #expect(try log.flush() == 1000)
        #expect(!test.health.isOffline)
    }

    @Test func aFlushLeavesTheIndexOfANewSegmentOfTheSameNameAlone() throws {
        let (disk, test, log) = try log()
        let old = segments(log)[1]
        let entries = try old.offsetIndex.count
        afterFirstSync(disk) {
            try log.truncate(to: old.base - 1, now: 0)
            while log.offsets.logEnd < old.base { try log.append(TestBatch(["v", "v"])) }
            try log.roll(now: 0)
            while log.segmentCount < 5 { try log.append(TestBatch(["v"])) }
        }
        try log.flush()
        #expect(!test.health.isOffline)
        let new = segments(log)[1]
        #expect(new.base == old.base && new !== old)
        #expect(try new.offsetIndex.count != entries)
        for segment in segments(log).dropLast() {
            let length = try disk.status(of: segment.path(.index))?.size
            #expect(try length == segment.offsetIndex.usedBytes)
        }
    }

    @Test func aFlushGoesOnInTheDirectoryThatTheLogHasGotMeanwhile() throws {
        let (disk, test, log) = try log()
        let moved = "/d/topic-0.0123-future"
        let synced = afterFirstSync(disk) { try log.move(to: moved) }
        #expect(try log.flush() == log.offsets.logEnd)
        #expect(!test.health.isOffline)
        // The snapshots of producers as well, which are sought by their names.
        for segment in segments(log).dropFirst() {
            let name = SegmentFileName(base: segment.base, kind: .snapshot).name
            #expect(synced.paths.withLock { $0.contains(moved + "/" + name) })
        }
    }

    /// Two threads look and sync while one cuts, begins anew and deletes.
    @Test func whoLooksOrFlushesWhileFilesGoMeetsNoFailureOfTheDisk() throws {
        let (_, test, log) = try log()
        let isOver = Atomic(false)
        let failures = Mutex<[String]>([])
        @Sendable func attempt(_ body: () throws(LogError) -> Void) {
            do throws(LogError) {
                try body()
            } catch {
                // What is read while it is cut may be half there; that is the reader's to try again.
                if case .file = error { failures.withLock { $0.append("\(error)") } }
                if case .directoryOffline = error { failures.withLock { $0.append("\(error)") } }
            }
        }
        Threads.forEach(3, threads: 3) { index in
            var round = 0
            while !isOver.load(ordering: .relaxed) {
                round += 1
                switch index {
                case 0:
                    for _ in 0..<12 { attempt { () throws(LogError) in try log.append(TestBatch(["value"])) } }
                    let offsets = log.offsets
                    switch round % 3 {
                    case 0:
                        attempt { () throws(LogError) in
                            try log.truncateFullyAndStart(at: offsets.logStart + 1, now: 0)
                        }
                    case 1:
                        attempt { () throws(LogError) in
                            try log.truncate(to: (offsets.logStart + offsets.logEnd) / 2, now: 0)
                        }
                    default:
                        log.updateHighWatermark(offsets.logEnd)
                        attempt { () throws(LogError) in
                            try log.raiseLogStart(to: offsets.logEnd - 3)
                            try log.deleteOldSegments(now: 1000)
                            try log.removeDeletedFiles(now: .max)
                        }
                    }
                    if round == 400 { isOver.store(true, ordering: .relaxed) }
                case 1: attempt { () throws(LogError) in try log.flush() }
                default:
                    attempt { () throws(LogError) in _ = try log.byteCount() }
                    attempt { () throws(LogError) in _ = try log.offset(for: .time(1000)) }
                    attempt { () throws(LogError) in _ = try log.cleaningFacts() }
                    attempt { () throws(LogError) in
                        _ = try log.segmentOffsets(before: -1, atMost: 9, upTo: .logEnd, now: 0)
                    }
                    attempt { () throws(LogError) in _ = try log.position(of: log.offsets.logStart) }
                    attempt { () throws(LogError) in
                        _ = try log.abortedTransactions(from: log.offsets.logStart, upTo: log.offsets.logEnd)
                    }
                }
            }
        }
        #expect(failures.withLock { $0 } == [])
        #expect(!test.health.isOffline)
        try log.flush()
        #expect(log.offsets.recoveryPoint == log.offsets.logEnd)
    }

    // MARK: Transaction indexes

    private func aborted() throws -> (ForgetfulFileSystem, PartitionLog) {
        let disk = ForgetfulFileSystem(seed: 1)
        try disk.makeDirectory("/d")
        let log = try TestLog("/d", disk).open()
        try log.append(TestBatch(["no"], producerID: 1, epoch: 0, sequence: 0, isTransactional: true))
        try log.append(.marker(1, epoch: 0, commit: false), origin: .coordinator)
        return (disk, log)
    }

    @Test func theAbortsOfASegmentThatIsNoLongerActiveAreReadWhenTheyAreNeeded() throws {
        let (disk, log) = try aborted()
        func opened() throws -> Bool {
            _ = disk.takeOpened()
            #expect(
                try log.abortedTransactions(from: 0, upTo: 2) == [AbortedTransaction(producerID: 1, firstOffset: 0)])
            return disk.takeOpened().contains { $0.hasSuffix(".txnindex") }
        }
        #expect(try !opened())
        try log.roll(now: 0)
        #expect(try opened())
        #expect(try !opened())
        // And given up again, some time after they were read.
        try log.deleteOldSegments(now: 1000)
        #expect(try opened())
    }

    @Test func abortsThatNoOneHasOnDiskYetAreKept() throws {
        let (disk, log) = try aborted()
        disk.fail(after: 0, with: FileError.noSpace, [.open], under: "/d/topic-0/00000000000000000000.txnindex")
        try log.append(TestBatch(["no"], producerID: 1, epoch: 0, sequence: 1, isTransactional: true))
        try log.append(.marker(1, epoch: 0, commit: false), origin: .coordinator)
        segments(log)[0].closeIdle()
        #expect(try log.abortedTransactions(from: 0, upTo: 4).map(\.firstOffset) == [0, 2])
    }

    @Test func aTransactionIndexThatIsGoneIsNotAnEmptyOne() throws {
        let (disk, log) = try aborted()
        try log.roll(now: 0)
        try disk.remove("/d/topic-0/00000000000000000000.txnindex")
        #expect(throws: LogError.self) { try log.abortedTransactions(from: 0, upTo: 2) }
    }

    @Test func aTransactionIndexIsFoundWhileItsDirectoryIsRenamed() throws {
        let (disk, log) = try aborted()
        try log.roll(now: 0)
        let seen = Mutex<[Int]>([])
        disk.afterRename.withLock {
            $0 = { _ in
                let count = (try? log.abortedTransactions(from: 0, upTo: 2).count) ?? -1
                seen.withLock { $0.append(count) }
            }
        }
        try log.move(to: "/d/topic-0.0123-future")
        #expect(seen.withLock { $0 } == [1])
    }
}
