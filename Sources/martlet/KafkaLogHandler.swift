// SPDX-License-Identifier: Apache-2.0

import BrokerServer
import Logging

#if canImport(Glibc)
import Glibc
#endif

/// Writes log lines to standard output in the layout of Kafka's own configuration, `[time] LEVEL message (logger)`, with
/// the metadata behind it; scripts that look for `started (kafka.server.KafkaServer)` go on working.
struct KafkaLogHandler: LogHandler {
    let label: String
    /// Changes while the broker runs.
    let threshold: LogLevels.Threshold
    private var own: Logger.Level?
    var metadata: Logger.Metadata = [:]

    init(label: String, threshold: LogLevels.Threshold) {
        self.label = label
        self.threshold = threshold
    }

    var logLevel: Logger.Level {
        get { own ?? threshold.level }
        set { own = newValue }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var line = "[\(Self.time)] \(LogLevels.name(of: event.level)) \(event.message) (\(label))"
        let merged = event.metadata.map { metadata.merging($0) { $1 } } ?? metadata
        for (key, value) in merged.sorted(by: { $0.key < $1.key }) { line += " \(key)=\(value)" }
        line += "\n"
        // One call per line, so that lines of several threads do not mix.
        FileContent.write(line, to: STDOUT_FILENO)
    }

    /// Local time with milliseconds, as log4j's `%d`.
    private static var time: String {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        var parts = tm()
        localtime_r(&now.tv_sec, &parts)
        func padded(_ number: some BinaryInteger, _ width: Int) -> String {
            let text = "\(number)"
            return String(repeating: "0", count: max(0, width - text.count)) + text
        }
        let date = "\(padded(parts.tm_year + 1900, 4))-\(padded(parts.tm_mon + 1, 2))-\(padded(parts.tm_mday, 2))"
        let clock = "\(padded(parts.tm_hour, 2)):\(padded(parts.tm_min, 2)):\(padded(parts.tm_sec, 2))"
        return "\(date) \(clock),\(padded(now.tv_nsec / 1_000_000, 3))"
    }
}
