// SPDX-License-Identifier: Apache-2.0

/// Who set the timestamps of records.
package enum TimestampType: Int8, Hashable, Sendable {
    /// Format 0 has no timestamps.
    case none = -1
    /// The producer.
    case createTime = 0
    /// The broker, when it appended the batch.
    case logAppendTime = 1
}

/// The attributes of a batch (16 bits in version 2) or message (8 bits before).
package struct RecordAttributes: RawRepresentable, Hashable, Sendable {
    package var rawValue: Int16

    package init(rawValue: Int16) {
        self.rawValue = rawValue
    }

    package init(
        codec: CompressionCodec = .none, timestampType: TimestampType = .createTime, isTransactional: Bool = false,
        isControl: Bool = false, hasDeleteHorizon: Bool = false
    ) {
        rawValue = Int16(codec.rawValue)
        if timestampType == .logAppendTime { rawValue |= 1 << 3 }
        if isTransactional { rawValue |= 1 << 4 }
        if isControl { rawValue |= 1 << 5 }
        if hasDeleteHorizon { rawValue |= 1 << 6 }
    }

    /// Nil for a codec that this version does not know.
    package var codec: CompressionCodec? {
        get { CompressionCodec(rawValue: Int8(rawValue & 7)) }
        set { rawValue = rawValue & ~7 | Int16(newValue?.rawValue ?? 0) }
    }
    package var isLogAppendTime: Bool {
        get { rawValue & 1 << 3 != 0 }
        set { rawValue = newValue ? rawValue | 1 << 3 : rawValue & ~(1 << 3) }
    }
    package var isTransactional: Bool { rawValue & 1 << 4 != 0 }
    package var isControl: Bool { rawValue & 1 << 5 != 0 }
    /// Whether the base timestamp of the batch is the time when its tombstones may go (KIP-534).
    package var hasDeleteHorizon: Bool { rawValue & 1 << 6 != 0 }
}

/// How records are compressed. The raw value is that of the attributes.
package enum CompressionCodec: Int8, Hashable, Sendable, CaseIterable {
    case none = 0
    case gzip = 1
    case snappy = 2
    case lz4 = 3
    case zstd = 4

    /// The name in configurations; `none` is called `uncompressed` in the topic setting `compression.type`.
    package var name: String {
        switch self {
        case .none: "none"
        case .gzip: "gzip"
        case .snappy: "snappy"
        case .lz4: "lz4"
        case .zstd: "zstd"
        }
    }

    package init?(name: String) {
        guard let codec = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = codec
    }
}
