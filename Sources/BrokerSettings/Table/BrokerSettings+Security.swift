// SPDX-License-Identifier: Apache-2.0

extension BrokerSettings {
    /// TLS and SASL.
    static let security: [Setting] = [
        Setting(
            "connections.max.reauth.ms", .long, "0",
            documentation: "After how long a SASL connection must authenticate again; 0 for never."),
        Setting(
            "sasl.server.max.receive.size", .int, "524288",
            documentation: "The largest SASL token accepted before authentication."),
        Setting(
            "security.providers", .string, nil, relevance: .java,
            documentation: "Java classes that provide security algorithms."),
        Setting(
            "principal.builder.class", .class,
            "org.apache.kafka.common.security.authenticator.DefaultKafkaPrincipalBuilder", .any, .perBroker,
            relevance: .java,
            documentation: "Java class that turns an authenticated connection into a principal."),
        Setting(
            "ssl.client.auth", .string, "none", .oneOf(["required", "requested", "none"]), .perBroker,
            documentation: "Whether TLS clients must show a certificate: `required`, `requested` or `none`."),
        Setting(
            "ssl.principal.mapping.rules", .string, "DEFAULT",
            documentation: "Rules that turn a certificate's distinguished name into a principal's name."),
        Setting(
            "ssl.allow.dn.changes", .boolean, "false",
            documentation: "Allow a new key store whose certificate has another distinguished name."),
        Setting(
            "ssl.allow.san.changes", .boolean, "false",
            documentation: "Allow a new key store whose certificate has other alternative names."),
        Setting(
            "ssl.protocol", .string, "TLSv1.3", .any, .perBroker,
            documentation: "TLS protocol that a negotiation starts from."),
        Setting(
            "ssl.provider", .string, nil, .any, .perBroker, relevance: .java,
            documentation: "Java provider of TLS."),
        Setting(
            "ssl.enabled.protocols", .list, "TLSv1.2,TLSv1.3", .any, .perBroker,
            documentation: "TLS versions allowed."),
        Setting(
            "ssl.keystore.type", .string, "JKS", .any, .perBroker,
            documentation: "Format of the key store: JKS, PKCS12 or PEM."),
        Setting(
            "ssl.keystore.location", .string, nil, .any, .perBroker,
            documentation: "File with the private key and its certificate chain."),
        Setting(
            "ssl.keystore.password", .password, nil, .any, .perBroker,
            documentation: "Password of the key store; not for PEM."),
        Setting(
            "ssl.key.password", .password, nil, .any, .perBroker,
            documentation: "Password of the private key."),
        Setting(
            "ssl.keystore.key", .password, nil, .any, .perBroker,
            documentation: "The private key itself, as PEM."),
        Setting(
            "ssl.keystore.certificate.chain", .password, nil, .any, .perBroker,
            documentation: "The certificate chain itself, as PEM."),
        Setting(
            "ssl.truststore.type", .string, "JKS", .any, .perBroker,
            documentation: "Format of the trust store: JKS, PKCS12 or PEM."),
        Setting(
            "ssl.truststore.location", .string, nil, .any, .perBroker,
            documentation: "File with the certificates by which peers are trusted."),
        Setting(
            "ssl.truststore.password", .password, nil, .any, .perBroker,
            documentation: "Password of the trust store; not for PEM."),
        Setting(
            "ssl.truststore.certificates", .password, nil, .any, .perBroker,
            documentation: "The trusted certificates themselves, as PEM."),
        Setting(
            "ssl.keymanager.algorithm", .string, "SunX509", .any, .perBroker, relevance: .java,
            documentation: "Java algorithm that chooses keys."),
        Setting(
            "ssl.trustmanager.algorithm", .string, "PKIX", .any, .perBroker, relevance: .java,
            documentation: "Java algorithm that judges trust."),
        Setting(
            "ssl.endpoint.identification.algorithm", .string, "https", .any, .perBroker,
            documentation: "Whether a server's certificate must bear its host name: https for yes, empty for no."),
        Setting(
            "ssl.secure.random.implementation", .string, nil, .any, .perBroker, relevance: .java,
            documentation: "Java source of random numbers for TLS."),
        Setting(
            "ssl.cipher.suites", .list, "", .any, .perBroker,
            documentation: "Cipher suites allowed; the library's choice where empty."),
        Setting(
            "ssl.engine.factory.class", .class, nil, .any, .perBroker, relevance: .java,
            documentation: "Java class that builds TLS engines."),
        Setting(
            "sasl.mechanism.inter.broker.protocol", .string, "GSSAPI", .any, .perBroker,
            documentation: "The SASL mechanism between brokers."),
        Setting(
            "sasl.enabled.mechanisms", .list, "GSSAPI", .any, .perBroker,
            documentation: "The SASL mechanisms offered to clients."),
        Setting(
            "sasl.server.callback.handler.class", .class, nil, relevance: .java,
            documentation: "Java class that checks credentials."),
        Setting(
            "sasl.kerberos.principal.to.local.rules", .list, "DEFAULT", .any, .perBroker,
            documentation: "Rules that turn a Kerberos principal into a short name."),
        Setting(
            "sasl.jaas.config", .password, nil, .any, .perBroker,
            documentation: "Login module and options of a SASL mechanism, in JAAS notation."),
        Setting(
            "sasl.client.callback.handler.class", .class, nil, relevance: .java,
            documentation: "Java class that supplies credentials towards other brokers."),
        Setting(
            "sasl.login.class", .class, nil, relevance: .java,
            documentation: "Java class that logs in."),
        Setting(
            "sasl.login.callback.handler.class", .class, nil, relevance: .java,
            documentation: "Java class that supplies login credentials."),
        Setting(
            "sasl.kerberos.service.name", .string, nil, .any, .perBroker,
            documentation: "The Kerberos service name of the brokers."),
        Setting(
            "sasl.kerberos.kinit.cmd", .string, "/usr/bin/kinit", .any, .perBroker,
            documentation: "The kinit command."),
        Setting(
            "sasl.kerberos.ticket.renew.window.factor", .double, "0.80", .any, .perBroker,
            documentation: "The share of a ticket's life after which it is renewed."),
        Setting(
            "sasl.kerberos.ticket.renew.jitter", .double, "0.05", .any, .perBroker,
            documentation: "The share of random jitter on that time."),
        Setting(
            "sasl.kerberos.min.time.before.relogin", .long, "60000", .any, .perBroker,
            documentation: "The shortest time between two renewals."),
        Setting(
            "sasl.login.refresh.window.factor", .double, "0.80", .any, .perBroker,
            documentation: "The share of a credential's life after which it is refreshed."),
        Setting(
            "sasl.login.refresh.window.jitter", .double, "0.05", .any, .perBroker,
            documentation: "The share of random jitter on that time."),
        Setting(
            "sasl.login.refresh.min.period.seconds", .short, "60", .any, .perBroker,
            documentation: "The shortest time before a credential is refreshed."),
        Setting(
            "sasl.login.refresh.buffer.seconds", .short, "300", .any, .perBroker,
            documentation: "How long before its end a credential is refreshed at the latest."),
        Setting(
            "sasl.login.connect.timeout.ms", .int, nil,
            documentation: "How long a connection to the identity provider may take."),
        Setting(
            "sasl.login.read.timeout.ms", .int, nil,
            documentation: "How long an answer of the identity provider may take."),
        Setting(
            "sasl.login.retry.backoff.max.ms", .long, "10000",
            documentation: "The longest wait between attempts at the identity provider."),
        Setting(
            "sasl.login.retry.backoff.ms", .long, "100",
            documentation: "The first wait between attempts at the identity provider."),
        Setting(
            "sasl.oauthbearer.scope.claim.name", .string, "scope",
            documentation: "The token's claim that holds its scope."),
        Setting(
            "sasl.oauthbearer.sub.claim.name", .string, "sub",
            documentation: "The token's claim that holds its subject."),
        Setting(
            "sasl.oauthbearer.token.endpoint.url", .string, nil,
            documentation: "Where tokens are obtained."),
        Setting(
            "sasl.oauthbearer.jwks.endpoint.url", .string, nil,
            documentation: "Where the keys lie that tokens are signed with."),
        Setting(
            "sasl.oauthbearer.jwks.endpoint.refresh.ms", .long, "3600000",
            documentation: "How often those keys are fetched."),
        Setting(
            "sasl.oauthbearer.jwks.endpoint.retry.backoff.ms", .long, "100",
            documentation: "The first wait between attempts to fetch them."),
        Setting(
            "sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms", .long, "10000",
            documentation: "The longest wait between attempts to fetch them."),
        Setting(
            "sasl.oauthbearer.clock.skew.seconds", .int, "30",
            documentation: "How far the token issuer's clock may differ from ours."),
        Setting(
            "sasl.oauthbearer.expected.audience", .list, nil,
            documentation: "The audiences of which a token must name one."),
        Setting(
            "sasl.oauthbearer.expected.issuer", .string, nil,
            documentation: "The issuer that a token must name."),
    ]
}
