// SPDX-License-Identifier: Apache-2.0

extension BrokerSettings {
    /// Settings that Kafka does not know, which starts with them all the same, after a warning. They are no part of the
    /// table, and of a DescribeConfigs answer only where they are set.
    package static let own: [Setting] = [
        Setting(
            "monitoring.http.listener", .string, nil,
            documentation: """
                Where `/metrics` (for Prometheus), `/health` and `/ready` are answered over HTTP, as `host:port`; an empty \
                host means all interfaces. Nowhere where unset. Kafka does not know this setting, and takes no notice of it.
                """)
    ]
}
