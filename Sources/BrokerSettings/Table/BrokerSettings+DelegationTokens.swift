// SPDX-License-Identifier: Apache-2.0

extension BrokerSettings {
    /// Delegation tokens (KIP-48).
    static let delegationTokens: [Setting] = [
        Setting(
            "delegation.token.master.key", .password, nil, deprecated: true,
            documentation: "Former name of `delegation.token.secret.key`."),
        Setting(
            "delegation.token.secret.key", .password, nil,
            documentation:
                "The secret that delegation tokens are signed with, the same on all brokers; without it there are none."
        ),
        Setting(
            "delegation.token.max.lifetime.ms", .long, "604800000", .atLeast(1),
            documentation: "The longest life of a delegation token."),
        Setting(
            "delegation.token.expiry.time.ms", .long, "86400000", .atLeast(1),
            documentation: "How long a delegation token lives without renewal."),
        Setting(
            "delegation.token.expiry.check.interval.ms", .long, "3600000", .atLeast(1),
            documentation: "How often expired delegation tokens are removed."),
    ]
}
