// SPDX-License-Identifier: Apache-2.0

import Glibc
import KafkaModel
import Testing

@testable import LogStorage

@Suite struct LogDirectoriesTests {
    private func open(
        _ paths: [String], broker: BrokerID = 1, cluster: String? = "cluster-a",
        _ fileSystem: any FileSystem = PosixFileSystem()
    ) throws(LogDirectoriesError) -> LogDirectories {
        var configuration = LogDirectoriesConfiguration(paths: paths, brokerID: broker, clusterID: cluster)
        configuration.recoveryThreads = 2
        return try LogDirectories.open(configuration, fileSystem: fileSystem, now: 0, logger: quiet) { _ in }
    }

    @Test func directoriesOfOthersAreRefused() throws {
        try withDirectory { root in
            let paths = [root + "/a", root + "/b"]
            let first = try open(paths)
            #expect(throws: LogDirectoriesError.self) { try open(paths) }
            first.close(now: 0)
            #expect(throws: LogDirectoriesError.self) { try open(paths, broker: 2) }
            #expect(throws: LogDirectoriesError.self) { try open(paths, cluster: "cluster-b") }
            // Nothing was touched, and nothing is still locked.
            let again = try open(paths, cluster: nil)
            #expect(again.clusterID == "cluster-a")
            again.close(now: 0)
        }
    }

    @Test func logsComeBackAfterAStopAndDeletedOnesDoNot() throws {
        try withDirectory { root in
            let manager = try open([root + "/a", root + "/b"])
            let id = KafkaUUID.random()
            for number in 0..<6 {
                let log = try manager.getOrCreateLog(
                    TopicPartition("t", Int32(number)), topicID: id, configuration: LogConfiguration(), now: 0)
                for _ in 0...number { try log.append(TestBatch(["x"])) }
            }
            // Spread over the directories.
            #expect(Set(manager.logs.map(\.logDirectory)).count == 2)
            try manager.deleteLog(TopicPartition("t", 5), now: 0)
            #expect(manager.log(for: TopicPartition("t", 5)) == nil)
            manager.removeDoomed(now: 60_000)
            manager.close(now: 0)
            let again = try open([root + "/a", root + "/b"])
            defer { again.close(now: 0) }
            #expect(again.progress == LoadProgress(logsLoaded: 5, logsTotal: 5))
            for number in 0..<5 {
                let log = try #require(again.log(for: TopicPartition("t", Int32(number))))
                #expect(log.offsets.logEnd == Int64(number) + 1 && log.topicID == id)
            }
            let names =
                try PosixFileSystem().list(root + "/a").map(\.name)
                + PosixFileSystem().list(root + "/b").map(\.name)
            #expect(!names.contains { $0.hasSuffix("-delete") })
        }
    }

    @Test func aFutureCopyTakesThePlaceOfItsLog() throws {
        try withDirectory { root in
            let manager = try open([root + "/a", root + "/b"])
            defer { manager.close(now: 0) }
            let partition = TopicPartition("t", 0)
            let log = try manager.getOrCreateLog(
                partition, topicID: nil, configuration: LogConfiguration(), in: root + "/a", now: 0)
            try log.append(TestBatch(["x"]))
            let future = try manager.getOrCreateFutureLog(
                partition, topicID: nil, configuration: LogConfiguration(), in: root + "/b", startingAt: 0, now: 0)
            _ = try future.appendAsFollower(log.bytes(from: 0), now: 0)
            #expect(try manager.replaceCurrentWithFuture(partition, now: 0) != nil)
            #expect(manager.log(for: partition)?.path == root + "/b/t-0")
            #expect(try manager.log(for: partition)?.allValues == ["x"])
            #expect(manager.futureLog(for: partition) == nil)
        }
    }

    @Test func aDirectoryThatFailsIsOfflineAndTheOthersServe() throws {
        try withDirectory { root in
            let file = try PosixFileSystem().open(root + "/not-a-directory", .create)
            try file.sync()
            let manager = try open([root + "/a", root + "/not-a-directory"])
            defer { manager.close(now: 0) }
            #expect(manager.onlinePaths == [root + "/a"])
            #expect(manager.offlinePaths == [root + "/not-a-directory"])
            #expect(throws: LogDirectoriesError.self) { try open([root + "/not-a-directory"]) }
        }
    }

