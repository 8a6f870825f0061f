// SPDX-License-Identifier: Apache-2.0

import BrokerSettings
import ClusterControl
import ClusterMetadata
import Coordination
import Dispatch
import KafkaModel
import KafkaRecords
import Logging
import TransactionCoordination

typealias TransactionShard = CoordinatorShard<TransactionCoordinator>

/// Coordinates the transactions of all partitions of `__transaction_state` that this broker leads, and has their markers
/// written.
final class TransactionCoordinationService: Sendable {
    private let configuration: TransactionConfiguration
    private let table: CoordinatorTable<TransactionCoordinator>
    private let localID: BrokerID
    private let markers: MarkerSender

    init(
        _ configuration: BrokerConfiguration, partitionCount: Int32, replicas: ReplicaManager, timer: TimerThread,
        markers: MarkerSender, logger: Logger
    ) {
        let settings = TransactionConfiguration(configuration)
        let timeout = configuration.network.requestTimeout.wholeMilliseconds
        let chunkBytes = configuration.transactions.loadBufferBytes
        self.configuration = settings
        localID = replicas.localID
        self.markers = markers
        table = CoordinatorTable(
            topic: InternalTopic.transactionState, partitionCount: partitionCount, isBoundToEpoch: true,
            CoordinatorSurroundings(
                timer: timer, queue: DispatchQueue(label: "martlet.transaction-time"), compression: .none,
                now: { .now }),
            logger: logger,
            openLog: { id in
                guard let partition = replicas.partition(id) else { return nil }
                return LedPartition(
                    partition: partition, replicas: replicas, timeout: timeout, chunkBytes: chunkBytes)
            },
            makeMachine: { TransactionCoordinator(configuration: settings, coordinatorEpoch: $0) },
            perform: { markers.send($0) })
        markers.connect { [weak self] markers, outcomes in
            self?.table.shard(of: markers.transactionalID)?.notify {
                $0.markersWritten(markers, outcomes: outcomes, now: $1)
            }
        }
    }

    // MARK: Requests

    /// Hands a request to the coordinator of its id; who is no coordinator answers as one that has none of the ids.
    func request(
        _ transactionalID: String, _ deliver: @escaping TransactionShard.Deliver,
        _ call: (inout TransactionCoordinator, RequestToken, CoordinatorTime) -> [TransactionAction]
    ) {
        if let shard = table.shard(of: transactionalID) { return shard.request(deliver, call) }
        var nobody = nobody
        for case .reply(_, let reply) in call(&nobody, RequestToken(0), .never) { deliver(reply) }
    }

    func needsProducerID(_ request: InitProducerID) -> Bool {
        table.shard(of: request.transactionalID)?.look { $0.needsProducerID(request) } ?? false
    }

    /// The partition of `__transaction_state` that a transactional id belongs to.
    func partition(of transactionalID: String) -> TopicPartition { table.partition(of: transactionalID) }

    func verify(_ request: AddPartitions) -> [ErrorCode] {
        table.shard(of: request.transactionalID)?.look { $0.verify(request) } ?? nobody.verify(request)
    }

    func describe(_ transactionalID: String) -> TransactionDescription {
        table.shard(of: transactionalID)?.look { $0.describe(transactionalID) } ?? nobody.describe(transactionalID)
    }

    /// All ids of this broker that pass the filter. While a partition loads there is only an error.
    func list(_ filter: TransactionFilter) -> (error: ErrorCode, listed: [TransactionListing]) {
        var all: [TransactionListing] = []
        let now = BrokerClock.now
        for shard in table.shards {
            let (error, listed) = shard.look { $0.list(filter, now: now) }
            if error == .coordinatorLoadInProgress { return (error, []) }
            all += listed
        }
        return (.none, all)
    }

    /// A coordinator of no partition, which has the right answers.
    private var nobody: TransactionCoordinator {
        var nobody = TransactionCoordinator(configuration: configuration, coordinatorEpoch: -1)
        _ = nobody.unload(now: .never)
        return nobody
    }

    // MARK: Partitions and time

    func rolesChanged(_ outcome: ReplicaManager.LeaderAndIsrOutcome) { table.rolesChanged(outcome) }

    func stopped(_ stops: [ControlRequest.StopReplica.Partition]) { table.stopped(stops) }

    func metadataChanged(_ update: MetadataUpdate) {
        table.metadataChanged(update, localID: localID)
        markers.brokersChanged()
    }

    /// Every `transaction.abort.timed.out.transaction.cleanup.interval.ms`.
    func abortTimedOut() {
        for shard in table.shards { shard.notify { $0.abortTimedOut(now: $1) } }
    }

    /// Every `transaction.remove.expired.transaction.cleanup.interval.ms`.
    func expireTransactionalIDs() {
        for shard in table.shards { shard.notify { $0.expireTransactionalIDs(now: $1) } }
    }
}

extension TransactionConfiguration {
    init(_ configuration: BrokerConfiguration) {
        self.init()
        maxTimeout = Int32(clamping: configuration.transactions.maxTimeout.wholeMilliseconds)
        idExpiration = configuration.transactions.transactionalIDExpiration.wholeMilliseconds
    }
}
