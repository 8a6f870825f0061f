// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import KafkaProtocol

/// A transactional id as a list shows it.
public struct TransactionListing: Sendable, Hashable {
    /// The application's name for the producer.
    public var transactionalID: String
    /// The broker that coordinates it.
    public var coordinator: Int32
    /// The number of its current producer.
    public var producerID: Int64
    /// `Empty`, `Ongoing`, `PrepareCommit`, `PrepareAbort`, `CompleteCommit` or `CompleteAbort`.
    public var state: String
}

/// A transactional id with its transaction.
public struct TransactionDescription: Sendable, Hashable {
    /// The application's name for the producer.
    public var transactionalID: String
    /// The broker that coordinates it.
    public var coordinator: Int32
    /// As in ``TransactionListing``.
    public var state: String
    /// The number of its current producer.
    public var producerID: Int64
    /// Which life of the producer the current one is.
    public var producerEpoch: Int16
    /// After how many milliseconds the coordinator aborts a transaction.
    public var timeout: Int32
    /// When the current transaction began, in milliseconds since 1970; nil if there is none.
    public var start: Int64?
    /// The partitions that are written to, or whose markers are yet to be written.
    public var partitions: [TopicPartition]
}

/// What a partition knows of a producer.
public struct ProducerState: Sendable, Hashable {
    /// The producer's number.
    public var producerID: Int64
    /// Which life of the producer it is.
    public var epoch: Int32
    /// Of the coordinator that ended its last transaction here; nil if none did.
    public var coordinatorEpoch: Int32?
    /// The sequence number of its last record, −1 if there is none.
    public var lastSequence: Int32
    /// The time of its last record, in milliseconds since 1970.
    public var lastTimestamp: Int64
    /// Where its open transaction began; nil if none is open.
    public var transactionStart: Int64?
}

/// Transactions as operators see them (KIP-664).
extension AdminClient {
    /// All transactional ids, by their coordinators.
    ///
    /// - Parameters:
    ///   - states: only ids in these states; none: all.
    ///   - producerIDs: only those of these producers; none: all.
    ///   - duration: only transactions that have lasted for more milliseconds (KIP-994); nil: any.
    public func listTransactions(
        states: [String] = [], producerIDs: [Int64] = [], lastingLongerThan duration: Int64? = nil
    ) async throws -> [TransactionListing] {
        var request = ListTransactionsRequest()
        request.stateFilters = states
        request.producerIDFilters = producerIDs
        request.durationFilter = duration ?? -1
        var listed: [TransactionListing] = []
        for broker in try await metadata(topics: [], call: "findAllBrokers").brokers.keys.sorted() {
            let response = try await send(request, to: .broker(broker), call: "listTransactions") { $0.errorCode }
            guard response.errorCode.isNone else { throw KafkaError(response.errorCode) }
            for state in response.transactionStates {
                listed.append(
                    TransactionListing(
                        transactionalID: state.transactionalID, coordinator: broker, producerID: state.producerID,
                        state: state.transactionState))
            }
        }
        return listed
    }

    /// Describes a transactional id. Throws TRANSACTIONAL_ID_NOT_FOUND if there is none of the name.
    public func describeTransaction(_ id: String) async throws -> TransactionDescription {
        var request = DescribeTransactionsRequest()
        request.transactionalIDs = [id]
        let response = try await send(
            request, to: .coordinator(.transaction, id), call: "describeTransactions"
        ) { $0.transactionStates.first?.errorCode ?? .none }
        guard let state = response.transactionStates.first else {
            throw KafkaError(.malformedResponse, "DescribeTransactions was answered without the id.")
        }
        guard state.errorCode.isNone else {
            let reason =
                switch state.errorCode {
                case .transactionalIDNotFound: "because the ID could not be found"
                case .transactionalIDAuthorizationFailed: "due to authorization failure"
                default: "due to unexpected error"
                }
            throw KafkaError(
                state.errorCode, "DescribeTransactions request for transactionalId `\(id)` failed \(reason)")
        }
        return TransactionDescription(
            transactionalID: id, coordinator: try await cluster.coordinator(.transaction, id),
            state: state.transactionState, producerID: state.producerID, producerEpoch: state.producerEpoch,
            timeout: state.transactionTimeoutMs,
            start: state.transactionStartTimeMs < 0 ? nil : state.transactionStartTimeMs,
            partitions: state.topics.flatMap { topic in
                topic.partitions.map { TopicPartition(topic.topic, $0) }
            })
    }

