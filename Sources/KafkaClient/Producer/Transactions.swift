// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import KafkaProtocol

/// Where a transactional producer stands (KIP-98).
struct TransactionState {
    enum Phase: Equatable {
        /// To `ready` by ``Producer/initTransactions()``.
        case new
        /// To `open` by ``Producer/beginTransaction()``.
        case ready
        /// To `ready` by commit or abort; by abort only once the machine has a `transactionFailure`.
        case open
        /// Another producer has taken over; final.
        case fenced
    }

    var phase = Phase.new
    var producerID: ProducerID = -1
    var epoch: ProducerEpoch = -1
    /// Whether anything was added, so that the coordinator knows of the transaction.
    var hasPartitions = false
}

extension Producer {
    /// Registers `transactional.id` and waits until transactions that an earlier producer with that id left behind are
    /// finished. To be called once, before all else. Throws ``KafkaError``.
    public func initTransactions() async throws {
        try await requestIdentity()
        transaction.withLock { $0.phase = .ready }
    }

    /// Gets a producer id, or the next epoch of the one that this producer has (KIP-360).
    private func requestIdentity() async throws {
        var request = InitProducerIdRequest()
        request.transactionalID = try transactionalID()
        request.transactionTimeoutMs = configuration.transactionTimeout.milliseconds32
        (request.producerID, request.producerEpoch) = transaction.withLock { ($0.producerID, $0.epoch) }
        let response = try await coordinated(request) { $0.errorCode }
        transaction.withLock {
            $0.producerID = response.producerID
            $0.epoch = response.producerEpoch
        }
        identified(response.producerID, response.producerEpoch)
    }

    /// Opens a transaction: what is sent from now on belongs to it.
    public func beginTransaction() throws {
        try transaction.withLock { state in
            switch state.phase {
            case .ready:
                state.phase = .open
                state.hasPartitions = false
            case .fenced: throw Self.fencedError
            case .new, .open:
                throw KafkaError(
                    .illegalState,
                    "A transaction cannot begin here: call initTransactions first, and end the one that is open.")
            }
        }
        withMachine { $0.transactionBegan() }
    }

    /// Makes a group's offsets part of the transaction: they count once it is committed. If this throws, the transaction
    /// can only be aborted.
    public func sendOffsets(_ offsets: [TopicPartition: Int64], group: ConsumerGroupMetadata) async throws {
        try requireTransaction()
        guard !offsets.isEmpty else { return }
        let id = try transactionalID()
        do {
            try await sendOffsets(offsets, group, transactionalID: id)
        } catch {
            transactionFailed(error as? KafkaError ?? KafkaError(.disconnected, "\(error)"))
            throw error
        }
    }

    private func sendOffsets(
        _ offsets: [TopicPartition: Int64], _ group: ConsumerGroupMetadata, transactionalID id: String
    ) async throws {
        let (producerID, epoch) = transaction.withLock { state in
            state.hasPartitions = true
            return (state.producerID, state.epoch)
        }
        var add = AddOffsetsToTxnRequest()
        add.transactionalID = id
        add.producerID = producerID
        add.producerEpoch = epoch
        add.groupID = group.groupID
        _ = try await coordinated(add) { $0.errorCode }
        var commit = TxnOffsetCommitRequest()
        commit.transactionalID = id
        commit.groupID = group.groupID
        commit.producerID = producerID
        commit.producerEpoch = epoch
        commit.generationID = group.generation
        commit.memberID = group.memberID
        commit.groupInstanceID = group.instanceID
        commit.topics = Dictionary(grouping: offsets, by: \.key.topic).map { name, partitions in
            var topic = TxnOffsetCommitRequest.TxnOffsetCommitRequestTopic()
            topic.name = name
            topic.partitions = partitions.map { partition, offset in
                var entry = TxnOffsetCommitRequest.TxnOffsetCommitRequestPartition()
                entry.partitionIndex = partition.partition
                entry.committedOffset = offset
                entry.committedMetadata = ""
                return entry
            }
            return topic
        }
        _ = try await coordinated(commit, kind: .group, key: group.groupID) { response in
            response.topics.lazy.flatMap(\.partitions).map(\.errorCode).first { !$0.isNone } ?? .none
        }
    }

    /// Sends what is left and commits: consumers that read committed records see all of it. Throws ``KafkaError`` if a part
    /// of it is lost; then there is only ``abortTransaction()``.
    public func commitTransaction() async throws {
        try requireTransaction()
        await flush()
        try requireTransaction()
        try await end(committed: true)
    }

