// SPDX-License-Identifier: Apache-2.0

import ClusterControl
import ClusterMetadata
import KafkaModel

// MARK: What is done to ZooKeeper by hand

extension Simulation {
    func content(_ path: String) -> ModelZooKeeper.Content? { zooKeeper.node(path)?.content }

    /// Creates what is missing above a node, as all tools do before they create it.
    func makeParents(of path: String) {
        var parent = ""
        for part in path.split(separator: "/").dropLast() {
            parent += "/\(part)"
            _ = try? zooKeeper.commit([.create(parent, .null)], by: administrator)
        }
    }

    /// Nodes that every broker makes sure of vanish.
    func removeParents() {
        let parents = ["/admin", "/isr_change_notification", "/log_dir_event_notification", "/config/topics"]
        guard let parent = parents.randomElement(using: &random) else { return }
        // What was asked below it would be forgotten by the next controller.
        guard parent != "/admin" || zooKeeper.children("/admin/delete_topics").isEmpty else { return }
        trace("zookeeper: \(parent) is removed by hand")
        removeAll(below: parent)
    }

    private func removeAll(below path: String) {
        for child in zooKeeper.children(path) { removeAll(below: "\(path)/\(child)") }
        _ = try? zooKeeper.commit([.delete(path)], by: administrator)
    }

    // MARK: Nodes that nobody can read

    /// What is known of a topic, also while its node is damaged.
    func topicAssignment(_ name: String) -> TopicAssignment? {
        let path = "/brokers/topics/\(name)"
        let content = content(path)
        guard case .topic(let topic) = content == .garbage ? damaged[path] : content else { return nil }
        return topic
    }

    func isDamaged(_ topic: String) -> Bool {
        damaged.keys.contains { $0 == "/brokers/topics/\(topic)" || $0.hasPrefix("/brokers/topics/\(topic)/") }
    }

    /// A topic, or the state of one of its partitions, is overwritten, and what it was is put back later.
    func damageNode() {
        guard damaged.count < 2, let (partition, _) = anyPartition(), !isDamaged(partition.topic),
            zooKeeper.node("/admin/delete_topics/\(partition.topic)") == nil
        else { return }
        let path =
            chance(1, in: 3) ? "/brokers/topics/\(partition.topic)" : ModelZooKeeper.statePath(partition)
        guard let content = content(path) else { return }
        trace("zookeeper: \(path) is damaged")
        damaged[path] = content
        damagedAt[path] = zooKeeper.zxid
        _ = try? zooKeeper.commit([.set(path, .garbage)], by: administrator)
        schedule(after: draw(1000...40_000)) { [self] in repair(path) }
    }

    /// What was there is put back, unless the controller has done so. The state of a partition gets the next leader epoch, so
    /// that its replicas take it for news, and another controller, which reads it.
    private func repair(_ path: String) {
        guard let content = damaged.removeValue(forKey: path), self.content(path) == .garbage else { return }
        trace("zookeeper: \(path) is repaired")
        guard case .state(var state) = content else {
            _ = try? zooKeeper.commit([.set(path, content)], by: administrator)
            return
        }
        state.leaderEpoch += 1
        // Whoever was away meanwhile is not to be trusted for the sake of a node that says so.
        let steady = state.inSyncReplicas.filter {
            zooKeeper.node("/brokers/ids/\($0)").map { $0.czxid <= damagedAt[path, default: 0] } ?? false
        }
        if !steady.isEmpty {
            state.inSyncReplicas = steady
            if !steady.contains(state.leader) { state.leader = PartitionImage.noLeader }
        }
        _ = try? zooKeeper.commit([.set(path, .state(state))], by: administrator)
        _ = try? zooKeeper.commit([.delete("/controller")], by: administrator)
    }

    // MARK: The commands of old tools

    func reassignByNode() {
        let path = "/admin/reassign_partitions"
        guard zooKeeper.node(path) == nil else { return }
        var wishes: [TopicPartition: [BrokerID]] = [:]
        for _ in 0..<draw(1...3) {
            if let (partition, _) = anyPartition() { wishes[partition] = someReplicas(plan.replicationFactor) }
        }
        if wishes.isEmpty || chance(1, in: 6) { wishes[TopicPartition("t0", 0)] = someReplicas(plan.replicationFactor) }
        trace("zookeeper: \(wishes.sorted { $0.key < $1.key }) are asked for in \(path)")
        command(path, .reassignments(wishes))
    }

    func electByNode() {
        var partitions: [TopicPartition] = []
        for _ in 0..<draw(1...3) {
            if let (partition, _) = anyPartition() { partitions.append(partition) }
        }
        command("/admin/preferred_replica_election", .partitions(partitions))
    }

    /// One in six cannot be read; whoever made it takes it away again.
    private func command(_ path: String, _ content: ModelZooKeeper.Content) {
        makeParents(of: path)
        guard chance(1, in: 6) else {
            _ = try? zooKeeper.commit([.create(path, content)], by: administrator)
            return
        }
        guard (try? zooKeeper.commit([.create(path, .garbage)], by: administrator)) != nil else { return }
        schedule(after: draw(1000...20_000)) { [self] in takeAwayGarbage(path) }
    }

    private func takeAwayGarbage(_ path: String) {
        if content(path) == .garbage { _ = try? zooKeeper.commit([.delete(path)], by: administrator) }
    }

    // MARK: The ensemble's delays

    func slowZooKeeper(of broker: SimulatedBroker) {
        broker.link.slowness = draw(50...4000)
        schedule(after: draw(2000...20_000)) { broker.link.slowness = 0 }
    }

    func healZooKeeper() {
        for path in damaged.keys.sorted() { repair(path) }
        takeAwayGarbage("/admin/reassign_partitions")
        for broker in brokers { broker.link.slowness = 0 }
    }

    /// A command of old tools that has not been carried out; nil when there is none.
    var missingOfZooKeeper: String? {
        ["/admin/reassign_partitions", "/admin/preferred_replica_election"].first { zooKeeper.node($0) != nil }
            .map { "\($0) is still there: \(String(describing: content($0)))" }
    }
}