    /// The producers that are active on a partition, as its leader knows them, or another of its replicas.
    public func describeProducers(
        of partition: TopicPartition, on broker: Int32? = nil
    ) async throws -> [ProducerState] {
        let response = try await send(
            DescribeProducersRequest(
                topics: [.init(name: partition.topic, partitionIndexes: [partition.partition])]),
            to: partition, or: broker, call: "describeProducers"
        ) { $0.topics.first?.partitions.first?.errorCode ?? .unknownServerError }
        guard let found = response.topics.first?.partitions.first else {
            throw KafkaError(.malformedResponse, "DescribeProducers was answered without the partition.")
        }
        guard found.errorCode.isNone else {
            let subject = "Failed to describe active producers for partition \(partition)"
            switch found.errorCode {
            case .notLeaderOrFollower: throw KafkaError(found.errorCode, "\(subject) on brokerId \(broker ?? -1)")
            case .topicAuthorizationFailed:
                throw KafkaError(
                    found.errorCode, "\(subject) due to authorization failure on topic `\(partition.topic)`")
            default: throw KafkaError(found.errorCode, "\(subject) due to unexpected error")
            }
        }
        return found.activeProducers.map { state in
            ProducerState(
                producerID: state.producerID, epoch: state.producerEpoch,
                coordinatorEpoch: state.coordinatorEpoch < 0 ? nil : state.coordinatorEpoch,
                lastSequence: state.lastSequence, lastTimestamp: state.lastTimestamp,
                transactionStart: state.currentTxnStartOffset < 0 ? nil : state.currentTxnStartOffset)
        }
    }

    /// Writes the end of a transaction, which its coordinator has forgotten, to one partition. Records of it stay unseen.
    ///
    /// Whoever aborts a transaction that is not hanging breaks its atomicity.
    public func abortTransaction(
        in partition: TopicPartition, producerID: Int64, epoch: Int16, coordinatorEpoch: Int32
    ) async throws {
        let response = try await send(
            WriteTxnMarkersRequest(
                markers: [
                    .init(
                        producerID: producerID, producerEpoch: epoch, transactionResult: false,
                        topics: [.init(name: partition.topic, partitionIndexes: [partition.partition])],
                        coordinatorEpoch: coordinatorEpoch)
                ]), to: partition, or: nil, call: "abortTransaction"
        ) { $0.markers.first?.topics.first?.partitions.first?.errorCode ?? .unknownServerError }
        let error = response.markers.first?.topics.first?.partitions.first?.errorCode ?? .unknownServerError
        guard !error.isNone else { return }
        let subject =
            "WriteTxnMarkers request with AbortTransactionSpec(topicPartition=\(partition), producerId=\(producerID), "
            + "producerEpoch=\(epoch), coordinatorEpoch=\(coordinatorEpoch)) failed"
        switch error {
        case .clusterAuthorizationFailed: throw KafkaError(error, "\(subject) due to cluster authorization error")
        case .invalidProducerEpoch: throw KafkaError(error, "\(subject) due an invalid producer epoch")
        case .transactionCoordinatorFenced:
            throw KafkaError(
                error,
                "\(subject) since the provided coordinator epoch \(coordinatorEpoch) has been fenced by the active coordinator"
            )
        default: throw KafkaError(error, "\(subject) due to unexpected error: \(error.message)")
        }
    }

    /// Sends a request to a partition's leader, wherever it moves meanwhile, or to the one broker that is named.
    private func send<Request: RequestMessage>(
        _ request: Request, to partition: TopicPartition, or broker: Int32?, call: String,
        error code: @escaping (Request.Response) -> ErrorCode
    ) async throws -> Request.Response {
        if let broker {
            return try await send(request, to: .broker(broker), call: call) {
                code($0) == .notLeaderOrFollower ? .none : code($0)
            }
        }
        let deadline = ContinuousClock.now + configuration.apiTimeout
        var backoff = Backoff(configuration)
        while true {
            let snapshot = try await metadata(topics: [partition.topic], call: call)
            if let error = snapshot.topics[partition.topic]?.error, !error.isNone, !error.isRetriable {
                throw KafkaError(error)
            }
            if let leader = snapshot.leader(of: partition) {
                let response = try await send(request, to: .broker(leader), call: call) {
                    let error = code($0)
                    return error.isLeadershipError ? .none : error
                }
                if !code(response).isLeadershipError { return response }
            }
            guard ContinuousClock.now < deadline else {
                throw KafkaError(.timeout, "Timed out waiting for a node assignment. Call: \(call)")
            }
            try await backoff.wait(until: deadline)
        }
    }
}

extension ErrorCode {
    /// Somebody else leads the partition, or will.
    fileprivate var isLeadershipError: Bool {
        switch self {
        case .notLeaderOrFollower, .unknownTopicOrPartition, .replicaNotAvailable, .brokerNotAvailable,
            .leaderNotAvailable:
            true
        default: false
        }
    }
}
