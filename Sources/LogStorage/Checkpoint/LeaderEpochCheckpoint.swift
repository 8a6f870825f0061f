// SPDX-License-Identifier: Apache-2.0

import KafkaModel

/// `leader-epoch-checkpoint` of a partition: where each leadership began. See ``CheckpointText`` for the format; an
/// entry is `epoch startOffset`.
package struct LeaderEpochCheckpoint: Sendable {
    package static let name = "leader-epoch-checkpoint"

    package let path: String
    private let fileSystem: any FileSystem

    package init(in directory: String, _ fileSystem: any FileSystem) {
        self.path = directory + "/" + Self.name
        self.fileSystem = fileSystem
    }

    /// Empty when the file is missing.
    package func read() throws(LogError) -> [EpochEntry] {
        let text = CheckpointText(
            path, advice: "delete the file: the epochs are then read from the log's batches")
        guard let content = try logErrors({ () throws(FileError) in try fileSystem.contents(of: path) }) else {
            return []
        }
        do throws(MalformedFile) {
            return try text.parse(content, fields: 2) { (fields, line) throws(MalformedFile) -> EpochEntry in
                EpochEntry(
                    epoch: try text.number(fields[0], "the epoch", line),
                    startOffset: try text.number(fields[1], "the offset", line))
            }
        } catch {
            throw .malformed(error)
        }
    }

    package func write(_ entries: [EpochEntry]) throws(FileError) {
        try fileSystem.replace(
            path, with: CheckpointText.render(entries.map { "\($0.epoch) \($0.startOffset)" }))
    }
}
