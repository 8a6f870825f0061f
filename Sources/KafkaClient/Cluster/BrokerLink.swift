// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import KafkaNetworking
import KafkaProtocol

/// A connection to one broker, and the versions that both sides can use on it.
package final class BrokerLink: Sendable {
    package let broker: ClusterSnapshot.Broker
    package let connection: BrokerConnection
    /// What the broker answered to ApiVersions, by API key; keys that this client does not know are among them.
    package let brokerVersions: [Int16: ClosedRange<Int16>]

    init(broker: ClusterSnapshot.Broker, connection: BrokerConnection, brokerVersions: [Int16: ClosedRange<Int16>]) {
        self.broker = broker
        self.connection = connection
        self.brokerVersions = brokerVersions
    }

    /// The latest version of a request that both sides know, at most `latest`; nil if there is none.
    package func version<Request: RequestMessage>(of _: Request.Type, latest: Int16 = .max) -> Int16? {
        guard let range = brokerVersions[Request.apiKey.rawValue] else { return nil }
        let version = min(range.upperBound, Request.versions.upperBound, latest)
        return version >= max(range.lowerBound, Request.versions.lowerBound) ? version : nil
    }

    /// Sends a request at the latest version that both sides know, at most `latest`, and waits for the answer.
    package func send<Request: RequestMessage>(
        _ request: Request, latest: Int16 = .max, timeout: Duration? = nil
    ) async throws(KafkaError) -> Request.Response {
        let version = try requireVersion(of: Request.self, latest: latest)
        do {
            return try await connection.send(request, version: version, timeout: timeout)
        } catch {
            throw KafkaError(error)
        }
    }

    /// The latest common version, or the error that Java's client gives for a broker without the API.
    package func requireVersion<Request: RequestMessage>(
        of request: Request.Type, latest: Int16 = .max
    ) throws(KafkaError) -> Int16 {
        guard let version = version(of: request, latest: latest) else {
            throw KafkaError(
                .unsupportedVersion, "The node does not support \(Self.constantName(Request.apiKey))")
        }
        return version
    }

    /// `DescribeQuorum` as Java's `ApiKeys` constant: `DESCRIBE_QUORUM`.
    static func constantName(_ key: ApiKey) -> String {
        var name = ""
        for character in "\(key)" {
            if character.isUppercase, !name.isEmpty { name.append("_") }
            name += character.uppercased()
        }
        return name
    }
}

extension KafkaError {
    /// What became of a request on a connection.
    init(_ error: ConnectionError) {
        switch error {
        case .timedOut: self.init(.timeout, "The request timed out.")
        case .unknownHost(let host): self.init(.disconnected, "No address is known for \(host).")
        case .cannotConnect(let host, let port, _), .connectTimedOut(let host, let port):
            self.init(.disconnected, "Connection to \(host):\(port) could not be established.")
        case .disconnected, .notSent:
            self.init(.disconnected, "The server disconnected before a response was received.")
        case .tooManyRequests: self.init(.disconnected, "Too many requests wait for one connection.")
        case .unexpectedCorrelation, .wire, .frame: self.init(.malformedResponse, "\(error)")
        }
    }
}
