// SPDX-License-Identifier: Apache-2.0

import ClusterMetadata
import KafkaModel
import KafkaNetworking
import KafkaProtocol
import KafkaRecords
import Logging
import NIOCore
import Synchronization
import TransactionCoordination

/// Brings the ends of transactions to the leaders of their partitions: one request at a time to each broker, with all that
/// has gathered meanwhile. It tells what became of each and tries nothing twice: that is the coordinator's to decide.
///
/// Owner of the queues: the lock.
final class MarkerSender: Sendable {
    typealias Outcomes = [(TopicPartition, ErrorCode)]

    private struct Destination {
        var queue: [TransactionMarkers] = []
        var isSending = false
        var connection: BrokerConnection?
    }

    private let localID: BrokerID
    private let listener: String
    private let version: Int16
    private let metadata: MetadataCache
    private let writer: MarkerWriter
    private let group: any EventLoopGroup
    private let destinations = Mutex<[BrokerID: Destination]>([:])
    private let report = Mutex<@Sendable (TransactionMarkers, Outcomes) -> Void>({ _, _ in })
    private let logger: Logger

    /// - Parameter version: of WriteTxnMarkers, which inter.broker.protocol.version decides.
    init(
        localID: BrokerID, listener: String, version: Int16, metadata: MetadataCache, writer: MarkerWriter,
        group: any EventLoopGroup, logger: Logger
    ) {
        self.localID = localID
        self.listener = listener
        self.version = version
        self.metadata = metadata
        self.writer = writer
        self.group = group
        self.logger = logger
    }

    /// Who hears what became of markers; set once, before anything is sent.
    func connect(_ report: @escaping @Sendable (TransactionMarkers, Outcomes) -> Void) {
        self.report.withLock { $0 = report }
    }

    func send(_ markers: TransactionMarkers) {
        let image = metadata.current
        var byLeader: [BrokerID: [TopicPartition]] = [:]
        var settled: Outcomes = []
        for partition in markers.partitions {
            if let known = image.partition(partition) {
                if known.hasLeader, image.isAlive(known.leader) {
                    byLeader[known.leader, default: []].append(partition)
                } else {
                    settled.append((partition, .leaderNotAvailable))
                }
            } else {
                // A deleted topic needs no marker; a broker that has only just started may not know all topics yet.
                let knowsTopics = image.topic(InternalTopic.transactionState) != nil
                settled.append((partition, knowsTopics ? .none : .leaderNotAvailable))
            }
        }
        if !settled.isEmpty { tell(markers, settled) }
        for (leader, partitions) in byLeader {
            var part = markers
            part.partitions = partitions
            if leader == localID { writeHere(part) } else { enqueue(part, leader) }
        }
    }

    private func tell(_ markers: TransactionMarkers, _ outcomes: Outcomes) {
        let report = report.withLock { $0 }
        report(markers, outcomes)
    }

    private func writeHere(_ markers: TransactionMarkers) {
        let marker = EndTransactionMarker(
            isCommit: markers.isCommit, coordinatorEpoch: markers.coordinatorEpoch)
        writer.write(
            marker, producerID: markers.producer.id, producerEpoch: markers.producer.epoch, to: markers.partitions
        ) { [self] in tell(markers, $0) }
    }

    private func enqueue(_ markers: TransactionMarkers, _ leader: BrokerID) {
        let mustStart = destinations.withLock { destinations in
            destinations[leader, default: Destination()].queue.append(markers)
            defer { destinations[leader]?.isSending = true }
            return destinations[leader]?.isSending == false
        }
        // A bare task: it ends when the queue is empty.
        if mustStart { Task { await drain(leader) } }
    }

    private func drain(_ leader: BrokerID) async {
        while true {
            let batch = destinations.withLock { destinations -> [TransactionMarkers] in
                let batch = destinations[leader]?.queue ?? []
                destinations[leader]?.queue = []
                if batch.isEmpty { destinations[leader]?.isSending = false }
                return batch
            }
            if batch.isEmpty { return }
            do {
                let connection = try await connected(leader)
                let response = try await connection.send(WriteTxnMarkersRequest(batch), version: version)
                let outcomes = response.outcomes
                for markers in batch {
                    let known = outcomes[markers.producer.id] ?? [:]
                    tell(markers, markers.partitions.map { ($0, known[$0] ?? .unknownServerError) })
                }
            } catch {
                logger.debug(
                    "Markers of transactions could not be delivered; trying again",
                    metadata: ["kafka.broker": "\(leader)", "error": "\(error)"])
                disconnect(leader)
                for markers in batch { tell(markers, markers.partitions.map { ($0, .networkException) }) }
            }
        }
    }

    private struct MissingListener: Error {}

    private func connected(_ leader: BrokerID) async throws -> BrokerConnection {
        guard let endpoint = metadata.current.endpoint(of: leader, listener: listener) else { throw MissingListener() }
        if let open = destinations.withLock({ $0[leader]?.connection }), open.isOpen, open.host == endpoint.host,
            open.port == Int(endpoint.port)
        {
            return open
        }
        disconnect(leader)
        let made = try await BrokerConnection.connect(
            host: endpoint.host, port: Int(endpoint.port), options: .init(clientID: "\(localID)"), on: group)
        destinations.withLock { $0[leader, default: Destination()].connection = made }
        return made
    }

    private func disconnect(_ leader: BrokerID) {
        let old = destinations.withLock { destinations in
            let old = destinations[leader]?.connection
            destinations[leader]?.connection = nil
            return old
        }
        old?.closeSoon()
    }
}

extension WriteTxnMarkersRequest {
    fileprivate init(_ batch: [TransactionMarkers]) {
        self.init()
        markers = batch.map { markers in
            var wire = WritableTxnMarker()
            wire.producerID = markers.producer.id
            wire.producerEpoch = markers.producer.epoch
            wire.transactionResult = markers.isCommit
            wire.coordinatorEpoch = markers.coordinatorEpoch
            wire.topics = markers.partitions.grouped(by: \.topic).map { topic, partitions in
                var wire = WritableTxnMarkerTopic()
                wire.name = topic
                wire.partitionIndexes = partitions.map(\.partition)
                return wire
            }
            return wire
        }
    }
}

extension WriteTxnMarkersResponse {
    fileprivate var outcomes: [ProducerID: [TopicPartition: ErrorCode]] {
        var outcomes: [ProducerID: [TopicPartition: ErrorCode]] = [:]
        for marker in markers {
            for topic in marker.topics {
                for partition in topic.partitions {
                    let id = TopicPartition(topic.name, partition.partitionIndex)
                    outcomes[marker.producerID, default: [:]][id] = partition.errorCode
                }
            }
        }
        return outcomes
    }
}
