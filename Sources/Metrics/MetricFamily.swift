// SPDX-License-Identifier: Apache-2.0

/// A metric as it is declared: its name, what kind of number it is, what it means, and by what its values differ.
package struct MetricFamily: Hashable, Sendable {
    /// The types of Prometheus that are used here.
    package enum Kind: String, Hashable, Sendable {
        /// Only grows, from 0 at the start of the process.
        case counter
        /// Goes up and down.
        case gauge
        /// Quantiles, a sum and a count.
        case summary
        /// Counts by upper bound, a sum and a count.
        case histogram
    }

    package let name: String
    package let kind: Kind
    /// A sentence.
    package let help: String
    /// The names of the labels, in the order in which their values are given.
    package let labels: [String]

    package static func counter(_ name: String, _ help: String, labels: String...) -> MetricFamily {
        MetricFamily(name: name, kind: .counter, help: help, labels: labels)
    }

    package static func gauge(_ name: String, _ help: String, labels: String...) -> MetricFamily {
        MetricFamily(name: name, kind: .gauge, help: help, labels: labels)
    }

    package static func summary(_ name: String, _ help: String, labels: String...) -> MetricFamily {
        MetricFamily(name: name, kind: .summary, help: help, labels: labels)
    }

    package static func histogram(_ name: String, _ help: String, labels: String...) -> MetricFamily {
        MetricFamily(name: name, kind: .histogram, help: help, labels: labels)
    }

    /// Whether the name is one that Prometheus takes.
    package var isWellFormed: Bool {
        func isWord(_ text: String) -> Bool {
            guard let first = text.utf8.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else {
                return false
            }
            return text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
        }
        return isWord(name) && labels.allSatisfy(isWord)
    }
}
