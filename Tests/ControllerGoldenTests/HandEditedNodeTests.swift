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
        _ extra: [String: String?], readOnly: [String] = [],
        configure: @escaping (inout ControllerSettings) -> Void = { _ in }
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
        for path in readOnly { replay.ensemble.setReadOnly(path) }
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

    /// Somebody creates nodes without data, all at once.
    private func create(_ replay: ControllerReplay, _ paths: String...) async {
        replay.ensemble.replay(
            RecordedWrite(
                zxid: 1000, session: 9, parts: paths.map { .init(kind: "create", path: $0) }, isMulti: true))
        await replay.settle()
    }

    private func notWritten(_ replay: ControllerReplay) -> Set<String> {
        Set(replay.notices.compactMap { if case .writeFailed(let path, _) = $0 { path } else { nil } })
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

    /// An old command of which nothing is left goes with the next one that is done, or it would be in the way of those
    /// who create theirs.
    @Test(arguments: ["{not json", #"{"version":1,"partitions":[]}"#])
    func anOldReassignmentCommandThatAsksForNothingGoesWithTheNext(data: String) async {
        let replay = await cluster([
            ZNodes.topic("t"): #"{"version":1,"partitions":{"0":[1,2]}}"#, ZNodes.reassignments: data,
        ])
        #expect(text(replay, ZNodes.reassignments) == data)
        await replay.ask(.reassignPartitions([TopicPartition("t", 0): [2, 1]]))
        #expect(replay.ensemble.node(ZNodes.reassignments) == nil)
    }

    // MARK: What cannot be deleted or written

    /// A controller that failed for one of these would leave the cluster without any: the next finds them, too.
    @Test func whatCannotBeDeletedStopsNoTakeover() async {
        let stuck = [
            "\(ZNodes.isrChanges)/isr_change_0000000000", "\(ZNodes.logDirectoryEvents)/log_dir_event_0000000000",
            ZNodes.preferredElections, ZNodes.reassignments,
        ]
        var extra: [String: String?] = [
            ZNodes.topic("good"): #"{"version":1,"partitions":{"0":[1,2]}}"#,
            ZNodes.reassignments: #"{"version":1,"partitions":[{"topic":"none","partition":0,"replicas":[1]}]}"#,
        ]
        for path in stuck { extra["\(path)/x"] = .some(nil) }
        let replay = await cluster(extra)
        #expect(state(replay, "good")?.leader == 1)
        #expect(text(replay, ZNodes.controllerEpoch) == "1")
        #expect(notWritten(replay) == Set(stuck))
        #expect(replay.problems.isEmpty)
    }

    @Test func anIDThatCannotBeWrittenIsNotGiven() async {
        let replay = await cluster(
            [
                ZNodes.topic("stuck"): #"{"version":1,"partitions":{"0":[1,2]}}"#,
                ZNodes.topic("good"): #"{"version":1,"partitions":{"0":[1,2]}}"#,
            ], readOnly: [ZNodes.topic("stuck")])
        #expect(state(replay, "stuck")?.leader == 1)
        #expect(notWritten(replay) == [ZNodes.topic("stuck")])
        let named = replay.sent.reduce(into: Set<String>()) { names, sent in
            if case .leaderAndIsr(let request) = sent.request { names.formUnion(request.topicIDs.keys) }
        }
        #expect(named == ["good"])
        #expect(replay.problems.isEmpty)
    }

    @Test(arguments: [true, false])
    func aRequestForNoTopicThatCannotBeDeletedStopsNoOther(isDeletionEnabled: Bool) async {
        let replay = await cluster([ZNodes.topic("good"): #"{"version":1,"partitions":{"0":[1,2]}}"#]) {
            $0.deleteTopicEnable = isDeletionEnabled
        }
        let stuck = ZNodes.topicDeletion("zzz")
        await create(replay, stuck, "\(stuck)/x")
        await create(replay, ZNodes.topicDeletion("good"))
        #expect((replay.ensemble.node(ZNodes.topic("good")) == nil) == isDeletionEnabled)
        #expect(replay.ensemble.node(ZNodes.topicDeletion("good")) == nil)
        #expect(notWritten(replay) == [stuck])
        #expect(replay.problems.isEmpty)
    }

    @Test func aTopicThatCannotBeDeletedStopsNoOther() async {
        let partitions = #"{"version":1,"partitions":{"0":[1,2]}}"#
        let replay = await cluster([
            ZNodes.topic("stuck"): partitions, ZNodes.topic("t"): partitions, ZNodes.topic("u"): partitions,
        ])
        replay.ensemble.setReadOnly(ZNodes.topic("stuck"))
        await create(replay, ZNodes.topicDeletion("stuck"), ZNodes.topicDeletion("t"))
        #expect(replay.ensemble.node(ZNodes.topic("t")) == nil)
        #expect(replay.ensemble.node(ZNodes.topic("stuck")) != nil)
        // It is asked for still, and is tried again with the next.
        #expect(replay.ensemble.node(ZNodes.topicDeletion("stuck")) != nil)
        #expect(notWritten(replay) == [ZNodes.topic("stuck")])
        replay.ensemble.setReadOnly(ZNodes.topic("stuck"), false)
        await create(replay, ZNodes.topicDeletion("u"))
        for topic in ["stuck", "t", "u"] {
            #expect(replay.ensemble.node(ZNodes.topic(topic)) == nil)
            #expect(replay.ensemble.node(ZNodes.topicDeletion(topic)) == nil)
        }
        #expect(replay.problems.isEmpty)
    }

    @Test func aTopicWhoseNodeWasDamagedCanBeDeleted() async {
        let replay = await cluster([ZNodes.topic("t"): #"{"version":1,"partitions":{"0":[1,2]}}"#])
        await write(replay, ZNodes.topic("t"), "{")
        await create(replay, ZNodes.topicDeletion("t"))
        #expect(replay.ensemble.node(ZNodes.topic("t")) == nil)
        #expect(replay.ensemble.node(ZNodes.topicDeletion("t")) == nil)
        let told = replay.sent.filter {
            if case .stopReplica(let request) = $0.request {
                request.partitions.contains(where: \.delete)
            } else {
                false
            }
        }
        #expect(Set(told.map(\.broker)) == [1, 2])
    }

    // MARK: Older inter-broker protocols

    /// Only to give ids is a matter of the protocol. Who forgot one would take it out of the node with the next write, and
    /// its replicas would be refused under the next id.
    @Test(arguments: [true, false])
    func anIDThatIsThereIsKept(givesTopicIDs: Bool) async throws {
        let id = KafkaUUID(high: 1, low: 2)
        func node(_ partitions: [Int32: PartitionAssignment]) -> String {
            let topic = TopicAssignment(name: "t", id: id, partitions: partitions)
            return String(decoding: ZNodeCodec.encodeTopic(topic), as: UTF8.self)
        }
        func topic() throws -> TopicAssignment {
            try ZNodeCodec.decodeTopic("t", replay.ensemble.node(ZNodes.topic("t"))?.data)
        }
        let replay = await cluster([ZNodes.topic("t"): node([0: PartitionAssignment([1])])]) {
            $0.givesTopicIDs = givesTopicIDs
        }
        #expect(replay.topicName(id: id) == "t")
        await replay.ask(.reassignPartitions([TopicPartition("t", 0): [2]]))
        #expect(try topic().partitions[0]?.adding == [2])
        #expect(try topic().id == id)
        // While it waits to be deleted, partitions are taken back.
        await create(replay, ZNodes.topicDeletion("t"))
        await write(replay, ZNodes.topic("t"), node([0: PartitionAssignment([1]), 1: PartitionAssignment([1])]))
        #expect(try topic().partitions.count == 1)
        #expect(try topic().id == id)
    }

    @Test func theIDOfATopicThatWasMendedIsKnownUnderAnyProtocol() async {
        let replay = await cluster([ZNodes.topic("t"): "{"]) { $0.givesTopicIDs = false }
        let id = KafkaUUID(high: 1, low: 2)
        let topic = TopicAssignment(name: "t", id: id, partitions: [0: PartitionAssignment([1])])
        await write(replay, ZNodes.topic("t"), String(decoding: ZNodeCodec.encodeTopic(topic), as: UTF8.self))
        #expect(replay.topicName(id: id) == "t")
    }

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
