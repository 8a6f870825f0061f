// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Synchronization

/// What a broker does again and again: retention, checkpoints, lag checks. Each job runs on one queue for work that may
/// block, never twice at the same time.
///
/// Life: from the broker's start to ``stop()``.
final class PeriodicJobs: Sendable {
    private let timer: TimerThread
    private let queue = DispatchQueue(label: "martlet.periodic-jobs", attributes: .concurrent)
    private let isStopped = Atomic(false)

    init(timer: TimerThread) {
        self.timer = timer
    }

    /// Runs `job` first after `delay` and then each time `interval` after it has ended. An interval beyond a century means
    /// never.
    func schedule(after delay: Duration? = nil, every interval: Duration, _ job: @escaping @Sendable () -> Void) {
        let milliseconds = interval.wholeMilliseconds
        guard milliseconds < 1000 * 3600 * 24 * 36_500 else { return }
        let first = delay?.wholeMilliseconds ?? milliseconds
        arm(after: first, every: max(1, milliseconds), job)
    }

    /// Ends all jobs; one that runs now comes to its end.
    func stop() {
        isStopped.store(true, ordering: .releasing)
    }

    private func arm(after delay: Int64, every interval: Int64, _ job: @escaping @Sendable () -> Void) {
        guard !isStopped.load(ordering: .acquiring) else { return }
        _ = timer.schedule(after: delay) { [self] in
            queue.async { [self] in
                guard !isStopped.load(ordering: .acquiring) else { return }
                job()
                arm(after: interval, every: interval, job)
            }
        }
    }
}
