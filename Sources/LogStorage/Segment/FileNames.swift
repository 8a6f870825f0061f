// SPDX-License-Identifier: Apache-2.0

import KafkaModel

/// The names of the files in a partition's directory: base offset in 20 digits, kind, and a suffix that says in which
/// half-done step a file stands.
package struct SegmentFileName: Hashable, Sendable {
    package enum Kind: String, CaseIterable, Sendable {
        case log, index, timeindex, txnindex, snapshot
    }
    package enum Suffix: String, CaseIterable, Sendable {
        /// In use.
        case none = ""
        /// No longer part of the log; removed after `file.delete.delay.ms`.
        case deleted = ".deleted"
        /// Being written by the cleaner.
        case cleaned = ".cleaned"
        /// Written whole by the cleaner, about to take the place of the segments that it replaces.
        case swap = ".swap"
    }

    package var base: Offset
    package var kind: Kind
    package var suffix: Suffix

    package init(base: Offset, kind: Kind, suffix: Suffix = .none) {
        self.base = base
        self.kind = kind
        self.suffix = suffix
    }

    /// Nil for other files.
    package init?(_ name: String) {
        var rest = Substring(name)
        suffix = .none
        for candidate in Suffix.allCases where candidate != .none && rest.hasSuffix(candidate.rawValue) {
            suffix = candidate
            rest = rest.dropLast(candidate.rawValue.count)
            break
        }
        guard let dot = rest.firstIndex(of: "."), let kind = Kind(rawValue: String(rest[rest.index(after: dot)...]))
        else { return nil }
        let digits = rest[..<dot]
        guard digits.utf8.count >= 20, digits.utf8.allSatisfy({ (48...57).contains($0) }), let base = Offset(digits),
            base <= LogOffsets.highestEnd
        else { return nil }
        self.base = base
        self.kind = kind
    }

    package var name: String { Self.digits(base) + "." + kind.rawValue + suffix.rawValue }

    /// 20 digits, padded with zeros.
    package static func digits(_ offset: Offset) -> String {
        let text = String(offset)
        return String(repeating: "0", count: max(0, 20 - text.utf8.count)) + text
    }
}

/// The name of a partition's directory in a log directory.
///
///     topic-7                                         in use
///     topic-7.f844cc332dd8414f9eb10fb479922406-delete to be removed after file.delete.delay.ms
///     topic-7.f844cc332dd8414f9eb10fb479922406-future the copy that takes over when it has caught up (KIP-113)
///     topic-7.f844cc332dd8414f9eb10fb479922406-stray  not assigned to this broker (KIP-866)
package struct PartitionDirectoryName: Hashable, Sendable {
    package enum Role: String, CaseIterable, Sendable {
        case current = ""
        case deleted = "-delete"
        case future = "-future"
        case stray = "-stray"
    }

    package var partition: TopicPartition
    package var role: Role
    /// The 32 hexadecimal digits; empty for ``Role/current``.
    package var mark: String

    package init(_ partition: TopicPartition, _ role: Role = .current, mark: String = "") {
        self.partition = partition
        self.role = role
        self.mark = role == .current ? "" : mark
    }

    /// Nil for directories that are no partition's.
    package init?(_ name: String) {
        var rest = Substring(name)
        role = .current
        mark = ""
        for candidate in Role.allCases where candidate != .current && rest.hasSuffix(candidate.rawValue) {
            let stem = rest.dropLast(candidate.rawValue.utf8.count)
            guard let dot = stem.lastIndex(of: ".") else { continue }
            let digits = stem[stem.index(after: dot)...]
            guard digits.utf8.count == 32, digits.utf8.allSatisfy(Self.isHexadecimal) else { continue }
            role = candidate
            mark = String(digits)
            rest = stem[..<dot]
            break
        }
        guard let dash = rest.lastIndex(of: "-"), dash != rest.startIndex else { return nil }
        let number = rest[rest.index(after: dash)...]
        guard number.utf8.first.map({ (48...57).contains($0) }) == true, let index = Int32(number) else { return nil }
        partition = TopicPartition(String(rest[..<dash]), index)
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (97...102).contains(byte) || (65...70).contains(byte)
    }

    /// The name, within the 255 bytes that a file system allows: a long topic name is cut, as Kafka does for
    /// directories that are only there to be deleted.
    package var name: String {
        guard role != .current else { return partition.description }
        let tail = "." + mark + role.rawValue
        return String(partition.description.prefix(255 - tail.utf8.count)) + tail
    }

    /// 32 random hexadecimal digits.
    package static func randomMark() -> String {
        var text = ""
        for _ in 0..<2 {
            let digits = String(UInt64.random(in: 0 ... .max), radix: 16)
            text += String(repeating: "0", count: 16 - digits.utf8.count) + digits
        }
        return text
    }
}
