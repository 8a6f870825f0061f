// SPDX-License-Identifier: Apache-2.0

import ClusterMetadata
import KafkaModel
import KafkaNetworking
import KafkaProtocol
import KafkaRecords
import NIOCore
import Synchronization
import TransactionCoordination

/// Produce, 0–11: appends record batches to partitions that this broker leads.
///
/// v0–2 carry message sets of any format, v3+ exactly one batch of format 2 per partition. v2 adds the append time, v3
/// transactions, v5 the log's start, v7 allows zstd, v8 tells which records were refused (KIP-467), v10 names the new
/// leader (KIP-951), v11 clients understand TRANSACTION_ABORTABLE (KIP-890).
///
/// The way of a record: checked here, on the connection's event loop, where its bytes are warm; appended on the thread of
/// its partition; acknowledged when ``PendingProduce`` has all it needs.
struct ProduceHandler: ApiHandler {
    typealias Request = ProduceRequest

    let replicas: ReplicaManager
    let metadata: MetadataCache
    let verifier: TransactionVerifier

    func handle(_ request: ProduceRequest, _ context: RequestContext<ProduceResponse>) {
        let pending = PendingProduce(request, context, replicas: replicas, metadata: metadata)
        guard let acks = RequiredAcks(rawValue: request.acks) else {
            pending.refuseAll(.invalidRequiredAcks)
            return
        }
        var index = 0
        for topic in request.topicData {
            for partition in topic.partitionData {
                let id = TopicPartition(topic.name, partition.index)
                defer { index += 1 }
                do {
                    try append(
                        partition.records, to: id, of: request.transactionalID, at: index, acks: acks, context, pending)
                } catch {
                    pending.finish(index, .refused(error))
                }
            }
        }
        // What follows on this connection may start: the appends are queued in order.
        context.started()
    }

    private func append(
        _ records: RecordsPayload?, to id: TopicPartition, of transactionalID: String?, at index: Int,
        acks: RequiredAcks, _ context: RequestContext<ProduceResponse>, _ pending: PendingProduce
    ) throws(ProduceRefusal) {
        if InternalTopic.isInternal(id.topic), context.header.clientID != "__admin_client" {
            throw ProduceRefusal(.invalidTopicException)
        }
        guard metadata.current.partition(id) != nil else { throw ProduceRefusal(.unknownTopicOrPartition) }
        let partition = try replicas.leader(of: id)
        guard case .bytes(let bytes) = records else { throw ProduceRefusal(.invalidRecord) }
        let batches = try partition.validate(bytes, version: context.version)
        if let header = batches.header, header.isTransactional {
            // Kafka asks whether the producer may use its transactional id, and without one nobody may.
            guard let transactionalID else { throw ProduceRefusal(.transactionalIDAuthorizationFailed) }
            let question = TransactionVerifier.Question(
                transactionalID: transactionalID,
                producer: ProducerIdentity(id: header.producerID, epoch: header.producerEpoch), partition: id,
                firstSequence: header.baseSequence)
            return appendVerified(batches, question, to: partition, at: index, acks: acks, context.version, pending)
        }
        partition.submit { partition in
            partition.append(batches, acks: acks, origin: .client) { pending.finish(index, $0) }
        }
    }

    /// As above, for records of a transaction: the first of them wait until the transaction's coordinator has said that
    /// the partition belongs to it (KIP-890).
    private func appendVerified(
        _ batches: ValidatedBatches, _ question: TransactionVerifier.Question, to partition: Partition, at index: Int,
        acks: RequiredAcks, _ version: Int16, _ pending: PendingProduce
    ) {
        partition.submit { [verifier] partition in
            switch verifier.begin(question, in: partition) {
            case .settled(let proof):
                partition.append(batches, acks: acks, origin: .client, proof: proof) { pending.finish(index, $0) }
            case .open(let question, let verificationGuard):
                verifier.ask(question) { error in
                    guard error.isNone else {
                        return pending.finish(index, .refused(ProduceRefusal(unverified: error, version: version)))
                    }
                    partition.submit { partition in
                        partition.append(
                            batches, acks: acks, origin: .client, proof: .required(verificationGuard)
                        ) { pending.finish(index, $0) }
                    }
                }
            }
        }
    }
}

/// How much a producer wants to know before it is answered.
enum RequiredAcks: Int16, Sendable {
    /// Nothing: there is no answer.
    case none = 0
    /// That the leader has it.
    case leader = 1
    /// That every in-sync replica has it.
    case all = -1
}

