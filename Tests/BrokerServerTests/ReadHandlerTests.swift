// SPDX-License-Identifier: Apache-2.0

import ClusterMetadata
import Dispatch
import Foundation
import KafkaModel
import KafkaNetworking
import KafkaProtocol
import LogStorage
import NIOCore
import Testing

@testable import BrokerServer

private let partition = TopicPartition("t", 0)

/// What a fetch is answered, and when.
@Suite struct FetchHandlerTests {
    /// A scene that leads the partition alone.
    private func alone(_ properties: [String: String] = [:], topicID: KafkaUUID? = nil) async throws -> ReplicaScene {
        let scene = try ReplicaScene(properties)
        await scene.leaderAndIsr(
            ReplicaScene.change(partition, leader: 1, epoch: 0, inSync: [1], replicas: [1], topicID: topicID))
        return scene
    }

    @Test(arguments: [-1, -2, 2] as [BrokerID], [1, 3, 11] as [Int16])
    func nobodyIsSentMoreThanTheBrokerAllows(_ reader: BrokerID, _ version: Int16) async throws {
        let scene = try ReplicaScene()
        for index in 0..<4 as Range<Int32> {
            let id = TopicPartition("t", index)
            await scene.leaderAndIsr(ReplicaScene.change(id, leader: 1, epoch: 0, inSync: [1]))
            for _ in 0..<10 { try await scene.append(1, to: id, size: 1000) }
        }
        try await RequestScene.serving(scene, fetchMaxBytes: 5000) { server in
            let connection = try await server.connect()
            // Naming more partitions does not help.
            let request = FetchRequest("t", offsets: 0, 0, 0, 0).with { $0.replicaID = reader }
            let sizes = try await connection.send(request, version: version).sizes
            #expect(sizes.count == 4)
            // Whole batches of about 1,080 bytes where they are converted.
            #expect(sizes[0] > 4000)
            #expect(sizes.reduce(0, +) <= 5000)
        }
    }

    /// Tools that verify replicas call themselves −2, and must not be told of records that may go again.
    @Test(arguments: [-1, -2] as [BrokerID])
    func whoIsNoReplicaSeesWhatIsCommitted(_ reader: BrokerID) async throws {
        let scene = try ReplicaScene()
        await scene.leaderAndIsr(ReplicaScene.change(partition, leader: 1, epoch: 0))
        let end = try await scene.append(1, to: partition).last + 1
        try await RequestScene.serving(scene) { server in
            let connection = try await server.connect()
            let request = FetchRequest("t", offsets: 0).with { $0.replicaID = reader }
            #expect(try await connection.send(request, version: 11).sizes == [0])
            let follower = FetchRequest("t", offsets: end).with { $0.replicaID = 2 }
            #expect(try await connection.send(follower, version: 11).errors == [.none])
            #expect(try await connection.send(request, version: 11).sizes[0] > 0)
        }
    }

    /// It has nothing to expect for the moment, but must hear at once that another leads.
    @Test func aFollowerThatIsHeldBackHearsOfANewLeader() async throws {
        let scene = try ReplicaScene()
        await scene.leaderAndIsr(ReplicaScene.change(partition, leader: 1, epoch: 0, inSync: [1]))
        try await scene.append(1, to: partition)
        let (settings, _) = scene.settings.update("t", overrides: ["leader.replication.throttled.replicas": "*"])
        scene.replicas.reconfigure("t", settings)
        try await RequestScene.serving(scene, leaderRate: 1) { server in
            let connection = try await server.connect()
            let request = FetchRequest("t", offsets: 0).with {
                $0.replicaID = 2
                $0.maxWaitMs = 60_000
                $0.minBytes = 1
            }
            let fetch = RequestScene.Arrival(connection.submit(request, version: 11, timeout: .seconds(30)))
            while scene.replicas.delayedFetch.count == 0 { try await Task.sleep(for: .milliseconds(1)) }
            await scene.leaderAndIsr(ReplicaScene.change(partition, leader: 2, epoch: 1))
            #expect(try await fetch.response.get().errors == [.notLeaderOrFollower])
        }
    }