    /// Gives the open transaction up, with everything sent in it. Throws ``KafkaError``; may be called again after one that
    /// is retriable.
    public func abortTransaction() async throws {
        try requireOpenTransaction()
        transactionFailed(KafkaError(.illegalState, "Failing batch since transaction was aborted"))
        await flush()
        await addingEnded()
        try await end(committed: false)
    }

    private func end(committed: Bool) async throws {
        let state = transaction.withLock { $0 }
        guard state.phase != .fenced else { throw Self.fencedError }
        if state.hasPartitions {
            var request = EndTxnRequest()
            request.transactionalID = try transactionalID()
            request.producerID = state.producerID
            request.producerEpoch = state.epoch
            request.committed = committed
            _ = try await coordinated(request) { $0.errorCode }
        }
        if withMachine({ $0.needsEpoch }) { try await requestIdentity() }
        transaction.withLock { $0.phase = .ready }
    }

    /// Throws if this producer is transactional and has no open transaction that can be committed.
    func requireTransaction() throws {
        guard configuration.transactionalID != nil else { return }
        try requireOpenTransaction()
        if let failure = withMachine({ $0.transactionFailure }) { throw failure }
    }

    private func requireOpenTransaction() throws {
        switch transaction.withLock({ $0.phase }) {
        case .open: break
        case .fenced: throw Self.fencedError
        case .new, .ready: throw KafkaError(.illegalState, "No transaction is open.")
        }
    }

    /// Tells the coordinator of partitions. Tries once: while their records wait, the sender asks again.
    func addToTransaction(_ partitions: [TopicPartition]) async throws {
        // It may have ended since the sender asked for this.
        try requireTransaction()
        let state = transaction.withLock { state in
            state.hasPartitions = true
            return state
        }
        var request = AddPartitionsToTxnRequest()
        request.v3AndBelowTransactionalID = try transactionalID()
        request.v3AndBelowProducerID = state.producerID
        request.v3AndBelowProducerEpoch = state.epoch
        request.v3AndBelowTopics = Dictionary(grouping: partitions, by: \.topic).map { name, partitions in
            var topic = AddPartitionsToTxnRequest.AddPartitionsToTxnTopic()
            topic.name = name
            topic.partitions = partitions.map(\.partition)
            return topic
        }
        do {
            // Later versions are for brokers among themselves.
            _ = try await coordinated(request, latest: 3, within: .zero) { response in
                response.resultsByTopicV3AndBelow.lazy.flatMap(\.resultsByPartition).map(\.partitionErrorCode)
                    .first { !$0.isNone && $0 != .operationNotAttempted } ?? .none
            }
        } catch let error as KafkaError where !error.isRetriable {
            return transactionFailed(error)
        }
        withMachine { $0.addedToTransaction(partitions) }
    }

    private static let fencedError = KafkaError(
        .fenced, "There is a newer producer with the same transactionalId which fences the current one.")

    private func transactionalID() throws -> String {
        guard let id = configuration.transactionalID else {
            throw KafkaError(.illegalState, "Transactional method invoked on a non-transactional producer.")
        }
        return id
    }

    /// Sends to a coordinator until it answers with something other than "not here" or "not yet".
    private func coordinated<Request: RequestMessage>(
        _ request: Request, kind: Cluster.CoordinatorKind = .transaction, key: String? = nil, latest: Int16 = .max,
        within limit: Duration? = nil, error: (Request.Response) -> ErrorCode
    ) async throws -> Request.Response {
        let key = try key ?? transactionalID()
        let deadline = ContinuousClock.now + (limit ?? configuration.maxBlock)
        var backoff = Backoff(configuration)
        while true {
            do {
                let broker = try await cluster.coordinator(kind, key)
                let response = try await cluster.link(to: broker).send(request, latest: latest)
                let code = error(response)
                if code.isNone { return response }
                throw KafkaError(code)
            } catch let error as KafkaError {
                switch error.errorCode {
                case .producerFenced?, .invalidProducerEpoch?:
                    transaction.withLock { $0.phase = .fenced }
                    throw Self.fencedError
                case .notCoordinator?, .coordinatorNotAvailable?: await cluster.forgetCoordinator(kind, key)
                default: break
                }
                if error.kind == .disconnected { await cluster.forgetCoordinator(kind, key) }
                guard error.isRetriable, ContinuousClock.now < deadline else { throw error }
            }
            try await backoff.wait(until: deadline)
        }
    }
}
