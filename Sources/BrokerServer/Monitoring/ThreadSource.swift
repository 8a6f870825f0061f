// SPDX-License-Identifier: Apache-2.0

import Metrics
import Synchronization

/// Shows how busy the event loops and log threads are.
final class ThreadSource: Sendable {
    private struct Windows {
        var busy: RecentWindow<Int64>
        var idle: RecentWindow<Int64>
    }

    private let loops: LoopUse
    private let logThreads: LogThreads
    private let windows: Mutex<Windows>

    init(_ loops: LoopUse, _ logThreads: LogThreads) {
        self.loops = loops
        self.logThreads = logThreads
        let now = Int64(BrokerClock.monotonicNanoseconds)
        let interval: Int64 = 15_000_000_000
        windows = Mutex(
            Windows(
                busy: RecentWindow(interval: interval, now: now, loops.nanoseconds.values.reduce(0, +)),
                idle: RecentWindow(interval: interval, now: now, 0)))
    }

    func write(_ text: inout MetricsText) {
        let now = Int64(BrokerClock.monotonicNanoseconds)
        let busy = loops.nanoseconds
        let busySum = busy.values.reduce(0, +)
        let idle = logThreads.all.reduce(0) { $0 + $1.idleNanoseconds }
        let (earlierBusy, earlierIdle) = windows.withLock {
            ($0.busy.advance(now: now, busySum), $0.idle.advance(now: now, idle))
        }
        text.value(
            .networkIdle, 1 - Self.share(busySum - earlierBusy.earlier, of: earlierBusy.elapsed, busy.count))
        text.family(.networkBusy) { samples in
            for (index, nanoseconds) in busy.sorted(by: { $0.key < $1.key }) {
                samples.add(Double(nanoseconds) / 1e9, "\(index)")
            }
        }
        text.value(
            .logThreadIdle, Self.share(idle - earlierIdle.earlier, of: earlierIdle.elapsed, logThreads.all.count))
        text.value(.requestQueue, logThreads.all.reduce(0) { $0 + $1.queued })
    }

    /// From 0 to 1: the part of the time of so many threads.
    private static func share(_ part: Int64, of elapsed: Int64, _ count: Int) -> Double {
        guard elapsed > 0, count > 0 else { return 0 }
        return min(1, max(0, Double(part) / Double(elapsed) / Double(count)))
    }
}
