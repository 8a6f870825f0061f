// SPDX-License-Identifier: Apache-2.0

import ClusterMetadata
import GroupCoordination
import KafkaModel
import KafkaProtocol
import KafkaRecords
import Synchronization
import TransactionCoordination

/// AddOffsetsToTxn, 0–4: a group whose positions are a part of the transaction.
///
/// v2 knows PRODUCER_FENCED (KIP-588), v3 is flexible, v4 belongs to KIP-890.
struct AddOffsetsToTxnHandler: ApiHandler {
    typealias Request = AddOffsetsToTxnRequest

    let transactions: TransactionCoordinationService
    let groups: GroupCoordinationService

    func handle(_ request: AddOffsetsToTxnRequest, _ context: RequestContext<AddOffsetsToTxnResponse>) {
        let asked = AddPartitions(
            transactionalID: request.transactionalID,
            producer: ProducerIdentity(id: request.producerID, epoch: request.producerEpoch),
            partitions: [groups.partition(of: request.groupID)])
        transactions.request(request.transactionalID) { reply in
            var response = AddOffsetsToTxnResponse()
            if case .partitionsAdded(let error) = reply {
                response.errorCode = context.version < 2 ? error.withoutProducerFenced : error
            } else {
                response.errorCode = .unknownServerError
            }
            context.answer(response)
        } _: {
            $0.addPartitions(asked, token: $1, now: $2)
        }
    }
}

/// EndTxn, 0–4: commits or aborts a transaction.
///
/// v2 knows PRODUCER_FENCED (KIP-588), v3 is flexible, v4 belongs to KIP-890.
struct EndTxnHandler: ApiHandler {
    typealias Request = EndTxnRequest

    let transactions: TransactionCoordinationService

    func handle(_ request: EndTxnRequest, _ context: RequestContext<EndTxnResponse>) {
        let asked = EndTransaction(
            transactionalID: request.transactionalID,
            producer: ProducerIdentity(id: request.producerID, epoch: request.producerEpoch),
            isCommit: request.committed)
        transactions.request(request.transactionalID) { reply in
            var response = EndTxnResponse()
            if case .ended(let error) = reply {
                response.errorCode = context.version < 2 ? error.withoutProducerFenced : error
            } else {
                response.errorCode = .unknownServerError
            }
            context.answer(response)
        } _: {
            $0.end(asked, token: $1, now: $2)
        }
    }
}

/// TxnOffsetCommit, 0–4: positions of a group that count when the transaction is committed.
///
/// v2 adds leader epochs, v3 the member (KIP-447) and is flexible, v4 belongs to KIP-890.
struct TxnOffsetCommitHandler: ApiHandler {
    typealias Request = TxnOffsetCommitRequest

    let groups: GroupCoordinationService
    let metadata: MetadataCache
    let replicas: ReplicaManager
    let verifier: TransactionVerifier

    func handle(_ request: TxnOffsetCommitRequest, _ context: RequestContext<TxnOffsetCommitResponse>) {
        let image = metadata.current
        let now = BrokerClock.now
        var refused: [PartitionError] = []
        var known: [OffsetCommit.Partition] = []
        for topic in request.topics {
            for wire in topic.partitions {
                let partition = TopicPartition(topic.name, wire.partitionIndex)
                if image.partition(partition) == nil {
                    refused.append(PartitionError(partition, .unknownTopicOrPartition))
                } else {
                    known.append(
                        .init(
                            partition,
                            CommittedOffset(
                                offset: wire.committedOffset, leaderEpoch: wire.committedLeaderEpoch,
                                metadata: wire.committedMetadata ?? "", commitTimestamp: now)))
                }
            }
        }
        guard !known.isEmpty else { return context.answer(TxnOffsetCommitResponse(refused)) }
        var commit = OffsetCommit(group: request.groupID, partitions: known)
        commit.memberID = request.memberID
        commit.instanceID = request.groupInstanceID
        commit.generation = request.generationID
        let (asked, errors) = (commit, refused)
        // Who does not serve the group need not ask. It must not store either: by then it may serve, with nothing verified.
        if let error = groups.refusal(asked.group) {
            return answer(asked.partitions.map { PartitionError($0.partition, error) }, errors, context)
        }
        guard let partition = replicas.partition(groups.partition(of: asked.group)) else {
            return answer(asked.partitions.map { PartitionError($0.partition, .notCoordinator) }, errors, context)
        }
        let question = TransactionVerifier.Question(
            transactionalID: request.transactionalID,
            producer: ProducerIdentity(id: request.producerID, epoch: request.producerEpoch), partition: partition.id)
        partition.submit { partition in
            switch verifier.begin(question, in: partition) {
            case .settled(let proof): store(asked, request, proof, errors, context)
            case .open(let question, let verificationGuard):
                verifier.ask(question) { error in
                    guard error.isNone else {
                        let error = error.asUnverifiedCommitError(version: context.version)
                        return context.answer(
                            TxnOffsetCommitResponse(
                                errors + asked.partitions.map { PartitionError($0.partition, error) }))
                    }
                    store(asked, request, .required(verificationGuard), errors, context)
                }
            }
        }
    }

