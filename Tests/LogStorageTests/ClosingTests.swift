// SPDX-License-Identifier: Apache-2.0

import Glibc
import KafkaModel
import Testing

@testable import LogStorage

/// What a stop makes durable, what the making of logs leaves to the first flush, and what neither has to wait for.
@Suite struct ClosingTests {
    private static let everySync: Set<FileError.Operation> = [.fdatasync, .fsync, .syncfs]

    private func open(_ disk: ForgetfulFileSystem, paths: [String] = ["/d"]) throws -> LogDirectories {
        var configuration = LogDirectoriesConfiguration(paths: paths, brokerID: 1, clusterID: "c")
        configuration.producerExpiration = .max
        return try LogDirectories.open(configuration, fileSystem: disk, now: 0, logger: quiet) { _ in }
    }

    private func disk(seed: UInt64) throws -> ForgetfulFileSystem {
        let disk = ForgetfulFileSystem(seed: seed)
        try disk.makeDirectory("/d")
        try disk.syncDirectory("/")
        return disk
    }

    private func make(_ count: Int, in logs: LogDirectories, id: KafkaUUID) throws {
        for number in 0..<count {
            let log = try logs.getOrCreateLog(
                TopicPartition("t", Int32(number)), topicID: id, configuration: LogConfiguration(), now: 0)
            try log.assignEpochStart(3)
            try log.append(
                TestBatch(["x"], producerID: 7, epoch: 0, sequence: 0), epoch: 3)
        }
    }

    /// Few are synced one by one, many by one call.
    @Test(arguments: [3, 40], 0..<10)
    func aStopInOrderIsOneAlsoAfterThePowerWasLost(_ count: Int, _ seed: UInt64) throws {
        let disk = try disk(seed: seed)
        let id = KafkaUUID(high: 1, low: 2)
        let logs = try open(disk)
        try make(count, in: logs, id: id)
        logs.close(now: 0)
        disk.crash()
        #expect(try CleanShutdownFile.exists(in: "/d", disk))
        let again = try open(disk)
        defer { again.close(now: 0) }
        #expect(again.logs.count == count)
        for log in again.logs {
            #expect(try log.allValues == ["x"])
            #expect(log.offsets.recoveryPoint == 1)
            #expect(log.producers.map(\.producerID) == [7])
            #expect(log.epochs.entries == [EpochEntry(epoch: 3, startOffset: 0)])
            #expect(log.topicID == id)
        }
        #expect(again.progress.segmentsTotal == 0)
    }

    @Test func whatIsOnDiskAlreadyIsNotSyncedAgain() throws {
        let disk = try disk(seed: 1)
        let logs = try open(disk)
        try make(3, in: logs, id: KafkaUUID(high: 1, low: 2))
        logs.close(now: 0)
        let again = try open(disk)
        // Their own files; the checkpoints of the directory are written at any rate.
        disk.fail(after: 0, with: EIO, Self.everySync, under: "/d/t-")
        again.close(now: 0)
        #expect(try CleanShutdownFile.exists(in: "/d", disk))
    }

    /// As in the directories that Kafka has closed (`golden/logs`, `main-broker-1`). A log that was emptied still knows its
    /// producers.
    @Test func aLogThatNeverHadARecordIsClosedWithoutASnapshot() throws {
        let disk = try disk(seed: 1)
        let logs = try open(disk)
        func files(_ partition: Int32) throws -> [String] {
            try disk.list("/d/t-\(partition)").map(\.name).filter { $0.hasPrefix("0") }.sorted()
        }
        let (empty, moved, emptied) = (TopicPartition("t", 0), TopicPartition("t", 1), TopicPartition("t", 2))
        for partition in [empty, moved, emptied] {
            _ = try logs.getOrCreateLog(partition, topicID: nil, configuration: LogConfiguration(), now: 0)
        }
        try logs.log(for: moved)?.truncateFullyAndStart(at: 60, now: 0)
        let log = try #require(logs.log(for: emptied))
        try log.append(TestBatch(["x"], producerID: 7, epoch: 0, sequence: 0))
        _ = log.updateHighWatermark(1)
        _ = try log.raiseLogStart(to: 1)
        logs.close(now: 0)
        func segment(_ base: Int) -> [String] {
            ["index", "log", "timeindex"].map { String("0000000000000000000\(base)".suffix(20)) + "." + $0 }
        }
        #expect(try files(0) == segment(0))
        #expect(try files(1) == segment(60))
        #expect(try files(2).contains("00000000000000000001.snapshot"))
        let again = try open(disk)
        defer { again.close(now: 0) }
        #expect(again.logs.map(\.offsets.logEnd).sorted() == [0, 1, 60])
        #expect(again.log(for: emptied)?.producers.map(\.producerID) == [7])
    }

