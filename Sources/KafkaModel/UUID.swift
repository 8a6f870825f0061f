// SPDX-License-Identifier: Apache-2.0

/// The identity of a topic (KIP-516), a cluster or a log directory: 128 bits, written as 22 characters of URL-safe
/// base64 without padding.
package struct KafkaUUID: Hashable, Sendable {
    /// The first eight bytes, as a big-endian number.
    package var high: UInt64
    /// The last eight bytes, as a big-endian number.
    package var low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Stands for "no id" on the wire.
    package static let zero = KafkaUUID(high: 0, low: 0)

    /// Reserved by Kafka for the metadata topic; never given to a topic.
    private static let reserved = KafkaUUID(high: 0, low: 1)

    /// Whether this is the id that stands for "none".
    package var isZero: Bool { self == .zero }

    /// A random (version 4) id whose text does not start with a dash, so that it can be an argument of a command.
    package static func random() -> KafkaUUID {
        var generator = SystemRandomNumberGenerator()
        return random(using: &generator)
    }

    /// As ``random()``, from a given source of randomness.
    package static func random(using generator: inout some RandomNumberGenerator) -> KafkaUUID {
        while true {
            let id = KafkaUUID(
                high: (generator.next() & 0xffff_ffff_ffff_0fff) | 0x4000,
                low: (generator.next() & 0x3fff_ffff_ffff_ffff) | 0x8000_0000_0000_0000)
            if id != zero, id != reserved, !id.description.hasPrefix("-") { return id }
        }
    }
}

extension KafkaUUID: LosslessStringConvertible {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    /// The 22 characters of the id.
    package var description: String {
        // 128 bits are 21 characters of six bits and one of the last two, shifted left by four.
        var text: [UInt8] = []
        text.reserveCapacity(22)
        for index in 0..<22 {
            let bit = index * 6
            var value: UInt64 = 0
            for position in bit..<(bit + 6) {
                let set: UInt64
                switch position {
                case ..<64: set = (high >> UInt64(63 - position)) & 1
                case ..<128: set = (low >> UInt64(127 - position)) & 1
                default: set = 0
                }
                value = value << 1 | set
            }
            text.append(Self.alphabet[Int(value)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Reads the 22 characters of an id; nil when they are not that.
    package init?(_ description: String) {
        let text = Array(description.utf8)
        guard text.count == 22 else { return nil }
        var high: UInt64 = 0
        var low: UInt64 = 0
        for (index, character) in text.enumerated() {
            guard let value = Self.alphabet.firstIndex(of: character) else { return nil }
            for bit in 0..<6 {
                let position = index * 6 + bit
                let set = UInt64(value >> (5 - bit)) & 1
                switch position {
                case ..<64: high = high << 1 | set
                case ..<128: low = low << 1 | set
                default: if set == 1 { return nil }
                }
            }
        }
        self.init(high: high, low: low)
    }
}
