// SPDX-License-Identifier: Apache-2.0

import Glibc
import KafkaModel
import KafkaProtocol
import KafkaRecords
import LogStorage
import Logging
import NIOCore
import Replication
import Testing

@testable import BrokerServer

/// What a follower makes of its leader's answers.
@Suite struct FollowedPartitionTests {
    private let id = TopicPartition("t", 0)

    private func followed(_ scene: ReplicaScene) async throws -> FollowedPartition {
        await scene.leaderAndIsr(ReplicaScene.change(id, leader: 2, epoch: 0))
        let partition = try #require(scene.replicas.partition(id))
        let followed = FollowedPartition(
            partition, log: try #require(partition.log), leader: 2, leaderEpoch: 0,
            abilities: .init(truncatesOnFetch: true, asksForEpochs: true), backoff: .milliseconds(1),
            throttle: ReplicationThrottle(.init(samples: 11, sampleLength: .seconds(1)), limit: { .max }),
            logger: Logger(label: "scene") { _ in SwiftLogNoOpLogHandler() })
        followed.begin()
        _ = need(followed)
        return followed
    }

    private func need(_ followed: FollowedPartition) -> FollowerReplication.Need {
        followed.need(now: Int64(BrokerClock.monotonicMilliseconds))
    }

    private func oneRecord() -> ByteBuffer {
        var settings = RecordBatchBuilder.Settings()
        settings.leaderEpoch = 0
        var builder = RecordBatchBuilder(settings)
        builder.append(timestamp: 1, key: nil, value: ByteBuffer(string: "x"))
        return builder.finish()
    }

    private func data(highWatermark: Offset, records: ByteBuffer? = nil) -> FetchResponse.PartitionData {
        var data = FetchResponse.PartitionData()
        data.highWatermark = highWatermark
        data.logStartOffset = 0
        data.records = records.map { .bytes($0) }
        return data
    }

    /// The difference to it is told as a metric.
    @Test func aMarkBelowAllOffsetsHarmsNobody() async throws {
        let scene = try ReplicaScene()
        let followed = try await followed(scene)
        followed.take(data(highWatermark: 9, records: oneRecord()), askedFrom: 0)
        #expect(followed.lag == 8)
        #expect(need(followed) == .records(from: 1, lastFetchedEpoch: 0))
        followed.take(data(highWatermark: .min), askedFrom: 1)
        #expect(followed.lag == 0)
    }

    /// Other files will be closed: the same records are fetched again.
    @Test func aFollowerWithoutADescriptorTriesAgain() async throws {
        let files = HookedFileSystem()
        let scene = try ReplicaScene(fileSystem: files)
        let followed = try await followed(scene)
        let records = oneRecord()
        files.onOpening { path throws(FileError) in throw FileError(.open, path, code: EMFILE) }
        followed.take(data(highWatermark: 1, records: records), askedFrom: 0)
        let log = try #require(scene.replicas.partition(id)?.log)
        #expect(log.offsets.logEnd == 0)
        files.onOpening(nil)
        try await Task.sleep(for: .milliseconds(5))
        #expect(need(followed) == .records(from: 0, lastFetchedEpoch: nil) && !followed.hasFailed)
        followed.take(data(highWatermark: 1, records: records), askedFrom: 0)
        #expect(log.offsets.logEnd == 1)
    }

    /// It stands until the controller speaks again, and is counted.
    @Test func aFollowerWhoseDiskHasFailedIsGivenUp() async throws {
        let files = HookedFileSystem()
        let scene = try ReplicaScene(fileSystem: files)
        let followed = try await followed(scene)
        files.onOpening { path throws(FileError) in throw FileError(.open, path, code: EIO) }
        followed.take(data(highWatermark: 1, records: oneRecord()), askedFrom: 0)
        #expect(followed.hasFailed && need(followed) == .nothing)
    }
}
