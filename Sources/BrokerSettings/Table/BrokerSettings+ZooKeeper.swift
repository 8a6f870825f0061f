// SPDX-License-Identifier: Apache-2.0

extension BrokerSettings {
    /// The session with ZooKeeper.
    static let zooKeeper: [Setting] = [
        Setting(
            "zookeeper.connect", .string, nil,
            documentation:
                "The ensemble as `host:port,host:port`, optionally followed by one `/chroot` under which the cluster's znodes live."
        ),
        Setting(
            "zookeeper.session.timeout.ms", .int, "18000",
            documentation:
                "How long ZooKeeper keeps this broker's session, and with it its registration, without hearing from it."
        ),
        Setting(
            "zookeeper.connection.timeout.ms", .int, nil,
            documentation:
                "How long a start waits for the first connection to ZooKeeper; the session timeout where unset."),
        Setting(
            "zookeeper.set.acl", .boolean, "false",
            documentation: "Create znodes that only this cluster's own ZooKeeper identity may change."),
        Setting(
            "zookeeper.max.in.flight.requests", .int, "10", .atLeast(1),
            documentation:
                "The most requests that may wait for an answer of ZooKeeper at one time; 1000 where unset, so that a new controller takes over quickly."
        ),
        Setting(
            "zookeeper.ssl.client.enable", .boolean, "false",
            documentation: "Speak TLS with ZooKeeper."),
        Setting(
            "zookeeper.clientCnxnSocket", .string, nil, relevance: .java,
            documentation: "Java class of the ZooKeeper client's socket."),
        Setting(
            "zookeeper.ssl.keystore.location", .string, nil,
            documentation: "File with this broker's key and certificate for ZooKeeper."),
        Setting(
            "zookeeper.ssl.keystore.password", .password, nil,
            documentation: "Password of the key store for ZooKeeper."),
        Setting(
            "zookeeper.ssl.keystore.type", .string, nil,
            documentation: "Format of the key store for ZooKeeper."),
        Setting(
            "zookeeper.ssl.truststore.location", .string, nil,
            documentation: "File with the certificates by which ZooKeeper servers are trusted."),
        Setting(
            "zookeeper.ssl.truststore.password", .password, nil,
            documentation: "Password of the trust store for ZooKeeper."),
        Setting(
            "zookeeper.ssl.truststore.type", .string, nil,
            documentation: "Format of the trust store for ZooKeeper."),
        Setting(
            "zookeeper.ssl.protocol", .string, "TLSv1.2",
            documentation: "TLS protocol that a negotiation with ZooKeeper starts from."),
        Setting(
            "zookeeper.ssl.enabled.protocols", .list, nil,
            documentation: "TLS versions allowed towards ZooKeeper."),
        Setting(
            "zookeeper.ssl.cipher.suites", .list, nil,
            documentation: "Cipher suites allowed towards ZooKeeper."),
        Setting(
            "zookeeper.ssl.endpoint.identification.algorithm", .string, "HTTPS",
            documentation:
                "Whether a ZooKeeper server's certificate must bear its host name: HTTPS for yes, empty for no."),
        Setting(
            "zookeeper.ssl.crl.enable", .boolean, "false",
            documentation: "Look up revocation lists for ZooKeeper's certificates."),
        Setting(
            "zookeeper.ssl.ocsp.enable", .boolean, "false",
            documentation: "Ask about the revocation of ZooKeeper's certificates online."),
    ]
}
