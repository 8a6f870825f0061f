// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import KafkaProtocol
import LogStorage
import Synchronization

/// ListOffsets, 0–9: where a partition's log begins and ends, and which offset a point in time has.
///
/// v0 answers with a list of segment starts, v1 with one offset (KIP-79), v2 knows isolation, v4 leader epochs, v7 the
/// largest timestamp (KIP-734), v8 the earliest local offset (KIP-405), v9 the latest tiered one (KIP-1005).
struct ListOffsetsHandler: ApiHandler {
    typealias Request = ListOffsetsRequest

    let replicas: ReplicaManager

    private enum Special {
        static let latest: Timestamp = -1
        static let earliest: Timestamp = -2
        static let maximum: Timestamp = -3
        static let earliestLocal: Timestamp = -4
        static let latestTiered: Timestamp = -5
    }

    func handle(_ request: ListOffsetsRequest, _ context: RequestContext<ListOffsetsResponse>) {
        let version = context.version
        let asked = request.topics.flatMap { topic in
            topic.partitions.map { (id: TopicPartition(topic.name, $0.partitionIndex), partition: $0) }
        }
        let counts = Dictionary(asked.map { ($0.id, 1) }, uniquingKeysWith: +)
        let pending = PendingOffsets(request, context)
        for (index, (id, partition)) in asked.enumerated() {
            let answer: @Sendable () -> Void = { [self] in
                var answer = ListOffsetsResponse.ListOffsetsPartitionResponse()
                answer.partitionIndex = partition.partitionIndex
                if counts[id] != 1 {
                    answer.errorCode = .invalidRequest
                } else if version == 0 {
                    fillOldStyle(&answer, id, partition, request)
                } else {
                    fill(&answer, id, partition, request, version: version)
                }
                pending.finish(index, answer)
            }
            // Where a log begins and ends is known; all else is looked up in files, and may wait for the disk.
            if version == 0 || partition.timestamp >= 0 || partition.timestamp == Special.maximum,
                let hosted = replicas.partition(id)
            {
                hosted.submit { _ in answer() }
            } else {
                answer()
            }
        }
    }

    private func fill(
        _ answer: inout ListOffsetsResponse.ListOffsetsPartitionResponse, _ id: TopicPartition,
        _ partition: ListOffsetsRequest.ListOffsetsPartition, _ request: ListOffsetsRequest, version: Int16
    ) {
        guard Self.isKnown(partition.timestamp, version: version) else {
            answer.errorCode = .unsupportedVersion
            return
        }
        guard let hosted = replicas.partition(id) else {
            answer.errorCode = replicas.absence(of: id)
            return
        }
        // Only a debugger may ask a follower.
        let (log, error) = hosted.access(epoch: partition.currentLeaderEpoch, leaderOnly: request.replicaID != -2)
        guard let log, error.isNone else {
            answer.errorCode = error
            return
        }
        // The mark of a new leader may lie behind what an earlier one has told: only what lies below it is certain.
        let isUncertain = request.replicaID == -1 && hosted.isMarkUncertain
        let notAvailable: ErrorCode = version >= 5 ? .offsetNotAvailable : .leaderNotAvailable
        if isUncertain, partition.timestamp == Special.latest {
            answer.errorCode = notAvailable
            return
        }
        let limit: ReadLimit =
            request.replicaID >= 0 || request.replicaID == -2
            ? .logEnd : request.isolationLevel == 1 ? .lastStableOffset : .highWatermark
        do throws(LogError) {
            guard let found = try offset(partition.timestamp, limit, in: log) else {
                if isUncertain { answer.errorCode = notAvailable }
                return
            }
            answer.timestamp = found.timestamp
            answer.offset = found.offset
            if version >= 4 { answer.leaderEpoch = found.leaderEpoch ?? -1 }
        } catch {
            answer.errorCode = error.errorCode
        }
    }

    private func offset(
        _ timestamp: Timestamp, _ limit: ReadLimit, in log: PartitionLog
    ) throws(LogError) -> TimestampedOffset? {
        let query: TimestampQuery
        switch timestamp {
        case Special.latest: query = .latest(limit)
        case Special.earliest, Special.earliestLocal: query = .earliest
        case Special.maximum: query = .maximum
        // Nothing is in tiered storage.
        case Special.latestTiered: return TimestampedOffset(offset: -1, timestamp: -1, leaderEpoch: nil)
        default: query = .time(timestamp)
        }
        return try log.offset(for: query, upTo: limit)
    }

    /// Version 0: the starts of segments at or before the time, newest first, and the end.
    private func fillOldStyle(
        _ answer: inout ListOffsetsResponse.ListOffsetsPartitionResponse, _ id: TopicPartition,
        _ partition: ListOffsetsRequest.ListOffsetsPartition, _ request: ListOffsetsRequest
    ) {
        guard Self.isKnown(partition.timestamp, version: 0) else {
            answer.errorCode = .unsupportedVersion
            return
        }
        guard let hosted = replicas.partition(id) else {
            answer.errorCode = replicas.absence(of: id)
            return
        }
        let (log, error) = hosted.access(epoch: -1, leaderOnly: request.replicaID != -2)
        guard let log, error.isNone else {
            answer.errorCode = error
            return
        }
        do throws(LogError) {
            answer.oldStyleOffsets = try log.segmentOffsets(
                before: partition.timestamp, atMost: max(0, Int(partition.maxNumOffsets)),
                upTo: request.replicaID == -1 ? .highWatermark : .logEnd, now: BrokerClock.now)
        } catch {
            answer.errorCode = error.errorCode
        }
    }

    private static func isKnown(_ timestamp: Timestamp, version: Int16) -> Bool {
        switch timestamp {
        case 0..., Special.latest, Special.earliest: true
        case Special.maximum: version >= 7
        case Special.earliestLocal: version >= 8
        case Special.latestTiered: version >= 9
        default: false
        }
    }
}

/// An answer to ListOffsets as it comes together, partition by partition.
///
/// Owner: its lock. Some partitions finish on their log threads; whoever brings the last one answers.
private final class PendingOffsets: Sendable {
    typealias PartitionAnswer = ListOffsetsResponse.ListOffsetsPartitionResponse

    private let topics: [(name: String, count: Int)]
    private let context: RequestContext<ListOffsetsResponse>
    private let state: Mutex<(answers: [PartitionAnswer], missing: Int)>

    init(_ request: ListOffsetsRequest, _ context: RequestContext<ListOffsetsResponse>) {
        topics = request.topics.map { ($0.name, $0.partitions.count) }
        self.context = context
        let count = topics.reduce(0) { $0 + $1.count }
        state = Mutex((Array(repeating: PartitionAnswer(), count: count), count))
        if count == 0 { answer([]) }
    }

    /// - Parameter index: of the partition in the request.
    func finish(_ index: Int, _ partition: PartitionAnswer) {
        let answers = state.withLock { state -> [PartitionAnswer]? in
            state.answers[index] = partition
            state.missing -= 1
            return state.missing == 0 ? state.answers : nil
        }
        if let answers { answer(answers[...]) }
    }

    private func answer(_ answers: ArraySlice<PartitionAnswer>) {
        var answers = answers
        var response = ListOffsetsResponse()
        response.topics = topics.map { topic in
            var wire = ListOffsetsResponse.ListOffsetsTopicResponse()
            wire.name = topic.name
            wire.partitions = Array(answers.prefix(topic.count))
            answers = answers.dropFirst(topic.count)
            return wire
        }
        context.answer(response)
    }
}
