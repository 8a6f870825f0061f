// SPDX-License-Identifier: Apache-2.0

import ClusterControl
import ClusterMetadata
import Coordination
import Dispatch
import KafkaModel
import Logging
import Synchronization

/// The partitions of a coordinator's topic that this broker leads, each with its shard.
///
/// Owner of the table: the lock, held for a look-up. Partitions come and go on the control queue; they are loaded one after
/// the other on a queue that may block.
final class CoordinatorTable<Machine: CoordinatorMachine>: Sendable {
    typealias Shard = CoordinatorShard<Machine>

    private struct Table {
        var shards: [Int32: Shard] = [:]
        /// The largest leader epoch that was heard of, by partition: older news is void.
        var epochs: [Int32: LeaderEpoch] = [:]
    }

    let topic: String
    /// How many partitions the topic has, fixed since the start.
    private let partitionCount: Int32
    /// Whether a machine knows the leader epoch that it was made with, so that a new epoch needs a new machine.
    private let isBoundToEpoch: Bool
    private let surroundings: CoordinatorSurroundings
    private let openLog: @Sendable (TopicPartition) -> (any CoordinatedLog)?
    private let makeMachine: @Sendable (LeaderEpoch) -> Machine
    private let perform: @Sendable (Machine.Errand) -> Void
    private let table = Mutex(Table())
    private let loading: DispatchQueue
    private let logger: Logger

    init(
        topic: String, partitionCount: Int32, isBoundToEpoch: Bool = false, _ surroundings: CoordinatorSurroundings,
        logger: Logger, openLog: @escaping @Sendable (TopicPartition) -> (any CoordinatedLog)?,
        makeMachine: @escaping @Sendable (LeaderEpoch) -> Machine,
        perform: @escaping @Sendable (Machine.Errand) -> Void
    ) {
        self.topic = topic
        self.partitionCount = partitionCount
        self.isBoundToEpoch = isBoundToEpoch
        self.surroundings = surroundings
        self.openLog = openLog
        self.makeMachine = makeMachine
        self.perform = perform
        loading = DispatchQueue(label: "martlet.loading.\(topic)")
        self.logger = logger
    }

    // MARK: Looking

    func partition(of key: String) -> TopicPartition {
        TopicPartition(topic, CoordinatorPartitioning.partition(of: key, count: partitionCount))
    }

    func shard(of key: String) -> Shard? { shard(partition(of: key).partition) }

    func shard(_ partition: Int32) -> Shard? { table.withLock { $0.shards[partition] } }

    var shards: [Shard] { table.withLock { $0.shards.values.sorted { $0.partition < $1.partition } } }

    // MARK: Partitions that come and go

    /// The controller has said who leads.
    func rolesChanged(_ outcome: ReplicaManager.LeaderAndIsrOutcome) {
        for change in outcome.leading where change.partition.topic == topic {
            lead(change.partition.partition, epoch: change.leaderEpoch)
        }
        for change in outcome.following where change.partition.topic == topic {
            resign(change.partition.partition, epoch: change.leaderEpoch)
        }
    }

    func stopped(_ stops: [ControlRequest.StopReplica.Partition]) {
        for stop in stops where stop.partition.topic == topic {
            resign(stop.partition.partition, epoch: stop.leaderEpoch < 0 ? nil : stop.leaderEpoch)
        }
    }

    /// This broker leads the partition: its log is read, and its keys are served.
    func lead(_ partition: Int32, epoch: LeaderEpoch) {
        let id = TopicPartition(topic, partition)
        guard let log = openLog(id) else { return }
        let (added, replaced) = table.withLock { table -> (Shard?, Shard?) in
            guard epoch > table.epochs[partition] ?? -1 else { return (nil, nil) }
            table.epochs[partition] = epoch
            let known = table.shards[partition]
            // Who led before and still does knows all there is.
            guard known == nil || isBoundToEpoch else { return (nil, nil) }
            let shard = Shard(
                partition: partition, log: log, surroundings, makeMachine: { [makeMachine] in makeMachine(epoch) },
                perform: perform)
            table.shards[partition] = shard
            return (shard, known)
        }
        replaced?.retire()
        guard let added else { return }
        // Behind what a shard before this one has handed to the log.
        log.submit { [self] in loading.async { [self] in load(added, id) } }
    }

    /// A partition that is led elsewhere by now is not coordinated here, also if this broker could not become its follower.
    func metadataChanged(_ update: MetadataUpdate, localID: BrokerID) {
        for topic in update.topics where topic.name == self.topic {
            for partition in topic.partitions where partition.state.leader != localID {
                let known = table.withLock { $0.epochs[partition.index] }
                guard let known, partition.state.leaderEpoch > known else { continue }
                resign(partition.index, epoch: partition.state.leaderEpoch)
            }
        }
    }

    private func load(_ shard: Shard, _ id: TopicPartition) {
        let start = BrokerClock.monotonicMilliseconds
        do {
            try shard.load { [logger] in
                logger.info(
                    "Loaded a partition of a coordinator",
                    metadata: [
                        "kafka.partition": "\(id)", "milliseconds": "\(BrokerClock.monotonicMilliseconds &- start)",
                    ])
            }
        } catch {
            // Serving half of what is there would make decisions go back.
            logger.critical(
                "A partition of a coordinator cannot be read, so it is not coordinated",
                metadata: ["kafka.partition": "\(id)", "error": "\(error)"])
            table.withLock { table in
                if table.shards[shard.partition] === shard { table.shards[shard.partition] = nil }
            }
            shard.retire()
        }
    }

    /// This broker does not lead the partition any more. Without an epoch whatever was known is void.
    func resign(_ partition: Int32, epoch: LeaderEpoch?) {
        let shard = table.withLock { table -> Shard? in
            if let epoch {
                guard epoch >= table.epochs[partition] ?? -1 else { return nil }
                table.epochs[partition] = epoch
            } else {
                // The topic may come again, with epochs that start anew.
                table.epochs[partition] = nil
            }
            return table.shards.removeValue(forKey: partition)
        }
        shard?.retire()
    }
}
