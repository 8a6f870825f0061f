// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Reads the small files that commands take: properties, JSON, lists.
enum TextFile {
    /// The whole file. Throws what Java would: `NoSuchFileException` with the path.
    static func read(_ path: String) throws -> String { String(decoding: try bytes(path), as: UTF8.self) }

    static func bytes(_ path: String) throws -> [UInt8] {
        guard let file = fopen(path, "r") else { throw missing(path) }
        defer { fclose(file) }
        var content: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = fread(&chunk, 1, chunk.count, file)
            if count == 0 { return content }
            content += chunk[..<count]
        }
    }
}

extension TextFile {
    private static func missing(_ path: String) -> JavaException {
        JavaException(
            javaClass: errno == EACCES
                ? "java.nio.file.AccessDeniedException" : "java.nio.file.NoSuchFileException",
            message: path)
    }
}

/// Times as Java's formats write them, in the machine's time zone.
enum TimeFormat {
    /// `2026-11-21 07:04:19,190`, as log lines begin.
    static func log(_ milliseconds: Int64) -> String { logFormat.text(milliseconds) }

    private static let logFormat = JavaDateFormat(parts: [
        .field("y", 4), .literal("-"), .field("M", 2), .literal("-"), .field("d", 2), .literal(" "), .field("H", 2),
        .literal(":"), .field("m", 2), .literal(":"), .field("s", 2), .literal(","), .field("S", 3),
    ])
}
