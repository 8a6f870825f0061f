// SPDX-License-Identifier: Apache-2.0

import ClusterControl
import KafkaModel
import Testing
import ZooKeeperStore

/// What a controller makes of nodes that people, old tools and old brokers wrote: it says what is wrong where, and the
/// rest of the cluster goes on.
@Suite struct HandEditedNodeTests {
    private static let registration =
        #"{"version":4,"host":"h","port":9092,"timestamp":"0","jmx_port":-1,"endpoints":["INTERNAL://h:9092"],"#
        + #""listener_security_protocol_map":{"INTERNAL":"PLAINTEXT"}}"#

    /// A cluster of brokers 1 and 2 without a controller yet, and what else is there.
    private func cluster(
        _ extra: [String: String?], configure: @escaping (inout ControllerSettings) -> Void = { _ in }
    ) async -> ControllerReplay {
        var nodes: [String: TreeNode] = ["/": TreeNode()]
        func put(_ path: String, _ data: String?, owner: Int64 = 0) {
            var parent = Tree.parent(path)
            while nodes[parent] == nil {
                nodes[parent] = TreeNode()
                parent = Tree.parent(parent)
            }
            var node = TreeNode()
            node.data = data.map { Array($0.utf8) }
            node.owner = owner
            nodes[path] = node
        }
        for path in ZNodes.ensured { put(path, nil) }
        put(ZNodes.broker(1), Self.registration, owner: 1)
        put(ZNodes.broker(2), Self.registration, owner: 2)
        for (path, data) in extra { put(path, data) }
        let replay = ControllerReplay(
            RecordedFlow(name: "by hand", writes: [], nodes: nodes, gap: 0), configure: configure)
        await replay.start(session: 1)
        return replay
    }

    private func state(_ replay: ControllerReplay, _ topic: String, _ partition: Int32 = 0) -> PartitionState? {
        let id = TopicPartition(topic, partition)
        guard let node = replay.ensemble.node(ZNodes.partitionState(id)) else { return nil }
        return try? ZNodeCodec.decodePartitionState(id, node.data, version: node.version)
    }

    private func text(_ replay: ControllerReplay, _ path: String) -> String? {
        replay.ensemble.node(path)?.data.map { String(decoding: $0, as: UTF8.self) }
    }

    private func write(_ replay: ControllerReplay, _ path: String, _ data: String?) async {
        let kind = replay.ensemble.node(path) == nil ? "create" : "setData"
        let part = RecordedWrite.Part(
            kind: kind, path: path, data: data.map { Array($0.utf8) },
            version: (replay.ensemble.node(path)?.version ?? 0) + 1)
        replay.ensemble.replay(RecordedWrite(zxid: 1000, session: 9, parts: [part], isMulti: false))
        await replay.settle()
    }

    private func malformed(_ replay: ControllerReplay) -> Set<String> {
        Set(replay.notices.compactMap { if case .malformedNode(let path, _) = $0 { path } else { nil } })
    }