    /// Whatever happens in one of its partitions, a fetch that waits looks at all of them: each is one.
    @Test(arguments: [4, 11] as [Int16])
    func aPartitionThatIsNamedAgainAndAgainIsOne(_ version: Int16) async throws {
        let scene = try await alone()
        try await RequestScene.serving(scene) { server in
            let connection = try await server.connect()
            let request = FetchRequest("t", offsets: 0).with {
                $0.topics = Array(repeating: $0.topics[0], count: 20)
                $0.maxWaitMs = 60_000
                $0.minBytes = 1
            }
            let waiting = RequestScene.Arrival(connection.submit(request, version: version))
            while scene.replicas.delayedFetch.count == 0 { try await Task.sleep(for: .milliseconds(1)) }
            #expect(scene.replicas.delayedFetch.count == 1)
            try await scene.append(1, to: partition)
            #expect(try await waiting.response.get().sizes.count == 1)
        }
    }

    @Test func aReplicaThatTheLeaderDoesNotKnowIsNotServed() async throws {
        let scene = try ReplicaScene()
        await scene.leaderAndIsr(ReplicaScene.change(partition, leader: 1, epoch: 4))
        try await scene.append(1, to: partition)
        try await RequestScene.serving(scene) { server in
            let connection = try await server.connect()
            func errors(_ replica: BrokerID, epoch: LeaderEpoch) async throws -> [ErrorCode] {
                let request = FetchRequest("t", offsets: 0).with {
                    $0.replicaID = replica
                    $0.topics[0].partitions[0].currentLeaderEpoch = epoch
                    // It would wait, were it not refused.
                    $0.maxWaitMs = 60_000
                    $0.minBytes = 1 << 20
                }
                return try await connection.send(request, version: 11).errors
            }
            #expect(try await errors(9, epoch: 4) == [.unknownLeaderEpoch])
            #expect(try await errors(9, epoch: -1) == [.notLeaderOrFollower])
            #expect(try await errors(9, epoch: 3) == [.fencedLeaderEpoch])
            let known = FetchRequest("t", offsets: 0).with { $0.replicaID = 2 }
            #expect(try await connection.send(known, version: 11).errors == [.none])
        }
    }

    @Test func aFetchOfAnEarlierLifeOfItsBrokerProvesNothing() async throws {
        let scene = try ReplicaScene()
        let id = KafkaUUID(high: 1, low: 2)
        await scene.leaderAndIsr(ReplicaScene.change(partition, leader: 1, epoch: 0, topicID: id))
        let image = PartitionImage(leader: 1, leaderEpoch: 0, inSyncReplicas: [1, 2], replicas: [1, 2])
        _ = scene.metadata.apply(
            MetadataUpdate(
                controllerID: 1, brokers: ReplicaScene.brokers(1, 2),
                topics: [.init(name: "t", id: id, partitions: [.init(index: 0, state: image)])]))
        let end = try await scene.append(1, to: partition).last + 1
        let log = try #require(scene.replicas.partition(partition)?.log)
        try await RequestScene.serving(scene) { server in
            let follower = try await server.connect()
            func fetch(from offset: Offset, brokerEpoch: BrokerEpoch) async throws {
                let request = FetchRequest("t", id: id, offsets: offset).with {
                    $0.replicaState.replicaID = 2
                    $0.replicaState.replicaEpoch = brokerEpoch
                }
                #expect(try await follower.send(request, version: 17).errors == [.none])
            }
            try await fetch(from: 0, brokerEpoch: 7)
            try await fetch(from: end, brokerEpoch: 6)
            #expect(log.offsets.highWatermark == 0)
            try await fetch(from: end, brokerEpoch: 7)
            #expect(log.offsets.highWatermark == end)
        }
    }

