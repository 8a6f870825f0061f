// SPDX-License-Identifier: Apache-2.0

import KafkaModel

/// `partition.metadata` (KIP-516): which topic, by id, a partition's directory belongs to.
///
///     version: 0
///     topic_id: xB3aFfoYRz6SObgv61D2nw
package struct PartitionMetadataFile: Sendable {
    package static let name = "partition.metadata"

    package let path: String
    private let fileSystem: any FileSystem

    package init(in directory: String, _ fileSystem: any FileSystem) {
        self.path = directory + "/" + Self.name
        self.fileSystem = fileSystem
    }

    /// Nil when the file is missing: the log is older than topic ids.
    package func read() throws(LogError) -> KafkaUUID? {
        guard let content = try logErrors({ () throws(FileError) in try fileSystem.contents(of: path) }) else {
            return nil
        }
        do throws(MalformedFile) { return try parse(content) } catch { throw .malformed(error) }
    }

    func parse(_ content: [UInt8]) throws(MalformedFile) -> KafkaUUID {
        func malformed(_ line: Int, _ problem: String) -> MalformedFile {
            MalformedFile(
                path, .line(line), problem,
                advice: "write the topic's id as in ZooKeeper's /brokers/topics node, or delete the file")
        }
        let lines = String(decoding: content, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count >= 2 else { throw malformed(1, "has fewer than two lines") }
        guard lines[0] == "version: 0" else { throw malformed(1, "is not \"version: 0\"") }
        guard lines[1].hasPrefix("topic_id: "), let id = KafkaUUID(String(lines[1].dropFirst(10))) else {
            throw malformed(2, "is not \"topic_id: \" with the 22 characters of an id")
        }
        guard !id.isZero else { throw malformed(2, "the topic id is zero") }
        return id
    }

    /// - Parameter isDurable: false where a crash may take the file.
    package func write(_ topicID: KafkaUUID, isDurable: Bool = true) throws(FileError) {
        try fileSystem.replace(
            path, with: Array("version: 0\ntopic_id: \(topicID)".utf8), isDurable: isDurable)
    }
}
