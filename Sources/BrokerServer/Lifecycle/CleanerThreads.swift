// SPDX-License-Identifier: Apache-2.0

import BrokerSettings
import Dispatch
import LogStorage
import Logging
import Synchronization

/// Runs compaction on threads of its own, since it reads and writes for minutes: `log.cleaner.threads` of them compact
/// until nothing is left to, and look again after `log.cleaner.backoff.ms`. Settings change while they run (KIP-226).
///
/// Life: from ``start()`` to ``stop()``, which waits for them; a compaction under way is given up.
final class CleanerThreads: Sendable {
    private struct State {
        var settings: BrokerConfiguration.Cleaner
        var running = 0
        var isStopped = false
    }

    private let cleaner: LogCleaner
    private let state: Mutex<State>
    /// Ends the sleep of a thread.
    private let alarm = DispatchSemaphore(value: 0)
    private let threads = DispatchGroup()

    init(_ settings: BrokerConfiguration.Cleaner, logs: LogDirectories, logger: Logger) {
        cleaner = LogCleaner(logs, LogCleanerConfiguration(settings), logger: logger)
        state = Mutex(State(settings: settings))
    }

    var status: LogCleanerStatus { cleaner.status }

    /// How many threads should be there and are not.
    var missingThreads: Int {
        state.withLock { state in
            state.settings.isEnabled && !state.isStopped ? max(0, state.settings.threads - state.running) : 0
        }
    }

    func start() {
        let missing = state.withLock { state in
            guard !state.isStopped, state.settings.isEnabled else { return 0 }
            let missing = max(state.settings.threads - state.running, 0)
            state.running += missing
            return missing
        }
        for _ in 0..<missing {
            threads.enter()
            if !BackgroundThread.start({ [self] in run() }) {
                state.withLock { $0.running -= 1 }
                threads.leave()
            }
        }
    }

    /// New settings: threads come or go at once.
    func reconfigure(_ settings: BrokerConfiguration.Cleaner) {
        let sleepers = state.withLock { state -> Int in
            guard state.settings != settings else { return 0 }
            state.settings = settings
            return state.running
        }
        cleaner.reconfigure(LogCleanerConfiguration(settings))
        for _ in 0..<sleepers { alarm.signal() }
        start()
    }

    func stop() {
        let running = state.withLock { state in
            state.isStopped = true
            return state.running
        }
        cleaner.stop()
        for _ in 0..<running { alarm.signal() }
        threads.wait()
    }

    private func run() {
        while goesOn() {
            if cleaner.cleanNext(now: BrokerClock.now) { continue }
            let backoff = state.withLock { $0.settings.backoff.wholeMilliseconds }
            _ = alarm.wait(timeout: .now() + .milliseconds(Int(clamping: min(max(backoff, 1), 86_400_000))))
        }
        threads.leave()
    }

    /// Whether a thread is one of those that are wanted.
    private func goesOn() -> Bool {
        state.withLock { state in
            if !state.isStopped, state.running <= state.settings.threads { return true }
            state.running -= 1
            return false
        }
    }
}

extension LogCleanerConfiguration {
    init(_ settings: BrokerConfiguration.Cleaner) {
        self.init()
        threads = settings.threads
        dedupeBufferBytes = settings.dedupeBufferBytes
        loadFactor = settings.dedupeLoadFactor
        bufferBytes = settings.ioBufferBytes
        bytesPerSecond = settings.maxBytesPerSecond
    }
}
