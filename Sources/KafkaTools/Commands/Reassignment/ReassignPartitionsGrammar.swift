// SPDX-License-Identifier: Apache-2.0

extension ReassignPartitionsCommand {
    /// What the command can do, in the order in which messages list it, and the options that each knows.
    enum Action: String, CaseIterable {
        case generate, execute, verify, cancel, list

        var required: [String] {
            switch self {
            case .generate: ["topics-to-move-json-file", "broker-list"]
            case .execute, .verify, .cancel: ["reassignment-json-file"]
            case .list: []
            }
        }

        var permitted: [String] {
            switch self {
            case .generate: ["command-config", "disable-rack-aware"]
            case .execute:
                [
                    "additional", "command-config", "throttle", "replica-alter-log-dirs-throttle", "timeout",
                    "disallow-replication-factor-change",
                ]
            case .verify: ["command-config", "preserve-throttles"]
            case .cancel: ["command-config", "preserve-throttles", "timeout"]
            case .list: ["command-config"]
            }
        }
    }

    static let grammar: OptionGrammar = {
        var grammar = OptionGrammar()
        addActions(to: &grammar)
        addConnections(to: &grammar)
        addFiles(to: &grammar)
        addThrottles(to: &grammar)
        return grammar
    }()

    private static func addActions(to grammar: inout OptionGrammar) {
        grammar.flag(
            "verify",
            "Verify if the reassignment completed as specified by the --reassignment-json-file option. If there is a throttle engaged for the replicas specified, and the rebalance has completed, the throttle will be removed"
        )
        grammar.flag(
            "generate",
            "Generate a candidate partition reassignment configuration. Note that this only generates a candidate assignment, it does not execute it."
        )
        grammar.flag(
            "execute", "Kick off the reassignment as specified by the --reassignment-json-file option.")
        grammar.flag("cancel", "Cancel an active reassignment.")
        grammar.flag("list", "List all active partition reassignments.")
        grammar.flag("disable-rack-aware", "Disable rack aware replica assignment")
        grammar.flag(
            "additional",
            "Execute this reassignment in addition to any other ongoing ones. This option can also be used to change the throttle of an ongoing reassignment."
        )
        grammar.flag("preserve-throttles", "Do not modify broker or topic throttles.")
        // Not in 3.9, where this is not said: KIP-860.
        grammar.flag(
            "disallow-replication-factor-change",
            "Denies the ability to change a partition's replication factor as part of this reassignment through adding validation against it."
        )
    }

    private static func addConnections(to grammar: inout OptionGrammar) {
        grammar.option(
            "bootstrap-server", value: "Server(s) to use for bootstrapping",
            summary: "The server(s) to use for bootstrapping.")
        grammar.option(
            "bootstrap-controller", value: "bootstrap controller to connect to",
            summary: "The controller to use for bootstrapping.")
        grammar.option(
            "command-config", value: "Admin client property file",
            summary: "Property file containing configs to be passed to Admin Client.")
    }

    private static func addFiles(to grammar: inout OptionGrammar) {
        grammar.option(
            "reassignment-json-file", value: "manual assignment json file path",
            summary:
                "The JSON file with the partition reassignment configurationThe format to use is - \n{\"partitions\":\n\t[{\"topic\": \"foo\",\n\t  \"partition\": 1,\n\t  \"replicas\": [1,2,3],\n\t  \"log_dirs\": [\"dir1\",\"dir2\",\"dir3\"] }],\n\"version\":1\n}\nNote that \"log_dirs\" is optional. When it is specified, its length must equal the length of the replicas list. The value in this list can be either \"any\" or the absolution path of the log directory on the broker. If absolute log directory path is specified, the replica will be moved to the specified log directory on the broker."
        )
        grammar.option(
            "topics-to-move-json-file", value: "topics to reassign json file path",
            summary:
                "Generate a reassignment configuration to move the partitions of the specified topics to the list of brokers specified by the --broker-list option. The format to use is - \n{\"topics\":\n\t[{\"topic\": \"foo\"},{\"topic\": \"foo1\"}],\n\"version\":1\n}"
        )
        grammar.option(
            "broker-list", value: "brokerlist",
            summary:
                "The list of brokers to which the partitions need to be reassigned in the form \"0,1,2\". This is required if --topics-to-move-json-file is used to generate reassignment configuration"
        )
    }

    private static func addThrottles(to grammar: inout OptionGrammar) {
        grammar.option(
            "throttle", .long, value: "throttle", default: "-1",
            summary:
                "The movement of partitions between brokers will be throttled to this value (bytes/sec). This option can be included with --execute when a reassignment is started, and it can be altered by resubmitting the current reassignment along with the --additional flag. The throttle rate should be at least 1 KB/s."
        )
        grammar.option(
            "replica-alter-log-dirs-throttle", .long, value: "replicaAlterLogDirsThrottle", default: "-1",
            summary:
                "The movement of replicas between log directories on the same broker will be throttled to this value (bytes/sec). This option can be included with --execute when a reassignment is started, and it can be altered by resubmitting the current reassignment along with the --additional flag. The throttle rate should be at least 1 KB/s."
        )
        grammar.option(
            "timeout", .long, value: "timeout", default: "10000",
            summary: "The maximum time in ms to wait for log directory replica assignment to begin.")
    }
}
