// SPDX-License-Identifier: Apache-2.0

import ClusterControl
import ClusterMetadata
import GoldenFixtures
import KafkaModel
import KafkaProtocol
import NIOCore

@testable import BrokerServer

/// What one control request says, as it is on the wire.
enum ControlMessage: Hashable {
    case leaderAndIsr(LeaderAndIsrRequest)
    case updateMetadata(UpdateMetadataRequest)
    case stopReplica(StopReplicaRequest)

    /// In how many messages a controller of this listener would put the request.
    static func messages(
        _ request: ControlRequest, versions: (leaderAndIsr: Int16, updateMetadata: Int16, stopReplica: Int16),
        listener: String
    ) -> [ControlMessage] {
        switch request {
        case .leaderAndIsr(let request):
            let version = versions.leaderAndIsr
            return [.leaderAndIsr(ControlMessages.message(request, version: version, listener: listener))]
        case .updateMetadata(let request):
            let version = versions.updateMetadata
            return [.updateMetadata(ControlMessages.message(request, version: version, listener: listener))]
        case .stopReplica(let request):
            return ControlMessages.messages(request, version: versions.stopReplica).map { .stopReplica($0) }
        }
    }
}

/// A control request of Kafka's, and to whom it went.
struct RecordedControlRequest {
    var name: String
    var receiver: BrokerID
    var version: Int16
    var message: ControlMessage

    static func all() throws -> [RecordedControlRequest] {
        var requests: [RecordedControlRequest] = []
        let keys: [Int16] = [ApiKey.leaderAndIsr, .updateMetadata, .stopReplica].map(\.rawValue)
        for file in try GoldenFixtures.files("wire", suffix: ".inter.jsonl.gz") {
            for line in try GoldenFixtures.jsonLines(file) {
                guard line["direction"] as? String == "request", let key = (line["api_key"] as? Int).map(Int16.init),
                    keys.contains(key), let hex = line["hex"] as? String, let receiver = line["broker"] as? Int
                else { continue }
                let (header, body) = try Frame.decodeRequest(ByteBuffer(bytes: Self.bytes(hex)))
                guard let message = try ControlMessage(header, body) else { continue }
                requests.append(
                    RecordedControlRequest(
                        name: "\(file.lastPathComponent) #\(line["seq"] ?? "")", receiver: BrokerID(receiver),
                        version: header.apiVersion, message: message))
            }
        }
        return requests
    }

    private static func bytes(_ hex: String) -> [UInt8] {
        let digits = hex.utf8.compactMap { UInt8(String(UnicodeScalar($0)), radix: 16) }
        return stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }
}

extension ControlMessage {
    fileprivate init?(_ header: RequestHeader, _ body: ByteBuffer) throws {
        func read<Message: ApiMessage>(_ type: Message.Type) throws -> Message {
            var reader = WireReader(
                body, version: header.apiVersion, flexible: Message.isFlexible(header.apiVersion))
            return try Message(from: &reader)
        }
        switch header.apiKey {
        case .leaderAndIsr: self = .leaderAndIsr(try read(LeaderAndIsrRequest.self))
        case .updateMetadata: self = .updateMetadata(try read(UpdateMetadataRequest.self))
        case .stopReplica: self = .stopReplica(try read(StopReplicaRequest.self))
        default: return nil
        }
    }

    /// What the controller had in mind.
    func request(version: Int16, listener: String) -> ControlRequest {
        switch self {
        case .leaderAndIsr(let message):
            let groups: [(topic: String, id: KafkaUUID, states: [LeaderAndIsrRequest.LeaderAndIsrPartitionState])] =
                version < 2
                ? message.ungroupedPartitionStates.map { ($0.topicName, .zero, [$0]) }
                : message.topicStates.map { ($0.topicName, $0.topicID, $0.partitionStates) }
            var ids: [String: KafkaUUID] = [:]
            var partitions: [ControlRequest.LeaderAndIsr.Partition] = []
            for group in groups {
                if !group.id.isZero { ids[group.topic] = group.id }
                partitions += group.states.map { state in
                    ControlRequest.LeaderAndIsr.Partition(
                        partition: TopicPartition(group.topic, state.partitionIndex),
                        state: PartitionState(
                            leader: state.leader, leaderEpoch: state.leaderEpoch, inSyncReplicas: state.isr,
                            recoveryState: LeaderRecoveryState(rawValue: state.leaderRecoveryState) ?? .recovered,
                            controllerEpoch: state.controllerEpoch, partitionEpoch: state.partitionEpoch),
                        assignment: PartitionAssignment(
                            state.replicas, adding: state.addingReplicas, removing: state.removingReplicas),
                        isNew: state.isNew)
                }
            }
            let leaders = message.liveLeaders.map { leader in
                BrokerInfo(
                    id: leader.brokerID,
                    endpoints: [
                        Endpoint(
                            listenerName: listener, host: leader.hostName, port: leader.port,
                            securityProtocol: .plaintext)
                    ])
            }
            return .leaderAndIsr(
                .init(
                    header: .init(
                        controllerID: message.controllerID, controllerEpoch: message.controllerEpoch,
                        brokerEpoch: message.brokerEpoch), partitions: partitions, topicIDs: ids, liveLeaders: leaders))
        case .updateMetadata(let message):
            return .updateMetadata(
                .init(
                    header: .init(
                        controllerID: message.controllerID, controllerEpoch: message.controllerEpoch,
                        brokerEpoch: message.brokerEpoch),
                    update: ControlMessages.update(message, version: version, listener: listener)))
        case .stopReplica(let message):
            return .stopReplica(
                .init(
                    header: .init(
                        controllerID: message.controllerID, controllerEpoch: message.controllerEpoch,
                        brokerEpoch: message.brokerEpoch),
                    partitions: ControlMessages.partitions(message, version: version)))
        }
    }
}

