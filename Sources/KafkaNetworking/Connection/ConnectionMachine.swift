// SPDX-License-Identifier: Apache-2.0

import DequeModule

/// The rules of one client connection: which request may start, which answer may leave, when to read and when to end.
///
/// Kafka serves the requests of a connection strictly one after the other, in the order they came. So does this, but a
/// request of two stages (produce, join, sync, offset commit) may say `started` when its effect is ordered: the next
/// one then starts while the first waits for its answer. Answers leave in the order of their requests in any case.
///
/// Owned by the connection's handler, on its event loop. Events are told by the mutating methods; what is to be done
/// about them is pulled with `next()` until that returns nil. Knows no socket, no clock and no bytes.
struct ConnectionMachine<Request, Answer> {
    /// The place of a request in its connection, from 0.
    typealias Number = UInt64

    enum Action {
        /// Hand the request to whom serves it.
        case start(Request, Number)
        /// The oldest request is done: send what there is to send, give back what its bytes held, and when `mute` says
        /// so, tell `unmute()` after that time (KIP-219: the answer goes at once, the client waits afterwards).
        case finish(Answer, bytes: Int, mute: Duration?)
        /// Send what is on its way, then close.
        case close
    }

    struct Limits {
        /// Requests in work or waiting.
        var requests: Int
        /// Their bytes.
        var bytes: Int
    }

    private enum Stage {
        /// In work; the next request must wait. To started, answered, fatal.
        case running
        /// In work; the next request may start. To answered, fatal.
        case started
        /// Waits for those before it to leave.
        case answered(Answer, mute: Duration?)
        /// Ends the connection once those before it have left.
        case fatal
    }

    private struct Slot {
        var bytes: Int
        var stage: Stage
    }

    private enum Life {
        /// To draining, closed.
        case open
        /// The input has ended or is beyond repair: what was received is served, then the connection closes.
        case draining
        /// Nothing is done any more; late answers are dropped.
        case closed
    }

    private let limits: Limits
    private var life = Life.open
    private var isWritable = true
    private var isMuted = false
    private var waiting = Deque<(request: Request, bytes: Int)>()
    private var slots = Deque<Slot>()
    /// The number of the first of `slots`.
    private var oldest: Number = 0
    /// How many of `slots` are in the stage `running`: 0 or 1.
    private var running = 0
    /// The bytes of all requests in `waiting` and `slots`.
    private(set) var bytesHeld = 0

    init(limits: Limits) {
        self.limits = limits
    }

    /// Whether more bytes should be asked from the socket.
    var wantsRead: Bool {
        guard case .open = life else { return false }
        return isWritable && !isMuted && bytesHeld < limits.bytes && waiting.count + slots.count < limits.requests
    }

    /// Whether requests are still taken: false after the end of the input.
    var takesRequests: Bool {
        if case .open = life { true } else { false }
    }

    /// Whether some request is unanswered. Such a connection is not idle, however long it takes.
    var hasWork: Bool { !slots.isEmpty || !waiting.isEmpty }

    // MARK: Events

    /// A whole request of this many bytes has arrived.
    mutating func received(_ request: Request, bytes: Int) {
        guard case .open = life else { return }
        bytesHeld += bytes
        waiting.append((request, bytes))
    }

    /// What arrives from here on cannot be understood, or nothing will: serve what is there and close.
    mutating func inputEnded() {
        if case .open = life { life = .draining }
    }

    /// The order of this request against later ones is settled: the next may start.
    mutating func started(_ number: Number) {
        guard let index = index(of: number), case .running = slots[index].stage else { return }
        slots[index].stage = .started
        running -= 1
    }

    /// The request is done.
    mutating func answered(_ number: Number, _ answer: Answer, mute: Duration? = nil) {
        settle(number, .answered(answer, mute: mute))
    }

    /// The request ends the connection, once the answers to those before it have left.
    mutating func failed(_ number: Number) {
        settle(number, .fatal)
    }

    /// The socket takes more answers, or holds so many unsent ones that no more should be made.
    mutating func writabilityChanged(_ isWritable: Bool) {
        self.isWritable = isWritable
    }

    /// The time of a throttle is over.
    mutating func unmute() {
        isMuted = false
    }

    /// The connection is gone. Returns the bytes that its requests held; answers to them are dropped.
    mutating func closed() -> Int {
        life = .closed
        waiting = []
        slots = []
        defer { bytesHeld = 0 }
        return bytesHeld
    }

    // MARK: Decisions

    /// What is to be done next; nil when nothing is until another event.
    mutating func next() -> Action? {
        if case .closed = life { return nil }
        if let oldest = slots.first {
            switch oldest.stage {
            case .answered(let answer, let mute):
                slots.removeFirst()
                self.oldest += 1
                bytesHeld -= oldest.bytes
                if mute != nil { isMuted = true }
                return .finish(answer, bytes: oldest.bytes, mute: mute)
            case .fatal:
                life = .closed
                return .close
            case .running, .started:
                break
            }
        }
        if running == 0, isWritable, !isMuted, slots.count < limits.requests, let (request, bytes) = waiting.popFirst()
        {
            slots.append(Slot(bytes: bytes, stage: .running))
            running = 1
            return .start(request, oldest + UInt64(slots.count - 1))
        }
        if case .draining = life, !hasWork {
            life = .closed
            return .close
        }
        return nil
    }

    private mutating func settle(_ number: Number, _ stage: Stage) {
        guard let index = index(of: number) else { return }
        switch slots[index].stage {
        case .running: running -= 1
        case .started: break
        case .answered, .fatal:
            assertionFailure("request \(number) was answered twice")
            return
        }
        slots[index].stage = stage
    }

    /// Nil for requests that are finished, or were dropped with their connection.
    private func index(of number: Number) -> Int? {
        guard number >= oldest, number - oldest < UInt64(slots.count) else { return nil }
        return Int(number - oldest)
    }
}
