// SPDX-License-Identifier: Apache-2.0

import DequeModule
import Synchronization

/// Runs the controller's story on whichever thread hands it an event, and nowhere else.
///
/// An event of the controller may need a dozen round trips to ZooKeeper. Written as states that would be a dozen
/// fragments; written as an `async` function it reads top-down. This executor keeps such a function a pure machine: a
/// job that becomes runnable waits here until ``drain()``, which runs all there are and returns. Between two turns
/// nothing happens, so that a whole cluster of controllers runs in one thread, in an order that is the caller's.
///
/// It is the task's preferred executor too, since the library's own `async` functions (that of a continuation, for one)
/// belong to no actor and would otherwise resume on the global pool first.
final class StoryExecutor: SerialExecutor, TaskExecutor {
    private struct State {
        var jobs: Deque<UnownedJob> = []
        var isOccupied = false
    }

    private let state = Mutex(State())
    /// Held through a turn, so that two threads cannot be in the story at once.
    private let door = Mutex(())

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        state.withLock { $0.jobs.append(job) }
    }

    /// Makes the calling thread the story's own while `body` runs.
    func turn<Result: Sendable>(_ body: () -> Result) -> Result {
        door.withLock { _ in
            state.withLock { $0.isOccupied = true }
            defer { state.withLock { $0.isOccupied = false } }
            return body()
        }
    }

    /// Runs every job that can run. To be called within a turn.
    func drain() {
        while let job = state.withLock({ $0.jobs.popFirst() }) {
            job.runSynchronously(
                isolatedTo: asUnownedSerialExecutor(), taskExecutor: asUnownedTaskExecutor())
        }
    }

    func checkIsolated() {
        precondition(state.withLock { $0.isOccupied }, "the controller is touched outside of a turn")
    }
}
