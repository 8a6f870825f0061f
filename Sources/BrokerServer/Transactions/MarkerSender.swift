// SPDX-License-Identifier: Apache-2.0

import ClusterMetadata
import KafkaModel
import KafkaProtocol
import KafkaRecords
import Logging
import Synchronization
import TransactionCoordination

/// Brings the ends of transactions to the leaders of their partitions. It tells what became of each and tries nothing
/// twice: that is the coordinator's to decide.
final class MarkerSender: Sendable {
    typealias Outcomes = [(TopicPartition, ErrorCode)]

    /// Who hears what became of markers. Owner: the lock.
    private final class Listener: Sendable {
        private let report = Mutex<@Sendable (TransactionMarkers, Outcomes) -> Void>({ _, _ in })

        func set(_ report: @escaping @Sendable (TransactionMarkers, Outcomes) -> Void) {
            self.report.withLock { $0 = report }
        }

        func tell(_ markers: TransactionMarkers, _ outcomes: Outcomes) {
            let report = report.withLock { $0 }
            report(markers, outcomes)
        }
    }

    private let neighbours: Neighbours
    private let writer: MarkerWriter
    private let listener: Listener
    private let sender: GatheringSender<TransactionMarkers>

    /// - Parameter version: of WriteTxnMarkers, which inter.broker.protocol.version decides.
    init(_ neighbours: Neighbours, version: Int16, writer: MarkerWriter, logger: Logger) {
        let listener = Listener()
        self.neighbours = neighbours
        self.writer = writer
        self.listener = listener
        sender = GatheringSender(
            neighbours, negotiate: { _ in version },
            gather: { queue in
                defer { queue = [] }
                return queue
            },
            deliver: { batch, link in
                let request = WriteTxnMarkersRequest(batch)
                let outcomes = try await link.connection.send(request, version: version).outcomes
                for markers in batch {
                    let known = outcomes[markers.producer.id] ?? [:]
                    listener.tell(markers, markers.partitions.map { ($0, known[$0] ?? .unknownServerError) })
                }
            },
            fail: { batch, leader, error in
                logger.debug(
                    "Markers of transactions could not be delivered; trying again",
                    metadata: ["kafka.broker": "\(leader)", "error": "\(error)"])
                for markers in batch { listener.tell(markers, markers.partitions.map { ($0, .networkException) }) }
            })
    }

    /// Who hears what became of markers; set once, before anything is sent.
    func connect(_ report: @escaping @Sendable (TransactionMarkers, Outcomes) -> Void) { listener.set(report) }

    /// Some brokers may have left the cluster.
    func brokersChanged() { sender.brokersChanged() }

    func send(_ markers: TransactionMarkers) {
        let image = neighbours.metadata.current
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
        if !settled.isEmpty { listener.tell(markers, settled) }
        for (leader, partitions) in byLeader {
            var part = markers
            part.partitions = partitions
            if leader == neighbours.localID { writeHere(part) } else { sender.send(part, to: leader) }
        }
    }

    private func writeHere(_ markers: TransactionMarkers) {
        let marker = EndTransactionMarker(
            isCommit: markers.isCommit, coordinatorEpoch: markers.coordinatorEpoch)
        writer.write(
            marker, producerID: markers.producer.id, producerEpoch: markers.producer.epoch, to: markers.partitions
        ) { [listener] in listener.tell(markers, $0) }
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
