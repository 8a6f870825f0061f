// SPDX-License-Identifier: Apache-2.0

/// Writes metrics in the text format of Prometheus, version 0.0.4.
///
/// All values of a family must be written together, and each family once, which ``family(_:_:)`` makes hard to miss:
/// a second call for the same name is left out in release builds and stops debug builds.
package struct MetricsText {
    /// The media type of the result.
    package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    package private(set) var bytes: [UInt8] = []
    private var written: Set<String> = []

    package init() { bytes.reserveCapacity(64 << 10) }

    package var string: String { String(decoding: bytes, as: UTF8.self) }

    /// Writes one family: its head, and the samples that `body` adds. Without samples there is no head either.
    package mutating func family(_ family: MetricFamily, _ body: (inout Samples) -> Void) {
        guard written.insert(family.name).inserted else {
            assertionFailure("\(family.name) is written twice")
            return
        }
        let start = bytes.count
        bytes += "# HELP \(family.name) \(Self.escaped(family.help, quotes: false))\n".utf8
        bytes += "# TYPE \(family.name) \(family.kind.rawValue)\n".utf8
        let head = bytes.count
        var samples = Samples(family: family, bytes: bytes)
        // The only reference to the storage goes along, so that nothing is copied.
        bytes = []
        body(&samples)
        bytes = samples.bytes
        if bytes.count == head { bytes.removeSubrange(start...) }
    }

    /// A family with one value and no labels.
    package mutating func value(_ family: MetricFamily, _ value: some MetricValue) {
        self.family(family) { $0.add(value) }
    }

    /// The values of one family.
    package struct Samples {
        fileprivate let family: MetricFamily
        fileprivate var bytes: [UInt8]

        fileprivate init(family: MetricFamily, bytes: [UInt8]) {
            self.family = family
            self.bytes = bytes
        }

        /// Adds a value. Labels are given in the order of the declaration; those that are nil or not given at all are left
        /// out, as Kafka leaves out the topic where it means all topics.
        package mutating func add(_ value: some MetricValue, _ labels: String?...) {
            line("", labels, nil, value)
        }

        /// Adds what a histogram has counted as a summary in milliseconds: the quantiles of `recent`, and the sum and
        /// count of all.
        package mutating func add(
            _ all: Histogram.Snapshot, recent: Histogram.Snapshot, milliseconds labels: String?...
        ) {
            for (share, text) in [(0.5, "0.50"), (0.75, "0.75"), (0.95, "0.95"), (0.99, "0.99"), (0.999, "0.999")] {
                let value = recent.quantile(share).map { $0 / 1000 } ?? .nan
                line("", labels, ("quantile", text), value)
            }
            line("_sum", labels, nil, Double(all.nanoseconds) / 1e6)
            line("_count", labels, nil, all.count)
        }

        /// Adds what a histogram has counted as buckets in seconds, from 64 µs to a minute, by doubling.
        package mutating func add(_ all: Histogram.Snapshot, seconds labels: String?...) {
            for exponent in 6...26 {
                let bound = 1 << exponent
                line("_bucket", labels, ("le", "\(Double(bound) / 1e6)"), all.count(upToMicroseconds: bound))
            }
            line("_bucket", labels, ("le", "+Inf"), all.count)
            line("_sum", labels, nil, Double(all.nanoseconds) / 1e9)
            line("_count", labels, nil, all.count)
        }

        private mutating func line(
            _ suffix: String, _ labels: [String?], _ last: (name: String, value: String)?, _ value: some MetricValue
        ) {
            bytes += family.name.utf8
            bytes += suffix.utf8
            var separator = UInt8(ascii: "{")
            func label(_ name: String, _ value: String, _ bytes: inout [UInt8]) {
                bytes.append(separator)
                separator = UInt8(ascii: ",")
                bytes += name.utf8
                bytes += "=\"".utf8
                bytes += MetricsText.escaped(value, quotes: true).utf8
                bytes.append(UInt8(ascii: "\""))
            }
            for (name, value) in zip(family.labels, labels) {
                if let value { label(name, value, &bytes) }
            }
            if let last { label(last.name, last.value, &bytes) }
            if separator == UInt8(ascii: ",") { bytes.append(UInt8(ascii: "}")) }
            bytes.append(UInt8(ascii: " "))
            bytes += value.metricText.utf8
            bytes.append(UInt8(ascii: "\n"))
        }
    }

    /// Backslashes and line ends always, quotes within label values.
    static func escaped(_ text: String, quotes: Bool) -> String {
        func needsEscape(_ byte: UInt8) -> Bool {
            byte == UInt8(ascii: "\\") || byte == UInt8(ascii: "\n") || quotes && byte == UInt8(ascii: "\"")
        }
        guard text.utf8.contains(where: needsEscape) else { return text }
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where quotes: result += "\\\""
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}

/// A number in a metric.
package protocol MetricValue {
    var metricText: String { get }
}

extension Int: MetricValue {
    package var metricText: String { description }
}

extension Int32: MetricValue {
    package var metricText: String { description }
}

extension Int64: MetricValue {
    package var metricText: String { description }
}

extension Bool: MetricValue {
    package var metricText: String { self ? "1" : "0" }
}

extension Double: MetricValue {
    package var metricText: String {
        if isNaN { return "NaN" }
        if isInfinite { return self < 0 ? "-Inf" : "+Inf" }
        return description
    }
}