    /// See `AnswerGathering`.
    @Test func aFollowerIsAnsweredOnceAsMuchIsThereAsTheTimeBefore() async throws {
        let scene = try ReplicaScene()
        await scene.leaderAndIsr(ReplicaScene.change(partition, leader: 1, epoch: 0))
        try await RequestScene.serving(scene) { server in
            let follower = try await server.connect()
            func fetch(from offset: Offset) -> RequestScene.Arrival<FetchResponse> {
                let request = FetchRequest("t", offsets: offset).with {
                    $0.replicaID = 2
                    $0.maxWaitMs = 60_000
                    $0.minBytes = 1
                }
                return RequestScene.Arrival(follower.submit(request, version: 11, timeout: .seconds(30)))
            }
            func size(_ fetch: RequestScene.Arrival<FetchResponse>) async throws -> Int {
                try await fetch.response.get().sizes[0]
            }
            var offset: Offset = 0
            func append() async throws { offset = try await scene.append(1, to: partition, size: 1000).last + 1 }
            var hasWaited = false
            for _ in 0..<50 where !hasWaited {
                // Two records are there when it says that it has them: that is the measure.
                let begin = offset
                try await append()
                try await append()
                #expect(try await size(fetch(from: begin)) > 2000)
                let next = fetch(from: offset)
                while scene.replicas.delayedFetch.count == 0 { try await Task.sleep(for: .milliseconds(1)) }
                try await append()
                // Unless this test was slower than the broker's patience.
                hasWaited = scene.replicas.delayedFetch.count > 0
                let end = offset
                if hasWaited { try await append() }
                if try await size(next) < 2000 { offset = end }
            }
            #expect(hasWaited)
            // What comes alone is answered after a moment, long before the follower would give up.
            let third = fetch(from: offset)
            let begin = ContinuousClock.now
            try await scene.append(1, to: partition, size: 1000)
            #expect(try await size(third) > 1000)
            #expect(ContinuousClock.now - begin < .seconds(10))
        }
    }

    /// A follower's answer waits for as much as came the time before, and for large records longer than for small ones: until
    /// half of what the last answer carried may wait no longer, or all of what is there (`AnswerGathering`). That it waits
    /// no longer than that is not tested here: a slow machine would.
    @Test(arguments: [(size: 100, atLeast: 4), (800 << 10, 7)])
    func largeAnswersMayWaitLonger(then size: Int, atLeast milliseconds: Int) async throws {
        let scene = try ReplicaScene()
        await scene.leaderAndIsr(ReplicaScene.change(partition, leader: 1, epoch: 0))
        try await RequestScene.serving(scene) { server in
            let follower = try await server.connect()
            var session: Int32 = 0
            var offset: Offset = 0
            func append(size: Int) async throws {
                offset = try await scene.append(1, to: partition, size: size).last + 1
            }
            func fetch(from offset: Offset, epoch: Int32) -> RequestScene.Arrival<FetchResponse> {
                let request = FetchRequest("t", offsets: offset).with {
                    $0.replicaID = 2
                    $0.maxWaitMs = 60_000
                    $0.minBytes = 1
                    $0.sessionID = session
                    $0.sessionEpoch = epoch
                }
                return RequestScene.Arrival(follower.submit(request, version: 11, timeout: .seconds(30)))
            }
            var hasWaited = false
            for _ in 0..<50 where !hasWaited {
                let begin = offset
                // Half of these 768 KiB may wait for 4 ms.
                for _ in 0..<2 { try await append(size: 384 << 10) }
                session = try await fetch(from: begin, epoch: 0).response.get().sessionID
                let asked = ContinuousClock.now
                let next = fetch(from: offset, epoch: 1)
                while scene.replicas.delayedFetch.count == 0 { await Task.yield() }
                try await append(size: size)
                // Whoever comes after the first look waits for nothing.
                let wasThere = ContinuousClock.now - asked < .milliseconds(4)
                #expect(try await next.response.get().sizes[0] > size)
                guard wasThere else { continue }
                #expect(ContinuousClock.now - asked >= .milliseconds(milliseconds))
                hasWaited = true
            }
            #expect(hasWaited)
        }
    }

    @Test func aReaderOfAnOlderSegmentDoesNotWaitForMore() async throws {
        let scene = try await alone(["log.segment.bytes": "3000"])
        for _ in 0..<10 { try await scene.append(1, to: partition, size: 1000) }
        let log = try #require(scene.replicas.partition(partition)?.log)
        #expect(log.segmentCount > 2)
        try await RequestScene.serving(scene) { server in
            let connection = try await server.connect()
            func fetch(from offset: Offset) -> FetchRequest {
                FetchRequest("t", offsets: offset).with {
                    $0.maxWaitMs = 60_000
                    $0.minBytes = 1 << 20
                }
            }
            let sizes = try await connection.send(fetch(from: 0), version: 11, timeout: .seconds(30)).sizes
            #expect(sizes[0] > 0 && sizes[0] <= 3000)
            // In the newest segment it waits, until the log goes on in another.
            let waiting = RequestScene.Arrival(connection.submit(fetch(from: log.end.segmentBase), version: 11))
            let other = try await server.connect()
            _ = try await other.send(FetchRequest("t", offsets: 0), version: 11)
            #expect(!waiting.hasCome)
            for _ in 0..<3 { try await scene.append(1, to: partition, size: 1000) }
            #expect(try await waiting.response.get().sizes[0] > 0)
        }
    }

