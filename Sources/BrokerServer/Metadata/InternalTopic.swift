// SPDX-License-Identifier: Apache-2.0

/// The topics that brokers keep for themselves.
enum InternalTopic {
    static let consumerOffsets = "__consumer_offsets"
    static let transactionState = "__transaction_state"
    /// The log of KRaft's metadata. No topic of a ZooKeeper-mode cluster, and nobody may create one by this name.
    static let clusterMetadata = "__cluster_metadata"

    static func isInternal(_ name: String) -> Bool { name == consumerOffsets || name == transactionState }
}
