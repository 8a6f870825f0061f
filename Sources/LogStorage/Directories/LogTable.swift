// SPDX-License-Identifier: Apache-2.0

import KafkaModel

/// Logs by partition, and how many of them each log directory holds.
struct LogTable {
    private var logs: [TopicPartition: PartitionLog] = [:]
    private var counts: [ObjectIdentifier: Int] = [:]

    var all: some Collection<PartitionLog> { logs.values }

    subscript(partition: TopicPartition) -> PartitionLog? {
        get { logs[partition] }
        set {
            if let old = logs[partition] { counts[ObjectIdentifier(old.health), default: 0] -= 1 }
            if let newValue { counts[ObjectIdentifier(newValue.health), default: 0] += 1 }
            logs[partition] = newValue
        }
    }

    mutating func remove(_ partition: TopicPartition) -> PartitionLog? {
        defer { self[partition] = nil }
        return logs[partition]
    }

    /// How many of them lie in a directory.
    func count(in health: DirectoryHealth) -> Int { counts[ObjectIdentifier(health), default: 0] }
}