    /// LeaderAndIsr comes before UpdateMetadata: in between the metadata names the leader that was.
    @Test func whoAsksInVainIsToldTheLeaderThatTheReplicaKnows() async throws {
        let scene = try ReplicaScene()
        func know(_ leader: BrokerID, epoch: LeaderEpoch) {
            let image = PartitionImage(leader: leader, leaderEpoch: epoch, inSyncReplicas: [1, 2], replicas: [1, 2])
            _ = scene.metadata.apply(
                MetadataUpdate(
                    controllerID: 1, brokers: ReplicaScene.brokers(1, 2, 3),
                    topics: [
                        .init(name: "t", id: KafkaUUID(high: 1, low: 2), partitions: [.init(index: 0, state: image)])
                    ]))
        }
        func leader() -> [Int32]? {
            scene.replicas.knownLeader(of: partition).map { [$0.leader, $0.epoch] }
        }
        know(3, epoch: 0)
        #expect(leader() == [3, 0])
        await scene.leaderAndIsr(ReplicaScene.change(partition, leader: 1, epoch: 1))
        #expect(leader() == [1, 1])
        know(1, epoch: 1)
        await scene.leaderAndIsr(ReplicaScene.change(partition, leader: 2, epoch: 2))
        #expect(leader() == [2, 2])
        try await RequestScene.serving(scene) { server in
            let request = FetchRequest("t", id: KafkaUUID(high: 1, low: 2), offsets: 0).with {
                $0.topics[0].partitions[0].currentLeaderEpoch = 1
            }
            let answer = try await server.connect().send(request, version: 16).partitions[0]
            #expect(answer.errorCode == .fencedLeaderEpoch)
            #expect([answer.currentLeader.leaderID, answer.currentLeader.leaderEpoch] == [2, 2])
        }
        // The metadata may also be newer: a broker that no longer holds a replica gets no LeaderAndIsr.
        know(3, epoch: 3)
        #expect(leader() == [3, 3])
        know(-1, epoch: 4)
        #expect(leader() == nil)
    }

    @Test func anIDOfAnotherTopicOfTheSameNameIsRefused() async throws {
        let (old, new) = (KafkaUUID(high: 1, low: 2), KafkaUUID(high: 3, low: 4))
        let scene = try await alone(topicID: old)
        let image = PartitionImage(leader: 1, leaderEpoch: 0, inSyncReplicas: [1], replicas: [1])
        _ = scene.metadata.apply(
            MetadataUpdate(
                controllerID: 1, brokers: ReplicaScene.brokers(1),
                topics: [.init(name: "t", id: new, partitions: [.init(index: 0, state: image)])]))
        try await RequestScene.serving(scene) { server in
            let connection = try await server.connect()
            let byID = FetchRequest("", id: new, offsets: 0)
            #expect(try await connection.send(byID, version: 13).errors == [.inconsistentTopicID])
            let byName = FetchRequest("t", offsets: 0)
            #expect(try await connection.send(byName, version: 12).errors == [.none])
        }
    }

    /// KIP-110: the topic's setting decides, not what the batches are.
    @Test func aTopicInZstdIsNotForClientsThatDoNotKnowIt() async throws {
        let scene = try ReplicaScene()
        _ = scene.settings.update("t", overrides: ["compression.type": "zstd"])
        await scene.leaderAndIsr(
            ReplicaScene.change(partition, leader: 1, epoch: 0, inSync: [1], replicas: [1]))
        try await scene.append(5, to: partition)
        try await RequestScene.serving(scene) { server in
            let connection = try await server.connect()
            for version in [1, 3, 9] as [Int16] {
                let answer = try await connection.send(FetchRequest("t", offsets: 0), version: version)
                #expect(answer.errors == [.unsupportedCompressionType] && answer.sizes == [0])
            }
            let answer = try await connection.send(FetchRequest("t", offsets: 0), version: 10)
            #expect(answer.errors == [.none] && answer.sizes[0] > 0)
        }
    }