    @Test func checkpointsOfAllKindsAreReadBackAndDamageIsNamed() throws {
        try withDirectory { root in
            for kind in OffsetCheckpoint.Kind.allCases {
                let checkpoint = OffsetCheckpoint(kind, in: root, PosixFileSystem())
                #expect(try checkpoint.read().isEmpty)
                let offsets: [TopicPartition: Offset] = [
                    TopicPartition("a", 0): 5, TopicPartition("b", 12): LogOffsets.highestEnd,
                ]
                try checkpoint.write(offsets)
                #expect(try checkpoint.read() == offsets)
                try PosixFileSystem().replace(checkpoint.path, with: Array("0\n2\na 0 5\nb twelve 3\n".utf8))
                do throws(LogError) {
                    _ = try checkpoint.read()
                    Issue.record("read")
                } catch {
                    #expect(error.description.contains("\(kind.rawValue), line 4: the partition is not a number"))
                }
                for impossible in [-1, .max] as [Offset] {
                    try checkpoint.write([TopicPartition("a", 0): impossible])
                    #expect(throws: LogError.self) { try checkpoint.read() }
                }
            }
        }
    }

    @Test func silentProducersAreForgottenAfterTheTimeThatHoldsNow() throws {
        try withDirectory { root in
            let manager = try open([root])
            defer { manager.close(now: 0) }
            let log = try manager.getOrCreateLog(
                TopicPartition("t", 0), topicID: nil, configuration: LogConfiguration(), now: 0)
            try log.append(TestBatch(["x"], timestamp: 1000, producerID: 7, epoch: 0, sequence: 0))
            manager.removeExpiredProducers(now: 2000)
            #expect(log.producers.count == 1)
            manager.reconfigure(recoveryThreads: 4, producerExpiration: 1000)
            #expect(manager.recoveryThreads == 4)
            manager.removeExpiredProducers(now: 2000)
            #expect(log.producers.isEmpty)
        }
    }

    /// Behind the largest offset there would be no room for a record.
    @Test func aLogStartThatNoLogCanHaveIsNotTaken() throws {
        try withDirectory { root in
            let partition = TopicPartition("t", 0)
            let manager = try open([root])
            let log = try manager.getOrCreateLog(partition, topicID: nil, configuration: LogConfiguration(), now: 0)
            try log.append(TestBatch(["x"]))
            manager.close(now: 0)
            try CleanShutdownFile.remove(in: root, PosixFileSystem())
            try OffsetCheckpoint(.logStart, in: root, PosixFileSystem()).write([partition: .max])
            let again = try open([root])
            defer { again.close(now: 0) }
            let found = try #require(again.log(for: partition))
            #expect(found.offsets.logStart == 0)
            #expect(try found.append(TestBatch(["y"])).firstOffset == 1)
        }
    }

    /// What is read whole is small by its nature. One that is not is damaged, and its disk is not.
    @Test func aSmallFileThatIsHugeIsNamedAndItsDirectoryServes() throws {
        try withDirectory { root in
            let disk = PosixFileSystem()
            let manager = try open([root])
            let log = try manager.getOrCreateLog(
                TopicPartition("t", 0), topicID: nil, configuration: LogConfiguration(), now: 0)
            try log.append(TestBatch(["x"], producerID: 7, epoch: 0, sequence: 0), epoch: 3)
            manager.close(now: 0)
            for name in [
                "t-0/leader-epoch-checkpoint", "t-0/00000000000000000001.snapshot", "replication-offset-checkpoint",
            ] {
                try disk.open(root + "/" + name, .create).truncate(to: 257 << 20)
            }
            let again = try open([root])
            defer { again.close(now: 0) }
            #expect(again.onlinePaths == [root])
            let found = try #require(again.log(for: TopicPartition("t", 0)))
            #expect(try found.allValues == ["x"])
            #expect(found.latestEpoch == 3)
            #expect(found.producers.map(\.producerID) == [7])
        }
    }
}
