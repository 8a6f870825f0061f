// SPDX-License-Identifier: Apache-2.0

import Glibc
import KafkaModel
import KafkaRecords
import Testing

@testable import LogStorage

/// A move between directories survives a crash at any moment: the partition is there once, with all its records.
@Suite struct DirectoryMoveCrashTests {
    private let partition = TopicPartition("t", 0)
    private static let changing: Set<FileError.Operation> = [
        .write, .fdatasync, .ftruncate, .fsync, .rename, .unlink, .rmdir, .mkdir,
    ]

    private func open(_ disk: ForgetfulFileSystem) throws(LogDirectoriesError) -> LogDirectories {
        let configuration = LogDirectoriesConfiguration(paths: ["/a", "/b"], brokerID: 1, clusterID: "c")
        return try LogDirectories.open(configuration, fileSystem: disk, now: 0, logger: quiet) { _ in }
    }

    /// A log in `/a` with ten flushed records and a leadership without any, and its complete copy in `/b`.
    private func prepare(_ seed: UInt64) throws -> (ForgetfulFileSystem, LogDirectories) {
        let disk = ForgetfulFileSystem(seed: seed)
        try disk.makeDirectory("/a")
        try disk.makeDirectory("/b")
        try disk.syncDirectory("/")
        let manager = try open(disk)
        let id = KafkaUUID.random()
        let log = try manager.getOrCreateLog(
            partition, topicID: id, configuration: LogConfiguration(), in: "/a", now: 0)
        for number in 0..<10 { try log.append(TestBatch(["\(number)"]), epoch: 1) }
        try log.flush()
        log.updateHighWatermark(10)
        try log.assignEpochStart(3)
        manager.checkpointRecoveryPoints()
        let future = try manager.getOrCreateFutureLog(
            partition, topicID: id, configuration: LogConfiguration(), in: "/b", startingAt: 0, now: 0)
        _ = try future.appendAsFollower(log.bytes(from: 0), now: 0)
        return (disk, manager)
    }

    @Test(arguments: 0..<40)
    func nothingIsLostAndNothingIsThereTwice(_ seed: Int) throws {
        for calls in 0..<40 {
            let (disk, manager) = try prepare(UInt64(seed * 100 + calls))
            disk.fail(after: calls, with: EIO, Self.changing)
            let swapped = try? manager.replaceCurrentWithFuture(partition, now: 0)
            disk.crash()
            disk.heal()
            let again = try open(disk)
            let log = try #require(again.log(for: partition), "calls \(calls)")
            #expect(try log.allValues == (0..<10).map(String.init), "calls \(calls)")
            if let swapped {
                #expect(log.logDirectory == "/b")
                // The leadership without a record was taken along.
                #expect(swapped.latestEpoch == 3)
            }
            // Whatever state the crash has left, the move can be brought to its end.
            if log.logDirectory == "/a" {
                let future = try again.getOrCreateFutureLog(
                    partition, topicID: nil, configuration: LogConfiguration(), in: "/b", startingAt: 0, now: 0)
                if future.offsets.logEnd < 10 {
                    _ = try future.appendAsFollower(log.bytes(from: future.offsets.logEnd), now: 0)
                }
                #expect(try again.replaceCurrentWithFuture(partition, now: 0)?.logDirectory == "/b")
            }
            again.close(now: 0)
            let last = try open(disk)
            #expect(try last.log(for: partition)?.allValues == (0..<10).map(String.init))
            #expect(last.logs.count == 1 && last.futureLogs.isEmpty)
            last.close(now: 0)
        }
    }

    @Test func twoLogsThatHavePartedAreForTheOperator() throws {
        let (disk, manager) = try prepare(1)
        let log = try #require(manager.log(for: partition))
        let future = try #require(manager.futureLog(for: partition))
        try log.append(TestBatch(["only here"]), epoch: 3)
        try future.append(TestBatch(["only there"]), epoch: 2)
        manager.close(now: 0)
        try disk.rename(future.path, to: "/b/t-0")
        do throws(LogDirectoriesError) {
            _ = try open(disk)
            Issue.record("opened")
        } catch {
            #expect(error.description.contains("/a/t-0") && error.description.contains("/b/t-0"))
        }
    }