    /// sendfile would make the connections' loop wait for the disk.
    @Test func whatIsNotInThePageCacheIsBroughtThereByALogThread() async throws {
        let scene = try await alone()
        for _ in 0..<8 { try await scene.append(1, to: partition, size: 1_000_000) }
        let hosted = try #require(scene.replicas.partition(partition))
        let log = try #require(hosted.log)
        try log.flush()
        func isCached(from offset: Offset, _ maxBytes: Int = 3 << 20) throws -> Bool? {
            try log.read(from: offset, maxBytes: maxBytes, upTo: .logEnd, atLeastOneBatch: true).distant?.isLikelyCached
        }
        // What was appended last is not asked about.
        #expect(try isCached(from: 7) == nil)
        #expect(try isCached(from: 1) == true)
        let file = open(log.path + "/00000000000000000000.log", O_RDONLY)
        defer { close(file) }
        posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED)
        // Not every file system forgets. To look brings pages in, a moment later perhaps: they go again.
        guard try isCached(from: 1, 2 << 20) == false else { return }
        try await Task.sleep(for: .milliseconds(50))
        posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED)
        try await RequestScene.serving(scene) { server in
            let request = FetchRequest("t", offsets: 1, maxBytes: 3 << 20)
            let gate = DispatchSemaphore(value: 0)
            defer { gate.signal() }
            hosted.submit { _ in gate.wait() }
            let cold = RequestScene.Arrival(try await server.connect().submit(request, version: 11))
            let other = try await server.connect()
            for _ in 0..<3 {
                #expect(try await other.send(FetchRequest("t", offsets: 7), version: 11).sizes[0] > 1_000_000)
            }
            #expect(!cold.hasCome)
            gate.signal()
            #expect(try await cold.response.get().sizes == [3 << 20])
            #expect(try isCached(from: 1) == true)
            // Once there it takes the short way.
            hosted.submit { _ in gate.wait() }
            #expect(try await other.send(request, version: 11).sizes == [3 << 20])
            gate.signal()
        }
    }
}

/// Which offsets clients are told.
@Suite struct ListOffsetsHandlerTests {
    private func offset(
        _ timestamp: Timestamp, _ connection: BrokerConnection, version: Int16 = 7, replica: BrokerID = -1
    ) async throws -> [Int64] {
        let answer = try await connection.send(
            ListOffsetsRequest("t", at: timestamp, replica: replica), version: version
        ).first
        return [Int64(answer.errorCode.rawValue), answer.timestamp, answer.offset]
    }

    /// A new leader's high watermark may lie behind what an earlier one has told, but what lies below it is certain.
    @Test func whileTheMarkIsUncertainOnlyWhatLiesBelowItIsTold() async throws {
        let scene = try ReplicaScene()
        await scene.leaderAndIsr(ReplicaScene.change(partition, leader: 1, epoch: 0))
        for time in [3000, 1000, 2000] as [Timestamp] { try await scene.append(1, to: partition, timestamp: time) }
        let hosted = try #require(scene.replicas.partition(partition))
        func replicate(_ offset: Offset) {
            hosted.fetched(
                PartitionRead(offset: offset, leaderEpoch: -1, lastFetchedEpoch: -1, logStart: 0, maxBytes: 0), by: 2)
        }
        replicate(1)
        await scene.leaderAndIsr(ReplicaScene.change(partition, leader: 2, epoch: 1))
        await scene.leaderAndIsr(ReplicaScene.change(partition, leader: 1, epoch: 2))
        #expect(hosted.isMarkUncertain)
        try await RequestScene.serving(scene) { server in
            let connection = try await server.connect()
            let (notAvailable, leaderNotAvailable) = ([78, -1, -1] as [Int64], [5, -1, -1] as [Int64])
            #expect(try await offset(-1, connection) == notAvailable)
            #expect(try await offset(-1, connection, version: 4) == leaderNotAvailable)
            #expect(try await offset(-2, connection) == [0, -1, 0])
            #expect(try await offset(2500, connection) == [0, 3000, 0])
            #expect(try await offset(-3, connection) == [0, 3000, 0])
            #expect(try await offset(3001, connection) == notAvailable)
            #expect(try await offset(3001, connection, version: 4) == leaderNotAvailable)
            // Replicas are told all.
            #expect(try await offset(-1, connection, replica: 2) == [0, -1, 3])
            #expect(try await offset(3001, connection, replica: 2) == [0, -1, -1])
            try await scene.append(1, to: partition, timestamp: 4000)
            #expect(try await offset(-3, connection) == notAvailable)
            #expect(try await offset(3001, connection) == notAvailable)
            replicate(4)
            #expect(!hosted.isMarkUncertain)
            #expect(try await offset(-1, connection) == [0, -1, 4])
            #expect(try await offset(-3, connection) == [0, 4000, 3])
            #expect(try await offset(4001, connection) == [0, -1, -1])
        }
    }