/// Why a partition of a produce request was refused.
struct ProduceRefusal: Error, Sendable {
    var code: ErrorCode
    var message: String?
    /// By position in the batch, when single records are to blame (KIP-467).
    var records: [(index: Int32, message: String?)] = []
    /// Whether the client is shown the message even though no single record is to blame.
    var showsMessage = false

    init(_ code: ErrorCode, _ message: String? = nil) {
        self.code = code
        self.message = message
    }

    /// The coordinator did not confirm the transaction, or could not be asked.
    init(unverified error: ErrorCode, version: Int16) {
        let error = version >= 11 ? error : error.withoutTransactionAbortable
        switch error {
        // Older clients try again after this one, and do not look for another leader first.
        case .concurrentTransactions, .networkException, .coordinatorLoadInProgress, .coordinatorNotAvailable,
            .notCoordinator:
            self.init(
                .notEnoughReplicas,
                "Unable to verify the partition has been added to the transaction. Underlying error: \(error)")
            showsMessage = true
        case .invalidTxnState:
            self.init(error, "Partition was not added to the transaction")
            showsMessage = true
        default: self.init(error)
        }
    }
}

/// What became of one partition of a produce request.
enum ProduceOutcome: Sendable {
    /// In the leader's log, up to and including the offset; to be acknowledged as the producer asked.
    case appended(base: Offset, last: Offset, logAppendTime: Timestamp, logStart: Offset, epoch: LeaderEpoch)
    case refused(ProduceRefusal)
}

/// The appends of one request that wait for replicas, by their place in it. It may name a partition more than once.
struct AwaitedAppends {
    /// What became of them; no entry while one still waits.
    private(set) var errors: [Int: ErrorCode] = [:]
    private var waiting: [ArraySlice<Int>]

    /// - Parameter appends: of each partition, in order.
    init(_ appends: [[Int]]) { waiting = appends.map { $0[...] } }

    /// Looks what has come of them since. True when none waits any more. Of a partition's the first is asked about, and others
    /// only behind one that has come: each look costs as much as there are partitions, and what has come.
    /// - Parameter acknowledgement: of one append; nil while it waits.
    mutating func look(_ acknowledgement: (Int) -> ErrorCode?) -> Bool {
        for place in waiting.indices {
            while let first = waiting[place].first, let error = acknowledgement(first) {
                errors[first] = error
                waiting[place].removeFirst()
            }
        }
        waiting.removeAll(where: \.isEmpty)
        return waiting.isEmpty
    }
}

/// A produce request on its way: counts its partitions in, waits for replicas if asked to, and answers.
///
/// Owner: its lock. Partitions finish on their log threads; whoever brings the last one goes on to the answer.
final class PendingProduce: Sendable {
    private struct State {
        var outcomes: [ProduceOutcome?]
        var missing: Int
    }

    private let partitions: [TopicPartition]
    private let acks: RequiredAcks
    private let timeout: Int64
    private let context: RequestContext<ProduceResponse>
    private let replicas: ReplicaManager
    private let metadata: MetadataCache
    private let state: Mutex<State>

    init(
        _ request: ProduceRequest, _ context: RequestContext<ProduceResponse>, replicas: ReplicaManager,
        metadata: MetadataCache
    ) {
        var partitions: [TopicPartition] = []
        for topic in request.topicData {
            for partition in topic.partitionData { partitions.append(TopicPartition(topic.name, partition.index)) }
        }
        self.partitions = partitions
        acks = RequiredAcks(rawValue: request.acks) ?? .leader
        timeout = Int64(request.timeoutMs)
        self.context = context
        self.replicas = replicas
        self.metadata = metadata
        state = Mutex(State(outcomes: Array(repeating: nil, count: partitions.count), missing: partitions.count))
        if partitions.isEmpty { acknowledge([]) }
    }

    func refuseAll(_ code: ErrorCode) {
        for index in partitions.indices { finish(index, .refused(ProduceRefusal(code))) }
    }

    /// One partition is done on this broker; with the last one the request goes on.
    func finish(_ index: Int, _ outcome: ProduceOutcome) {
        let outcomes = state.withLock { state -> [ProduceOutcome?]? in
            state.outcomes[index] = outcome
            state.missing -= 1
            return state.missing == 0 ? state.outcomes : nil
        }
        if let outcomes { acknowledge(outcomes.compactMap { $0 }) }
    }

