// SPDX-License-Identifier: Apache-2.0

/// A value of `inter.broker.protocol.version`: what the brokers of a cluster have agreed to speak among each other and
/// to write to ZooKeeper. Versions are ordered; features ask `version >= .v2_7_IV2`.
package struct ProtocolVersion: Hashable, Sendable {
    private let rank: Int

    private init(rank: Int) { self.rank = rank }

    /// Reads `3.9-IV0`, or a release as `3.9` or `3.9.1`, which means the last version of that release.
    package init?(_ text: String) {
        let segments = text.split(separator: ".", omittingEmptySubsequences: false)
        let kept = segments.prefix(text.hasPrefix("0.") ? 3 : 2).joined(separator: ".")
        let release = "\(kept)-"
        guard
            let rank = Self.names.lastIndex(of: kept) ?? Self.names.lastIndex(where: { $0.hasPrefix(release) })
        else { return nil }
        self.rank = rank
    }

    /// The newest, and the default.
    package static let latest = ProtocolVersion(rank: names.count - 1)

    /// The record format brokers of this version keep: 0, 1 or 2.
    package var recordMagic: Int8 {
        if self >= .v0_11_0_IV0 { return 2 }
        return self >= .v0_10_0_IV0 ? 1 : 0
    }

    private static func named(_ name: String) -> ProtocolVersion {
        guard let rank = names.firstIndex(of: name) else { preconditionFailure("not in the list: \(name)") }
        return ProtocolVersion(rank: rank)
    }

    // The thresholds that Kafka's features name.
    package static let v0_9_0 = named("0.9.0")
    package static let v0_10_0_IV0 = named("0.10.0-IV0")
    package static let v0_10_0_IV1 = named("0.10.0-IV1")
    package static let v0_10_1_IV1 = named("0.10.1-IV1")
    package static let v0_10_1_IV2 = named("0.10.1-IV2")
    package static let v0_10_2_IV0 = named("0.10.2-IV0")
    package static let v0_11_0_IV0 = named("0.11.0-IV0")
    package static let v0_11_0_IV1 = named("0.11.0-IV1")
    package static let v0_11_0_IV2 = named("0.11.0-IV2")
    package static let v1_0_IV0 = named("1.0-IV0")
    package static let v1_1_IV0 = named("1.1-IV0")
    package static let v2_0_IV0 = named("2.0-IV0")
    package static let v2_0_IV1 = named("2.0-IV1")
    package static let v2_1_IV0 = named("2.1-IV0")
    package static let v2_1_IV1 = named("2.1-IV1")
    package static let v2_1_IV2 = named("2.1-IV2")
    package static let v2_2_IV0 = named("2.2-IV0")
    package static let v2_2_IV1 = named("2.2-IV1")
    package static let v2_3_IV0 = named("2.3-IV0")
    package static let v2_3_IV1 = named("2.3-IV1")
    package static let v2_4_IV0 = named("2.4-IV0")
    package static let v2_4_IV1 = named("2.4-IV1")
    package static let v2_6_IV0 = named("2.6-IV0")
    package static let v2_7_IV0 = named("2.7-IV0")
    package static let v2_7_IV1 = named("2.7-IV1")
    package static let v2_7_IV2 = named("2.7-IV2")
    package static let v2_8_IV0 = named("2.8-IV0")
    package static let v2_8_IV1 = named("2.8-IV1")
    package static let v3_0_IV0 = named("3.0-IV0")
    package static let v3_0_IV1 = named("3.0-IV1")
    package static let v3_1_IV0 = named("3.1-IV0")
    package static let v3_2_IV0 = named("3.2-IV0")
    package static let v3_3_IV0 = named("3.3-IV0")
    package static let v3_4_IV0 = named("3.4-IV0")
    package static let v3_5_IV0 = named("3.5-IV0")
    package static let v3_5_IV1 = named("3.5-IV1")
    package static let v3_6_IV0 = named("3.6-IV0")
    package static let v3_7_IV4 = named("3.7-IV4")
    package static let v3_9_IV0 = named("3.9-IV0")

    /// Every version a 3.9 broker knows, oldest first.
    private static let names = [
        "0.8.0", "0.8.1", "0.8.2", "0.9.0", "0.10.0-IV0", "0.10.0-IV1", "0.10.1-IV0", "0.10.1-IV1", "0.10.1-IV2",
        "0.10.2-IV0", "0.11.0-IV0", "0.11.0-IV1", "0.11.0-IV2", "1.0-IV0", "1.1-IV0", "2.0-IV0", "2.0-IV1", "2.1-IV0",
        "2.1-IV1", "2.1-IV2", "2.2-IV0", "2.2-IV1", "2.3-IV0", "2.3-IV1", "2.4-IV0", "2.4-IV1", "2.5-IV0", "2.6-IV0",
        "2.7-IV0", "2.7-IV1", "2.7-IV2", "2.8-IV0", "2.8-IV1", "3.0-IV0", "3.0-IV1", "3.1-IV0", "3.2-IV0", "3.3-IV0",
        "3.3-IV1", "3.3-IV2", "3.3-IV3", "3.4-IV0", "3.5-IV0", "3.5-IV1", "3.5-IV2", "3.6-IV0", "3.6-IV1", "3.6-IV2",
        "3.7-IV0", "3.7-IV1", "3.7-IV2", "3.7-IV3", "3.7-IV4", "3.8-IV0", "3.9-IV0",
    ]
}

extension ProtocolVersion: Comparable, CustomStringConvertible {
    package static func < (left: ProtocolVersion, right: ProtocolVersion) -> Bool { left.rank < right.rank }
    package var description: String { Self.names[rank] }
}
