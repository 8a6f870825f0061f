// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import KafkaProtocol

extension Cluster {
    package typealias OffsetResults = [TopicPartition: Result<OffsetAndTimestamp, KafkaError>]

    /// Looks offsets up at the partitions' leaders. A time that no record has is answered with offset −1.
    ///
    /// Tries again after errors that pass, until `deadline`; what failed then or for good stands in the result.
    package func listOffsets(
        _ wanted: [TopicPartition: OffsetSpecification], isolation: ClientConfiguration.IsolationLevel,
        before deadline: ContinuousClock.Instant
    ) async throws -> OffsetResults {
        var results: OffsetResults = [:]
        var rest = wanted
        var backoff = Backoff(configuration)
        var needsMetadata = Set(wanted.keys.map(\.topic)).contains { name in
            withSnapshot { $0.topics[name] == nil }
        }
        while !rest.isEmpty {
            if needsMetadata {
                do {
                    try await refresh(topics: Set(rest.keys.map(\.topic)))
                } catch let error as KafkaError where error.isRetriable && ContinuousClock.now < deadline {}
            }
            needsMetadata = true
            let snapshot = snapshot
            var byLeader: [BrokerID: [TopicPartition: OffsetSpecification]] = [:]
            for (partition, specification) in rest {
                if let error = snapshot.topics[partition.topic]?.error, !error.isNone {
                    results[partition] = .failure(KafkaError(error))
                }
                if let leader = snapshot.leader(of: partition) {
                    byLeader[leader, default: [:]][partition] = specification
                } else if results[partition] == nil {
                    results[partition] = .failure(KafkaError(ErrorCode.leaderNotAvailable))
                }
            }
            for (leader, partitions) in byLeader {
                for (partition, result) in await listOffsets(partitions, isolation, from: leader, snapshot) {
                    results[partition] = result
                }
            }
            rest = rest.filter { partition, _ in
                if case .failure(let error)? = results[partition] {
                    error.isRetriable
                } else {
                    results[partition] == nil
                }
            }
            guard !rest.isEmpty, ContinuousClock.now < deadline else { break }
            try await backoff.wait(until: deadline)
        }
        return results
    }

    private func listOffsets(
        _ wanted: [TopicPartition: OffsetSpecification], _ isolation: ClientConfiguration.IsolationLevel,
        from leader: BrokerID, _ snapshot: ClusterSnapshot
    ) async -> OffsetResults {
        do {
            let link = try await link(to: leader)
            let version = try link.requireVersion(of: ListOffsetsRequest.self)
            if wanted.values.contains(where: { $0.firstVersion > version }) {
                throw KafkaError(
                    .unsupportedVersion, "The broker does not support the requested offset specification.")
            }
            let request = ListOffsetsRequest(
                replicaID: -1, isolationLevel: isolation == .readCommitted ? 1 : 0,
                topics: Dictionary(grouping: wanted, by: \.key.topic).map { name, partitions in
                    .init(
                        name: name,
                        partitions: partitions.map { partition, specification in
                            .init(
                                partitionIndex: partition.partition,
                                currentLeaderEpoch: snapshot.leaderEpoch(of: partition),
                                timestamp: specification.wireValue)
                        })
                })
            let response = try await link.send(request)
            var results: OffsetResults = [:]
            for topic in response.topics {
                for partition in topic.partitions {
                    let name = TopicPartition(topic.name, partition.partitionIndex)
                    guard partition.errorCode.isNone else {
                        results[name] = .failure(KafkaError(partition.errorCode))
                        continue
                    }
                    results[name] = .success(
                        OffsetAndTimestamp(
                            offset: version == 0 ? partition.oldStyleOffsets.first ?? -1 : partition.offset,
                            timestamp: partition.timestamp,
                            leaderEpoch: partition.leaderEpoch >= 0 ? partition.leaderEpoch : nil))
                }
            }
            return results
        } catch let error as KafkaError {
            return wanted.mapValues { _ in .failure(error) }
        } catch {
            return wanted.mapValues { _ in .failure(KafkaError(.disconnected, "\(error)")) }
        }
    }

    /// Sends to a group's coordinator, looking it up again when it moved or cannot be reached, until `deadline`.
    package func sendToCoordinator<Request: RequestMessage>(
        _ request: Request, group: String, on purpose: Purpose = .coordination, latest: Int16 = .max,
        timeout: Duration? = nil, before deadline: ContinuousClock.Instant, error code: (Request.Response) -> ErrorCode
    ) async throws -> Request.Response {
        var backoff = Backoff(configuration)
        while true {
            do {
                let broker = try await coordinator(.group, group)
                let response = try await link(to: broker, for: purpose).send(request, latest: latest, timeout: timeout)
                switch code(response) {
                case .notCoordinator, .coordinatorNotAvailable, .coordinatorLoadInProgress:
                    throw KafkaError(code(response))
                default: return response
                }
            } catch let error as KafkaError where error.isRetriable {
                if error.errorCode != .coordinatorLoadInProgress { forgetCoordinator(.group, group) }
                guard ContinuousClock.now < deadline else { throw error }
            }
            try await backoff.wait(until: deadline)
        }
    }
}
