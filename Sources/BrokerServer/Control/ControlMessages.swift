// SPDX-License-Identifier: Apache-2.0

import ClusterControl
import ClusterMetadata
import KafkaModel
import KafkaProtocol
import Replication

/// Control requests between the words of the controller and the messages on the wire. The versions end here: no engine
/// knows in which form a decision travelled.
enum ControlMessages {
    // MARK: What the controller sends

    static func message(_ request: ControlRequest.LeaderAndIsr, version: Int16, listener: String) -> LeaderAndIsrRequest
    {
        var message = LeaderAndIsrRequest()
        message.controllerID = request.header.controllerID
        message.controllerEpoch = request.header.controllerEpoch
        message.brokerEpoch = request.header.brokerEpoch
        message.liveLeaders = request.liveLeaders.compactMap { broker in
            broker.endpoint(listener).map { endpoint in
                var leader = LeaderAndIsrRequest.LeaderAndIsrLiveLeader()
                leader.brokerID = broker.id
                leader.hostName = endpoint.host
                leader.port = endpoint.port
                return leader
            }
        }
        let states = request.partitions.map { partition in
            var state = LeaderAndIsrRequest.LeaderAndIsrPartitionState()
            if version < 2 { state.topicName = partition.partition.topic }
            state.partitionIndex = partition.partition.partition
            state.controllerEpoch = partition.state.controllerEpoch
            state.leader = partition.state.leader
            state.leaderEpoch = partition.state.leaderEpoch
            state.isr = partition.state.inSyncReplicas
            state.partitionEpoch = partition.state.partitionEpoch
            state.replicas = partition.assignment.replicas
            state.addingReplicas = partition.assignment.adding
            state.removingReplicas = partition.assignment.removing
            state.isNew = partition.isNew
            if version >= 6 { state.leaderRecoveryState = partition.state.recoveryState.rawValue }
            return (topic: partition.partition.topic, state: state)
        }
        guard version >= 2 else {
            message.ungroupedPartitionStates = states.map(\.state)
            return message
        }
        message.topicStates = grouped(states.map { ($0.topic, $0.state) }).map { topic, states in
            var group = LeaderAndIsrRequest.LeaderAndIsrTopicState()
            group.topicName = topic
            group.topicID = request.topicIDs[topic] ?? .zero
            group.partitionStates = states
            return group
        }
        return message
    }

    static func message(_ request: ControlRequest.UpdateMetadata, version: Int16, listener: String)
        -> UpdateMetadataRequest
    {
        var message = UpdateMetadataRequest()
        message.controllerID = request.header.controllerID
        message.controllerEpoch = request.header.controllerEpoch
        message.brokerEpoch = request.header.brokerEpoch
        message.liveBrokers = request.update.brokers.map { broker in
            var live = UpdateMetadataRequest.UpdateMetadataBroker()
            live.id = broker.id
            live.rack = broker.rack
            if version == 0 {
                let endpoint = broker.endpoint(listener)
                live.v0Host = endpoint?.host ?? ""
                live.v0Port = endpoint?.port ?? -1
            } else {
                live.endpoints = broker.endpoints.map { endpoint in
                    var wire = UpdateMetadataRequest.UpdateMetadataEndpoint()
                    wire.host = endpoint.host
                    wire.port = endpoint.port
                    wire.listener = endpoint.listenerName
                    wire.securityProtocol = endpoint.securityProtocol.rawValue
                    return wire
                }
            }
            return live
        }
        let topics = request.update.topics.map { topic in
            let states = topic.partitions.map { partition in
                var state = UpdateMetadataRequest.UpdateMetadataPartitionState()
                if version < 5 { state.topicName = topic.name }
                state.partitionIndex = partition.index
                state.controllerEpoch = partition.state.controllerEpoch
                state.leader = partition.state.leader
                state.leaderEpoch = partition.state.leaderEpoch
                state.isr = partition.state.inSyncReplicas
                state.zkVersion = partition.state.partitionEpoch
                state.replicas = partition.state.replicas
                state.offlineReplicas = partition.state.offlineReplicas
                return state
            }
            return (topic: topic, states: states)
        }
        if version >= 5 {
            message.topicStates = topics.map { topic, states in
                var group = UpdateMetadataRequest.UpdateMetadataTopicState()
                group.topicName = topic.name
                group.topicID = topic.id
                group.partitionStates = states
                return group
            }
        } else {
            message.ungroupedPartitionStates = topics.flatMap(\.states)
        }
        return message
    }

