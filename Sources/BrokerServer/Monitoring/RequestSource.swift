// SPDX-License-Identifier: Apache-2.0

import KafkaNetworking
import Metrics
import NIOCore
import Synchronization

/// Shows what ``RequestMetrics`` has counted. APIs that nobody has called are left out.
final class RequestSource: Sendable {
    private typealias Times = [RequestMetrics.Phase: Histogram.Snapshot]

    private let metrics: RequestMetrics
    /// By request, to show quantiles of the last while.
    private let windows = Mutex<[String: RecentWindow<Times>]>([:])

    init(_ metrics: RequestMetrics) { self.metrics = metrics }

    func write(_ text: inout MetricsText) {
        let called = metrics.kinds.filter { $0.parts.contains { !$0.requestsByVersion.isEmpty } }
        text.family(.requests) { samples in
            for (name, parts) in called {
                var counts: [Int16: Int] = [:]
                for part in parts {
                    counts.merge(part.requestsByVersion.map { ($0.version, $0.count) }, uniquingKeysWith: +)
                }
                for (version, count) in counts.sorted(by: { $0.key < $1.key }) {
                    samples.add(count, name, "\(version)")
                }
            }
        }
        text.family(.requestErrors) { samples in
            for (name, parts) in metrics.kinds {
                for part in parts {
                    for (code, count) in part.errorsByCode { samples.add(count, name, code?.description ?? "OTHER") }
                }
            }
        }
        text.family(.requestBytes) { samples in
            for (name, parts) in called { samples.add(parts.reduce(0) { $0 + $1.requestBytes.value }, name) }
        }
        text.family(.responseBytes) { samples in
            for (name, parts) in called { samples.add(parts.reduce(0) { $0 + $1.responseBytes.value }, name) }
        }
        writeTimes(called, &text)
    }

    private func writeTimes(_ called: [(name: String, parts: [RequestMetrics.Kind])], _ text: inout MetricsText) {
        let now = Int64(BrokerClock.monotonicMilliseconds)
        let times = called.map { name, parts -> (name: String, all: Times, recent: Times) in
            var all: Times = [:]
            for phase in RequestMetrics.Phase.allCases {
                all[phase] = parts.dropFirst().reduce(parts[0].time(phase)) { $0 + $1.time(phase) }
            }
            let earlier = windows.withLock { windows in
                windows[name, default: RecentWindow(interval: 60_000, now: now, [:])].advance(now: now, all).earlier
            }
            return (name, all, all.merging(earlier) { $0.since($1) })
        }
        for phase in RequestMetrics.Phase.allCases {
            guard let family = MetricFamily.requestTimes[phase] else { continue }
            text.family(family) { samples in
                for (name, all, recent) in times {
                    guard let all = all[phase], let recent = recent[phase] else { continue }
                    samples.add(all, recent: recent, milliseconds: name)
                }
            }
        }
        text.family(.requestDuration) { samples in
            for (name, all, _) in times {
                if let total = all[.total] { samples.add(total, seconds: name) }
            }
        }
    }
}

/// Shows a listener's connections and bytes.
enum ListenerSource {
    static func write(_ listeners: [Listener], _ text: inout MetricsText) {
        func write(_ family: MetricFamily, _ value: (ListenerStatistics) -> Int) {
            text.family(family) { samples in
                for listener in listeners {
                    samples.add(value(listener.statistics), listener.configuration.endpoint.listenerName)
                }
            }
        }
        write(.connections) { $0.connectionsOpen }
        write(.connectionsMade) { $0.connectionsAccepted }
        write(.connectionsClosed) { $0.connectionsClosed }
        write(.connectionsRefused) { $0.connectionsRefused }
        write(.socketRequests) { $0.requestsStarted }
        write(.incomingBytes) { $0.bytesReceived }
        write(.outgoingBytes) { $0.bytesSent }
    }
}
