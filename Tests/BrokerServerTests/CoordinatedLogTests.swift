// SPDX-License-Identifier: Apache-2.0

import Foundation
import KafkaModel
import Testing

@testable import BrokerServer

@Suite struct CoordinatedLogTests {
    private let partition = TopicPartition("__consumer_offsets", 0)

    /// Compaction can remove what was last before the active segment, which may be empty.
    @Test func aHoleBeforeAnEmptySegmentIsTheEnd() async throws {
        let parent = FileManager.default.temporaryDirectory.appendingPathComponent("martlet-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: parent) }
        try await withScene(in: parent) { scene in
            await scene.leaderAndIsr(ReplicaScene.change(partition, leader: 1, epoch: 0, inSync: [1], replicas: [1]))
            _ = try await scene.append(3, to: partition)
        }
        let active = parent.appendingPathComponent("data-0/\(partition)/00000000000000000010.log")
        try Data().write(to: active)
        try await withScene(in: parent) { scene in
            await scene.leaderAndIsr(
                ReplicaScene.change(partition, leader: 1, epoch: 1, inSync: [1], replicas: [1], isNew: false))
            let hosted = try #require(scene.replicas.partition(partition))
            #expect(hosted.log?.offsets.logEnd == 10)
            let log = LedPartition(partition: hosted, replicas: scene.replicas, timeout: 1000, chunkBytes: 1000)
            var records: Int32 = 0
            let end = try log.readAll { batch in
                records += batch.header.recordCount
                return true
            }
            #expect(end == 10)
            #expect(records == 3)
        }
    }

    private func withScene(in parent: URL, _ body: (ReplicaScene) async throws -> Void) async throws {
        let scene = try ReplicaScene(in: parent)
        defer { scene.end() }
        try await body(scene)
    }
}
