// SPDX-License-Identifier: Apache-2.0

import BrokerSettings
import ClusterControl
import Testing
import ZooKeeperStore

@testable import BrokerServer

/// What `inter.broker.protocol.version` decides about the controller's side of a broker.
@Suite struct ControlVersionsTests {
    /// LeaderAndIsr, UpdateMetadata, StopReplica, ControlledShutdown, and the version of the registration.
    @Test(
        arguments: [
            ("3.9", [7, 8, 4, 3, 5]), ("3.4-IV0", [7, 8, 4, 3, 5]), ("3.3", [6, 7, 3, 3, 5]),
            ("3.2", [6, 7, 3, 3, 5]), ("3.1", [5, 7, 3, 3, 5]), ("2.8-IV1", [5, 7, 3, 3, 5]),
            ("2.8-IV0", [4, 6, 3, 3, 5]), ("2.7-IV0", [4, 6, 3, 3, 5]), ("2.6", [4, 6, 3, 3, 4]),
            ("2.5", [4, 6, 2, 3, 4]), ("2.4-IV1", [4, 6, 2, 3, 4]), ("2.4-IV0", [3, 5, 1, 2, 4]),
            ("2.2", [2, 5, 1, 2, 4]), ("2.1", [1, 4, 0, 1, 4]), ("1.0", [1, 4, 0, 1, 4]), ("0.11.0", [0, 3, 0, 1, 4]),
            ("0.10.2", [0, 3, 0, 1, 4]), ("0.10.1", [0, 2, 0, 1, 4]), ("0.10.0-IV1", [0, 2, 0, 1, 4]),
            ("0.10.0-IV0", [0, 1, 0, 1, 2]), ("0.9.0", [0, 1, 0, 1, 2]), ("0.8.2", [0, 0, 0, 0, 2]),
        ] as [(String, [Int])])
    func theProtocolDecides(_ name: String, _ expected: [Int]) throws {
        let version = try #require(ProtocolVersion(name))
        let versions = ControlVersions(version)
        #expect(
            [
                Int(versions.leaderAndIsr), Int(versions.updateMetadata), Int(versions.stopReplica),
                Int(versions.controlledShutdown), Int(BrokerRegistrationNode.version(version)),
            ] == expected)
    }

    /// Topic ids, recovery of unclean leaders, AlterPartition, features, and the version of their node.
    @Test(
        arguments: [
            ("3.9", [1, 1, 1, 1, 2]), ("3.3-IV0", [1, 1, 1, 1, 2]), ("3.2", [1, 1, 1, 1, 1]),
            ("3.1", [1, 0, 1, 1, 1]), ("2.8-IV0", [1, 0, 1, 1, 1]), ("2.7-IV2", [0, 0, 1, 1, 1]),
            ("2.7-IV1", [0, 0, 0, 1, 1]), ("2.7-IV0", [0, 0, 0, 1, 1]), ("2.6", [0, 0, 0, 0, 1]),
        ] as [(String, [Int])])
    func theProtocolDecidesWhatAControllerDoes(_ name: String, _ expected: [Int]) throws {
        let configuration = try BrokerConfiguration.parse(properties: [
            "zookeeper.connect": "localhost", "broker.id": "1", "inter.broker.protocol.version": name,
        ]).configuration
        let settings = ControllerSettings(configuration, id: 1)
        func number(_ flag: Bool) -> Int { flag ? 1 : 0 }
        #expect(
            [
                number(settings.givesTopicIDs), number(settings.marksRecovery), number(settings.usesAlterPartition),
                number(settings.usesFeatures), Int(settings.featureNodeVersion),
            ] == expected)
    }
}
