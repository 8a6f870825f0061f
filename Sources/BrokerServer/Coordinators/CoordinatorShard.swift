// SPDX-License-Identifier: Apache-2.0

import Coordination
import DequeModule
import Dispatch
import KafkaModel
import KafkaRecords
import Synchronization

/// What a coordinator lives among.
struct CoordinatorSurroundings: Sendable {
    let timer: TimerThread
    /// Where time is told to machines: the timer's own thread must not wait for a lock.
    let queue: DispatchQueue
    let compression: Compression
    let now: @Sendable () -> CoordinatorTime
}

extension CoordinatorTime {
    static var now: CoordinatorTime {
        CoordinatorTime(
            uptime: Int64(truncatingIfNeeded: BrokerClock.monotonicMilliseconds), wallClock: BrokerClock.now)
    }

    /// For a coordinator of nothing.
    static let never = CoordinatorTime(uptime: 0, wallClock: 0)
}

/// One partition of a coordinator's topic that this broker leads: the partition's machine and its driver.
///
/// Owner of the machine: the lock. Requests come on event loops, commits on log threads and whoever moves the high
/// watermark, time on a queue. What the machine wants done is performed after the lock is let go of. Appends are put into
/// an outbox under the lock and taken from it on the partition's log thread, which keeps their order; their ends are put
/// into order again before the machine hears of them.
final class CoordinatorShard<Machine: CoordinatorMachine>: Sendable {
    typealias Deliver = @Sendable (Machine.Reply) -> Void
    typealias Notice = @Sendable (inout Machine, CoordinatorTime) -> [Machine.Action]

    private struct Pending {
        let id: AppendID
        var outcome: (error: ErrorCode, baseOffset: Offset)?
    }

    private struct State {
        var machine: Machine
        var isLoaded = false
        var isRetired = false
        /// What happened while the log was read, some of it behind what had been read.
        var notices: [Notice] = []
        var lastToken: UInt64 = 0
        var waiting: [RequestToken: Deliver] = [:]
        var outbox: [(id: AppendID, batch: CoordinatorBatch)] = []
        /// Appends that were handed to the log, in their order.
        var pending: Deque<Pending> = []
        /// The uptime at which the machine is to hear of time next; a timer is set for it.
        var wakesAt: Int64?
    }

    /// What is to be done outside of the lock.
    private struct Work {
        var replies: [(deliver: Deliver, reply: Machine.Reply)] = []
        var errands: [Machine.Errand] = []
        var mustDrain = false
        var wake: Int64?
    }

    let partition: Int32
    private let log: any CoordinatedLog
    private let surroundings: CoordinatorSurroundings
    private let makeMachine: @Sendable () -> Machine
    private let perform: @Sendable (Machine.Errand) -> Void
    private let state: Mutex<State>

    /// A shard that is loading.
    ///
    /// - Parameter perform: does the machine's errands; must not block.
    init(
        partition: Int32, log: any CoordinatedLog, _ surroundings: CoordinatorSurroundings,
        makeMachine: @escaping @Sendable () -> Machine, perform: @escaping @Sendable (Machine.Errand) -> Void
    ) {
        self.partition = partition
        self.log = log
        self.surroundings = surroundings
        self.makeMachine = makeMachine
        self.perform = perform
        state = Mutex(State(machine: makeMachine()))
    }

    var isRetired: Bool { state.withLock { $0.isRetired } }

    // MARK: Calls

    /// Hands a request to the machine. `deliver` is called once, now or later, on any thread.
    func request(
        _ deliver: @escaping Deliver,
        _ call: (inout Machine, RequestToken, CoordinatorTime) -> [Machine.Action]
    ) {
        let now = surroundings.now()
        run { state in
            state.lastToken &+= 1
            let token = RequestToken(state.lastToken)
            state.waiting[token] = deliver
            return call(&state.machine, token, now)
        }
    }

    /// Tells the machine of something that it answers at once, that asks for nothing to be done, and that brings no deadline
    /// nearer.
    func settle<Answer: Sendable>(_ call: (inout Machine, CoordinatorTime) -> Answer) -> Answer {
        let now = surroundings.now()
        return state.withLock { call(&$0.machine, now) }
    }

    /// Looks at the machine.
    func look<Result: Sendable>(_ body: (borrowing Machine) -> Result) -> Result {
        state.withLock { body($0.machine) }
    }