    /// Below version 3 a request is all deletions or none, so one decision may be two requests.
    static func messages(_ request: ControlRequest.StopReplica, version: Int16) -> [StopReplicaRequest] {
        guard version < 3 else { return [stopReplica(request.header, request.partitions, version: version)] }
        return [false, true].compactMap { delete in
            let partitions = request.partitions.filter { $0.delete == delete }
            return partitions.isEmpty ? nil : stopReplica(request.header, partitions, version: version)
        }
    }

    private static func stopReplica(
        _ header: ControlRequest.Header, _ partitions: [ControlRequest.StopReplica.Partition], version: Int16
    ) -> StopReplicaRequest {
        var message = StopReplicaRequest()
        message.controllerID = header.controllerID
        message.controllerEpoch = header.controllerEpoch
        message.brokerEpoch = header.brokerEpoch
        if version < 3 { message.deletePartitions = partitions.contains(where: \.delete) }
        let topics = grouped(partitions.map { ($0.partition.topic, $0) })
        switch version {
        case 0:
            message.ungroupedPartitions = partitions.map { partition in
                var wire = StopReplicaRequest.StopReplicaPartitionV0()
                wire.topicName = partition.partition.topic
                wire.partitionIndex = partition.partition.partition
                return wire
            }
        case 1, 2:
            message.topics = topics.map { topic, partitions in
                var wire = StopReplicaRequest.StopReplicaTopicV1()
                wire.name = topic
                wire.partitionIndexes = partitions.map(\.partition.partition)
                return wire
            }
        default:
            message.topicStates = topics.map { topic, partitions in
                var wire = StopReplicaRequest.StopReplicaTopicState()
                wire.topicName = topic
                wire.partitionStates = partitions.map { partition in
                    var state = StopReplicaRequest.StopReplicaPartitionState()
                    state.partitionIndex = partition.partition.partition
                    state.leaderEpoch = partition.leaderEpoch
                    state.deletePartition = partition.delete
                    return state
                }
                return wire
            }
        }
        return message
    }

    // MARK: What the controller hears

    /// - Parameter topicNames: the names of the ids that the request carried (version 5 answers by id).
    static func answer(_ response: LeaderAndIsrResponse, topicNames: [KafkaUUID: String]) -> ControlAnswer {
        var errors: [TopicPartition: ErrorCode] = [:]
        for partition in response.partitionErrors {
            errors[TopicPartition(partition.topicName, partition.partitionIndex)] = partition.errorCode
        }
        for topic in response.topics {
            guard let name = topicNames[topic.topicID] else { continue }
            for partition in topic.partitionErrors {
                errors[TopicPartition(name, partition.partitionIndex)] = partition.errorCode
            }
        }
        return ControlAnswer(error: response.errorCode, partitions: errors)
    }

    static func answer(_ response: StopReplicaResponse) -> ControlAnswer {
        var errors: [TopicPartition: ErrorCode] = [:]
        for partition in response.partitionErrors {
            errors[TopicPartition(partition.topicName, partition.partitionIndex)] = partition.errorCode
        }
        return ControlAnswer(error: response.errorCode, partitions: errors)
    }

    // MARK: What a broker receives

