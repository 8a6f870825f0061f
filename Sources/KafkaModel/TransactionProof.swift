// SPDX-License-Identifier: Apache-2.0

/// One question to the coordinator of a transaction, whether a partition belongs to it (KIP-890). The partition's log gives
/// the guard out when the question is asked, and takes the transaction's first records only against it: a marker that is
/// written meanwhile makes it void, and with it an answer that comes too late.
package struct VerificationGuard: Hashable, Sendable {
    package var rawValue: UInt64

    package init(_ rawValue: UInt64) {
        self.rawValue = rawValue
    }
}

/// What an append has to show for the first records of a transaction (KIP-890).
package enum TransactionProof: Hashable, Sendable {
    /// Nothing: `transaction.partition.verification.enable` is off, or the records are a leader's.
    case notRequired
    /// The guard under which the coordinator has said that the partition belongs to the transaction; nil for who has
    /// not asked, which is enough while the transaction is open here.
    case required(VerificationGuard?)
}
