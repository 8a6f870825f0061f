// SPDX-License-Identifier: Apache-2.0

import ClusterControl
import KafkaModel
import Replication

// MARK: In-sync sets below inter-broker protocol 2.7-IV2

extension SimulatedBroker {
    /// The leader writes the state itself, as `InSyncSetWriter` does.
    func write(_ proposal: LeaderReplication.Proposal, of replica: HostedReplica) {
        let wanted = PartitionState(
            leader: id, leaderEpoch: proposal.leaderEpoch, inSyncReplicas: proposal.inSyncReplicas,
            controllerEpoch: replica.machine.controllerEpoch, partitionEpoch: proposal.partitionEpoch)
        attempt(wanted, proposal, replica)
    }

    private func attempt(_ wanted: PartitionState, _ proposal: LeaderReplication.Proposal, _ replica: HostedReplica) {
        guard replica.machine.isLeader else { return }
        link.writeState(replica.partition, wanted) { [self] outcome in
            guard case .success(let version) = outcome else {
                return after(50) { [self] in attempt(wanted, proposal, replica) }
            }
            world.trace(
                "broker \(id): wrote \(proposal.inSyncReplicas) for \(replica.partition): version \(version.map { "\($0)" } ?? "taken")"
            )
            let (now, image) = (clock, image)
            withLeader(replica) { $0.wrote(proposal, version: version, now: now, isAlive: image.isAlive) }
            if version != nil { notifications.wrote(replica.partition, now: now) }
        }
    }

    func notifyOfInSyncSets() {
        let due = notifications.due(now: clock)
        guard !due.isEmpty else { return }
        link.createSequential("/isr_change_notification/isr_change_", .partitions(due)) { [self] isDone in
            notifications.ended(isDone: isDone, now: clock)
        }
    }
}

// MARK: What a broker asks of ZooKeeper beside its controller

extension ZooKeeperLink {
    /// Writes a state at the version that it names, as `ZooKeeperStore` does; the version that it has then, nil when another
    /// write came first. Fails when the node cannot be read, or the session has ended.
    func writeState(
        _ partition: TopicPartition, _ wanted: PartitionState,
        _ done: @escaping (Result<PartitionEpoch?, ModelZooKeeper.Failure>) -> Void
    ) {
        let path = ModelZooKeeper.statePath(partition)
        request { [self] session in
            do throws(ModelZooKeeper.Failure) {
                let versions = try world.zooKeeper.commit(
                    [.set(path, .state(wanted.forZNode), expected: wanted.partitionEpoch)], by: session)
                return .success(versions[0])
            } catch {
                guard error == .badVersion else { return .failure(error) }
            }
            // The reply to the same write may have been lost.
            guard let node = world.zooKeeper.node(path), case .state(let found) = node.content else {
                return .failure(.noNode)
            }
            return .success(found == wanted.forZNode ? node.version : nil)
        } _: {
            done($0 ?? .failure(.noSession))
        }
    }

    func createSequential(
        _ prefix: String, _ content: ModelZooKeeper.Content, _ done: @escaping (_ isDone: Bool) -> Void
    ) {
        request { [self] session in
            (try? world.zooKeeper.createSequential(prefix, content, by: session)) != nil
        } _: {
            done($0 ?? false)
        }
    }

    /// Asks once a connection is there, again when that breaks before the answer is heard, and until the session ends.
    ///
    /// - Parameters:
    ///   - ask: what is done at the ensemble.
    ///   - done: hears the answer; nil when the session has ended.
    private func request<Answer>(
        _ ask: @escaping (ModelZooKeeper.Session) -> Answer, _ done: @escaping (Answer?) -> Void
    ) {
        guard let asked = session else { return done(nil) }
        let life = broker.life
        func attempt() {
            guard broker.life == life else { return }
            guard session == asked else { return done(nil) }
            guard isConnected else { return broker.after(20) { attempt() } }
            let current = connection
            world.schedule(after: world.draw(0...2)) { [self] in
                guard broker.life == life else { return }
                guard connection == current, isConnected else { return broker.onProcess { attempt() } }
                let answer = ask(asked)
                if world.breaksAfterRequest { disconnect() }
                toBroker { [self] in
                    if connection == current { done(answer) } else { attempt() }
                }
            }
        }
        attempt()
    }
}
