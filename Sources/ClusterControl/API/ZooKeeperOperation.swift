// SPDX-License-Identifier: Apache-2.0

import ClusterMetadata
import KafkaModel

/// One read or write that the controller asks of ZooKeeper.
///
/// Each is one request (or one multi) unless its comment says otherwise, and answers with the case of
/// ``ZooKeeperAnswer`` that its comment names, or with ``ZooKeeperAnswer/failed(_:)``. *Checked* writes are multis whose
/// first part is `check(/controller_epoch, v)` with the version of the batch; when that check fails they answer
/// ``ZooKeeperFailure/controllerMoved``. *Watched* reads arm a watch whose event comes back as the named
/// ``ControllerEvent``. CONNECTIONLOSS never reaches the controller: the driver resends those requests once connected.
package enum ZooKeeperOperation: Hashable, Sendable {
    // MARK: Election
    /// `/controller`, watched whether it exists or not (`exists` first, then `getData`):
    /// `.controllerNodeChanged` when created or changed, `.controllerNodeDeleted`. Answers `.controller`; `noNode` if absent.
    case readController
    /// `/controller_epoch`. Answers `.controllerEpoch`; `noNode` if absent.
    case readControllerEpoch
    /// Creates `/controller_epoch` with `0`. Answers `.written(version: 0)`.
    case createControllerEpoch
    /// `multi[create(/controller, {brokerID, now}, ephemeral), setData(/controller_epoch, epoch, expectedVersion)]`.
    /// Answers `.written(version:)` with the new version of `/controller_epoch`; `nodeExists` or `badVersion` when lost.
    case elect(epoch: ControllerEpoch, expectedVersion: Int32)
    /// Deletes `/controller`, any version, checked. Answers `.deleted`.
    case deleteController
    /// Registers this broker at `/brokers/ids/N` anew, with all the rules for a node that is still there.
    /// Answers `.registered(epoch)`.
    case registerBroker

    // MARK: Features
    /// `/feature`, not watched. Answers `.features`; `noNode` if absent.
    case readFeatures
    /// Creates `/feature` (persistent, not checked). Answers `.written(version: 0)`.
    case createFeatures(FeatureNode)
    /// Sets `/feature` at any version, not checked. Answers `.written(version:)`.
    case writeFeatures(FeatureNode)
    /// No request: waits until this broker's own cache has seen `/feature` at the data version or a later one, at most
    /// `zookeeper.connection.timeout.ms`. Answers `.written(version:)`; `.other(code: -7)` (OPERATIONTIMEOUT) when not.
    case awaitFeatures(version: Int32)

    // MARK: Brokers
    /// Children of `/brokers/ids`, watched: `.brokersChanged`. Answers `.brokers`: the driver reads the children, then
    /// all of them pipelined, and leaves out those gone in between. The data watches are separate.
    case readBrokers
    /// `/brokers/ids/N`; watched when asked (`exists` or `getData`): `.brokerModified`. Answers `.brokers` with one, or
    /// with none when it is gone.
    case readBroker(BrokerID, watch: Bool)

    // MARK: Topics
    /// Children of `/brokers/topics`, watched when asked: `.topicsChanged`. Answers `.names`.
    case listTopics(watch: Bool)
    /// `/brokers/topics/T`, watched when asked: `.topicModified`. Answers `.topic`; `noNode` if absent.
    case readTopic(String, watch: Bool)
    /// Sets `/brokers/topics/T` (version 3, any data version), checked. Answers `.written(version:)`.
    case writeTopic(TopicAssignment)
    /// Deletes `/brokers/topics/T` and all below, depth first, each delete checked; absent nodes do not matter.
    /// Answers `.deleted`.
    case deleteTopic(String)
    /// Deletes `/config/topics/T`, checked; absent does not matter. Answers `.deleted`.
    case deleteTopicConfiguration(String)
    /// `/config/topics/T`: the overrides; empty when absent or null. Answers `.configuration`.
    case readTopicConfiguration(String)

    // MARK: Partitions
    /// `…/partitions/P/state`, watched when asked: `.partitionStateChanged`. Answers `.partitionState`; `noNode` if absent.
    case readPartitionState(TopicPartition, watch: Bool)
    /// No request: the states of all partitions, as the controllers before this one told the broker. They may be outdated;
    /// topics without an id are left out. Answers `.recalled`.
    case recallPartitionStates
    /// Creates `/brokers/topics/T/partitions` (null data), checked. Answers `.written(version: 0)`; `nodeExists` is harmless.
    case createPartitionsNode(topic: String)
    /// Creates `/brokers/topics/T/partitions/P` (null data), checked. Answers `.written(version: 0)`; `nodeExists` is harmless.
    case createPartitionNode(TopicPartition)
    /// Creates `…/partitions/P/state`, checked. Answers `.written(version: 0)`.
    case createPartitionState(TopicPartition, PartitionState)
    /// Sets `…/partitions/P/state` at the expected data version, checked. Answers `.written(version:)`; `badVersion`.
    case writePartitionState(TopicPartition, PartitionState, expectedVersion: Int32)

    // MARK: Requests and notifications that lie in ZooKeeper
    /// Children of `/admin/delete_topics`, watched: `.topicDeletionsRequested`. Answers `.names`.
    case listTopicDeletions
    /// Creates a directory of requests or notifications that somebody has removed, and what is missing above it (null data,
    /// not checked), as every broker does when it starts. Answers `.written(version: 0)`, also where it is there.
    case createDirectory(ZooKeeperDirectory)
    /// Deletes `/admin/delete_topics/T`, checked; absent does not matter. Answers `.deleted`.
    case deleteTopicDeletion(String)
    /// Children of `/isr_change_notification`, watched: `.inSyncReplicasNotified`. Answers `.names`, in sequence order.
    case listIsrChanges
    /// One child of `/isr_change_notification`. Answers `.partitions`.
    case readIsrChange(String)
    /// Deletes one child of `/isr_change_notification`, checked; absent does not matter. Answers `.deleted`.
    case deleteIsrChange(String)
    /// Children of `/log_dir_event_notification`, watched: `.logDirectoryNotified`. Answers `.names`, in sequence order.
    case listLogDirectoryEvents
    /// One child of `/log_dir_event_notification`. Answers `.brokerIDs` with the broker it names.
    case readLogDirectoryEvent(String)
    /// Deletes one child of `/log_dir_event_notification`, checked; absent does not matter. Answers `.deleted`.
    case deleteLogDirectoryEvent(String)
    /// `/admin/reassign_partitions`, watched whether it exists or not: `.reassignmentNodeCreated` when created.
    /// Answers `.reassignments`; `noNode` if absent.
    case readReassignments
    /// Sets or creates `/admin/reassign_partitions`, checked. Answers `.written(version:)`.
    case writeReassignments([TopicPartition: [BrokerID]])
    /// Deletes `/admin/reassign_partitions`, checked; absent does not matter. Answers `.deleted`.
    case deleteReassignments
    /// `/admin/preferred_replica_election`, watched whether it exists or not: `.preferredElectionNodeCreated` when
    /// created. Answers `.partitions`; `noNode` if absent.
    case readPreferredElections
    /// Deletes `/admin/preferred_replica_election`, checked; absent does not matter. Answers `.deleted`.
    case deletePreferredElections

    // MARK: Producer ids
    /// `/latest_producer_id_block`. Answers `.producerIDBlock`, with nil for null data.
    case readProducerIDBlock
    /// Sets `/latest_producer_id_block` at the expected version, not checked. Answers `.written(version:)`; `badVersion`.
    case writeProducerIDBlock(ProducerIDBlock, expectedVersion: Int32)
}

