// SPDX-License-Identifier: Apache-2.0

/// The topics that brokers keep for themselves.
enum InternalTopic {
    static let consumerOffsets = "__consumer_offsets"
    static let transactionState = "__transaction_state"

    static func isInternal(_ name: String) -> Bool { name == consumerOffsets || name == transactionState }
}
