// SPDX-License-Identifier: Apache-2.0

import ClusterMetadata
import Dispatch
import KafkaModel
import KafkaNetworking
import KafkaProtocol
import Logging
import TransactionCoordination

/// Asks coordinators whether partitions belong to transactions, before a log takes the first records of one (KIP-890, part
/// one). Without that, records of a producer whose transaction is over (they were delayed on the network, or the producer
/// is a wild one) would open a transaction that nobody ever ends, and readers would wait there for ever.
///
/// Thread-safe.
final class TransactionVerifier: Sendable {
    /// Whose records want to enter which partition.
    struct Question: Sendable {
        var transactionalID: String
        var producer: ProducerIdentity
        var partition: TopicPartition
        /// −1 for positions of a group, which have none.
        var firstSequence: Int32 = -1
        /// The coordinator that ended the producer's last transaction here: an earlier one does not know of that.
        var coordinatorEpoch: LeaderEpoch = -1
    }

    /// How a question begins.
    enum Beginning: Sendable {
        /// The log need not wait for anybody, and is to be shown this.
        case settled(TransactionProof)
        /// The coordinator is to be asked this (``ask(_:_:)``); if it agrees, the log is to be shown the guard.
        case open(Question, VerificationGuard)
    }

    /// A question on its way to a coordinator.
    fileprivate struct Asked: Sendable {
        let transactionalID: String
        let question: Question
        let answer: @Sendable (ErrorCode) -> Void
    }

    /// Before a question is asked once more. News of a coordinator's move reaches all brokers well within that.
    private static let secondLook = DispatchTimeInterval.milliseconds(100)

    private let queue = DispatchQueue(label: "martlet.verification")
    private let neighbours: Neighbours
    private let transactions: TransactionCoordinationService
    private let isEnabled: @Sendable () -> Bool
    private let sender: GatheringSender<Asked>

    /// - Parameter isEnabled: `transaction.partition.verification.enable`.
    init(
        _ neighbours: Neighbours, transactions: TransactionCoordinationService,
        isEnabled: @escaping @Sendable () -> Bool,
        logger: Logger
    ) {
        self.neighbours = neighbours
        self.transactions = transactions
        self.isEnabled = isEnabled
        sender = GatheringSender(
            neighbours, negotiate: Self.negotiate, gather: Self.gather, deliver: Self.deliver,
            fail: { asked, broker, error in
                logger.debug(
                    "A coordinator could not be asked about transactions",
                    metadata: ["kafka.broker": "\(broker)", "error": "\(error)"])
                for question in asked { question.answer(.networkException) }
            })
    }

    /// Looks whether the coordinator has to be asked. On the partition's log thread, so that nothing is appended in
    /// between.
    func begin(_ question: Question, in partition: Partition) -> Beginning {
        guard isEnabled() else { return .settled(.notRequired) }
        // Without a log there is nothing to show it to.
        guard let log = partition.log,
            let verificationGuard = log.beginVerification(
                of: question.producer.id, epoch: question.producer.epoch, firstSequence: question.firstSequence,
                now: BrokerClock.now)
        else { return .settled(.required(nil)) }
        var question = question
        question.coordinatorEpoch = log.coordinatorEpoch(of: question.producer.id)
        return .open(question, verificationGuard)
    }

    /// Asks the coordinator. `answer` is called once, at once or later, on any thread; for one transactional id in the
    /// order of the questions, as far as the first look settles them.
    ///
    /// Who was the coordinator a moment ago, and has not heard yet that it is none any more, refuses what its successor
    /// has admitted. So a refusal counts if it is heard twice.
    func ask(_ question: Question, _ answer: @escaping @Sendable (ErrorCode) -> Void) {
        look(question) { [self] error in
            guard error.mayBeOutdated else { return answer(error.asVerificationError) }
            queue.asyncAfter(deadline: .now() + Self.secondLook) { [self] in
                look(question) { answer($0.asVerificationError) }
            }
        }
    }

    private func look(_ question: Question, _ answer: @escaping @Sendable (ErrorCode) -> Void) {
        let id = question.transactionalID
        let image = neighbours.metadata.current
        guard let coordinator = image.partition(transactions.partition(of: id)), coordinator.hasLeader,
            image.isAlive(coordinator.leader)
        else { return answer(.coordinatorNotAvailable) }
        // This broker has not heard of the newest coordinator yet; the one it knows would take an ended transaction for
        // an open one.
        guard coordinator.leaderEpoch >= question.coordinatorEpoch else { return answer(.notCoordinator) }
        let asked = Asked(transactionalID: id, question: question, answer: answer)
        guard coordinator.leader == neighbours.localID else { return sender.send(asked, to: coordinator.leader) }
        let request = AddPartitions(
            transactionalID: id, producer: question.producer, partitions: [question.partition])
        asked.answer(transactions.verify(request).first ?? .unknownServerError)
    }