extension ZooKeeperOperation {
    /// The node that is deleted or written, for those whose failure the controller only notices.
    var writtenPath: String {
        switch self {
        case .writeTopic(let topic): "/brokers/topics/\(topic.name)"
        case .deleteTopic(let topic): "/brokers/topics/\(topic)"
        case .deleteTopicConfiguration(let topic): "/config/topics/\(topic)"
        case .deleteTopicDeletion(let topic): "/admin/delete_topics/\(topic)"
        case .deleteIsrChange(let name): "/isr_change_notification/\(name)"
        case .deleteLogDirectoryEvent(let name): "/log_dir_event_notification/\(name)"
        case .writeReassignments, .deleteReassignments: "/admin/reassign_partitions"
        case .deletePreferredElections: "/admin/preferred_replica_election"
        default: "\(self)"
        }
    }
}

/// Where requests and notifications to the controller lie in ZooKeeper.
package enum ZooKeeperDirectory: Hashable, Sendable {
    /// `/admin/delete_topics`
    case topicDeletions
    /// `/isr_change_notification`
    case isrChanges
    /// `/log_dir_event_notification`
    case logDirectoryEvents
}

/// What ZooKeeper said to one ``ZooKeeperOperation``.
package enum ZooKeeperAnswer: Hashable, Sendable {
    /// `kraftControllerEpoch` is −1 or absent for a ZooKeeper controller.
    case controller(BrokerID, kraftControllerEpoch: Int32)
    case controllerEpoch(ControllerEpoch, version: Int32)
    case registered(BrokerEpoch)
    case features(FeatureNode, version: Int32)
    case brokers([RegisteredBroker])
    case brokerIDs([BrokerID])
    case names([String])
    case topic(TopicAssignment)
    case configuration([String: String])
    /// `writtenAt` is the zxid of the last write, to be compared with brokers' epochs; 0 where it does not matter.
    case partitionState(PartitionState, writtenAt: Int64 = 0)
    case recalled([RecalledTopic])
    case partitions([TopicPartition])
    case reassignments([TopicPartition: [BrokerID]])
    case producerIDBlock(ProducerIDBlock?, version: Int32)
    /// Created or set; the node's data version now.
    case written(version: Int32)
    case deleted
    case failed(ZooKeeperFailure)
}

/// Why an operation failed.
package enum ZooKeeperFailure: Error, Hashable, Sendable {
    case noNode
    case nodeExists
    case badVersion
    /// `/controller_epoch` has another version than the batch expected: another broker is controller.
    case controllerMoved
    /// The session ended before the answer came; `.sessionExpired` follows.
    case sessionExpired
    /// The node is there, but what it holds is not what it should.
    case malformed(path: String, reason: String)
    /// Any other code of ZooKeeper.
    case other(code: Int32)

    /// For an operator to read.
    var reason: String {
        switch self {
        case .other(code: -111): "it has children"
        case .other(code: -102): "ZooKeeper does not allow it"
        default: "ZooKeeper answered \(self)"
        }
    }
}

/// Operations to be sent in this order, pipelined; the answers come back together, one for each, in the same order.
package struct ZooKeeperBatch: Hashable, Sendable {
    package typealias ID = UInt64

    package var id: ID
    package var operations: [ZooKeeperOperation]
    /// The version that checked writes expect of `/controller_epoch`.
    package var controllerEpochVersion: Int32

    package init(id: ID, operations: [ZooKeeperOperation], controllerEpochVersion: Int32) {
        self.id = id
        self.operations = operations
        self.controllerEpochVersion = controllerEpochVersion
    }
}
