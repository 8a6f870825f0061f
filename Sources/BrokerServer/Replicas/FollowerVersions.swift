// SPDX-License-Identifier: Apache-2.0

import BrokerSettings
import Replication

/// In which versions a follower speaks to leaders, and what it may expect of them. `inter.broker.protocol.version` decides
/// (Kafka's table): the connection is not negotiated.
struct FollowerVersions: Hashable, Sendable {
    /// Where all topics have ids; else at most 12.
    var fetch: Int16
    var listOffsets: Int16
    var offsetForLeaderEpoch: Int16
    var abilities: FollowerReplication.Abilities

    init(_ version: ProtocolVersion) {
        fetch = Self.fetch(version)
        listOffsets =
            switch version {
            case .v3_9_IV0...: 9
            case .v3_5_IV0...: 8
            case .v3_0_IV1...: 7
            case .v2_8_IV0...: 6
            case .v2_2_IV1...: 5
            case .v2_1_IV1...: 4
            case .v2_0_IV1...: 3
            case .v0_11_0_IV0...: 2
            case .v0_10_1_IV2...: 1
            default: 0
            }
        offsetForLeaderEpoch =
            switch version {
            case .v2_8_IV0...: 4
            case .v2_3_IV1...: 3
            case .v2_1_IV1...: 2
            case .v2_0_IV0...: 1
            default: 0
            }
        abilities = FollowerReplication.Abilities(
            truncatesOnFetch: version >= .v2_7_IV1, asksForEpochs: version >= .v0_11_0_IV2)
    }

    private static func fetch(_ version: ProtocolVersion) -> Int16 {
        switch version {
        case .v3_9_IV0...: 17
        case .v3_7_IV4...: 16
        case .v3_5_IV1...: 15
        case .v3_5_IV0...: 14
        case .v3_1_IV0...: 13
        case .v2_7_IV1...: 12
        case .v2_3_IV1...: 11
        case .v2_1_IV2...: 10
        case .v2_0_IV1...: 8
        case .v1_1_IV0...: 7
        case .v0_11_0_IV1...: 5
        case .v0_11_0_IV0...: 4
        case .v0_10_1_IV1...: 3
        case .v0_10_0_IV0...: 2
        default: 1
        }
    }
}
