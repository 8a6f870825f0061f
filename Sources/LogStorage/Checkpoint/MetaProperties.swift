// SPDX-License-Identifier: Apache-2.0

import KafkaModel

/// `meta.properties` at the root of a log directory: whose directory it is.
package struct MetaProperties: Hashable, Sendable {
    package static let name = "meta.properties"

    /// 0 in ZooKeeper mode; 1 is a KRaft node's, which this broker refuses.
    package var version: Int
    package var brokerID: BrokerID?
    package var clusterID: String?
    /// Present in directories that a newer broker prepared for migration.
    package var directoryID: String?

    package init(brokerID: BrokerID?, clusterID: String?, directoryID: String? = nil, version: Int = 0) {
        self.version = version
        self.brokerID = brokerID
        self.clusterID = clusterID
        self.directoryID = directoryID
    }

    /// Nil when the directory has no such file: nobody has used it yet.
    package static func read(in directory: String, _ fileSystem: any FileSystem) throws(LogError) -> MetaProperties? {
        let path = directory + "/" + name
        guard let content = try logErrors({ () throws(FileError) in try fileSystem.contents(of: path) }) else {
            return nil
        }
        do throws(MalformedFile) { return try parse(content, path: path) } catch { throw .malformed(error) }
    }

    package static func parse(_ content: [UInt8], path: String) throws(MalformedFile) -> MetaProperties {
        func malformed(_ line: Int, _ problem: String) -> MalformedFile {
            MalformedFile(
                path, .line(line), problem,
                advice: "restore the file from another log directory of this broker, or delete it if the directory "
                    + "is known to belong to this broker")
        }
        var properties = MetaProperties(brokerID: nil, clusterID: nil, version: -1)
        let lines = String(decoding: content, as: UTF8.self).split(
            omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        for (index, raw) in lines.enumerated() {
            let line = raw.drop { $0 == " " || $0 == "\t" }
            guard let first = line.first, first != "#", first != "!" else { continue }
            guard let separator = line.firstIndex(where: { $0 == "=" || $0 == ":" }) else {
                throw malformed(index + 1, "is neither a comment nor name=value")
            }
            let name = trimmed(line[..<separator])
            // Java's writer escapes these in values.
            let value = trimmed(line[line.index(after: separator)...]).filter { $0 != "\\" }
            switch name {
            case "version":
                guard let version = Int(value) else { throw malformed(index + 1, "the version is not a number") }
                properties.version = version
            case "broker.id", "node.id":
                guard let id = BrokerID(value) else { throw malformed(index + 1, "\(name) is not a number") }
                properties.brokerID = id
            case "cluster.id": properties.clusterID = value
            case "directory.id": properties.directoryID = value
            default: break
            }
        }
        guard properties.version >= 0 else { throw malformed(1, "the version is missing") }
        guard properties.version <= 1 else {
            throw malformed(1, "version is \(properties.version), expected 0")
        }
        return properties
    }

    private static func trimmed(_ text: Substring) -> String {
        var text = text.drop { $0 == " " || $0 == "\t" }
        while let last = text.last, last == " " || last == "\t" || last == "\r" { text.removeLast() }
        return String(text)
    }

    /// Replaces the file, durably and whole.
    package func write(in directory: String, _ fileSystem: any FileSystem) throws(FileError) {
        var text = "#\n"
        if let clusterID { text += "cluster.id=\(clusterID)\n" }
        if let directoryID { text += "directory.id=\(directoryID)\n" }
        if let brokerID { text += "\(version == 0 ? "broker.id" : "node.id")=\(brokerID)\n" }
        text += "version=\(version)\n"
        try fileSystem.replace(directory + "/" + Self.name, with: Array(text.utf8))
    }
}