    @Test func oneBadTopicDoesNotStopTheOthers() async {
        let replay = await cluster([
            ZNodes.topic("good"): #"{"version":1,"partitions":{"0":[1,2]},"somebody":"was here"}"#,
            ZNodes.topic("cut"): #"{"version":3,"partitions":{"0":[1,"#,
            ZNodes.topic("strange"): #"{"version":3,"partitions":{"zero":[1]}}"#,
            ZNodes.topic("empty"): nil,
        ])
        #expect(state(replay, "good")?.leader == 1)
        #expect(malformed(replay) == [ZNodes.topic("cut"), ZNodes.topic("strange"), ZNodes.topic("empty")])
        // Whoever repairs it need not restart anything.
        await write(replay, ZNodes.topic("cut"), #"{"version":3,"partitions":{"0":[2]},"topic_id":null}"#)
        #expect(state(replay, "cut")?.leader == 2)
    }

    @Test func missingParentsOfAStateAreMade() async {
        let replay = await cluster([
            ZNodes.topic("t"): #"{"version":1,"partitions":{"0":[1],"1":[2]}}"#, ZNodes.partitions("t"): nil,
            ZNodes.partition(TopicPartition("t", 1)): nil,
        ])
        #expect(state(replay, "t", 0)?.leader == 1)
        #expect(state(replay, "t", 1)?.leader == 2)
    }

    @Test func aStateThatCannotBeReadIsLeftAlone() async {
        let bad = ZNodes.partitionState(TopicPartition("t", 0))
        let replay = await cluster([
            ZNodes.topic("t"): #"{"version":1,"partitions":{"0":[1],"1":[1]}}"#,
            bad: #"{"leader":"one"}"#,
            ZNodes.partitionState(TopicPartition("t", 1)):
                #"{"controller_epoch":0,"leader":1,"version":1,"leader_epoch":4,"isr":[1],"extra":[]}"#,
        ])
        #expect(malformed(replay).contains(bad))
        #expect(text(replay, bad) == #"{"leader":"one"}"#)
        #expect(state(replay, "t", 1)?.leader == 1)
        #expect(replay.problems.isEmpty)
    }

    @Test func aRegistrationThatCannotBeReadIsReportedAndTheOthersLive() async {
        let replay = await cluster([
            ZNodes.broker(7): #"{"version":5,"host":"h"}"#,
            ZNodes.topic("t"): #"{"version":1,"partitions":{"0":[7,2]}}"#,
        ])
        #expect(replay.unreadable.paths == [ZNodes.broker(7)])
        #expect(state(replay, "t")?.leader == 2)
    }

    /// A replica that counts twice would be two towards `min.insync.replicas`.
    @Test func aBrokerThatIsNamedTwiceOrCannotBeIsReported() async {
        let replay = await cluster([
            ZNodes.topic("twice"): #"{"version":1,"partitions":{"0":[1,1]}}"#,
            ZNodes.topic("negative"): #"{"version":1,"partitions":{"0":[-1,1]}}"#,
            ZNodes.topic("t"): #"{"version":1,"partitions":{"0":[2,1]}}"#,
        ])
        #expect(malformed(replay).sorted() == [ZNodes.topic("negative"), ZNodes.topic("twice")])
        #expect(state(replay, "twice") == nil)
        #expect(state(replay, "t")?.leader == 2)
    }

    @Test func theOldReassignmentCommandIsServed() async {
        let replay = await cluster([
            ZNodes.topic("t"): #"{"version":1,"partitions":{"0":[1]}}"#, ZNodes.reassignments: "{not json",
            ZNodes.topic("u"): #"{"version":1,"partitions":{"0":[1]}}"#,
        ])
        #expect(malformed(replay) == [ZNodes.reassignments])
        #expect(text(replay, ZNodes.reassignments) == "{not json")
        replay.ensemble.replay(
            RecordedWrite(
                zxid: 1000, session: 9, parts: [.init(kind: "delete", path: ZNodes.reassignments)], isMulti: false))
        await replay.settle()
        await write(
            replay, ZNodes.reassignments,
            #"{"version":1,"partitions":[{"topic":"t","partition":0,"replicas":[1,2],"log_dirs":["any","any"]},"#
                + #"{"topic":"unknown","partition":0,"replicas":[1]},{"topic":"u","partition":0,"replicas":[2,2]}]}"#)
        let topic = try? ZNodeCodec.decodeTopic("t", replay.ensemble.node(ZNodes.topic("t"))?.data)
        #expect(topic?.partitions[0] == PartitionAssignment([1, 2], adding: [2]))
        // What cannot be is taken out of the node; what runs stays until it is done.
        #expect(text(replay, ZNodes.reassignments)?.contains("unknown") == false)
        #expect(text(replay, ZNodes.reassignments)?.contains("\"u\"") == false)
        let untouched = try? ZNodeCodec.decodeTopic("u", replay.ensemble.node(ZNodes.topic("u"))?.data)
        #expect(untouched?.partitions[0] == PartitionAssignment([1]))
    }

    @Test func theOldElectionCommandIsServedAndABadOneIsRemoved() async {
        let replay = await cluster([
            ZNodes.topic("t"): #"{"version":1,"partitions":{"0":[2,1]}}"#,
            ZNodes.partitionState(TopicPartition("t", 0)):
                #"{"controller_epoch":0,"leader":1,"version":1,"leader_epoch":0,"isr":[1,2]}"#,
        ])
        await write(replay, ZNodes.preferredElections, "[]")
        #expect(malformed(replay) == [ZNodes.preferredElections])
        #expect(replay.ensemble.node(ZNodes.preferredElections) == nil)
        await write(
            replay, ZNodes.preferredElections, #"{"version":1,"partitions":[{"topic":"t","partition":0}]}"#)
        #expect(state(replay, "t")?.leader == 2)
        #expect(replay.ensemble.node(ZNodes.preferredElections) == nil)
    }

    @Test func notesThatCannotBeReadAreReportedAndRemoved() async {
        let replay = await cluster([:])
        await write(replay, "\(ZNodes.isrChanges)/isr_change_0000000000", "?")
        await write(replay, "\(ZNodes.logDirectoryEvents)/log_dir_event_0000000000", nil)
        #expect(malformed(replay).count == 2)
        #expect(replay.ensemble.tree.children(ZNodes.isrChanges).isEmpty)
        #expect(replay.ensemble.tree.children(ZNodes.logDirectoryEvents).isEmpty)
    }

    // MARK: Older inter-broker protocols

    @Test func belowVersion2_8NobodyGetsATopicID() async {
        let replay = await cluster([ZNodes.topic("t"): #"{"version":1,"partitions":{"0":[1]}}"#]) {
            $0.givesTopicIDs = false
        }
        #expect(text(replay, ZNodes.topic("t")) == #"{"version":1,"partitions":{"0":[1]}}"#)
        #expect(state(replay, "t")?.leader == 1)
        for case .leaderAndIsr(let request) in replay.sent.map(\.request) { #expect(request.topicIDs.isEmpty) }
    }

    @Test func belowVersion2_7FeaturesAreDisabled() async {
        let replay = await cluster([
            ZNodes.feature: #"{"features":{"f":{"max_version_level":2}},"status":1,"version":2}"#
        ]) {
            $0.usesFeatures = false
            $0.featureNodeVersion = 1
        }
        #expect(text(replay, ZNodes.feature) == #"{"features":{},"status":0,"version":1}"#)
        #expect(state(replay, "t") == nil && replay.problems.isEmpty)
    }

    @Test func whatIsFinalizedStaysWhereFeaturesAreEnabled() async {
        let node = #"{"features":{"f":{"max_version_level":2}},"status":1,"version":2}"#
        let replay = await cluster([ZNodes.feature: node])
        #expect(text(replay, ZNodes.feature) == node)
        // Brokers that do not support it are no members.
        #expect(replay.notices.contains(.brokerIgnored(2, reason: "it does not support all finalized features")))
    }

    /// Below 2.7-IV2 a reassignment is followed by watching states, since leaders write in-sync sets themselves.
    @Test func belowVersion2_7AReassignmentIsFollowedByWatches() async {
        let replay = await cluster([ZNodes.topic("t"): #"{"version":1,"partitions":{"0":[1]}}"#]) {
            $0.usesAlterPartition = false
        }
        await write(
            replay, ZNodes.reassignments, #"{"version":1,"partitions":[{"topic":"t","partition":0,"replicas":[2]}]}"#)
        guard var current = state(replay, "t") else {
            Issue.record("no state")
            return
        }
        current.inSyncReplicas = [1, 2]
        let path = ZNodes.partitionState(TopicPartition("t", 0))
        await write(replay, path, String(decoding: ZNodeCodec.encodePartitionState(current), as: UTF8.self))
        let topic = try? ZNodeCodec.decodeTopic("t", replay.ensemble.node(ZNodes.topic("t"))?.data)
        #expect(topic?.partitions[0] == PartitionAssignment([2]))
        #expect(state(replay, "t")?.leader == 2)
        #expect(replay.ensemble.node(ZNodes.reassignments) == nil)
    }
}
