// SPDX-License-Identifier: Apache-2.0

import GroupCoordination
import KafkaModel
import ZooKeeperClient
import ZooKeeperStore

/// Positions where consumers before 0.8.2 keep them, and version 0 of OffsetCommit and OffsetFetch looks for them: in
/// ZooKeeper, as decimal text under `/consumers/<group>/offsets/<topic>/<partition>`. Metadata is not kept.
struct LegacyOffsets: Sendable {
    let store: ZooKeeperStore
    /// `offset.metadata.max.bytes`.
    let maxMetadataBytes: Int

    func commit(_ group: String, _ offsets: [OffsetCommit.Partition]) async -> [PartitionError] {
        var errors: [PartitionError] = []
        for entry in offsets {
            var error = ErrorCode.none
            if entry.offset.metadata.utf8.count > maxMetadataBytes {
                error = .offsetMetadataTooLarge
            } else {
                do throws(StoreError) {
                    try await write(entry.offset.offset, to: path(group, entry.partition))
                } catch {
                    errors.append(PartitionError(entry.partition, .unknownServerError))
                    continue
                }
            }
            errors.append(PartitionError(entry.partition, error))
        }
        return errors
    }

    /// - Parameter partitions: each with whether it exists.
    func fetch(_ group: String, _ partitions: [(id: TopicPartition, exists: Bool)]) async -> OffsetFetchAnswer {
        var answer = OffsetFetchAnswer()
        for (id, exists) in partitions {
            var found = OffsetFetchAnswer.Partition(partition: id, error: .unknownTopicOrPartition)
            if exists {
                do throws(StoreError) {
                    if let data = try await store.read(path(group, id))?.data,
                        let offset = Offset(String(decoding: data, as: UTF8.self))
                    {
                        found.offset = offset
                        found.error = .none
                    }
                } catch {
                    found.error = .unknownServerError
                }
            }
            answer.partitions.append(found)
        }
        return answer
    }

    private func write(_ offset: Offset, to path: String) async throws(StoreError) {
        let data = Array("\(offset)".utf8)
        do throws(ZooKeeperError) {
            try await store.calls.setData(path, data: data)
        } catch {
            guard error == .noNode else { throw .zooKeeper(error, path: path) }
            try await store.createRecursive(path, data: data)
        }
    }

    private func path(_ group: String, _ id: TopicPartition) -> String {
        "/consumers/\(group)/offsets/\(id.topic)/\(id.partition)"
    }
}