    private func store(
        _ commit: OffsetCommit, _ request: TxnOffsetCommitRequest, _ proof: TransactionProof,
        _ errors: [PartitionError], _ context: RequestContext<TxnOffsetCommitResponse>
    ) {
        var asked = commit
        asked.producer = OffsetCommit.Producer(id: request.producerID, epoch: request.producerEpoch, proof: proof)
        groups.request(asked.group) { [asked] reply in
            guard case .commit(let outcomes) = reply else {
                return context.answer(
                    TxnOffsetCommitResponse(
                        errors + asked.partitions.map { PartitionError($0.partition, .unknownServerError) }))
            }
            answer(outcomes, errors, context)
        } _: {
            $0.commit(asked, token: $1, now: $2)
        }
    }

    private func answer(
        _ outcomes: [PartitionError], _ refused: [PartitionError], _ context: RequestContext<TxnOffsetCommitResponse>
    ) {
        var outcomes = outcomes
        // Producers before 2.0 take "loading" for fatal.
        if context.version < 2 {
            for index in outcomes.indices where outcomes[index].error == .coordinatorLoadInProgress {
                outcomes[index].error = .coordinatorNotAvailable
            }
        }
        context.answer(TxnOffsetCommitResponse(refused + outcomes))
    }
}

extension ErrorCode {
    /// What a committer is told of a transaction that its coordinator did not confirm.
    fileprivate func asUnverifiedCommitError(version: Int16) -> ErrorCode {
        switch self {
        // Older clients do not expect it here; this one they repeat without looking for another coordinator.
        case .networkException: .coordinatorLoadInProgress
        case .unknownTopicOrPartition: .coordinatorNotAvailable
        default: version >= 4 ? self : withoutTransactionAbortable
        }
    }
}

extension TxnOffsetCommitResponse {
    fileprivate init(_ errors: [PartitionError]) {
        self.init()
        topics = errors.grouped(by: \.partition.topic).map { topic, errors in
            var wire = TxnOffsetCommitResponseTopic()
            wire.name = topic
            wire.partitions = errors.map { error in
                var wire = TxnOffsetCommitResponsePartition()
                wire.partitionIndex = error.partition.partition
                wire.errorCode = error.error
                return wire
            }
            return wire
        }
    }
}

/// WriteTxnMarkers, 0–1: a coordinator's decisions for partitions that this broker leads. v1 is flexible.
struct WriteTxnMarkersHandler: ApiHandler {
    typealias Request = WriteTxnMarkersRequest

    let writer: MarkerWriter

    func handle(_ request: WriteTxnMarkersRequest, _ context: RequestContext<WriteTxnMarkersResponse>) {
        guard !request.markers.isEmpty else { return context.answer(WriteTxnMarkersResponse()) }
        let collected = Collected(request.markers.map(\.producerID)) { results in
            var response = WriteTxnMarkersResponse()
            response.markers = results
            context.answer(response)
        }
        for (index, wire) in request.markers.enumerated() {
            let marker = EndTransactionMarker(
                isCommit: wire.transactionResult, coordinatorEpoch: wire.coordinatorEpoch)
            writer.write(
                marker, producerID: wire.producerID, producerEpoch: wire.producerEpoch,
                to: wire.topics.flatMap { topic in topic.partitionIndexes.map { TopicPartition(topic.name, $0) } }
            ) { collected.add(index, $0) }
        }
    }

    /// The results of several markers until all are there. Owner: the lock.
    private final class Collected: Sendable {
        private let results: Mutex<(results: [WriteTxnMarkersResponse.WritableTxnMarkerResult], missing: Int)>
        private let done: @Sendable ([WriteTxnMarkersResponse.WritableTxnMarkerResult]) -> Void

        init(
            _ producers: [ProducerID],
            _ done: @escaping @Sendable ([WriteTxnMarkersResponse.WritableTxnMarkerResult]) -> Void
        ) {
            let empty = producers.map { id in
                var wire = WriteTxnMarkersResponse.WritableTxnMarkerResult()
                wire.producerID = id
                return wire
            }
            results = Mutex((empty, producers.count))
            self.done = done
        }

        func add(_ index: Int, _ outcomes: [(TopicPartition, ErrorCode)]) {
            let all = results.withLock { state -> [WriteTxnMarkersResponse.WritableTxnMarkerResult]? in
                state.results[index].topics = outcomes.grouped(by: \.0.topic).map { topic, outcomes in
                    var wire = WriteTxnMarkersResponse.WritableTxnMarkerTopicResult()
                    wire.name = topic
                    wire.partitions = outcomes.map { partition, error in
                        var wire = WriteTxnMarkersResponse.WritableTxnMarkerPartitionResult()
                        wire.partitionIndex = partition.partition
                        wire.errorCode = error
                        return wire
                    }
                    return wire
                }
                state.missing -= 1
                return state.missing == 0 ? state.results : nil
            }
            if let all { done(all) }
        }
    }
}