    @Test func aCopyThatIsBehindDoesNotTakeTheLogsPlace() throws {
        let (_, manager) = try prepare(2)
        let log = try #require(manager.log(for: partition))
        try log.append(TestBatch(["one more"]), epoch: 3)
        #expect(try manager.replaceCurrentWithFuture(partition, now: 0) == nil)
        #expect(manager.log(for: partition) === log)
        manager.close(now: 0)
    }

    @Test func aRecoveryPointAboveACutIsTakenBackOnDisk() throws {
        let (disk, manager) = try prepare(3)
        defer { manager.close(now: 0) }
        let checkpoint = OffsetCheckpoint(.recoveryPoint, in: "/a", disk)
        #expect(try checkpoint.read()[partition] == 10)
        try manager.truncate([partition: 4], now: 0)
        #expect(try checkpoint.read()[partition] == 0)
        // And what is below it already costs nothing.
        let changes = disk.changes
        manager.checkpointAfterCut(try #require(manager.log(for: partition)))
        #expect(disk.changes == changes)
    }

    /// After a loss of what was committed: else the next life would show readers what nobody has committed.
    @Test func aHighWatermarkAboveACutIsTakenBackOnDisk() throws {
        let (disk, manager) = try prepare(3)
        defer { manager.close(now: 0) }
        let log = try #require(manager.log(for: partition))
        log.updateHighWatermark(8)
        manager.checkpointHighWatermarks()
        let checkpoint = OffsetCheckpoint(.highWatermark, in: "/a", disk)
        #expect(try checkpoint.read()[partition] == 8)
        try manager.truncate([partition: 4], now: 0)
        #expect(try checkpoint.read()[partition] == log.offsets.highWatermark)
        #expect(log.offsets.highWatermark <= 4)
    }

    @Test func aHighWatermarkAboveWhatACrashHasLeftIsTakenBackOnDisk() throws {
        let (disk, manager) = try prepare(3)
        let log = try #require(manager.log(for: partition))
        let end = log.offsets.logEnd
        log.updateHighWatermark(end)
        manager.checkpointHighWatermarks()
        let checkpoint = OffsetCheckpoint(.highWatermark, in: "/a", disk)
        try log.truncate(to: end - 2, now: 0)
        #expect(try checkpoint.read()[partition] == end)
        disk.kill()
        let again = try open(disk)
        defer { again.close(now: 0) }
        let left = try #require(again.log(for: partition)).offsets
        #expect(left.logEnd < end)
        #expect(try checkpoint.read()[partition] == left.highWatermark)
    }

    /// A leader's log may start inside a batch (KIP-107).
    @Test func anEmptyFollowerBeginsWithTheBatchInWhichItsLeaderStarts() throws {
        let disk = ForgetfulFileSystem(seed: 4)
        try disk.makeDirectory("/d")
        let leader = try TestLog("/d", disk).open()
        for number in 0..<4 { try leader.append(TestBatch(["\(number)", "x", "y"])) }
        leader.updateHighWatermark(12)
        try leader.raiseLogStart(to: 7)
        try disk.makeDirectory("/e")
        let follower = try TestLog("/e", disk).open(logStart: 7)
        #expect(follower.offsets.logEnd == 7)
        _ = try follower.appendAsFollower(leader.bytes(from: 7), now: 0)
        #expect(follower.offsets.logStart == 6 && follower.offsets.logEnd == 12)
        follower.updateHighWatermark(12)
        try follower.raiseLogStart(to: 7)
        #expect(try follower.allRecords().map(\.offset) == Array(7..<12))
        // With anything in the log it would be a fork.
        #expect(throws: LogError.self) { try follower.appendAsFollower(leader.bytes(from: 9), now: 0) }
    }
}