    private func acknowledge(_ outcomes: [ProduceOutcome]) {
        // Here ends what this broker does by itself.
        let notes = AnswerNotes(processed: .now())
        switch acks {
        case .none:
            // There is no answer to carry an error: the closed connection makes the producer look again.
            let hasFailed = outcomes.contains { if case .refused = $0 { true } else { false } }
            if hasFailed { context.closeConnection() } else { context.answerNothing(notes) }
        case .leader:
            answer(outcomes, notes)
        case .all:
            awaitReplicas(outcomes, notes)
        }
    }

    /// Waits until every in-sync replica has what was appended, or the producer's patience ends.
    private func awaitReplicas(_ outcomes: [ProduceOutcome], _ notes: AnswerNotes) {
        let waiting = outcomes.indices.filter { if case .appended = outcomes[$0] { true } else { false } }
        guard !waiting.isEmpty else { return answer(outcomes, notes) }
        // Most requests name one partition, which need not be hashed for this.
        let byPartition =
            waiting.count == 1
            ? [(key: partitions[waiting[0]], elements: waiting)] : waiting.grouped { partitions[$0] }
        let settled = Settled(AwaitedAppends(byPartition.map(\.elements)))
        let operation = DelayedOperation(
            isSatisfied: { [self] in
                settled.appends.withLock { appends in
                    appends.look { index in
                        guard case .appended(_, let last, _, _, let epoch) = outcomes[index] else { return nil }
                        return replicas.acknowledgement(of: partitions[index], through: last, epoch: epoch)
                    }
                }
            },
            finish: { [self] _ in
                let errors = settled.appends.withLock { $0.errors }
                answer(
                    outcomes.enumerated().map { index, outcome in
                        guard case .appended = outcome else { return outcome }
                        let error = errors[index] ?? .requestTimedOut
                        return error.isNone ? outcome : .refused(ProduceRefusal(error))
                    }, notes)
            })
        replicas.delayedProduce.completeElseWait(
            operation, keys: byPartition.map(\.key), timeout: timeout)
    }

    /// Owner of the appends: its lock.
    private final class Settled: Sendable {
        let appends: Mutex<AwaitedAppends>

        init(_ appends: AwaitedAppends) { self.appends = Mutex(appends) }
    }

    private func answer(_ outcomes: [ProduceOutcome], _ notes: AnswerNotes) {
        var response = ProduceResponse()
        var leaders: Set<BrokerID> = []
        for (partition, outcome) in zip(partitions, outcomes) {
            var wire = ProduceResponse.PartitionProduceResponse()
            wire.index = partition.partition
            wire.baseOffset = -1
            switch outcome {
            case .appended(let base, _, let logAppendTime, let logStart, _):
                wire.baseOffset = base
                wire.logAppendTimeMs = logAppendTime
                wire.logStartOffset = logStart
            case .refused(let refusal):
                wire.errorCode = refusal.code
                // Kafka explains what is wrong with single records (KIP-467), and leaves the rest to the code.
                wire.errorMessage = refusal.records.isEmpty && !refusal.showsMessage ? nil : refusal.message
                wire.recordErrors = refusal.records.map { index, message in
                    var error = ProduceResponse.BatchIndexAndErrorMessage()
                    error.batchIndex = index
                    error.batchIndexErrorMessage = message
                    return error
                }
                if refusal.code == .notLeaderOrFollower, context.version >= 10,
                    let known = replicas.knownLeader(of: partition)
                {
                    wire.currentLeader.leaderID = known.leader
                    wire.currentLeader.leaderEpoch = known.epoch
                    leaders.insert(known.leader)
                }
            }
            if response.responses.last?.name != partition.topic {
                var topic = ProduceResponse.TopicProduceResponse()
                topic.name = partition.topic
                response.responses.append(topic)
            }
            response.responses[response.responses.count - 1].partitionResponses.append(wire)
        }
        let image = metadata.current
        response.nodeEndpoints = leaders.sorted().compactMap { id in
            guard let endpoint = image.endpoint(of: id, listener: context.connection.listenerName) else { return nil }
            var wire = ProduceResponse.NodeEndpoint()
            wire.nodeID = id
            wire.host = endpoint.host
            wire.port = endpoint.port
            wire.rack = image.brokers[id]?.rack
            return wire
        }
        context.answer(response, notes)
    }
}
