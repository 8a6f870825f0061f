// SPDX-License-Identifier: Apache-2.0

import KafkaModel

/// `leader-epoch-checkpoint` of a partition: where each leadership began. See ``CheckpointText`` for the format; an
/// entry is `epoch startOffset`.
package struct LeaderEpochCheckpoint: Sendable {
    package static let name = "leader-epoch-checkpoint"

    private static let advice = "delete the file: the epochs are then read from the log's batches"

    package let path: String
    private let fileSystem: any FileSystem

    package init(in directory: String, _ fileSystem: any FileSystem) {
        self.path = directory + "/" + Self.name
        self.fileSystem = fileSystem
    }

    /// Empty when the file is missing.
    package func read() throws(LogError) -> [EpochEntry] {
        let text = CheckpointText(path, advice: Self.advice)
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

    /// What the file says is belied by a batch.
    func contradicted(_ problem: String) -> MalformedFile {
        MalformedFile(path, .wholeFile, problem, advice: Self.advice)
    }

    /// - Parameter isDurable: false where there is no older content that a crash must not take.
    package func write(_ entries: [EpochEntry], isDurable: Bool = true) throws(FileError) {
        try fileSystem.replace(
            path, with: CheckpointText.render(entries.map { "\($0.epoch) \($0.startOffset)" }), isDurable: isDurable)
    }
}
