// SPDX-License-Identifier: Apache-2.0

import ClusterControl
import KafkaModel
import Testing
import ZooKeeperStore

/// What Kafka's controller told brokers in the recorded scenarios.
@Suite struct ControlRequestGoldenTests {
    /// In every inter-broker protocol that was recorded, field by field.
    @Test func everyRequestIsMadeAgainFromWhatItSays() throws {
        let all = try RecordedControlRequest.all()
        for recorded in all {
            let request = recorded.message.request(version: recorded.version, listener: "INTERNAL")
            let made = ControlMessage.messages(
                request, versions: (recorded.version, recorded.version, recorded.version), listener: "INTERNAL")
            #expect(made.map(\.inOrder) == [recorded.message.inOrder], "\(recorded.name)")
        }
        #expect(!all.isEmpty)
    }

    /// What our controller says in the scenarios Kafka's said too, and the other way round as far as the scenarios go.
    @Test func theSameIsSaidInEveryScenario() async throws {
        var kafkas: Set<ControlStatement> = []
        for recorded in try RecordedControlRequest.all() {
            kafkas.formUnion(ControlStatement.all(in: recorded.message, to: recorded.receiver))
        }
        let recordedTopics = Set(kafkas.compactMap(\.topicID))
        var ours: Set<ControlStatement> = []
        var decided: Set<Decision> = []
        for flow in try RecordedFlow.all() where flow.gap <= RecordedFlow.tolerableGap {
            let replay = ControllerReplay(flow)
            await replay.run()
            for write in replay.written {
                if let decision = Decision(write, flow.topicIDs) { decided.insert(decision) }
            }
            for (receiver, request) in replay.sent {
                for message in ControlMessage.messages(request, versions: (7, 8, 4), listener: "INTERNAL") {
                    let statements = ControlStatement.all(in: message, to: receiver)
                    ours.formUnion(statements)
                    // Who leaves does not hear everything that is still being sent.
                    if flow.leaving.contains(receiver) { continue }
                    for statement in statements where statement.topicID.map(recordedTopics.contains) ?? false {
                        #expect(kafkas.contains(statement), "\(flow.name): \(statement)")
                    }
                }
            }
        }
        for statement in kafkas.subtracting(ours) {
            guard let decision = Decision(statement), decided.contains(decision) else { continue }
            Issue.record("not said: \(statement)")
        }
    }
}

/// A state of a partition that a controller has decided on.
private struct Decision: Hashable {
    var topic: KafkaUUID
    var partition: Int32
    var leaderEpoch: LeaderEpoch
    var partitionEpoch: PartitionEpoch

    init?(_ write: RecordedWrite, _ ids: [String: KafkaUUID]) {
        guard let part = write.parts.last, let partition = ZNodes.partition(ofState: part.path),
            let state = try? ZNodeCodec.decodePartitionState(
                partition, part.data, version: part.kind == "create" ? 0 : part.version ?? 0)
        else { return nil }
        guard let topic = ids[partition.topic] else { return nil }
        self.topic = topic
        self.partition = partition.partition
        leaderEpoch = state.leaderEpoch
        partitionEpoch = state.partitionEpoch
    }

    init?(_ statement: ControlStatement) {
        guard case .leads(_, let topic, let state) = statement.subject else { return nil }
        self.topic = topic
        partition = state.partitionIndex
        leaderEpoch = state.leaderEpoch
        partitionEpoch = state.partitionEpoch
    }
}