    /// Version 0 names the starts of segments, newest first, and the reader's end as the newest of all.
    @Test func versionZeroNamesTheStartsOfSegments() async throws {
        let scene = try ReplicaScene(["log.segment.bytes": "2500"])
        await scene.leaderAndIsr(ReplicaScene.change(partition, leader: 1, epoch: 0))
        // Two batches of 1,080 bytes fit into a segment.
        for _ in 0..<5 { try await scene.append(1, to: partition, size: 1000) }
        try await RequestScene.serving(scene) { server in
            let connection = try await server.connect()
            func offsets(_ timestamp: Timestamp, _ count: Int32) async throws -> [Offset] {
                let answer = try await connection.send(
                    ListOffsetsRequest("t", at: timestamp, count: count), version: 0
                ).first
                #expect(answer.errorCode.isNone)
                return answer.oldStyleOffsets
            }
            // Nothing is replicated yet.
            #expect(try await offsets(-1, 10) == [0, 0])
            let replica = ListOffsetsRequest("t", at: -1, replica: 2)
            #expect(try await connection.send(replica, version: 0).first.oldStyleOffsets == [5])
            scene.replicas.partition(partition)?.fetched(
                PartitionRead(offset: 3, leaderEpoch: -1, lastFetchedEpoch: -1, logStart: 0, maxBytes: 0), by: 2)
            #expect(try await offsets(-1, 10) == [3, 2, 0])
            scene.replicas.partition(partition)?.fetched(
                PartitionRead(offset: 5, leaderEpoch: -1, lastFetchedEpoch: -1, logStart: 0, maxBytes: 0), by: 2)
            #expect(try await offsets(-1, 10) == [5, 4, 2, 0])
            #expect(try await offsets(-1, 1) == [5])
            #expect(try await offsets(-1, 2) == [5, 4])
            #expect(try await offsets(-1, 0) == [])
            #expect(try await offsets(-2, 10) == [0])
            // By when the files were changed last.
            #expect(try await offsets(1000, 10) == [])
            #expect(try await offsets(.max, 10) == [5, 4, 2, 0])
            let unknown = ListOffsetsRequest("t", at: -3)
            #expect(try await connection.send(unknown, version: 0).first.errorCode == .unsupportedVersion)
        }
    }

