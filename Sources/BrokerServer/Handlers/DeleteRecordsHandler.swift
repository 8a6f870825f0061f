// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import KafkaProtocol
import LogStorage
import OrderedCollections
import Synchronization

/// DeleteRecords, 0–2: moves partitions' log starts up, and answers when all living replicas have done so (KIP-107).
struct DeleteRecordsHandler: ApiHandler {
    typealias Request = DeleteRecordsRequest

    let replicas: ReplicaManager
    let metadata: MetadataCache

    func handle(_ request: DeleteRecordsRequest, _ context: RequestContext<DeleteRecordsResponse>) {
        let pending = PendingDeletion(request, context, replicas: replicas)
        for (index, (id, offset)) in pending.asked.enumerated() {
            do throws(ProduceRefusal) {
                if InternalTopic.isInternal(id.topic) { throw ProduceRefusal(.invalidTopicException) }
                guard metadata.current.partition(id) != nil else { throw ProduceRefusal(.unknownTopicOrPartition) }
                try replicas.leader(of: id).submit { partition in
                    pending.finish(index, partition.deleteRecords(below: offset))
                }
            } catch {
                pending.finish(index, .refused(error.code))
            }
        }
    }
}

extension Partition {
    /// In place of an offset: all that is replicated.
    private static var highWatermark: Offset { -1 }

    enum DeletionOutcome: Hashable, Sendable {
        /// The log starts at or above the offset here; the others are as far as the low watermark says.
        case deleted(below: Offset, lowWatermark: Offset)
        case refused(ErrorCode)
    }

    /// As leader, on the partition's log thread.
    func deleteRecords(below asked: Offset) -> DeletionOutcome {
        let (log, settings) = state.withLock { state -> (PartitionLog?, TopicSettings) in
            (state.replica.isLeader ? state.log : nil, state.settings)
        }
        guard let log else { return .refused(.notLeaderOrFollower) }
        // What compaction keeps is not to be taken away.
        if settings.log.isCompacted, !settings.log.isDeleted { return .refused(.policyViolation) }
        let offset = asked == Self.highWatermark ? log.offsets.highWatermark : asked
        guard offset >= 0 else { return .refused(.offsetOutOfRange) }
        do throws(LogError) {
            try log.raiseLogStart(to: offset)
        } catch {
            return .refused(error.errorCode)
        }
        // A reader that waits below it must look again.
        surroundings.moved(id)
        guard let low = lowWatermark else { return .refused(.notLeaderOrFollower) }
        return .deleted(below: offset, lowWatermark: low)
    }

    /// The smallest log start of all living replicas; −1 while that of one is not known, nil when this is not the leader.
    var lowWatermark: Offset? {
        let isAlive = aliveness
        return state.withLock { state in
            guard let leader = state.replica.leader, let log = state.log else { return nil }
            return leader.lowWatermark(logStart: log.offsets.logStart, isAlive: isAlive)
        }
    }
}

/// A deletion on its way: counts its partitions in, waits for the replicas, and answers.
///
/// Owner: its lock.
private final class PendingDeletion: Sendable {
    private struct State {
        var outcomes: [Partition.DeletionOutcome?]
        var missing: Int
    }

    let asked: [(id: TopicPartition, offset: Offset)]
    private let timeout: Int64
    private let context: RequestContext<DeleteRecordsResponse>
    private let replicas: ReplicaManager
    private let state: Mutex<State>

    init(
        _ request: DeleteRecordsRequest, _ context: RequestContext<DeleteRecordsResponse>, replicas: ReplicaManager
    ) {
        // A map in Kafka: of a partition that is named again the last offset counts.
        let offsets = request.topics.flatMap { topic in
            topic.partitions.map { (TopicPartition(topic.name, $0.partitionIndex), $0.offset) }
        }
        asked = OrderedDictionary(offsets, uniquingKeysWith: { $1 }).map { ($0.key, $0.value) }
        timeout = Int64(request.timeoutMs)
        self.context = context
        self.replicas = replicas
        state = Mutex(State(outcomes: Array(repeating: nil, count: asked.count), missing: asked.count))
        if asked.isEmpty { answer([]) }
    }

    func finish(_ index: Int, _ outcome: Partition.DeletionOutcome) {
        let outcomes = state.withLock { state -> [Partition.DeletionOutcome?]? in
            state.outcomes[index] = outcome
            state.missing -= 1
            return state.missing == 0 ? state.outcomes : nil
        }
        if let outcomes { awaitReplicas(outcomes.compactMap { $0 }) }
    }

    private func awaitReplicas(_ outcomes: [Partition.DeletionOutcome]) {
        let waiting = zip(asked, outcomes).compactMap { asked, outcome -> (id: TopicPartition, offset: Offset)? in
            guard case .deleted(let offset, _) = outcome else { return nil }
            return (asked.id, offset)
        }
        guard !waiting.isEmpty else {
            return answer(outcomes.map { .init($0) })
        }
        let settled = Settled()
        let operation = DelayedOperation(
            isSatisfied: { [self] in
                settled.results.withLock { results in
                    for (id, offset) in waiting where results[id] == nil {
                        results[id] = result(of: id, offset)
                    }
                    return results.count == waiting.count
                }
            },
            finish: { [self] _ in
                let results = settled.results.withLock { $0 }
                answer(
                    zip(asked, outcomes).map { asked, outcome in
                        guard case .deleted(_, let low) = outcome else { return Result(outcome) }
                        return results[asked.id] ?? Result(error: .requestTimedOut, lowWatermark: low)
                    })
            })
        replicas.delayedDeleteRecords.completeElseWait(operation, keys: waiting.map(\.id), timeout: timeout)
    }

    /// Nil while a replica still has what is to go.
    private func result(of id: TopicPartition, _ offset: Offset) -> Result? {
        guard let partition = replicas.partition(id) else { return Result(error: replicas.absence(of: id)) }
        guard let low = partition.lowWatermark else { return Result(error: .notLeaderOrFollower) }
        return low >= offset ? Result(error: .none, lowWatermark: low) : nil
    }

    private struct Result: Sendable {
        var error: ErrorCode
        var lowWatermark: Offset = -1

        init(error: ErrorCode, lowWatermark: Offset = -1) {
            self.error = error
            self.lowWatermark = lowWatermark
        }

        init(_ outcome: Partition.DeletionOutcome) {
            switch outcome {
            case .deleted(_, let low): self.init(error: .none, lowWatermark: low)
            case .refused(let error): self.init(error: error)
            }
        }
    }

    private final class Settled: Sendable {
        let results = Mutex<[TopicPartition: Result]>([:])
    }

    private func answer(_ results: [Result]) {
        var response = DeleteRecordsResponse()
        response.topics = zip(asked, results).grouped { $0.0.id.topic }.map { topic, partitions in
            var wire = DeleteRecordsResponse.DeleteRecordsTopicResult()
            wire.name = topic
            wire.partitions = partitions.map { asked, result in
                var wire = DeleteRecordsResponse.DeleteRecordsPartitionResult()
                wire.partitionIndex = asked.id.partition
                wire.lowWatermark = result.lowWatermark
                wire.errorCode = result.error
                return wire
            }
            return wire
        }
        context.answer(response)
    }
}
