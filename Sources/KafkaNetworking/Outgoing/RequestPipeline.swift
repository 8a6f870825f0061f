// SPDX-License-Identifier: Apache-2.0

import DequeModule

/// The rules of one outgoing connection: how many requests may be on their way, and which response belongs to which.
///
/// Responses come in the order of the requests, each with the correlation number of its own. Owned by the connection's
/// handler, on its event loop. Knows no socket and no clock: a deadline is any comparable number.
struct RequestPipeline<Request, Reply, Deadline: Comparable> {
    struct Entry {
        var request: Request
        var correlationID: Int32
        /// Nil for requests without a response (Produce with acks=0).
        var reply: Reply?
        var deadline: Deadline
    }

    /// A request whose response is awaited.
    struct Sent {
        var correlationID: Int32
        var reply: Reply
        var deadline: Deadline
    }

    private let limit: Int
    private let waitingLimit: Int
    private var isWritable = true
    private var waiting = Deque<Entry>()
    private var sent = Deque<Sent>()

    /// - Parameters:
    ///   - limit: the most requests on their way.
    ///   - waitingLimit: the most that wait for their turn; more are refused.
    init(limit: Int, waitingLimit: Int) {
        self.limit = limit
        self.waitingLimit = waitingLimit
    }

    /// The first deadline of all requests without response.
    var earliestDeadline: Deadline? {
        var earliest: Deadline?
        for deadline in sent.lazy.map(\.deadline) { earliest = min(earliest ?? deadline, deadline) }
        for deadline in waiting.lazy.map(\.deadline) { earliest = min(earliest ?? deadline, deadline) }
        return earliest
    }

    /// False when too many wait already.
    mutating func submit(_ entry: Entry) -> Bool {
        guard waiting.count < waitingLimit else { return false }
        waiting.append(entry)
        return true
    }

    mutating func writabilityChanged(_ isWritable: Bool) {
        self.isWritable = isWritable
    }

    /// The next request to write, in order of submission; nil when none may be.
    mutating func next() -> Request? {
        guard isWritable, sent.count < limit, let entry = waiting.popFirst() else { return nil }
        if let reply = entry.reply {
            sent.append(Sent(correlationID: entry.correlationID, reply: reply, deadline: entry.deadline))
        }
        return entry.request
    }

    /// Who waits for this response.
    mutating func received(correlationID: Int32) throws(ConnectionError) -> Reply {
        guard let oldest = sent.first else { throw .unexpectedCorrelation(expected: -1, actual: correlationID) }
        guard oldest.correlationID == correlationID else {
            throw .unexpectedCorrelation(expected: oldest.correlationID, actual: correlationID)
        }
        sent.removeFirst()
        return oldest.reply
    }

    /// The connection has ended: who waits for a response, in order, and who was not sent yet.
    mutating func ended() -> (sent: [Reply], notSent: [Reply]) {
        defer {
            sent = []
            waiting = []
        }
        return (sent.map(\.reply), waiting.compactMap(\.reply))
    }
}

extension RequestPipeline.Entry: Sendable where Request: Sendable, Reply: Sendable, Deadline: Sendable {}
