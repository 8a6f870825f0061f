// SPDX-License-Identifier: Apache-2.0

import KafkaModel

/// The thread on which a partition's log changes, as `LogThread`: what is asked for is done in order, all that has gathered
/// at once, and then flushed together. It waits for its disk, and nobody else does.
///
/// While the disk takes no time everything happens at once.
final class SimulatedLogThread {
    private unowned let broker: SimulatedBroker
    private let partition: TopicPartition
    private var queue: [() -> Void] = []
    private var batch: ArraySlice<() -> Void> = []
    private var unflushed: [(stored: StoredLog, done: (Bool) -> Void)] = []
    private(set) var isBusy = false
    private var isWaiting = false

    init(_ broker: SimulatedBroker, _ partition: TopicPartition) {
        self.broker = broker
        self.partition = partition
    }

    /// Does something behind all that was asked for before.
    func submit(_ work: @escaping () -> Void) {
        queue.append(work)
        guard !isBusy else { return }
        isBusy = true
        wait { [self] in takeBatch() }
        if !isWaiting { goOn() }
    }

    /// Flushes after all that has gathered, and says whether it could. To be called on this thread.
    func flushThen(_ stored: StoredLog, _ done: @escaping (Bool) -> Void) { unflushed.append((stored, done)) }

    /// Flushes what has gathered, at once. To be called on this thread.
    func flushGathered() {
        let due = unflushed
        unflushed = []
        for (stored, done) in due { done(broker.flush(stored)) }
    }

    /// Goes on once the disk has done its work. To be called on this thread, as the last thing that a piece of work does.
    func wait(then goingOn: @escaping () -> Void) {
        guard let latency = broker.latency(of: partition) else { return goingOn() }
        isWaiting = true
        broker.after(broker.world.draw(latency)) { [self] in
            isWaiting = false
            goingOn()
            if !isWaiting { goOn() }
        }
    }

    private func takeBatch() {
        batch = queue[...]
        queue = []
    }

    private func goOn() {
        while true {
            while let work = batch.popFirst() {
                work()
                if isWaiting { return }
            }
            if !unflushed.isEmpty {
                wait { [self] in flushGathered() }
                if isWaiting { return }
                continue
            }
            guard !queue.isEmpty else {
                isBusy = false
                return
            }
            wait { [self] in takeBatch() }
            if isWaiting { return }
        }
    }
}

/// Does control requests one after the other, each when the one before is done (`ReplicaManager.control`).
final class SimulatedControlQueue {
    typealias Work = (_ done: @escaping () -> Void) -> Void

    private var queue: [Work] = []
    private var isBusy = false

    func submit(_ work: @escaping Work) {
        queue.append(work)
        guard !isBusy else { return }
        isBusy = true
        takeNext()
    }

    private func takeNext() {
        guard !queue.isEmpty else {
            isBusy = false
            return
        }
        queue.removeFirst()({ [self] in takeNext() })
    }
}