extension ControlMessage {
    /// Old versions name each partition by itself, in no order that means anything.
    var inOrder: ControlMessage {
        switch self {
        case .leaderAndIsr(var message):
            message.ungroupedPartitionStates.sort {
                ($0.topicName, $0.partitionIndex) < ($1.topicName, $1.partitionIndex)
            }
            return .leaderAndIsr(message)
        case .updateMetadata(var message):
            message.ungroupedPartitionStates.sort {
                ($0.topicName, $0.partitionIndex) < ($1.topicName, $1.partitionIndex)
            }
            return .updateMetadata(message)
        case .stopReplica(var message):
            message.ungroupedPartitions.sort { ($0.topicName, $0.partitionIndex) < ($1.topicName, $1.partitionIndex) }
            return .stopReplica(message)
        }
    }
}

// MARK: What a request says of single partitions

/// One statement of a control request. Kafka gathers statements as its queue of events happens to be cut; what is said to
/// whom does not depend on it.
struct ControlStatement: Hashable {
    enum Subject: Hashable {
        case leads(topic: String, id: KafkaUUID, LeaderAndIsrRequest.LeaderAndIsrPartitionState)
        case knows(topic: String, id: KafkaUUID, UpdateMetadataRequest.UpdateMetadataPartitionState)
        case lives(Set<UpdateMetadataRequest.UpdateMetadataBroker>)
        case stops(topic: String, StopReplicaRequest.StopReplicaPartitionState)
    }

    var receiver: BrokerID
    var controller: BrokerID
    var controllerEpoch: ControllerEpoch
    var brokerEpoch: BrokerEpoch
    var subject: Subject

    /// The id of the topic that the statement is about, if it says one.
    var topicID: KafkaUUID? {
        switch subject {
        case .leads(_, let id, _), .knows(_, let id, _): id
        case .stops, .lives: nil
        }
    }

    /// Of a request in the newest version.
    static func all(in message: ControlMessage, to receiver: BrokerID) -> [ControlStatement] {
        switch message {
        case .leaderAndIsr(let message):
            return message.topicStates.flatMap { topic in
                topic.partitionStates.map { state in
                    ControlStatement(
                        receiver: receiver, controller: message.controllerID,
                        controllerEpoch: message.controllerEpoch, brokerEpoch: message.brokerEpoch,
                        subject: .leads(topic: topic.topicName, id: topic.topicID, state))
                }
            }
        case .updateMetadata(let message):
            let subjects: [Subject] =
                [.lives(Set(message.liveBrokers.map(\.inOrder)))]
                + message.topicStates.flatMap { topic in
                    topic.partitionStates.map { .knows(topic: topic.topicName, id: topic.topicID, $0) }
                }
            return subjects.map { subject in
                ControlStatement(
                    receiver: receiver, controller: message.controllerID, controllerEpoch: message.controllerEpoch,
                    brokerEpoch: message.brokerEpoch, subject: subject)
            }
        case .stopReplica(let message):
            return message.topicStates.flatMap { topic in
                topic.partitionStates.map { state in
                    ControlStatement(
                        receiver: receiver, controller: message.controllerID,
                        controllerEpoch: message.controllerEpoch, brokerEpoch: message.brokerEpoch,
                        subject: .stops(topic: topic.topicName, state))
                }
            }
        }
    }
}

extension UpdateMetadataRequest.UpdateMetadataBroker {
    fileprivate var inOrder: Self {
        var broker = self
        broker.endpoints.sort { $0.listener < $1.listener }
        return broker
    }
}
