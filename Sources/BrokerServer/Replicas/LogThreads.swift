// SPDX-License-Identifier: Apache-2.0

import Dispatch
import KafkaModel
import LogStorage
import Metrics
import NIOConcurrencyHelpers
import Synchronization

/// The threads that write to logs. A partition belongs to one of them for the life of the process, so everything that
/// changes it (appends, changes of role, truncation) happens in the order in which it was asked for, and a stalled disk
/// stalls neither connections nor the partitions of other threads.
final class LogThreads: Sendable {
    private let threads: [LogThread]

    /// - Parameters:
    ///   - count: `num.io.threads`; at least one.
    ///   - flushes: counts how long flushes take.
    init(count: Int, flushes: Histogram? = nil) {
        threads = (0..<max(1, count)).map { _ in LogThread(flushes: flushes) }
    }

    /// The thread that owns a partition.
    func thread(for partition: TopicPartition) -> LogThread {
        threads[Int(UInt(bitPattern: partition.hashValue) % UInt(threads.count))]
    }

    var all: [LogThread] { threads }

    /// Ends the threads after what is queued. Blocks.
    func shutDown() {
        for thread in threads { thread.finish() }
        for thread in threads { thread.waitForEnd() }
    }
}

/// One thread with a queue. It takes all that has gathered at once, so that under load a hand-over costs next to nothing:
/// measured beside an event loop, which wakes for each, and beside no hand-over at all, in `Tests/Benchmarks` (`hop`).
///
/// While it sleeps its place can be taken (``performIfIdle(_:)``) by a thread that may wait for a disk itself: the order and
/// the exclusion stay, two wake-ups are saved.
final class LogThread: Sendable {
    typealias Work = @Sendable () -> Void

    private struct State {
        var queue: [Work] = []
        var isSleeping = false
        /// Another thread has taken its place.
        var isLent = false
        var isFinishing = false
    }

    /// Who waits for a flush before it goes on.
    typealias Flushed = @Sendable (LogError?) -> Void

    private let state = Mutex(State())
    /// Logs to be flushed once what was taken from the queue is done, each once for all who wait for it. Touched by work of
    /// this thread only.
    private let unflushed = Mutex<[(log: PartitionLog, waiting: [Flushed])]>([])
    /// How long it has slept for want of work, and since when it sleeps, in nanoseconds; 0 while it is awake.
    private let slept = Atomic<UInt64>(0)
    private let sleepsSince = Atomic<UInt64>(0)
    private let flushes: Histogram?
    /// Counts wake-ups that are pending.
    private let wakeUp = DispatchSemaphore(value: 0)
    /// True once the thread has ended.
    private let end = ConditionLock(value: false)

    /// - Parameter flushes: counts how long flushes take.
    init(flushes: Histogram? = nil) {
        self.flushes = flushes
        BackgroundThread.start { [self] in run() }
    }

    /// How long it has had nothing to do so far, in nanoseconds.
    var idleNanoseconds: Int64 {
        let since = sleepsSince.load(ordering: .acquiring)
        let current = since == 0 ? 0 : BrokerClock.monotonicNanoseconds &- since
        return Int64(clamping: slept.load(ordering: .relaxed) &+ current)
    }

    /// How much waits in the queue.
    var queued: Int { state.withLock { $0.queue.count } }

    /// Queues work behind what is queued. Dropped after ``finish()``.
    func submit(_ work: @escaping Work) {
        let mustWake = state.withLock { state in
            guard !state.isFinishing else { return false }
            state.queue.append(work)
            // Who has taken its place wakes it when done.
            guard state.isSleeping, !state.isLent else { return false }
            state.isSleeping = false
            return true
        }
        if mustWake { wake() }
    }

    /// Runs work at once, on the calling thread, as if it were this one; false when this one is not idle. What is
    /// submitted meanwhile comes after it.
    func performIfIdle(_ work: () -> Void) -> Bool {
        let isMine = state.withLock { state in
            guard state.isSleeping, !state.isLent, !state.isFinishing else { return false }
            state.isLent = true
            return true
        }
        guard isMine else { return false }
        work()
        flushGathered()
        let mustWake = state.withLock { state in
            state.isLent = false
            guard !state.queue.isEmpty || state.isFinishing else { return false }
            state.isSleeping = false
            return true
        }
        if mustWake { wake() }
        return true
    }

    /// Flushes a log after the work that was queued together, and then calls `body`. To be called by work on this thread.
    func flushThen(_ log: PartitionLog, _ body: @escaping Flushed) {
        unflushed.withLock { unflushed in
            if let index = unflushed.firstIndex(where: { $0.log === log }) {
                unflushed[index].waiting.append(body)
            } else {
                unflushed.append((log, [body]))
            }
        }
    }

    /// One flush per log for all that has gathered: while it lasts, the next ones gather. To be called by work on this
    /// thread.
    func flushGathered() {
        while true {
            let due = unflushed.withLock { unflushed in
                defer { unflushed = [] }
                return unflushed
            }
            if due.isEmpty { return }
            for (log, waiting) in due {
                var failure: LogError?
                let start = BrokerClock.monotonicNanoseconds
                do throws(LogError) { try log.flush() } catch { failure = error }
                flushes?.record(nanoseconds: Int64(clamping: BrokerClock.monotonicNanoseconds &- start))
                for body in waiting { body(failure) }
            }
        }
    }

    fileprivate func finish() {
        state.withLock { $0.isFinishing = true }
        wake()
    }

    fileprivate func waitForEnd() {
        end.lock(whenValue: true)
        end.unlock()
    }

    private func wake() { wakeUp.signal() }

    private func sleep() {
        let start = BrokerClock.monotonicNanoseconds
        sleepsSince.store(start, ordering: .releasing)
        wakeUp.wait()
        sleepsSince.store(0, ordering: .releasing)
        slept.wrappingAdd(BrokerClock.monotonicNanoseconds &- start, ordering: .relaxed)
    }

    private func run() {
        var batch: [Work] = []
        while true {
            let isFinishing = state.withLock { state in
                if !state.isLent { swap(&batch, &state.queue) }
                if batch.isEmpty { state.isSleeping = true }
                return state.isFinishing && !state.isLent
            }
            if batch.isEmpty {
                if isFinishing { break }
                sleep()
                continue
            }
            for work in batch { work() }
            flushGathered()
            batch.removeAll(keepingCapacity: true)
        }
        end.lock()
        end.unlock(withValue: true)
    }
}
