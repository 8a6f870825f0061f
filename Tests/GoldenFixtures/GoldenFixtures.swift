// SPDX-License-Identifier: Apache-2.0

import CCompression
import Foundation

/// Finds and reads what was recorded from Apache Kafka: `logs`, `wire`, `zookeeper`, `cli`.
///
/// A set of other recordings of the same shape takes the place of the repository's own when `MARTLET_GOLDEN` names its
/// directory, so tests list the files they find instead of naming them.
package enum GoldenFixtures {
    package enum FixtureError: Error {
        case notGzip(URL)
        case notJSONObject(URL, line: Int)
        case tarFailed(URL, status: Int32)
    }

    /// The directory of one kind of recording: `MARTLET_GOLDEN/<name>` if that variable is set, else the
    /// repository's `Tests/Fixtures/golden/<name>`.
    package static func directory(_ name: String) -> URL {
        let root: URL
        if let other = ProcessInfo.processInfo.environment["MARTLET_GOLDEN"], !other.isEmpty {
            root = URL(fileURLWithPath: other, isDirectory: true)
        } else {
            root = URL(fileURLWithPath: #filePath)
                .deletingLastPathComponent().deletingLastPathComponent()
                .appendingPathComponent("Fixtures/golden", isDirectory: true)
        }
        return root.appendingPathComponent(name, isDirectory: true)
    }

    /// The files directly in `directory(name)` whose names end in `suffix`, by name.
    package static func files(_ name: String, suffix: String = "") throws -> [URL] {
        try FileManager.default.contentsOfDirectory(at: directory(name), includingPropertiesForKeys: nil)
            .filter { $0.lastPathComponent.hasSuffix(suffix) && !$0.hasDirectoryPath }
            .sorted { $0.lastPathComponent < $1.lastPathComponent }
    }

    /// The content of a file, unpacked if it is gzip.
    package static func bytes(_ file: URL) throws -> [UInt8] {
        file.pathExtension == "gz" ? try gunzip(file) : [UInt8](try Data(contentsOf: file))
    }

    /// The unpacked content of a gzip file (all its members).
    package static func gunzip(_ file: URL) throws -> [UInt8] {
        guard let unpacked = inflateAll([UInt8](try Data(contentsOf: file))) else { throw FixtureError.notGzip(file) }
        return unpacked
    }

    /// The lines of a text file, unpacked if it is gzip; without empty lines.
    package static func lines(_ file: URL) throws -> [Substring] {
        String(decoding: try bytes(file), as: UTF8.self).split(separator: "\n")
    }

    /// One JSON object per line, unpacked if the file is gzip. Numbers are `NSNumber`, null is `NSNull`.
    package static func jsonLines(_ file: URL) throws -> [[String: Any]] {
        var objects: [[String: Any]] = []
        for (index, line) in try bytes(file).split(separator: UInt8(ascii: "\n")).enumerated() {
            guard let object = try JSONSerialization.jsonObject(with: Data(line)) as? [String: Any] else {
                throw FixtureError.notJSONObject(file, line: index + 1)
            }
            objects.append(object)
        }
        return objects
    }

    /// Unpacks a `.tar.gz` into an existing directory.
    package static func untar(_ archive: URL, into directory: URL) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/tar")
        process.arguments = ["-xzf", archive.path, "-C", directory.path]
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw FixtureError.tarFailed(archive, status: process.terminationStatus)
        }
    }

    /// Makes an empty directory, hands it over, and removes it afterwards with everything in it.
    package static func withTemporaryDirectory<Result>(_ body: (URL) throws -> Result) throws -> Result {
        let directory = try makeTemporaryDirectory()
        defer { try? FileManager.default.removeItem(at: directory) }
        return try body(directory)
    }

    /// As the synchronous form, for bodies that wait.
    package static func withTemporaryDirectory<Result>(
        isolation: isolated (any Actor)? = #isolation, _ body: (URL) async throws -> Result
    ) async throws -> Result {
        let directory = try makeTemporaryDirectory()
        defer { try? FileManager.default.removeItem(at: directory) }
        return try await body(directory)
    }

    private static func makeTemporaryDirectory() throws -> URL {
        let directory = FileManager.default.temporaryDirectory
            .appendingPathComponent("martlet-\(UUID().uuidString)", isDirectory: true)
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        return directory
    }

    /// Nil when the bytes are not whole gzip members.
    private static func inflateAll(_ packed: [UInt8]) -> [UInt8]? {
        var input = packed
        return input.withUnsafeMutableBufferPointer { input -> [UInt8]? in
            var stream = z_stream()
            // 15 bits of window, and 16 to ask for gzip framing.
            guard inflateInit2_(&stream, 31, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
                return nil
            }
            defer { inflateEnd(&stream) }
            stream.next_in = input.baseAddress
            stream.avail_in = UInt32(input.count)
            var unpacked: [UInt8] = []
            var chunk = [UInt8](repeating: 0, count: 256 << 10)
            while true {
                let (status, produced) = chunk.withUnsafeMutableBufferPointer { chunk in
                    stream.next_out = chunk.baseAddress
                    stream.avail_out = UInt32(chunk.count)
                    let status = inflate(&stream, Z_NO_FLUSH)
                    return (status, chunk.count - Int(stream.avail_out))
                }
                unpacked.append(contentsOf: chunk[..<produced])
                switch status {
                case Z_OK: continue
                case Z_STREAM_END where stream.avail_in == 0: return unpacked
                case Z_STREAM_END: guard inflateReset(&stream) == Z_OK else { return nil }
                default: return nil
                }
            }
        }
    }
}