    @Test func whatIsLookedUpInFilesIsLookedUpByTheLogThread() async throws {
        let scene = try ReplicaScene()
        await scene.leaderAndIsr(ReplicaScene.change(partition, leader: 1, epoch: 0, inSync: [1], replicas: [1]))
        try await scene.append(1, to: partition, timestamp: 1000)
        let hosted = try #require(scene.replicas.partition(partition))
        try await RequestScene.serving(scene) { server in
            for (timestamp, version) in [(500, 1), (-3, 7), (-1, 0)] as [(Timestamp, Int16)] {
                let gate = DispatchSemaphore(value: 0)
                defer { gate.signal() }
                hosted.submit { _ in gate.wait() }
                let connection = try await server.connect()
                let slow = RequestScene.Arrival(
                    connection.submit(ListOffsetsRequest("t", at: timestamp), version: version))
                // What is asked behind it waits for it.
                let next = RequestScene.Arrival(connection.submit(ListOffsetsRequest("t", at: -1), version: 1))
                let other = try await server.connect()
                for special in [-1, -2, -1] as [Timestamp] {
                    #expect(try await offset(special, other) == [0, -1, special == -1 ? 1 : 0])
                }
                #expect(!slow.hasCome && !next.hasCome)
                gate.signal()
                let answer = try await slow.response.get().first
                #expect(answer.errorCode.isNone)
                if version > 0 { #expect([answer.timestamp, answer.offset] == [1000, 0]) }
                #expect(try await next.response.get().first.offset == 1)
            }
        }
    }

    @Test func partitionsAreAnsweredInTheirOrderAndNamedTwiceNotAtAll() async throws {
        let scene = try ReplicaScene()
        let second = TopicPartition("t", 1)
        await scene.leaderAndIsr(
            ReplicaScene.change(partition, leader: 1, epoch: 0, inSync: [1], replicas: [1]),
            ReplicaScene.change(second, leader: 1, epoch: 0, inSync: [1], replicas: [1]))
        try await scene.append(1, to: second, timestamp: 1000)
        try await RequestScene.serving(scene) { server in
            let connection = try await server.connect()
            var request = ListOffsetsRequest("t", at: 500)
            var next = request.topics[0].partitions[0]
            next.partitionIndex = 1
            request.topics[0].partitions.append(next)
            request.topics += ListOffsetsRequest("u", at: -1).topics + ListOffsetsRequest("u", at: -1).topics
            let answers = try await connection.send(request, version: 1).topics
            #expect(answers.map(\.name) == ["t", "u", "u"])
            #expect(answers.map { $0.partitions.map(\.partitionIndex) } == [[0, 1], [0], [0]])
            #expect(answers.map { $0.partitions.map(\.offset) } == [[-1, 0], [-1], [-1]])
            #expect(
                answers.map { $0.partitions.map(\.errorCode) }
                    == [[.none, .none], [.invalidRequest], [.invalidRequest]])
            request.topics = []
            #expect(try await connection.send(request, version: 1).topics.isEmpty)
        }
    }
}

/// Requests that name one thing several times: it is served once, as in Kafka's maps.
@Suite struct RepeatedNamesTests {
    private func lead(_ scene: ReplicaScene, inSync: [BrokerID]) async throws {
        await scene.leaderAndIsr(
            ReplicaScene.change(partition, leader: 1, epoch: 0, inSync: inSync, replicas: inSync))
        let image = PartitionImage(leader: 1, leaderEpoch: 0, inSyncReplicas: inSync, replicas: inSync)
        _ = scene.metadata.apply(
            MetadataUpdate(
                controllerID: 1, brokers: ReplicaScene.brokers(1, 2),
                topics: [.init(name: "t", id: .zero, partitions: [.init(index: 0, state: image)])]))
        for _ in 0..<5 { try await scene.append(1, to: partition) }
    }

    private func deletion(below offsets: Offset...) -> DeleteRecordsRequest {
        var request = DeleteRecordsRequest()
        request.timeoutMs = 60_000
        request.topics = offsets.map { offset in
            DeleteRecordsRequest.DeleteRecordsTopic(
                name: "t",
                partitions: [DeleteRecordsRequest.DeleteRecordsPartition(partitionIndex: 0, offset: offset)])
        }
        return request
    }

    @Test func recordsAreDeletedBelowTheLastOffsetThatIsNamed() async throws {
        let scene = try ReplicaScene()
        try await lead(scene, inSync: [1])
        try await RequestScene.serving(scene) { server in
            let connection = try await server.connect()
            let answer = try await connection.send(deletion(below: 4, 1, 3), version: 1)
            #expect(answer.topics.map(\.name) == ["t"])
            #expect(answer.topics.first?.partitions.map(\.lowWatermark) == [3])
            #expect(scene.replicas.partition(partition)?.log?.offsets.logStart == 3)
        }
    }

    @Test func aDeletionThatWaitsForReplicasWaitsOnceForEachPartition() async throws {
        let scene = try ReplicaScene()
        try await lead(scene, inSync: [1, 2])
        let hosted = try #require(scene.replicas.partition(partition))
        func replicate(logStart: Offset) {
            hosted.fetched(
                PartitionRead(offset: 5, leaderEpoch: -1, lastFetchedEpoch: -1, logStart: logStart, maxBytes: 0), by: 2)
        }
        replicate(logStart: 0)
        try await RequestScene.serving(scene) { server in
            let connection = try await server.connect()
            let waiting = RequestScene.Arrival(connection.submit(deletion(below: 1, 2, 2), version: 1))
            while scene.replicas.delayedDeleteRecords.count == 0 { try await Task.sleep(for: .milliseconds(1)) }
            #expect(scene.replicas.delayedDeleteRecords.count == 1)
            replicate(logStart: 2)
            let answer = try await waiting.response.get()
            #expect(answer.topics.flatMap(\.partitions).map(\.errorCode) == [.none])
        }
    }

