// SPDX-License-Identifier: Apache-2.0

@preconcurrency import Dispatch
import LogStorage
import Synchronization

/// Tells systemd while a broker starts how far it is, and asks for more time as long as the opening of the logs advances:
/// a recovery that were ended by `TimeoutStartSec` would begin anew each time.
///
/// Lives from the begin of the start to its end. Owner: its queue.
final class StartReporter: Sendable {
    private let queue = DispatchQueue(label: "start-reporter")
    private let timer: any DispatchSourceTimer

    init(_ notifier: ServiceNotifier, _ status: BrokerStatus, every interval: Duration = .seconds(5)) {
        timer = DispatchSource.makeTimerSource(queue: queue)
        let patience = Mutex(StartPatience())
        timer.schedule(deadline: .now(), repeating: .nanoseconds(Int(interval / .nanoseconds(1))))
        timer.setEventHandler {
            notifier.status(status.readiness.reason)
            let progress = status.recovery?.total
            if patience.withLock({ $0.isEarned(by: progress) }) { notifier.extendTimeout(by: StartPatience.extension) }
        }
        timer.resume()
    }

    /// Nothing is sent after it has returned.
    func stop() {
        timer.cancel()
        queue.sync {}
    }
}

/// Whether a start has moved on since it was last asked.
struct StartPatience {
    /// Longer than a log that is read without a word in between, on a slow disk.
    static let `extension` = Duration.seconds(300)

    private var last: LoadProgress?

    /// Something has been loaded or read since the last call. What waits for ZooKeeper earns no time.
    mutating func isEarned(by progress: LoadProgress?) -> Bool {
        defer { last = progress }
        guard let progress else { return false }
        return progress != last
    }
}
