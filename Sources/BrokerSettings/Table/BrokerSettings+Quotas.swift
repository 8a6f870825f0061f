// SPDX-License-Identifier: Apache-2.0

extension BrokerSettings {
    /// Windows over which rates are measured.
    static let quotas: [Setting] = [
        Setting(
            "quota.window.num", .int, "11", .atLeast(1), relevance: .idle,
            documentation: "Samples over which client rates are measured."),
        Setting(
            "replication.quota.window.num", .int, "11", .atLeast(1),
            documentation: "Samples over which replication rates are measured."),
        Setting(
            "alter.log.dirs.replication.quota.window.num", .int, "11", .atLeast(1), relevance: .idle,
            documentation: "Samples over which the rate of moves between directories is measured."),
        Setting(
            "controller.quota.window.num", .int, "11", .atLeast(1), relevance: .idle,
            documentation: "Samples over which the rate of topic changes is measured."),
        Setting(
            "quota.window.size.seconds", .int, "1", .atLeast(1), relevance: .idle,
            documentation: "Length of a sample of client rates."),
        Setting(
            "replication.quota.window.size.seconds", .int, "1", .atLeast(1),
            documentation: "Length of a sample of replication rates."),
        Setting(
            "alter.log.dirs.replication.quota.window.size.seconds", .int, "1", .atLeast(1), relevance: .idle,
            documentation: "Length of a sample of the rate of moves between directories."),
        Setting(
            "controller.quota.window.size.seconds", .int, "1", .atLeast(1), relevance: .idle,
            documentation: "Length of a sample of the rate of topic changes."),
        Setting(
            "client.quota.callback.class", .class, nil, relevance: .java,
            documentation: "Java class that decides client quotas."),
    ]
}