    /// Tells the machine of something that nobody waits for. While it is loading, it hears of it at the end of that.
    func notify(_ notice: @escaping Notice) {
        let now = surroundings.now()
        run { state in
            guard state.isLoaded || state.isRetired else {
                state.notices.append(notice)
                return []
            }
            return notice(&state.machine, now)
        }
    }

    // MARK: Life

    /// Reads the log, which blocks, and begins to serve once every in-sync replica has what was read: before that, another
    /// leader may lack some of it. `served` is called then, unless the shard was retired meanwhile.
    func load(_ served: @escaping @Sendable () -> Void) throws {
        // Aside, so that requests need not wait to hear that they must wait.
        var machine = makeMachine()
        let now = surroundings.now()
        var batches = 0
        let end = try log.readAll { batch in
            try machine.load(batch, now: now)
            batches += 1
            return batches & 0xff != 0 || !isRetired
        }
        log.whenCommitted(before: end) { [self, machine] in
            if serve(machine) { served() }
        }
    }

    private func serve(_ machine: Machine) -> Bool {
        var isServing = false
        run { state in
            guard !state.isRetired else { return [] }
            isServing = true
            state.machine = machine
            state.isLoaded = true
            let now = surroundings.now()
            var actions = state.machine.finishLoading(now: now)
            for notice in state.notices { actions += notice(&state.machine, now) }
            state.notices = []
            return actions
        }
        return isServing
    }

    /// The partition is led elsewhere: who waits is told, and nothing is served any more.
    func retire() {
        run { state in
            state.isRetired = true
            state.outbox = []
            state.pending = []
            state.notices = []
            return state.machine.unload(now: surroundings.now())
        }
    }

    // MARK: Driving

    private func run(_ body: (inout State) -> [Machine.Action]) {
        let work = state.withLock { state in
            let actions = body(&state)
            return Self.take(actions, &state)
        }
        if work.mustDrain { log.submit { [self] in drain() } }
        for (deliver, reply) in work.replies { deliver(reply) }
        for errand in work.errands { perform(errand) }
        if let wake = work.wake { setTimer(wake) }
    }

    private static func take(_ actions: [Machine.Action], _ state: inout State) -> Work {
        var work = Work()
        for action in actions {
            switch action {
            case .reply(let token, let reply):
                if let deliver = state.waiting.removeValue(forKey: token) { work.replies.append((deliver, reply)) }
            case .errand(let errand):
                if !state.isRetired { work.errands.append(errand) }
            case .append(let id, let batch):
                guard !state.isRetired else { continue }
                // Whoever finds the outbox empty sees to it that it is emptied.
                work.mustDrain = work.mustDrain || state.outbox.isEmpty
                state.outbox.append((id, batch))
            }
        }
        if !state.isRetired, let next = state.machine.nextDeadline, next < state.wakesAt ?? .max {
            state.wakesAt = next
            work.wake = next
        }
        return work
    }

    /// Appends what has gathered. On the partition's log thread.
    private func drain() {
        var batches: [(id: AppendID, batch: CoordinatorBatch)] = []
        state.withLock { state in
            swap(&batches, &state.outbox)
            state.pending.append(contentsOf: batches.map { Pending(id: $0.id) })
        }
        for (id, batch) in batches {
            log.append(batch.encoded(compression: surroundings.compression), proof: batch.proof) {
                [self] error, baseOffset in
                ended(id, error, baseOffset)
            }
        }
    }

    /// An append has ended. The machine hears of the ends in the order of the appends.
    private func ended(_ id: AppendID, _ error: ErrorCode, _ baseOffset: Offset) {
        let now = surroundings.now()
        run { state in
            guard let index = state.pending.firstIndex(where: { $0.id == id }) else { return [] }
            state.pending[index].outcome = (error, baseOffset)
            var actions: [Machine.Action] = []
            while let first = state.pending.first, let outcome = first.outcome {
                state.pending.removeFirst()
                actions += state.machine.appended(
                    first.id, error: outcome.error, baseOffset: outcome.baseOffset, now: now)
            }
            return actions
        }
    }

    private func setTimer(_ deadline: Int64) {
        let delay = max(0, deadline &- surroundings.now().uptime)
        _ = surroundings.timer.schedule(after: delay) { [weak self, queue = surroundings.queue] in
            queue.async { [weak self] in self?.wake(deadline) }
        }
    }

    private func wake(_ deadline: Int64) {
        let now = surroundings.now()
        run { state in
            // An earlier deadline has come up since, and its timer has gone on from there.
            guard state.wakesAt == deadline, !state.isRetired else { return [] }
            state.wakesAt = nil
            return state.machine.advance(to: now)
        }
    }
}
