// SPDX-License-Identifier: Apache-2.0

import ClusterControl
import KafkaModel
import Testing
import ZooKeeperStore

/// What Kafka's controller wrote to ZooKeeper in recorded scenarios, ours writes too.
@Suite struct ControllerGoldenTests {
    @Test func theSameIsWrittenInEveryScenario() async throws {
        var compared: [String] = []
        for flow in try RecordedFlow.all() where flow.gap <= RecordedFlow.tolerableGap {
            let replay = ControllerReplay(flow)
            if replay.expected.isEmpty { continue }
            await replay.run()
            compared.append(flow.name)
            for problem in replay.problems { Issue.record("\(flow.name): \(problem)") }
            guard replay.problems.isEmpty else { continue }
            let written = replay.written.filter { !replay.inSyncChanges.contains($0.meaning) }
            let expected = replay.expected.filter { !replay.inSyncChanges.contains($0.meaning) }
            #expect(steps(written) == steps(expected), "\(flow.name)")
        }
        #expect(!compared.isEmpty)
    }

    /// The comparison is worth something: one byte that Kafka did not write, or one write more, is noticed.
    @Test func aWriteThatDiffersIsNoticed() async throws {
        for var flow in try RecordedFlow.all() where flow.gap <= RecordedFlow.tolerableGap {
            guard let index = flow.writes.lastIndex(where: { $0.isControllers && $0.parts.last?.data != nil }),
                flow.writes[index].parts.last.flatMap({ ZNodes.partition(ofState: $0.path) }) != nil
            else { continue }
            let last = flow.writes[index].parts.count - 1
            flow.writes[index].parts[last].data = ZNodeCodec.encodePartitionState(
                PartitionState(leader: 77, leaderEpoch: 5, inSyncReplicas: [77], controllerEpoch: 1))
            let replay = ControllerReplay(flow)
            await replay.run()
            #expect(!replay.problems.isEmpty, "\(flow.name)")
        }
    }

    /// The kinds of writes in their order. Within one step Kafka goes by the hash of names, so that only what follows what
    /// is compared: parents before children, deletes in their whole order, leaderships after in-sync sets.
    private func steps(_ writes: [RecordedWrite]) -> [String] {
        var steps: [String] = []
        for write in writes {
            let step = write.parts.map { part in
                let depth = part.path.split(separator: "/").count
                return part.kind == "delete" ? "delete \(part.path)" : "\(part.kind) \(depth) \(part.code ?? 0)"
            }.joined(separator: ", ")
            if steps.last != step { steps.append(step) }
        }
        return steps
    }
}