    /// Some brokers may have left the cluster.
    func brokersChanged() { sender.brokersChanged() }

    // MARK: The request

    private static func negotiate(_ connection: BrokerConnection) async throws -> Int16? {
        let answer = try await connection.send(ApiVersionsRequest(), version: 0)
        guard let served = answer.apiKeys.first(where: { $0.apiKey == ApiKey.addPartitionsToTxn.rawValue }),
            served.maxVersion >= AddPartitionsToTxnRequest.firstBatchedVersion
        else { return nil }
        return min(served.maxVersion, AddPartitionsToTxnRequest.versions.upperBound)
    }

    /// A request has one entry per transactional id; questions of another producer of the same id wait for the next.
    private static func gather(_ queue: inout [Asked]) -> [Asked] {
        var producers: [String: ProducerIdentity] = [:]
        var (now, later): ([Asked], [Asked]) = ([], [])
        for asked in queue {
            if producers[asked.transactionalID, default: asked.question.producer] == asked.question.producer {
                producers[asked.transactionalID] = asked.question.producer
                now.append(asked)
            } else {
                later.append(asked)
            }
        }
        queue = later
        return now
    }

    private static func deliver(_ asked: [Asked], _ link: GatheringSender<Asked>.BrokerLink) async throws {
        guard let version = link.version else {
            // A coordinator of before KIP-890 cannot say; as in Kafka, that is no reason to refuse.
            for question in asked { question.answer(.none) }
            return
        }
        let response = try await link.connection.send(AddPartitionsToTxnRequest(asked), version: version)
        let outcomes = response.outcomes
        for question in asked {
            let known = outcomes[question.transactionalID]?[question.question.partition]
            question.answer(response.errorCode.isNone ? known ?? .unknownServerError : response.errorCode)
        }
    }
}

extension ErrorCode {
    /// A refusal for which there may have been a reason no longer.
    fileprivate var mayBeOutdated: Bool {
        switch self {
        case .transactionAbortable, .invalidProducerIDMapping, .producerFenced: true
        default: false
        }
    }

    /// What the coordinator's error means for who writes to the partition.
    fileprivate var asVerificationError: ErrorCode {
        switch self {
        // Producers expect this one there.
        case .producerFenced: .invalidProducerEpoch
        // That this broker may not ask is not the producer's fault, nor a reason to believe it.
        case .clusterAuthorizationFailed: .invalidTxnState
        default: self
        }
    }

    /// For clients that do not know TRANSACTION_ABORTABLE (KIP-890).
    var withoutTransactionAbortable: ErrorCode { self == .transactionAbortable ? .invalidTxnState : self }
}

extension AddPartitionsToTxnRequest {
    /// From here on it carries several transactions, and questions about them.
    fileprivate static let firstBatchedVersion: Int16 = 4

    fileprivate init(_ asked: [TransactionVerifier.Asked]) {
        self.init()
        transactions = asked.grouped(by: \.transactionalID).map { id, asked in
            var wire = AddPartitionsToTxnTransaction()
            wire.transactionalID = id
            wire.producerID = asked[0].question.producer.id
            wire.producerEpoch = asked[0].question.producer.epoch
            wire.verifyOnly = true
            let partitions = asked.map(\.question.partition)
            wire.topics = partitions.grouped(by: \.topic).map { topic, partitions in
                var wire = AddPartitionsToTxnTopic()
                wire.name = topic
                wire.partitions = Set(partitions.map(\.partition)).sorted()
                return wire
            }
            return wire
        }
    }
}

extension AddPartitionsToTxnResponse {
    fileprivate var outcomes: [String: [TopicPartition: ErrorCode]] {
        var outcomes: [String: [TopicPartition: ErrorCode]] = [:]
        for transaction in resultsByTransaction {
            for topic in transaction.topicResults {
                for partition in topic.resultsByPartition {
                    let id = TopicPartition(topic.name, partition.partitionIndex)
                    outcomes[transaction.transactionalID, default: [:]][id] = partition.partitionErrorCode
                }
            }
        }
        return outcomes
    }
}
