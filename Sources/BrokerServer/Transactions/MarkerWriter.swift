// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import KafkaRecords
import LogStorage
import Synchronization

/// Writes the ends of transactions to partitions that this broker leads, for coordinators here and elsewhere.
struct MarkerWriter: Sendable {
    let replicas: ReplicaManager
    let groups: GroupCoordinationService
    /// For how long a marker waits for replicas, in milliseconds.
    let timeout: Int64

    /// - Parameter done: called once, on any thread, with an outcome for each partition.
    func write(
        _ marker: EndTransactionMarker, producerID: ProducerID, producerEpoch: ProducerEpoch,
        to partitions: [TopicPartition], done: @escaping @Sendable ([(TopicPartition, ErrorCode)]) -> Void
    ) {
        guard !partitions.isEmpty else { return done([]) }
        let collected = Collected(count: partitions.count, done)
        for id in partitions {
            let partition: Partition
            do throws(ProduceRefusal) {
                partition = try replicas.leader(of: id)
            } catch {
                collected.add(id, error.code)
                continue
            }
            let log = LedPartition(partition: partition, replicas: replicas, timeout: timeout, chunkBytes: 0)
            log.submit {
                let batch = RecordBatchBuilder.endTransaction(
                    marker, producerID: producerID, producerEpoch: producerEpoch, timestamp: BrokerClock.now)
                log.append(batch, proof: .notRequired) { error, offset in
                    if error.isNone, id.topic == InternalTopic.consumerOffsets {
                        groups.transactionEnded(
                            in: id.partition, producerID: producerID, isCommit: marker.isCommit,
                            markerOffset: offset)
                    }
                    collected.add(id, error)
                }
            }
        }
    }

    /// The outcomes until all are there. Owner: the lock.
    private final class Collected: Sendable {
        private let outcomes = Mutex<[(TopicPartition, ErrorCode)]>([])
        private let count: Int
        private let done: @Sendable ([(TopicPartition, ErrorCode)]) -> Void

        init(count: Int, _ done: @escaping @Sendable ([(TopicPartition, ErrorCode)]) -> Void) {
            self.count = count
            self.done = done
        }

        func add(_ partition: TopicPartition, _ error: ErrorCode) {
            let all = outcomes.withLock { outcomes -> [(TopicPartition, ErrorCode)]? in
                outcomes.append((partition, error))
                return outcomes.count == count ? outcomes : nil
            }
            if let all { done(all) }
        }
    }
}
