// SPDX-License-Identifier: Apache-2.0

import ClusterMetadata
import Foundation
import KafkaModel
import KafkaRecords
import LogStorage
import Logging
import NIOCore
import Testing

@testable import BrokerServer

/// Replicas between log directories (KIP-113), on real logs.
@Suite struct DirectoryMoveTests {
    private let id = TopicPartition("t", 0)

    /// A scene that leads the partition alone, with records in it.
    private func scene(
        records: Int = 40, in parent: URL? = nil, epoch: LeaderEpoch = 0
    ) async throws -> ReplicaScene {
        let scene = try ReplicaScene(directories: 3, in: parent)
        let errors = await scene.leaderAndIsr(
            ReplicaScene.change(id, leader: 1, epoch: epoch, inSync: [1], replicas: [1]))
        #expect(errors == [id: .none])
        for _ in 0..<records { _ = try await scene.append(3, to: id) }
        return scene
    }

    private func move(_ scene: ReplicaScene, _ id: TopicPartition, to path: String) async -> ErrorCode {
        await scene.replicas.onControlQueue { scene.replicas.move(id, to: path) }
    }

    /// Where the log is, and a directory where it is not.
    private func places(_ scene: ReplicaScene) throws -> (here: String, elsewhere: String) {
        let here = try #require(scene.replicas.logs.log(for: id)?.logDirectory)
        return (here, try #require(scene.paths.first { $0 != here }))
    }

    private func eventually(_ condition: () throws -> Bool) async throws {
        for _ in 0..<1000 {
            if try condition() { return }
            try await Task.sleep(for: .milliseconds(10))
        }
        Issue.record("the condition does not come true")
    }

    private func offsets(_ log: PartitionLog) throws -> [Offset] {
        var found: [Offset] = []
        var next = log.offsets.logStart
        while next < log.offsets.logEnd {
            let read = try log.read(from: next, maxBytes: 1 << 16, upTo: .logEnd, atLeastOneBatch: true, as: .bytes)
            guard case .bytes(let bytes) = read.records else { break }
            var batches = RecordBatches(bytes)
            while let batch = try batches.next() {
                found += try batch.allRecords().map(\.offset)
                next = batch.header.nextOffset
            }
        }
        return found
    }

    @Test func aReplicaMovesWhileItIsWrittenTo() async throws {
        let scene = try await scene()
        let (here, elsewhere) = try places(scene)
        scene.moveRate.current = 20_000
        #expect(await move(scene, id, to: elsewhere) == .none)
        var last: Offset = -1
        for _ in 0..<300 { last = try await scene.append(2, to: id).last }
        // Where the log is led from, nobody notices.
        scene.moveRate.current = .max
        while scene.replicas.logs.log(for: id)?.logDirectory != elsewhere {
            last = try await scene.append(1, to: id).last
        }
        last = try await scene.append(1, to: id).last
        let log = try #require(scene.replicas.partition(id)?.log)
        #expect(log.logDirectory == elsewhere && scene.replicas.logs.futureLog(for: id) == nil)
        #expect(try offsets(log) == Array(0...last))
        #expect(log.offsets.highWatermark == last + 1)
        #expect(scene.replicas.moves.count == 0)
        let left = try FileManager.default.contentsOfDirectory(atPath: here)
        #expect(!left.contains("t-0") && left.contains { $0.hasPrefix("t-0.") && $0.hasSuffix("-delete") })
        let points = try OffsetCheckpoint(.recoveryPoint, in: here, PosixFileSystem()).read()
        #expect(points[id] == nil)
    }

    /// While files are renamed, followers go on to fetch.
    @Test func whatIsCommittedWhileACopyTakesTheLogsPlaceIsCommittedInIt() async throws {
        let files = HookedFileSystem()
        let scene = try ReplicaScene(directories: 2, fileSystem: files)
        await scene.leaderAndIsr(ReplicaScene.change(id, leader: 1, epoch: 0))
        let end = try await scene.append(3, to: id).last + 1
        let (_, elsewhere) = try places(scene)
        let partition = try #require(scene.replicas.partition(id))
        #expect(partition.log?.offsets.highWatermark == 0)
        files.onRenamed { path throws(FileError) in
            guard path == elsewhere + "/t-0" else { return }
            partition.fetched(
                PartitionRead(offset: end, leaderEpoch: 0, lastFetchedEpoch: 0, logStart: 0, maxBytes: 1), by: 2)
        }
        #expect(await move(scene, id, to: elsewhere) == .none)
        try await eventually { scene.replicas.moves.count == 0 && partition.log?.logDirectory == elsewhere }
        #expect(partition.state.withLock { $0.replica.leader?.highWatermark } == end)
        #expect(partition.log?.offsets.highWatermark == end)
    }

    @Test func aMoveIsToldAndCancelledByAskingForTheDirectoryWhereTheReplicaIs() async throws {
        let scene = try await scene()
        let (here, elsewhere) = try places(scene)
        scene.moveRate.current = 0
        #expect(await move(scene, id, to: elsewhere) == .none)
        // Asking again changes nothing.
        #expect(await move(scene, id, to: elsewhere) == .none)
        let told = scene.replicas.logs.describe().flatMap { directory in
            directory.replicas.map { (directory.path, $0.isFuture, $0.logEnd) }
        }
        #expect(told.contains { $0 == (here, false, 120) } && told.contains { $0 == (elsewhere, true, 0) })
        #expect(scene.replicas.lag(of: id, logEnd: 0, isFuture: true) == 120)
        // To yet another one: what was copied there is given up.
        let third = try #require(scene.paths.first { $0 != here && $0 != elsewhere })
        #expect(await move(scene, id, to: third) == .none)
        #expect(scene.replicas.logs.futureLog(for: id)?.logDirectory == third)
        #expect(await move(scene, id, to: here) == .none)
        #expect(scene.replicas.logs.futureLog(for: id) == nil && scene.replicas.moves.count == 0)
        scene.moveRate.current = .max
        #expect(scene.replicas.logs.log(for: id)?.logDirectory == here)
        #expect(try offsets(#require(scene.replicas.partition(id)?.log)).count == 120)
    }

    @Test func whatCannotBeMovedIsToldApart() async throws {
        let scene = try await scene(records: 1)
        let (here, elsewhere) = try places(scene)
        #expect(await move(scene, id, to: "/nowhere") == .logDirNotFound)
        let long = TopicPartition(String(repeating: "x", count: 240), 0)
        #expect(await move(scene, long, to: elsewhere) == .invalidTopicException)
        // A replica that comes later is made where it was asked to be.
        let other = TopicPartition("other", 0)
        // Of what does not exist nothing is remembered.
        #expect(await move(scene, other, to: elsewhere) == .unknownTopicOrPartition)
        let image = PartitionImage(leader: 1, leaderEpoch: 0, inSyncReplicas: [1], replicas: [1])
        _ = scene.metadata.apply(
            MetadataUpdate(
                controllerID: 1, brokers: ReplicaScene.brokers(1),
                topics: [.init(name: "other", id: .zero, partitions: [.init(index: 0, state: image)])]))
        for path in [here, elsewhere] { #expect(await move(scene, other, to: path) == .replicaNotAvailable) }
        await scene.leaderAndIsr(ReplicaScene.change(other, leader: 1, epoch: 0, inSync: [1], replicas: [1]))
        #expect(scene.replicas.logs.log(for: other)?.logDirectory == elsewhere)
        // In a failed directory nothing can be made, nor next to one, where another copy may lie.
        let third = try #require(scene.paths.first { $0 != here && $0 != elsewhere })
        try FileManager.default.removeItem(atPath: third)
        scene.replicas.logs.checkpointRecoveryPoints()
        #expect(await move(scene, id, to: third) == .kafkaStorageError)
        #expect(await move(scene, id, to: elsewhere) == .kafkaStorageError)
        #expect(await move(scene, id, to: here) == .none)
    }

    @Test func aDeletedReplicaTakesItsCopyAlong() async throws {
        let scene = try await scene()
        let (_, elsewhere) = try places(scene)
        scene.moveRate.current = 0
        #expect(await move(scene, id, to: elsewhere) == .none)
        let errors = await scene.replicas.onControlQueue { [id] in
            scene.replicas.apply([.init(partition: id, leaderEpoch: -2, delete: true)])
        }
        #expect(errors == [id: .none])
        #expect(scene.replicas.logs.log(for: id) == nil && scene.replicas.logs.futureLog(for: id) == nil)
        #expect(scene.replicas.moves.count == 0)
    }

    @Test func aMoveGoesOnAfterARestart() async throws {
        let parent = FileManager.default.temporaryDirectory.appendingPathComponent("martlet-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: parent) }
        var elsewhere = ""
        do {
            let scene = try await scene(records: 60, in: parent)
            elsewhere = try places(scene).elsewhere
            scene.moveRate.current = 3000
            #expect(await move(scene, id, to: elsewhere) == .none)
            try await eventually { scene.replicas.logs.futureLog(for: id)?.offsets.logEnd ?? 0 > 0 }
            scene.end()
        }
        let scene = try ReplicaScene(directories: 3, in: parent)
        let copied = try #require(scene.replicas.logs.futureLog(for: id)).offsets.logEnd
        #expect(copied > 0 && copied < 180)
        // It waits for the controller to say what this replica is.
        #expect(scene.replicas.moves.count == 0)
        await scene.leaderAndIsr(
            ReplicaScene.change(id, leader: 1, epoch: 1, inSync: [1], replicas: [1], isNew: false))
        try await eventually { scene.replicas.logs.log(for: id)?.logDirectory == elsewhere }
        #expect(try offsets(#require(scene.replicas.logs.log(for: id))) == Array(0..<180))
        #expect(scene.replicas.logs.log(for: id)?.latestEpoch == 1)
    }

    /// What was copied and then cut off must not come back with the swap.
    @Test func aCopyFollowsTheCutsOfItsLog() async throws {
        let scene = try await scene(records: 30)
        let (_, elsewhere) = try places(scene)
        let partition = try #require(scene.replicas.partition(id))
        let log = try #require(partition.log)
        let future = try scene.replicas.logs.getOrCreateFutureLog(
            id, topicID: nil, configuration: log.configuration, in: elsewhere, startingAt: 0, now: 0)
        let move = ReplicaMove(partition, future: future, swap: { _ in false }, logger: scene.replicas.logger)
        func catchUp() {
            for _ in 0..<1000 where move.step(maxBytes: 200) != .caughtUp { continue }
        }
        catchUp()
        #expect(future.offsets.logEnd == 90)
        // As a follower that has diverged: cut, and then other records of the same epoch.
        let cut = try log.truncate(to: 60, now: 0)
        move.logWasCut(to: cut)
        #expect(!move.hasFollowedCuts)
        for _ in 0..<10 { _ = try await scene.append(5, to: id) }
        catchUp()
        #expect(move.hasFollowedCuts && future.offsets.logEnd == log.offsets.logEnd)
        let copy = try future.read(from: 0, maxBytes: 1 << 20, upTo: .logEnd, atLeastOneBatch: true, as: .bytes)
        let original = try log.read(from: 0, maxBytes: 1 << 20, upTo: .logEnd, atLeastOneBatch: true, as: .bytes)
        guard case .bytes(let left) = copy.records, case .bytes(let right) = original.records else {
            Issue.record("no bytes")
            return
        }
        #expect(left == right)
        move.stop()
        #expect(move.step(maxBytes: 100) == .stopped)
    }

    /// Records below the log's start need not be copied, also where it lies inside a batch.
    @Test func aCopyStartsWhereTheLogStarts() async throws {
        let scene = try await scene(records: 30)
        let (_, elsewhere) = try places(scene)
        try scene.replicas.logs.log(for: id)?.raiseLogStart(to: 40)
        #expect(await move(scene, id, to: elsewhere) == .none)
        try await eventually { scene.replicas.logs.log(for: id)?.logDirectory == elsewhere }
        let log = try #require(scene.replicas.logs.log(for: id))
        #expect(log.offsets.logStart == 40)
        #expect(try offsets(log) == Array(39..<90))
    }

    @Test func aFollowerFetchesIntoTheLogThatWasMoved() async throws {
        let scene = try await scene(records: 5)
        let (_, elsewhere) = try places(scene)
        await scene.leaderAndIsr(ReplicaScene.change(id, leader: 2, epoch: 1))
        scene.followers.leaders.withLock { $0 = [:] }
        #expect(await move(scene, id, to: elsewhere) == .none)
        try await eventually { scene.replicas.partition(id)?.log?.logDirectory == elsewhere }
        try await eventually { scene.followers.leaders.withLock { $0 } == [id: 2] }
    }

    @Test func theLimitIsKeptOverTime() {
        let throttle = MoveThrottle { 1000 }
        #expect(throttle.delay(now: 0) == 0)
        #expect(throttle.limit(1 << 20) == 1000)
        throttle.took(1000)
        #expect(throttle.delay(now: 0) == 1000)
        #expect(throttle.delay(now: 400) == 600)
        #expect(throttle.delay(now: 1000) == 0)
        // Credit does not gather beyond a second.
        #expect(throttle.delay(now: 60_000) == 0)
        throttle.took(3000)
        #expect(throttle.delay(now: 60_000) == 2000)
        let stopped = MoveThrottle { 0 }
        #expect(stopped.delay(now: 0) == .max)
        #expect(MoveThrottle { .max }.delay(now: 0) == 0)
    }
}
