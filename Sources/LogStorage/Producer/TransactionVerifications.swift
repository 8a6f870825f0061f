// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import Synchronization

/// The producers about whose transactions a coordinator is being asked. In memory only: after a restart they are asked
/// about again. A part of ``ProducerStateManager``.
struct TransactionVerifications: Sendable {
    private struct Entry: Sendable {
        let verificationGuard: VerificationGuard
        var epoch: ProducerEpoch
        var lowestSequence: Int32
        let begun: Timestamp
    }

    /// Never the same twice in a process, so that a log which is read anew gives out no guard that is still held.
    private static let lastGuard = Atomic<UInt64>(0)
    private var entries: [ProducerID: Entry] = [:]
    /// The guards under which the open transactions have begun, as far as that was here.
    private var openings: [ProducerID: VerificationGuard] = [:]

    /// Who asks while another question about the producer is on its way shares its guard.
    mutating func begin(
        _ producerID: ProducerID, epoch: ProducerEpoch, firstSequence: Int32, now: Timestamp
    ) -> VerificationGuard {
        if let known = entries[producerID] {
            if epoch > known.epoch {
                entries[producerID]?.epoch = epoch
                entries[producerID]?.lowestSequence = firstSequence
            } else if epoch == known.epoch {
                entries[producerID]?.lowestSequence = min(known.lowestSequence, firstSequence)
            }
            return known.verificationGuard
        }
        let made = VerificationGuard(Self.lastGuard.add(1, ordering: .relaxed).newValue)
        entries[producerID] = Entry(verificationGuard: made, epoch: epoch, lowestSequence: firstSequence, begun: now)
        return made
    }

    func admits(_ verificationGuard: VerificationGuard?, for producerID: ProducerID) -> Bool {
        guard let verificationGuard else { return false }
        return entries[producerID]?.verificationGuard == verificationGuard
    }

    /// The smallest sequence number that waits for an answer: nothing behind it may become the transaction's beginning,
    /// which would make the batch that belongs there look like one out of order for ever.
    func lowestSequence(of producerID: ProducerID) -> Int32? { entries[producerID]?.lowestSequence }

    /// Whether records may follow others of the transaction that is open. Who shows a guard asked before it began, which
    /// was about this transaction only if it has begun under the same guard.
    func continues(_ verificationGuard: VerificationGuard?, for producerID: ProducerID) -> Bool {
        guard let verificationGuard, let opening = openings[producerID] else { return true }
        return verificationGuard == opening
    }

    /// The transaction has begun here: who has asked besides may follow, nobody need ask.
    mutating func begun(_ producerID: ProducerID) {
        if entries.isEmpty, openings.isEmpty { return }
        openings[producerID] = entries.removeValue(forKey: producerID)?.verificationGuard
    }

    /// The transaction is over: earlier answers are void.
    mutating func end(_ producerID: ProducerID) {
        if !entries.isEmpty { entries[producerID] = nil }
        if !openings.isEmpty { openings[producerID] = nil }
    }

    mutating func removeExpired(now: Timestamp, expiration: Int64) {
        entries = entries.filter { now &- $0.value.begun < expiration }
    }
}
