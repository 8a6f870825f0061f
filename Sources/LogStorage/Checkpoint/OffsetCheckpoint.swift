// SPDX-License-Identifier: Apache-2.0

import KafkaModel

/// An offset per partition of one log directory, in a text file at its root. See ``CheckpointText`` for the format.
package struct OffsetCheckpoint: Sendable {
    /// Which of the four files.
    package enum Kind: String, CaseIterable, Sendable {
        /// Up to where each log is known to be on disk.
        case recoveryPoint = "recovery-point-offset-checkpoint"
        /// High watermarks.
        case highWatermark = "replication-offset-checkpoint"
        /// First offsets that lie above their first segment's base (DeleteRecords, KIP-107).
        case logStart = "log-start-offset-checkpoint"
        /// First offsets not yet compacted.
        case cleaner = "cleaner-offset-checkpoint"

        fileprivate var advice: String {
            switch self {
            case .recoveryPoint: "delete the file: all logs of this directory are then scanned at the start"
            case .highWatermark:
                "delete the file: high watermarks then start at the beginning of the logs and are learned anew"
            case .logStart:
                "delete the file: records deleted inside a segment may then be readable again until retention "
                    + "removes the segment"
            case .cleaner: "delete the file: compaction then starts anew at the beginning of each log"
            }
        }
    }

    package let path: String
    private let kind: Kind
    private let fileSystem: any FileSystem

    package init(_ kind: Kind, in directory: String, _ fileSystem: any FileSystem) {
        self.kind = kind
        self.path = directory + "/" + kind.rawValue
        self.fileSystem = fileSystem
    }

    /// Empty when the file is missing.
    package func read() throws(LogError) -> [TopicPartition: Offset] {
        let text = CheckpointText(path, advice: kind.advice)
        guard let content = try logErrors({ () throws(FileError) in try fileSystem.contents(of: path) }) else {
            return [:]
        }
        do throws(MalformedFile) {
            var offsets: [TopicPartition: Offset] = [:]
            let entries = try text.parse(content, fields: 3) {
                (fields, line) throws(MalformedFile) -> (TopicPartition, Offset) in
                let offset: Offset = try text.number(fields[2], "the offset", line)
                guard (0...LogOffsets.highestEnd).contains(offset) else {
                    throw text.malformed(line, "no log can have the offset \(offset)")
                }
                return (TopicPartition(String(fields[0]), try text.number(fields[1], "the partition", line)), offset)
            }
            offsets.reserveCapacity(entries.count)
            for (partition, offset) in entries { offsets[partition] = offset }
            return offsets
        } catch {
            throw .malformed(error)
        }
    }

    /// Replaces the file, durably and whole.
    package func write(_ offsets: [TopicPartition: Offset]) throws(FileError) {
        let lines = offsets.sorted { $0.key < $1.key }.map { "\($0.key.topic) \($0.key.partition) \($0.value)" }
        try fileSystem.replace(path, with: CheckpointText.render(lines))
    }
}
