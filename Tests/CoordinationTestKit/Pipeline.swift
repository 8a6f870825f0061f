// SPDX-License-Identifier: Apache-2.0

internal import GroupCoordination
internal import KafkaModel

/// A process that reads a topic as a member of a group and writes what it makes of it in transactions, its positions with
/// them. Owned by its `JointWorld`.
final class Pipeline {
    let member: GroupClient
    /// Its place: processes of one place follow each other, under one transactional id where that is the process's.
    let place: Int
    var transformers: [Transformer] = []
    /// The generation and assignment that the transformers are made for.
    private var known: (memberID: String, generation: Int32, assigned: [UInt8])?
    /// Joins anew with transactions still open.
    let isRude: Bool

    init(_ member: GroupClient, place: Int, isRude: Bool) {
        self.member = member
        self.place = place
        self.isRude = isRude
    }

    var isMember: Bool { if case .member = member.state { true } else { false } }

    /// Nothing of it is in the midst of a transaction.
    var isIdle: Bool { !transformers.contains(where: \.isBusy) }

    /// Whether it has another assignment since this was asked last.
    func hasNewAssignment() -> Bool {
        if let known, known == (member.memberID, member.generation, member.assigned) { return false }
        known = (member.memberID, member.generation, member.assigned)
        return true
    }

    func die() {
        member.state = .dead
        for transformer in transformers { transformer.client.state = .dead }
    }
}

/// Transforms the records of some partitions, a few in a transaction.
final class Transformer {
    let client: TransactionClient
    var sources: [UInt8]
    /// Where to read on; nil if the group has to be asked.
    var positions: [UInt8: Offset]?
    /// By index of the partition that it goes to, what the transaction writes.
    var plan: [Int: [Input]] = [:]
    /// The positions that belong to the transaction.
    var next: [UInt8: Offset] = [:]
    /// As whom the records were read.
    var membership = (memberID: "", instanceID: String?.none, generation: Int32(-1))

    init(_ client: TransactionClient, sources: [UInt8]) {
        self.client = client
        self.sources = sources
    }

    var isBusy: Bool {
        switch client.state {
        case .writing, .ending: true
        case .unready, .ready, .dead: false
        }
    }

    /// What it has read may be somebody else's by now.
    func moveTo(_ sources: [UInt8]) {
        self.sources = sources
        positions = nil
        if case .writing = client.state { client.abandon() }
        // An answer about positions is of the past.
        if case .ready = client.state { client.forgetRequest() }
    }
}
