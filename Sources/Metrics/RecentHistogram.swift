// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// What a histogram has counted, and what of that in the last minute or two: what a summary shows.
///
/// Thread-safe.
package final class RecentHistogram: Sendable {
    private let histogram: Histogram
    private let window: Mutex<RecentWindow<Histogram.Snapshot>>

    /// - Parameter now: in milliseconds, as all times here.
    package init(_ histogram: Histogram, now: Int64) {
        self.histogram = histogram
        window = Mutex(RecentWindow(interval: 60_000, now: now, histogram.snapshot))
    }

    /// How it stands now.
    package func look(now: Int64) -> (all: Histogram.Snapshot, recent: Histogram.Snapshot) {
        let all = histogram.snapshot
        return (all, all.since(window.withLock { $0.advance(now: now, all).earlier }))
    }
}
