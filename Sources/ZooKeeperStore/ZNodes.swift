// SPDX-License-Identifier: Apache-2.0

import ClusterControl
import KafkaModel

/// Where Kafka keeps what, below the chroot.
package enum ZNodes {
    package static let consumers = "/consumers"
    package static let brokerIDs = "/brokers/ids"
    package static let topics = "/brokers/topics"
    package static let brokerSequence = "/brokers/seqid"
    package static let controller = "/controller"
    package static let controllerEpoch = "/controller_epoch"
    package static let clusterID = "/cluster/id"
    package static let feature = "/feature"
    package static let producerIDBlock = "/latest_producer_id_block"
    package static let configurationChanges = "/config/changes"
    package static let topicConfigurations = "/config/topics"
    package static let isrChanges = "/isr_change_notification"
    package static let logDirectoryEvents = "/log_dir_event_notification"
    package static let topicDeletions = "/admin/delete_topics"
    package static let reassignments = "/admin/reassign_partitions"
    package static let preferredElections = "/admin/preferred_replica_election"
    package static let literalACLs = "/kafka-acl"
    package static let literalACLChanges = "/kafka-acl-changes"
    package static let extendedACLs = "/kafka-acl-extended"
    package static let extendedACLChanges = "/kafka-acl-extended-changes"
    package static let tokens = "/delegation_token/tokens"
    package static let tokenChanges = "/delegation_token/token_changes"

    /// What every broker makes sure exists when it starts, in Kafka's order.
    package static let ensured = [
        consumers, brokerIDs, topics, configurationChanges, topicDeletions, brokerSequence, isrChanges,
        producerIDBlock, logDirectoryEvents, topicConfigurations, "/config/clients", "/config/users",
        "/config/brokers", "/config/ips",
    ]

    package static func directory(_ directory: ZooKeeperDirectory) -> String {
        switch directory {
        case .topicDeletions: topicDeletions
        case .isrChanges: isrChanges
        case .logDirectoryEvents: logDirectoryEvents
        }
    }

    package static func broker(_ id: BrokerID) -> String { "\(brokerIDs)/\(id)" }
    package static func topic(_ name: String) -> String { "\(topics)/\(name)" }
    package static func partitions(_ topic: String) -> String { "\(topics)/\(topic)/partitions" }
    package static func partition(_ partition: TopicPartition) -> String {
        "\(topics)/\(partition.topic)/partitions/\(partition.partition)"
    }
    package static func partitionState(_ partition: TopicPartition) -> String { "\(Self.partition(partition))/state" }
    package static func topicConfiguration(_ topic: String) -> String { "\(topicConfigurations)/\(topic)" }
    /// The configuration of an entity such as `topics/t`, `brokers/1` or `users/u/clients/c`, already sanitised.
    package static func configuration(_ entity: String) -> String { "/config/\(entity)" }
    package static func topicDeletion(_ topic: String) -> String { "\(topicDeletions)/\(topic)" }

    /// A user or client id as a path element: percent-encoded but for letters, digits and `-._`.
    package static func sanitized(_ name: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var output: [UInt8] = []
        for byte in name.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
                output.append(byte)
            default:
                output += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: output, as: UTF8.self)
    }

    /// The ten digits at the end of a sequential node's name.
    package static func sequence(_ name: String) -> Int64? {
        let digits = name.utf8.suffix(10)
        guard digits.count == 10, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int64(String(decoding: digits, as: UTF8.self))
    }

    /// The partition whose state lies at the path.
    package static func partition(ofState path: String) -> TopicPartition? {
        let parts = path.split(separator: "/")
        guard parts.count == 6, parts[0] == "brokers", parts[1] == "topics", parts[3] == "partitions",
            parts[5] == "state", let number = Int32(parts[4])
        else { return nil }
        return TopicPartition(String(parts[2]), number)
    }
}

/// A node that does not hold what it should.
package struct ZNodeError: Error, Hashable, Sendable, CustomStringConvertible {
    package var path: String
    package var reason: String

    package var description: String { "\(path): \(reason)" }
}
