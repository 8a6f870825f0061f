// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A request whose answer waits for something to happen: a high watermark to pass, bytes to arrive, a leader to appear.
/// What Kafka calls an operation in purgatory.
///
/// It completes exactly once: by an attempt that finds its condition true, by ``complete()``, or by its deadline.
/// Owner: its own lock, held while an attempt looks; so an attempt must not block, and must not start another attempt of
/// the same operation. Completion runs outside the lock, on the thread that brought it about.
final class DelayedOperation: Sendable {
    private struct State {
        var isDone = false
        var timer: TimerThread.Handle?
    }

    private let state = Mutex(State())
    /// Whether the condition holds now.
    private let isSatisfied: @Sendable () -> Bool
    /// Answers the request. The argument tells whether the deadline came first.
    private let finish: @Sendable (_ timedOut: Bool) -> Void

    init(isSatisfied: @escaping @Sendable () -> Bool, finish: @escaping @Sendable (_ timedOut: Bool) -> Void) {
        self.isSatisfied = isSatisfied
        self.finish = finish
    }

    var isDone: Bool { state.withLock { $0.isDone } }

    /// Completes the operation if its condition holds now. True when it is done, by this call or before.
    @discardableResult
    func attempt(timer: TimerThread) -> Bool {
        let (isDone, handle, mustFinish) = state.withLock { state -> (Bool, TimerThread.Handle?, Bool) in
            if state.isDone { return (true, nil, false) }
            guard isSatisfied() else { return (false, nil, false) }
            state.isDone = true
            return (true, state.timer, true)
        }
        if let handle { timer.cancel(handle) }
        if mustFinish { finish(false) }
        return isDone
    }

    /// Ends the operation whatever its condition says, as a deadline does.
    func expire() {
        let mustFinish = state.withLock { state in
            defer { state.isDone = true }
            return !state.isDone
        }
        if mustFinish { finish(true) }
    }

    /// Remembers the timer that will end the operation, unless it is done already.
    fileprivate func arm(_ timer: TimerThread, after milliseconds: Int64) {
        let handle = timer.schedule(after: milliseconds) { [self] in expire() }
        let isDone = state.withLock { state in
            if !state.isDone { state.timer = handle }
            return state.isDone
        }
        if isDone { timer.cancel(handle) }
    }
}

/// Who waits for what: operations under the keys of what may complete them.
///
/// Owner: a lock per shard of keys, held only to look into the lists. ``check(_:)`` is called by whoever makes something
/// happen, after it has released its own locks.
final class DelayedOperations<Key: Hashable & Sendable>: Sendable {
    private struct Shard {
        var waiting: [Key: [DelayedOperation]] = [:]
        /// How many operations were added since the done ones were last swept out.
        var addedSinceSweep = 0
    }

    private final class Guarded: Sendable {
        let shard = Mutex(Shard())
    }

    private let shards = (0..<16).map { _ in Guarded() }
    private let timer: TimerThread
    private let sweepInterval: Int

    /// - Parameter sweepInterval: after how many additions to a shard the lists are cleared of what is done;
    ///   Kafka's `*.purgatory.purge.interval.requests`.
    init(timer: TimerThread, sweepInterval: Int = 1000) {
        self.timer = timer
        self.sweepInterval = max(1, sweepInterval)
    }

    /// Completes `operation` now if it can be, else lets it wait under `keys` until `milliseconds` have passed.
    func completeElseWait(_ operation: DelayedOperation, keys: some Collection<Key>, timeout milliseconds: Int64) {
        if operation.attempt(timer: timer) { return }
        wait(operation, keys: keys, timeout: milliseconds)
    }

    /// As above, for an operation that could not be completed a moment ago. True when it is done nevertheless.
    @discardableResult
    func wait(_ operation: DelayedOperation, keys: some Collection<Key>, timeout milliseconds: Int64) -> Bool {
        for key in keys { add(operation, under: key) }
        // What it waits for may have happened between the first attempt and now.
        if operation.attempt(timer: timer) { return true }
        operation.arm(timer, after: milliseconds)
        return false
    }

    /// Attempts an operation whose condition has changed by itself.
    func retry(_ operation: DelayedOperation) { operation.attempt(timer: timer) }

    /// Attempts everything that waits under `key`, and returns how many operations were completed.
    @discardableResult
    func check(_ key: Key) -> Int {
        let guarded = self[key]
        let candidates = guarded.shard.withLock { $0.waiting[key] ?? [] }
        guard !candidates.isEmpty else { return 0 }
        var completed = 0
        for operation in candidates where operation.attempt(timer: timer) { completed += 1 }
        if completed > 0 {
            guarded.shard.withLock { shard in
                shard.waiting[key]?.removeAll { $0.isDone }
                if shard.waiting[key]?.isEmpty == true { shard.waiting[key] = nil }
            }
        }
        return completed
    }

    /// How many entries wait; one operation counts once per key.
    var count: Int {
        shards.reduce(0) { $0 + $1.shard.withLock { $0.waiting.values.reduce(0) { $0 + $1.count } } }
    }

    private subscript(key: Key) -> Guarded {
        shards[Int(UInt(bitPattern: key.hashValue) % UInt(shards.count))]
    }

    /// False where it is there already: a key that is given again would have it attempted again, each time that something
    /// happens.
    private static func append(_ operation: DelayedOperation, to waiting: inout [DelayedOperation]) -> Bool {
        guard waiting.last !== operation else { return false }
        waiting.append(operation)
        return true
    }

    private func add(_ operation: DelayedOperation, under key: Key) {
        self[key].shard.withLock { shard in
            guard Self.append(operation, to: &shard.waiting[key, default: []]) else { return }
            shard.addedSinceSweep += 1
            guard shard.addedSinceSweep >= sweepInterval else { return }
            shard.addedSinceSweep = 0
            // Operations that timed out, or were completed under another key, leave the lists here.
            shard.waiting = shard.waiting.compactMapValues { operations in
                let waiting = operations.filter { !$0.isDone }
                return waiting.isEmpty ? nil : waiting
            }
        }
    }
}
