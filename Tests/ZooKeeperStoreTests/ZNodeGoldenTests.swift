// SPDX-License-Identifier: Apache-2.0

import ClusterControl
import Foundation
import GoldenFixtures
import KafkaModel
import Testing

@testable import ZooKeeperStore

/// Every node that was recorded, in the trees and in the writes, is read, and written again as it was.
@Suite struct ZNodeGoldenTests {
    struct Node {
        var origin: String
        var path: String
        var data: [UInt8]
    }

    static func nodes() throws -> [Node] {
        var nodes: [Node] = []
        for file in try GoldenFixtures.files("zookeeper") where file.lastPathComponent.contains(".jsonl") {
            for entry in try GoldenFixtures.jsonLines(file) {
                for part in (entry["ops"] as? [[String: Any]]) ?? [entry] {
                    guard let path = part["path"] as? String, let text = part["data"] as? String, !text.isEmpty else {
                        continue
                    }
                    nodes.append(Node(origin: file.lastPathComponent, path: path, data: Array(text.utf8)))
                }
            }
        }
        return nodes
    }

    @Test func everyJSONIsWrittenAsItWasRead() throws {
        var count = 0
        for node in try Self.nodes() where node.data.first == UInt8(ascii: "{") {
            #expect(try JSON(node.data).bytes == node.data, "\(node.origin) \(node.path)")
            count += 1
        }
        #expect(count > 0)
    }

    @Test func everyNodeIsReadAndWrittenAgain() throws {
        var kinds: Set<String> = []
        for node in try Self.nodes() {
            guard let (kind, bytes) = try rewritten(node) else { continue }
            kinds.insert(kind)
            // Maps are written in an order of their own, so only their meaning is compared.
            let sameMeaning = try bytes == node.data || canonical(bytes) == canonical(node.data)
            #expect(sameMeaning, "\(node.origin) \(node.path): \(String(decoding: bytes, as: UTF8.self))")
            if kind != "config" && kind != "topic" && kind != "broker" {
                #expect(bytes == node.data, "\(node.origin) \(node.path)")
            }
        }
        #expect(kinds.isSuperset(of: ["broker", "topic", "state", "controller", "cluster", "feature", "config"]))
    }

    private func rewritten(_ node: Node) throws -> (String, [UInt8])? {
        let path = node.path.replacing("/kafka/site-a", with: "")
        let parts = path.split(separator: "/").map(String.init)
        switch parts.first {
        case "controller":
            let controller = try ZNodeCodec.decodeController(node.data)
            return (
                "controller",
                ZNodeCodec.encodeController(
                    controller.broker, timestamp: controller.timestamp,
                    kraftControllerEpoch: controller.kraftControllerEpoch)
            )
        case "controller_epoch":
            return ("epoch", ZNodeCodec.encodeControllerEpoch(try ZNodeCodec.decodeControllerEpoch(node.data)))
        case "cluster" where parts.count == 2:
            return ("cluster", ZNodeCodec.encodeClusterID(try ZNodeCodec.decodeClusterID(node.data)))
        case "feature": return ("feature", ZNodeCodec.encodeFeature(try ZNodeCodec.decodeFeature(node.data)))
        case "latest_producer_id_block":
            let block = try #require(try ZNodeCodec.decodeProducerIDBlock(node.data))
            return ("block", ZNodeCodec.encodeProducerIDBlock(block))
        case "brokers" where parts.count == 3 && parts[1] == "ids":
            return ("broker", try BrokerRegistrationNode(try #require(Int32(parts[2])), node.data).bytes)
        case "brokers" where parts.count == 3 && parts[1] == "topics":
            return ("topic", ZNodeCodec.encodeTopic(try ZNodeCodec.decodeTopic(parts[2], node.data)))
        case "brokers":
            guard let partition = ZNodes.partition(ofState: path) else { return nil }
            let state = try ZNodeCodec.decodePartitionState(partition, node.data, version: 0)
            return ("state", ZNodeCodec.encodePartitionState(state))
        case "isr_change_notification":
            return ("isr", ZNodeCodec.encodePartitions(try ZNodeCodec.decodePartitions(path, node.data)))
        case "config" where parts.count > 2 && parts[1] == "changes":
            let entity = try ZNodeCodec.decodeConfigurationChange(path, node.data)
            return ("change", ZNodeCodec.encodeConfigurationChange(entity))
        case "config" where parts.count > 2:
            return ("config", ZNodeCodec.encodeConfiguration(try ZNodeCodec.decodeConfiguration(path, node.data)))
        default: return nil
        }
    }

    private func canonical(_ data: [UInt8]) throws -> NSObject {
        try #require(try JSONSerialization.jsonObject(with: Data(data)) as? NSObject)
    }
}
