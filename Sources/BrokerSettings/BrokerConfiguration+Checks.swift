// SPDX-License-Identifier: Apache-2.0

extension BrokerConfiguration {
    /// What no single row can tell: settings that must agree with each other. In Kafka's order and words.
    func checkAcrossSettings() throws(SettingsError) {
        try checkIdentity()
        try checkReplication()
        try checkListeners()
        try checkConnections()
    }

    private func require(_ condition: Bool, _ message: @autoclosure () -> String) throws(SettingsError) {
        if !condition { throw .contradiction(message()) }
    }

    private func checkIdentity() throws(SettingsError) {
        try require(
            values.integer("node.id") == values.integer("broker.id"),
            "You must set `node.id` to the same value as `broker.id`.")
        if generatesBrokerID {
            try require(
                brokerID >= -1 && brokerID <= reservedBrokerMaxID,
                "broker.id must be greater than or equal to -1 and not greater than reserved.broker.max.id")
        } else {
            try require(brokerID >= 0, "broker.id must be greater than or equal to 0")
        }
        // Only a generated id is larger than those that may be given by hand.
    }

    private func checkReplication() throws(SettingsError) {
        try require(
            !cleaner.isEnabled || cleaner.dedupeBufferBytes / max(1, cleaner.threads) > 1024 * 1024,
            "log.cleaner.dedupe.buffer.size must be at least 1MB per cleaner thread.")
        try require(
            replication.fetchWaitMax <= replication.socketTimeout,
            """
            replica.socket.timeout.ms should always be at least replica.fetch.wait.max.ms to prevent unnecessary \
            socket timeouts
            """)
        try require(
            replication.fetchWaitMax <= replication.lagTimeMax,
            """
            replica.fetch.wait.max.ms should always be less than or equal to replica.lag.time.max.ms to prevent \
            frequent changes in ISR
            """)
        try require(
            offsets.commitRequiredAcks >= -1 && offsets.commitRequiredAcks <= offsets.topicReplicationFactor,
            """
            offsets.commit.required.acks must be greater or equal -1 and less or equal to \
            offsets.topic.replication.factor
            """)
        if !(0...4).contains(offsets.topicCompressionCodec) {
            throw .invalidValue(
                name: "offsets.topic.compression.codec", value: "\(offsets.topicCompressionCodec)",
                reason: "Unknown compression type id: \(offsets.topicCompressionCodec)")
        }
        try require(
            topicDefaults.compression != .zstd || interBrokerProtocol >= .v2_1_IV2,
            """
            zstd compression can only be used when inter.broker.protocol.version is set to version 2.1-IV2 or higher
            """)
    }

    private func checkListeners() throws(SettingsError) {
        let names = network.listeners.map(\.listenerName)
        let advertised = network.advertised.map(\.listenerName)
        try require(!names.isEmpty, "listeners must name at least one listener")
        try require(
            advertised.contains(network.interBrokerListener),
            """
            inter.broker.listener.name must be a listener name defined in advertised.listeners. The valid options \
            based on currently configured listeners are \(advertised.joined(separator: ","))
            """)
        try require(
            Set(advertised).isSubset(of: names),
            """
            advertised.listeners listener names must be equal to or a subset of the ones defined in listeners. Found \
            \(advertised.joined(separator: ",")). The valid options based on the current configuration are \
            \(names.joined(separator: ","))
            """)
        try require(
            !network.advertised.contains { $0.host == "0.0.0.0" },
            "advertised.listeners cannot use the nonroutable meta-address 0.0.0.0. Use a routable IP address.")
        guard let controlPlane = network.controlPlaneListener else { return }
        try require(
            advertised.contains(controlPlane),
            """
            control.plane.listener.name must be a listener name defined in advertised.listeners. The valid options \
            based on currently configured listeners are \(advertised.joined(separator: ","))
            """)
        try require(
            controlPlane != network.interBrokerListener,
            """
            control.plane.listener.name, when defined, should have a different value from the inter broker listener \
            name. Currently they both have the value \(controlPlane)
            """)
    }

    private func checkConnections() throws(SettingsError) {
        try require(
            network.queuedMaxRequestBytes.map { $0 >= network.maxRequestBytes } ?? true,
            "queued.max.request.bytes must be larger or equal to socket.request.max.bytes")
        try require(
            network.maxConnectionsPerIP > 0 || !network.maxConnectionsPerIPOverrides.isEmpty,
            """
            max.connections.per.ip can be set to zero only if max.connections.per.ip.overrides property is set.
            """)
        if let idle = network.maxIdle {
            try require(
                network.failedAuthenticationDelay < idle,
                """
                connection.failed.authentication.delay.ms=\(network.failedAuthenticationDelay.inMilliseconds) should \
                always be less than connections.max.idle.ms=\(idle.inMilliseconds) to prevent failed authentication \
                responses from timing out
                """)
        }
    }

    /// Refuses what Kafka would do and this broker would not: to accept such a file and serve without encryption,
    /// without access control, without the metadata's other home or in another format would betray its author.
    func refuseWhatIsNotServed() throws(SettingsError) {
        func refuse(_ name: String, _ value: String, _ reason: String) -> SettingsError {
            .unsupported("Invalid value \(value) for configuration \(name): \(reason)")
        }
        for endpoint in network.listeners where endpoint.securityProtocol != .plaintext {
            throw refuse(
                "listeners", endpoint.connectionString,
                "\(endpoint.securityProtocol.name) is not served; listeners must be PLAINTEXT")
        }
        if let authorizer = values.string("authorizer.class.name"), !authorizer.isEmpty {
            throw refuse("authorizer.class.name", authorizer, "access control is not served; leave it empty")
        }
        for name in [
            "zookeeper.ssl.client.enable", "zookeeper.metadata.migration.enable", "remote.log.storage.system.enable",
        ] where values.boolean(name) {
            throw refuse(name, "true", "not served; only false is allowed")
        }
        guard interBrokerProtocol >= .v0_11_0_IV0 else {
            throw refuse(
                "inter.broker.protocol.version", "\(interBrokerProtocol)",
                "not served below 0.11.0, since records are kept in the format of that version only")
        }
        let roles = values.list("process.roles")
        if !roles.isEmpty {
            throw refuse(
                "process.roles", roles.joined(separator: ","),
                "this broker keeps its metadata in ZooKeeper; leave it empty")
        }
    }
}
