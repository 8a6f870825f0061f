// SPDX-License-Identifier: Apache-2.0

import ClusterMetadata
import KafkaModel
import KafkaProtocol
import Synchronization
import TransactionCoordination

/// AddPartitionsToTxn, 0–5: partitions that a transaction is about to write to.
///
/// v2 knows PRODUCER_FENCED (KIP-588), v3 is flexible, v4 is for brokers: several transactions at once, and questions
/// whether partitions belong to them (KIP-890); v5 knows TRANSACTION_ABORTABLE.
struct AddPartitionsToTxnHandler: ApiHandler {
    typealias Request = AddPartitionsToTxnRequest

    let transactions: TransactionCoordinationService
    let metadata: MetadataCache

    func handle(_ request: AddPartitionsToTxnRequest, _ context: RequestContext<AddPartitionsToTxnResponse>) {
        guard context.version >= 4 else { return handleClient(request, context) }
        let parts = request.transactions
        guard !parts.isEmpty else { return context.answer(AddPartitionsToTxnResponse()) }
        let collected = Collected(parts.map(\.transactionalID)) { results in
            var response = AddPartitionsToTxnResponse()
            response.resultsByTransaction = results
            context.answer(response)
        }
        for (index, part) in parts.enumerated() {
            let producer = ProducerIdentity(id: part.producerID, epoch: part.producerEpoch)
            let asked = AddPartitions(
                transactionalID: part.transactionalID, producer: producer, partitions: part.topics.flatMap(\.all))
            if let errors = refusals(asked.partitions, mayBeInternal: true) {
                collected.add(index, errors)
            } else if part.verifyOnly {
                collected.add(index, Array(zip(asked.partitions, transactions.verify(asked))))
            } else {
                add(asked) { error in collected.add(index, asked.partitions.map { ($0, error) }) }
            }
        }
    }

    private func handleClient(
        _ request: AddPartitionsToTxnRequest, _ context: RequestContext<AddPartitionsToTxnResponse>
    ) {
        let asked = AddPartitions(
            transactionalID: request.v3AndBelowTransactionalID,
            producer: ProducerIdentity(
                id: request.v3AndBelowProducerID, epoch: request.v3AndBelowProducerEpoch),
            partitions: request.v3AndBelowTopics.flatMap(\.all))
        @Sendable func answer(_ errors: [(TopicPartition, ErrorCode)]) {
            var response = AddPartitionsToTxnResponse()
            response.resultsByTopicV3AndBelow = .init(errors)
            context.answer(response)
        }
        if let errors = refusals(asked.partitions, mayBeInternal: false) { return answer(errors) }
        let version = context.version
        add(asked) { error in
            let error = version < 2 ? error.withoutProducerFenced : error
            answer(asked.partitions.map { ($0, error) })
        }
    }

    private func add(_ request: AddPartitions, _ done: @escaping @Sendable (ErrorCode) -> Void) {
        transactions.request(request.transactionalID) { reply in
            guard case .partitionsAdded(let error) = reply else { return done(.unknownServerError) }
            done(error)
        } _: {
            $0.addPartitions(request, token: $1, now: $2)
        }
    }

    /// All or nothing: one bad partition keeps the others out.
    private func refusals(
        _ partitions: [TopicPartition], mayBeInternal: Bool
    ) -> [(TopicPartition, ErrorCode)]? {
        let image = metadata.current
        var isRefused = false
        let errors = partitions.map { partition -> (TopicPartition, ErrorCode) in
            if !mayBeInternal, InternalTopic.isInternal(partition.topic) {
                isRefused = true
                return (partition, .topicAuthorizationFailed)
            }
            if image.partition(partition) == nil {
                isRefused = true
                return (partition, .unknownTopicOrPartition)
            }
            return (partition, .operationNotAttempted)
        }
        return isRefused ? errors : nil
    }

    /// The results of several transactions until all are there. Owner: the lock.
    private final class Collected: Sendable {
        private let results: Mutex<(results: [AddPartitionsToTxnResponse.AddPartitionsToTxnResult], missing: Int)>
        private let done: @Sendable ([AddPartitionsToTxnResponse.AddPartitionsToTxnResult]) -> Void

        init(
            _ ids: [String], _ done: @escaping @Sendable ([AddPartitionsToTxnResponse.AddPartitionsToTxnResult]) -> Void
        ) {
            let empty = ids.map { id in
                var wire = AddPartitionsToTxnResponse.AddPartitionsToTxnResult()
                wire.transactionalID = id
                return wire
            }
            results = Mutex((empty, ids.count))
            self.done = done
        }

        func add(_ index: Int, _ errors: [(TopicPartition, ErrorCode)]) {
            let all = results.withLock { state -> [AddPartitionsToTxnResponse.AddPartitionsToTxnResult]? in
                state.results[index].topicResults = .init(errors)
                state.missing -= 1
                return state.missing == 0 ? state.results : nil
            }
            if let all { done(all) }
        }
    }
}

extension AddPartitionsToTxnRequest.AddPartitionsToTxnTopic {
    fileprivate var all: [TopicPartition] { partitions.map { TopicPartition(name, $0) } }
}

extension [AddPartitionsToTxnResponse.AddPartitionsToTxnTopicResult] {
    fileprivate init(_ errors: [(TopicPartition, ErrorCode)]) {
        self = errors.grouped(by: \.0.topic).map { topic, errors in
            var wire = AddPartitionsToTxnResponse.AddPartitionsToTxnTopicResult()
            wire.name = topic
            wire.resultsByPartition = errors.map { partition, error in
                var wire = AddPartitionsToTxnResponse.AddPartitionsToTxnPartitionResult()
                wire.partitionIndex = partition.partition
                wire.partitionErrorCode = error
                return wire
            }
            return wire
        }
    }
}

extension ErrorCode {
    /// For clients that do not know PRODUCER_FENCED (KIP-588).
    var withoutProducerFenced: ErrorCode { self == .producerFenced ? .invalidProducerEpoch : self }
}
