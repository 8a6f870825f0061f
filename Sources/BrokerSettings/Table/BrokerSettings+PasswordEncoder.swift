// SPDX-License-Identifier: Apache-2.0

extension BrokerSettings {
    /// Passwords among the dynamic configurations (KIP-226).
    static let passwordEncoder: [Setting] = [
        Setting(
            "password.encoder.secret", .password, nil,
            documentation: "The secret that encrypts passwords among the dynamic configurations in ZooKeeper."),
        Setting(
            "password.encoder.old.secret", .password, nil,
            documentation: "The former secret, while it is being replaced."),
        Setting(
            "password.encoder.keyfactory.algorithm", .string, nil,
            documentation: "How the key is derived from the secret."),
        Setting(
            "password.encoder.cipher.algorithm", .string, "AES/CBC/PKCS5Padding",
            documentation: "The cipher for passwords in ZooKeeper."),
        Setting(
            "password.encoder.key.length", .int, "128", .atLeast(8),
            documentation: "Bits of the key for passwords in ZooKeeper."),
        Setting(
            "password.encoder.iterations", .int, "4096", .atLeast(1024),
            documentation: "Iterations that derive the key for passwords in ZooKeeper."),
    ]
}
