// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import KafkaProtocol
import LogStorage

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
        var repeated: Set<TopicPartition> = []
        var seen: Set<TopicPartition> = []
        for topic in request.topics {
            for partition in topic.partitions {
                let id = TopicPartition(topic.name, partition.partitionIndex)
                if !seen.insert(id).inserted { repeated.insert(id) }
            }
        }
        var response = ListOffsetsResponse()
        response.topics = request.topics.map { topic in
            var wire = ListOffsetsResponse.ListOffsetsTopicResponse()
            wire.name = topic.name
            wire.partitions = topic.partitions.map { partition in
                let id = TopicPartition(topic.name, partition.partitionIndex)
                var answer = ListOffsetsResponse.ListOffsetsPartitionResponse()
                answer.partitionIndex = partition.partitionIndex
                if repeated.contains(id) {
                    answer.errorCode = .invalidRequest
                } else if version == 0 {
                    fillOldStyle(&answer, id, partition)
                } else {
                    fill(&answer, id, partition, request, version: version)
                }
                return answer
            }
            return wire
        }
        context.answer(response)
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
        if request.replicaID == -1, hosted.isMarkUncertain {
            // The mark of a new leader may lie behind what an earlier one has told.
            if partition.timestamp == Special.latest || partition.timestamp >= 0 {
                answer.errorCode = version >= 5 ? .offsetNotAvailable : .leaderNotAvailable
                return
            }
        }
        let limit: ReadLimit =
            request.replicaID >= 0 || request.replicaID == -2
            ? .logEnd : request.isolationLevel == 1 ? .lastStableOffset : .highWatermark
        do throws(LogError) {
            guard let found = try offset(partition.timestamp, limit, in: log) else { return }
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
        _ partition: ListOffsetsRequest.ListOffsetsPartition
    ) {
        guard Self.isKnown(partition.timestamp, version: 0) else {
            answer.errorCode = .unsupportedVersion
            return
        }
        guard let hosted = replicas.partition(id) else {
            answer.errorCode = replicas.absence(of: id)
            return
        }
        let (log, error) = hosted.access(epoch: -1, leaderOnly: true)
        guard let log, error.isNone else {
            answer.errorCode = error
            return
        }
        do throws(LogError) {
            answer.oldStyleOffsets = try log.segmentOffsets(
                before: partition.timestamp, atMost: max(0, Int(partition.maxNumOffsets)), upTo: .highWatermark,
                now: BrokerClock.now)
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
