// SPDX-License-Identifier: Apache-2.0

import BrokerSettings
import KafkaModel
import Synchronization
import ZooKeeperStore

/// The broker's configuration as it is now: the file's, with what ZooKeeper says over it (KIP-226).
///
/// Owner: its lock. Written by the start and by change notifications, one at a time; read by everyone.
final class LiveConfiguration: Sendable {
    private let configuration: Mutex<BrokerConfiguration>

    init(_ configuration: BrokerConfiguration) {
        self.configuration = Mutex(configuration)
    }

    var current: BrokerConfiguration { configuration.withLock { $0 } }

    /// Takes over what ZooKeeper says now.
    ///
    /// - Returns: what holds from now on, and what had to be left out of it.
    func apply(_ dynamic: DynamicEntries) -> (configuration: BrokerConfiguration, problems: [String]) {
        configuration.withLock { configuration in
            let applied = dynamic.applied(to: configuration)
            configuration = applied.configuration
            return applied
        }
    }
}

/// The dynamic configuration of one broker, as ZooKeeper has it.
struct DynamicEntries: Sendable {
    static let clusterWide = "brokers/<default>"

    static func entity(of broker: BrokerID) -> String { "brokers/\(broker)" }

    var clusterWide: [String: String]
    var broker: [String: String]

    /// Reads both levels.
    static func read(_ broker: BrokerID, from store: ZooKeeperStore) async throws(StoreError) -> DynamicEntries {
        DynamicEntries(
            clusterWide: Dictionary(try await store.configuration(clusterWide)),
            broker: Dictionary(try await store.configuration(entity(of: broker))))
    }

    func applied(to configuration: BrokerConfiguration) -> (configuration: BrokerConfiguration, problems: [String]) {
        let applied = configuration.applying(
            clusterWide: clusterWide.filter { !Self.isSecret($0.key) }, broker: broker.filter { !Self.isSecret($0.key) }
        )
        let secrets = Set(clusterWide.keys).union(broker.keys).filter(Self.isSecret).sorted()
        return (
            applied.configuration,
            applied.problems + secrets.map { "The dynamic configuration \($0) is encrypted and is ignored." }
        )
    }

    /// Secrets are in ZooKeeper encrypted, with a key that this broker does not know.
    static func isSecret(_ name: String) -> Bool { BrokerSettings.governing(name)?.isSensitive ?? false }
}

extension Dictionary where Key == String, Value == String {
    /// The last of several equal names wins.
    init(_ entries: [(key: String, value: String)]) {
        self.init(entries.map { ($0.key, $0.value) }, uniquingKeysWith: { $1 })
    }
}