    /// A leadership without a record is cut off at the start. The file follows before anything is appended.
    @Test func aStartAfterAStopInOrderWaitsForNoLogsSync() throws {
        let disk = try disk(seed: 1)
        let logs = try open(disk)
        try make(2, in: logs, id: KafkaUUID(high: 1, low: 2))
        logs.close(now: 0)
        for log in logs.logs {
            // As Kafka leaves it.
            try LeaderEpochCheckpoint(in: log.path, disk).write([
                EpochEntry(epoch: 3, startOffset: 0), EpochEntry(epoch: 5, startOffset: 1),
            ])
        }
        disk.fail(after: 0, with: EIO, Self.everySync, under: "/d/t-")
        let again = try open(disk)
        #expect(again.offlinePaths == [] && again.logs.count == 2)
        again.close(now: 0)
        #expect(try CleanShutdownFile.exists(in: "/d", disk))
        disk.heal()
        let third = try open(disk)
        let log = try #require(third.logs.first)
        #expect(log.latestEpoch == 3)
        try log.append(TestBatch(["y"]), epoch: 3)
        #expect(
            try LeaderEpochCheckpoint(in: log.path, disk).read() == [EpochEntry(epoch: 3, startOffset: 0)])
        third.close(now: 0)
    }

    @Test func aStopWhoseSyncFailsIsNone() throws {
        let disk = try disk(seed: 1)
        let logs = try open(disk)
        try make(40, in: logs, id: KafkaUUID(high: 1, low: 2))
        disk.fail(after: 0, with: EIO, [.syncfs])
        logs.close(now: 0)
        #expect(logs.offlinePaths == ["/d"])
        disk.heal()
        #expect(try !CleanShutdownFile.exists(in: "/d", disk))
    }

    @Test func manyLogsAreMadeWithoutWaitingForTheDisk() throws {
        let disk = try disk(seed: 1)
        let logs = try open(disk)
        disk.fail(after: 0, with: EIO, Self.everySync)
        try make(40, in: logs, id: KafkaUUID(high: 1, low: 2))
        #expect(logs.offlinePaths == [])
    }

    @Test(arguments: 0..<20)
    func theFirstFlushMakesTheLogItselfDurable(_ seed: UInt64) throws {
        let disk = try disk(seed: seed)
        let id = KafkaUUID(high: 1, low: 2)
        let logs = try open(disk)
        try make(2, in: logs, id: id)
        let flushed = try #require(logs.log(for: TopicPartition("t", 1)))
        try flushed.flush()
        logs.checkpointRecoveryPoints()
        disk.crash()
        let again = try open(disk)
        defer { again.close(now: 0) }
        let log = try #require(again.log(for: TopicPartition("t", 1)))
        #expect(try log.allValues == ["x"])
        #expect(log.topicID == id)
        #expect(log.epochs.entries == [EpochEntry(epoch: 3, startOffset: 0)])
    }

    /// What was durable is never replaced by what is not.
    @Test(arguments: 0..<20)
    func afterTheFirstFlushSmallFilesAreReplacedDurably(_ seed: UInt64) throws {
        let disk = try disk(seed: seed)
        let logs = try open(disk)
        try make(1, in: logs, id: KafkaUUID(high: 1, low: 2))
        let log = try #require(logs.log(for: TopicPartition("t", 0)))
        try log.flush()
        try log.append(TestBatch(["y"]), epoch: 9)
        disk.crash()
        let written = try LeaderEpochCheckpoint(in: "/d/t-0", disk).read()
        #expect(written == [EpochEntry(epoch: 3, startOffset: 0), EpochEntry(epoch: 9, startOffset: 1)])
    }

    @Test func directoriesAreNamedAsKafkaNamesThem() throws {
        try withDirectory { root in
            func open(_ paths: [String]) throws -> LogDirectories {
                try LogDirectories.open(
                    LogDirectoriesConfiguration(paths: paths, brokerID: 1, clusterID: "c"), now: 0, logger: quiet
                ) { _ in }
            }
            let logs = try open([root + "//a/", root + "/b/../c"])
            #expect(logs.onlinePaths == [root + "/a", root + "/b/../c"])
            #expect(logs.isOnline(root + "/a") == true)
            logs.close(now: 0)
            #expect(PosixFileSystem().absolute("data/") == PosixFileSystem().workingDirectory + "/data")
            do throws(LogDirectoriesError) {
                _ = try LogDirectories.open(
                    LogDirectoriesConfiguration(paths: [root + "/a", root + "/c/../a"], brokerID: 1, clusterID: "c"),
                    now: 0, logger: quiet
                ) { _ in }
                Issue.record("opened twice")
            } catch {
                guard case .sameDirectory = error else {
                    Issue.record("\(error)")
                    return
                }
            }
        }
    }
}