    @Test func producersAreDescribedOnce() async throws {
        let scene = try ReplicaScene()
        try await lead(scene, inSync: [1])
        try await RequestScene.serving(scene) { server in
            var request = DescribeProducersRequest()
            let topic = DescribeProducersRequest.TopicRequest(name: "t", partitionIndexes: [0, 9, 0, 0])
            request.topics = [topic, topic]
            let answer = try await server.connect().send(request, version: 0)
            #expect(answer.topics.map(\.name) == ["t"])
            #expect(answer.topics.first?.partitions.map(\.partitionIndex) == [0, 9])
        }
    }

    private func moves(_ path: String, _ partitions: [TopicPartition]) -> AlterReplicaLogDirsRequest.AlterReplicaLogDir
    {
        .init(path: path, topics: partitions.map { .init(name: $0.topic, partitions: [$0.partition]) })
    }

    @Test func aReplicaMovesToTheLastDirectoryThatIsNamed() throws {
        let other = TopicPartition("other", 1)
        var request = AlterReplicaLogDirsRequest()
        request.dirs = [moves("/a", [partition, other]), moves("/b", [partition]), moves("/c", [partition])]
        let wishes = AlterReplicaLogDirsHandler.wishes(request)
        #expect(wishes.map(\.0) == [partition, other])
        #expect(wishes.map(\.path) == ["/c", "/a"])
    }

    @Test func topicsUnderSeveralDirectoriesAreAnsweredOnce() async throws {
        let scene = try ReplicaScene(directories: 2)
        try await lead(scene, inSync: [1])
        let here = try #require(scene.replicas.logs.log(for: partition)?.logDirectory)
        try await RequestScene.serving(scene) { server in
            var request = AlterReplicaLogDirsRequest()
            request.dirs = [
                moves("/nowhere", [TopicPartition("t", 3), TopicPartition("u", 0)]),
                moves(here, [partition, TopicPartition("t", 4)]),
            ]
            let answer = try await server.connect().send(request, version: 1)
            #expect(answer.results.map(\.topicName) == ["t", "u"])
            #expect(answer.results.first?.partitions.map(\.partitionIndex) == [3, 0, 4])
            let errors = answer.results.first?.partitions.map(\.errorCode)
            #expect(errors == [.logDirNotFound, .none, .unknownTopicOrPartition])
        }
    }

    /// With all that is asked of it.
    @Test func aResourceIsDescribedOnce() {
        typealias Resource = DescribeConfigsRequest.DescribeConfigsResource
        func resource(_ type: Int8, _ name: String, _ keys: [String]?) -> Resource {
            Resource(resourceType: type, resourceName: name, configurationKeys: keys)
        }
        let asked = DescribeConfigsHandler.onceEach([
            resource(4, "1", ["a", "b"]), resource(2, "1", ["a"]), resource(4, "1", ["b", "c"]),
            resource(2, "1", nil), resource(8, "1", ["a"]), resource(8, "1", []), resource(2, "2", ["z"]),
        ])
        #expect(
            asked == [
                resource(4, "1", ["a", "b", "c"]), resource(2, "1", nil), resource(8, "1", nil),
                resource(2, "2", ["z"]),
            ])
    }

    /// Each append is acknowledged by itself, but a look does not ask about all of them.
    @Test func aProduceThatWaitsLooksOnceAtEachPartition() {
        var appends = AwaitedAppends([Array(stride(from: 0, to: 2000, by: 2)), [1, 3]])
        var asked = 0
        var there = Set<Int>()
        func look() -> Bool {
            asked = 0
            return appends.look { index in
                asked += 1
                return there.contains(index) ? (index == 3 ? .notLeaderOrFollower : ErrorCode.none) : nil
            }
        }
        #expect(!look())
        #expect(asked == 2)
        there = [0, 2, 1, 3]
        #expect(!look())
        #expect(appends.errors == [0: .none, 2: .none, 1: .none, 3: .notLeaderOrFollower])
        #expect(!look())
        #expect(asked == 1)
        there.formUnion(0..<2000)
        #expect(look())
        #expect(appends.errors.count == 1002)
    }
}
