// SPDX-License-Identifier: Apache-2.0

import LogStorage
import Synchronization

/// Where a broker is in its life, for those who ask whether to send it work.
///
/// Owner: its lock. Told by whoever starts and stops the broker, and by the events of its ZooKeeper session.
final class BrokerStatus: Sendable {
    enum Phase: Sendable {
        case connecting
        /// The logs in all directories are being opened, and read where the last stop was none.
        case recovering
        case registering
        case serving
        case handingOver
        case stopping
    }

    private struct State {
        var phase = Phase.connecting
        /// On the clock of ``BrokerClock/monotonicNanoseconds``.
        var since = BrokerClock.monotonicNanoseconds
        var logs: LogDirectories?
        var isRegistered = false
        var recoveryTime = Duration.zero
        /// Whether the controller has told this broker of itself.
        var isKnown: @Sendable () -> Bool = { false }
    }

    private let state = Mutex(State())

    // MARK: What happened

    func enter(_ phase: Phase) {
        let now = BrokerClock.monotonicNanoseconds
        state.withLock { state in
            if case .recovering = state.phase { state.recoveryTime = .nanoseconds(Int64(clamping: now &- state.since)) }
            state.phase = phase
            state.since = now
        }
    }

    /// The logs exist, and are being opened.
    func opening(_ logs: LogDirectories) { state.withLock { $0.logs = logs } }

    /// The broker serves, clients too as soon as the controller has told it of itself.
    func serve(isKnown: @escaping @Sendable () -> Bool) {
        state.withLock { $0.isKnown = isKnown }
        enter(.serving)
    }

    /// The broker's node in ZooKeeper is there.
    func registered() { state.withLock { $0.isRegistered = true } }

    /// The session has expired, and the node with it.
    func sessionExpired() { state.withLock { $0.isRegistered = false } }

    // MARK: What follows

    var phase: Phase { state.withLock { $0.phase } }

    /// Kafka's `BrokerState`.
    var kafkaState: Int {
        switch phase {
        case .connecting, .registering: 1
        case .recovering: 2
        case .serving: 3
        case .handingOver: 6
        case .stopping: 7
        }
    }

    struct Recovery: Sendable {
        var total: LoadProgress
        var byDirectory: [String: LoadProgress]
        var elapsed: Duration
        /// Nil while it cannot be told; zero once all is open.
        var timeLeft: Duration?
    }

    /// How far the opening of the logs is, or was at its end; nil before it.
    var recovery: Recovery? {
        let now = BrokerClock.monotonicNanoseconds
        let (logs, phase, since, took) = state.withLock { ($0.logs, $0.phase, $0.since, $0.recoveryTime) }
        guard let logs else { return nil }
        let isUnderWay = if case .recovering = phase { true } else { false }
        let total = logs.progress
        let elapsed = isUnderWay ? Duration.nanoseconds(Int64(clamping: now &- since)) : took
        return Recovery(
            total: total, byDirectory: logs.progressByDirectory, elapsed: elapsed,
            timeLeft: isUnderWay ? total.timeLeft(after: elapsed) : .zero)
    }

    /// Whether clients should be sent here, and what keeps them from it. The sentence is for people.
    var readiness: (isReady: Bool, reason: String) {
        let (phase, isRegistered, isKnown) = state.withLock { ($0.phase, $0.isRegistered, $0.isKnown) }
        switch phase {
        case .connecting: return (false, "connecting to ZooKeeper")
        case .recovering: return (false, recovery.map(Self.sentence) ?? "locking the log directories")
        case .registering: return (false, "registering in ZooKeeper")
        case .handingOver: return (false, "shutting down: leaderships are handed over")
        case .stopping: return (false, "shutting down")
        case .serving where !isRegistered:
            return (false, "the ZooKeeper session has expired, and the broker is not registered again yet")
        case .serving where !isKnown(): return (false, "waiting for the controller")
        case .serving: return (true, "serving")
        }
    }

    private static func sentence(_ recovery: Recovery) -> String {
        let progress = recovery.total
        var text = "opening logs: \(progress.logsLoaded) of \(progress.logsTotal)"
        if progress.bytesTotal > 0 {
            text += ", \(megabytes(progress.bytesScanned)) of \(megabytes(progress.bytesTotal)) MB recovered"
        }
        if let left = recovery.timeLeft { text += ", about \(left.components.seconds) s left" }
        return text
    }

    private static func megabytes(_ bytes: Int64) -> Int64 { (bytes + 999_999) / 1_000_000 }
}