    static func update(_ message: UpdateMetadataRequest, version: Int16, listener: String) -> MetadataUpdate {
        let brokers = message.liveBrokers.map { live in
            let endpoints: [Endpoint]
            if version == 0 {
                endpoints = [
                    Endpoint(
                        listenerName: listener, host: live.v0Host, port: live.v0Port, securityProtocol: .plaintext)
                ]
            } else {
                endpoints = live.endpoints.map { endpoint in
                    let security = SecurityProtocol(rawValue: endpoint.securityProtocol) ?? .plaintext
                    // Before version 3 a listener is called like its protocol.
                    let name = version < 3 ? security.name : endpoint.listener
                    return Endpoint(
                        listenerName: name, host: endpoint.host, port: endpoint.port, securityProtocol: security)
                }
            }
            return BrokerInfo(id: live.id, rack: version >= 2 ? live.rack : nil, endpoints: endpoints)
        }
        let states: [(topic: String, id: KafkaUUID, states: [UpdateMetadataRequest.UpdateMetadataPartitionState])]
        if version >= 5 {
            states = message.topicStates.map { ($0.topicName, $0.topicID, $0.partitionStates) }
        } else {
            states = grouped(message.ungroupedPartitionStates.map { ($0.topicName, $0) }).map { ($0.0, .zero, $0.1) }
        }
        let topics = states.map { topic in
            MetadataUpdate.Topic(
                name: topic.topic, id: topic.id,
                partitions: topic.states.map { state in
                    TopicImage.Partition(
                        index: state.partitionIndex,
                        state: PartitionImage(
                            leader: state.leader, leaderEpoch: state.leaderEpoch, inSyncReplicas: state.isr,
                            replicas: state.replicas, offlineReplicas: state.offlineReplicas,
                            partitionEpoch: state.zkVersion, controllerEpoch: state.controllerEpoch))
                })
        }
        return MetadataUpdate(controllerID: message.controllerID, brokers: brokers, topics: topics)
    }

    static func partitions(_ message: LeaderAndIsrRequest, version: Int16) -> [LeaderAndIsrPartition] {
        if version < 2 {
            return message.ungroupedPartitionStates.map { LeaderAndIsrPartition($0, topic: $0.topicName, id: nil) }
        }
        return message.topicStates.flatMap { topic in
            topic.partitionStates.map {
                LeaderAndIsrPartition(
                    $0, topic: topic.topicName, id: topic.topicID.isZero ? nil : topic.topicID)
            }
        }
    }

    static func partitions(_ message: StopReplicaRequest, version: Int16) -> [ControlRequest.StopReplica.Partition] {
        func stop(_ topic: String, _ partition: Int32) -> ControlRequest.StopReplica.Partition {
            ControlRequest.StopReplica.Partition(
                partition: TopicPartition(topic, partition), leaderEpoch: ControlRequest.StopReplica.Partition.noEpoch,
                delete: message.deletePartitions)
        }
        switch version {
        case 0: return message.ungroupedPartitions.map { stop($0.topicName, $0.partitionIndex) }
        case 1, 2: return message.topics.flatMap { topic in topic.partitionIndexes.map { stop(topic.name, $0) } }
        default:
            return message.topicStates.flatMap { topic in
                topic.partitionStates.map { state in
                    ControlRequest.StopReplica.Partition(
                        partition: TopicPartition(topic.topicName, state.partitionIndex),
                        leaderEpoch: state.leaderEpoch, delete: state.deletePartition)
                }
            }
        }
    }

    /// Groups values by topic, in order of first appearance.
    private static func grouped<Value>(_ values: [(String, Value)]) -> [(String, [Value])] {
        var positions: [String: Int] = [:]
        var groups: [(String, [Value])] = []
        for (topic, value) in values {
            if let position = positions[topic] {
                groups[position].1.append(value)
            } else {
                positions[topic] = groups.count
                groups.append((topic, [value]))
            }
        }
        return groups
    }
}

extension LeaderAndIsrPartition {
    init(_ state: LeaderAndIsrRequest.LeaderAndIsrPartitionState, topic: String, id: KafkaUUID?) {
        self.init(
            partition: TopicPartition(topic, state.partitionIndex), topicID: id,
            controllerEpoch: state.controllerEpoch, leader: state.leader, leaderEpoch: state.leaderEpoch,
            // A set in Kafka: a broker named twice would count twice towards min.insync.replicas.
            inSyncReplicas: state.isr.reduce(into: []) { if !$0.contains($1) { $0.append($1) } },
            partitionEpoch: state.partitionEpoch, replicas: state.replicas,
            isNew: state.isNew)
    }
}
