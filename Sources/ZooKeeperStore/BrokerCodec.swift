// SPDX-License-Identifier: Apache-2.0

import ClusterControl
import ClusterMetadata
import KafkaModel

/// What a broker says of itself at `/brokers/ids/N`.
package struct BrokerRegistrationNode: Hashable, Sendable {
    package var endpoints: [Endpoint]
    package var rack: String?
    package var features: [String: RegisteredBroker.FeatureRange]
    package var timestamp: Timestamp
    /// −1 without JMX.
    package var jmxPort: Int32
    /// 5 from inter-broker protocol 2.7 on; 4 from 0.10.0 on.
    package var version: Int32

    package init(
        endpoints: [Endpoint], rack: String? = nil, features: [String: RegisteredBroker.FeatureRange] = [:],
        timestamp: Timestamp, jmxPort: Int32 = -1, version: Int32 = 5
    ) {
        self.endpoints = endpoints
        self.rack = rack
        self.features = features
        self.timestamp = timestamp
        self.jmxPort = jmxPort
        self.version = version
    }

    package var bytes: [UInt8] {
        let plaintext = endpoints.first { $0.securityProtocol == .plaintext }
        var members: [JSON.Member] = []
        if version >= 4 {
            members.append(
                .init(
                    key: "listener_security_protocol_map",
                    value: .object(
                        endpoints.map { .init(key: $0.listenerName, value: .string($0.securityProtocol.name)) })))
        }
        members.append(.init(key: "endpoints", value: .array(endpoints.map { .string(Self.text($0)) })))
        members.append(.init(key: "jmx_port", value: .integer(Int64(jmxPort))))
        if version >= 5 {
            let features = features.sorted { $0.key < $1.key }.map { name, range in
                JSON.Member(
                    key: name,
                    value: .object([
                        "min_version": .integer(Int64(range.minimum)), "max_version": .integer(Int64(range.maximum)),
                    ]))
            }
            members.append(.init(key: "features", value: .object(features)))
        }
        members.append(.init(key: "host", value: plaintext.map { .string($0.host) } ?? .null))
        members.append(.init(key: "timestamp", value: .string(String(timestamp))))
        members.append(.init(key: "port", value: .integer(Int64(plaintext?.port ?? -1))))
        if version >= 3, let rack { members.append(.init(key: "rack", value: .string(rack))) }
        members.append(.init(key: "version", value: .integer(Int64(version))))
        return JSON.object(members).bytes
    }

    /// Reads versions 1 to 5 and what later ones keep of them.
    package init(_ id: BrokerID, _ data: [UInt8]?) throws(ZNodeError) {
        let reader = try NodeReader(ZNodes.broker(id), data)
        version = try reader.int32("version")
        guard version >= 1 else { throw reader.error("version is below 1") }
        jmxPort = try reader.int32("jmx_port")
        timestamp = reader.json["timestamp"]?.integerOrText ?? -1
        rack = reader.json["rack"]?.string
        features = [:]
        for member in reader.json["features"]?.members ?? [] {
            guard let low = member.value["min_version"]?.integer.flatMap({ Int16(exactly: $0) }),
                let high = member.value["max_version"]?.integer.flatMap({ Int16(exactly: $0) })
            else { throw reader.error("feature \(member.key) has no versions") }
            features[member.key] = .init(minimum: low, maximum: high)
        }
        guard version >= 2 else {
            endpoints = [
                Endpoint(
                    listenerName: "PLAINTEXT", host: try reader.string("host"), port: try reader.int32("port"),
                    securityProtocol: .plaintext)
            ]
            return
        }
        endpoints = []
        let map = reader.json["listener_security_protocol_map"]
        for entry in try reader.array("endpoints") {
            guard let text = entry.string, let (listener, host, port) = Self.parse(text) else {
                throw reader.error("an endpoint is not LISTENER://host:port")
            }
            let name = map?[listener]?.string ?? listener
            guard let securityProtocol = SecurityProtocol(name: name) else {
                throw reader.error("listener \(listener) has no security protocol")
            }
            endpoints.append(
                Endpoint(listenerName: listener, host: host, port: port, securityProtocol: securityProtocol))
        }
        if endpoints.isEmpty { throw reader.error("no endpoints") }
    }

    private static func text(_ endpoint: Endpoint) -> String {
        let host = endpoint.host.contains(":") ? "[\(endpoint.host)]" : endpoint.host
        return "\(endpoint.listenerName)://\(host):\(endpoint.port)"
    }

    private static func parse(_ text: String) -> (listener: String, host: String, port: Int32)? {
        guard let mark = text.firstRange(of: "://") else { return nil }
        let address = text[mark.upperBound...]
        guard let colon = address.lastIndex(of: ":"), let port = Int32(address[address.index(after: colon)...]) else {
            return nil
        }
        var host = address[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        return (String(text[..<mark.lowerBound]), String(host), port)
    }
}
