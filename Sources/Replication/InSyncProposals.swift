// SPDX-License-Identifier: Apache-2.0

import KafkaModel

/// The wishes of leaders to change in-sync sets on their way to the controller (AlterPartition, KIP-497): all that have
/// gathered go in one request, one request at a time, again until it is answered.
///
/// A machine under its owner's lock. A partition has at most one wish here: the newest of its leader, whose epochs let the
/// controller tell an old one. The owner sends what ``take()`` gives until that is nothing; ``add(_:for:)`` says when to
/// begin.
package struct InSyncProposals<Wish: Sendable>: Sendable {
    package typealias Wishes = [TopicPartition: Wish]

    private var waiting: Wishes = [:]
    private var sent: Wishes = [:]
    private var isSending = false
    private var isStopped = false

    package init() {}

    /// How long to wait before what was refused is sent again, in milliseconds.
    package static var retryDelay: Int64 { 50 }

    /// A leader wishes.
    /// - Returns: whether nothing was under way, so that sending must begin.
    package mutating func add(_ wish: Wish, for partition: TopicPartition) -> Bool {
        guard !isStopped else { return false }
        waiting[partition] = wish
        guard !isSending else { return false }
        isSending = true
        return true
    }

    /// What is to be sent now; empty when nothing is, and sending ends.
    package mutating func take() -> Wishes {
        sent = isStopped ? [:] : waiting
        waiting = [:]
        isSending = !sent.isEmpty
        return sent
    }

    /// The controller has answered, and the leaders have heard.
    /// - Returns: whether to wait before the next request, since one of them asks again already.
    package mutating func answered() -> Bool {
        defer { sent = [:] }
        return sent.keys.contains { waiting[$0] != nil }
    }

    /// No answer came, or the whole request was refused: all stay wishes, unless their leaders have asked anew meanwhile.
    package mutating func failed() {
        waiting.merge(sent) { newer, _ in newer }
        sent = [:]
    }

    package mutating func stop() { isStopped = true }
}
