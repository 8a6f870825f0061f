// SPDX-License-Identifier: Apache-2.0

extension ConsumerGroupsCommand {
    private static let selections = ["group", "all-groups"]
    private static let groupLevel = ["list", "describe", "delete", "reset-offsets"]

    /// Refuses options that do not go together, in the words and the order of Apache's tool.
    static func check(_ options: ParsedOptions, _ console: Console) throws {
        try require(options, "bootstrap-server")
        let hasSelection = selections.contains { options.has($0) }
        if options.has("describe") {
            guard hasSelection else {
                // 3.9 lists the actions here, where it means the selections.
                throw ToolExit.usage("Option [describe] takes one of these options: \(listed(groupLevel))")
            }
            let views = ["members", "offsets", "state"]
            guard views.count(where: { options.has($0) }) <= 1 else {
                throw ToolExit.usage(
                    "Option [describe] takes at most one of these options: [members], [offsets], [state]")
            }
            if try options.value("state") != nil {
                throw ToolExit.usage("Option [describe] does not take a value for [state]")
            }
        }
        if options.has("delete") {
            guard hasSelection else {
                throw ToolExit.usage("Option [delete] takes one of these options: \(listed(selections))")
            }
            if options.has("topic") {
                throw ToolExit.usage(
                    "The consumer does not support topic-specific offset deletion from a consumer group.")
            }
        }
        if options.has("delete-offsets"), !options.has("group") || !options.has("topic") {
            throw ToolExit.usage("Option [delete-offsets] takes the following options: \(listed(selections))")
        }
        if options.has("reset-offsets") {
            guard !options.has("dry-run") || !options.has("execute") else {
                throw ToolExit.usage("Option [reset-offsets] only accepts one of [execute] and [dry-run]")
            }
            if !options.has("dry-run"), !options.has("execute") {
                console.error(
                    "WARN: No action will be performed as the --execute option is missing.In a future major release, the default behavior of this command will be to prompt the user before executing the reset rather than doing a dry run. You should add the --dry-run option explicitly if you are scripting this command and want to keep the current default behavior without prompting."
                )
            }
            guard hasSelection else {
                throw ToolExit.usage("Option [reset-offsets] takes one of these options: \(listed(selections))")
            }
            let scenarios = JavaOrder.options(ConsumerGroupsReset.scenarios)
            for scenario in [
                "to-offset", "to-datetime", "by-duration", "to-earliest", "to-latest", "to-current", "shift-by",
                "from-file",
            ] {
                try forbid(options, scenario, with: scenarios.filter { $0 != scenario })
            }
        }
        try forbid(options, "group", with: ["all-groups"])
        try forbid(options, "group", with: ["list"])
        try forbid(options, "topic", with: JavaOrder.options(["list", "describe"]))
    }

    /// Options as Java prints a set of them.
    static func listed(_ names: [String]) -> String {
        JavaOrder.options(names).map { "[\($0)]" }.joined(separator: ", ")
    }

    static let grammar: OptionGrammar = {
        var grammar = OptionGrammar()
        grammar.option(
            "bootstrap-server", value: "server to connect to", summary: "REQUIRED: The server(s) to connect to.")
        grammar.option(
            "group", value: "consumer group", summary: "The consumer group we wish to act on.")
        grammar.option(
            "topic", value: "topic",
            summary:
                "The topic whose consumer group information should be deleted or topic whose should be included in the reset offset process. In `reset-offsets` case, partitions can be specified using this format: `topic1:0,1,2`, where 0,1,2 are the partition to be included in the process. Reset-offsets also supports multiple topic inputs."
        )
        grammar.flag(
            "all-topics",
            "Consider all topics assigned to a group in the `reset-offsets` process.")
        grammar.flag("list", "List all consumer groups.")
        grammar.flag(
            "describe",
            "Describe consumer group and list offset lag (number of messages not yet processed) related to given group."
        )
        grammar.flag("all-groups", "Apply to all consumer groups.")
        grammar.flag(
            "delete",
            "Pass in groups to delete topic partition offsets and ownership information over the entire consumer group. For instance --group g1 --group g2"
        )
        grammar.option(
            "timeout", .long, value: "timeout (ms)", default: "5000",
            summary:
                "The timeout that can be set for some use cases. For example, it can be used when describing the group to specify the maximum amount of time in milliseconds to wait before the group stabilizes (when the group is just created, or is going through some changes)."
        )
        grammar.option(
            "command-config", value: "command config property file",
            summary: "Property file containing configs to be passed to Admin Client and Consumer.")
        grammar.flag(
            "reset-offsets",
            "Reset offsets of consumer group. Supports one consumer group at the time, and instances should be inactive\nHas 2 execution options: --dry-run (the default) to plan which offsets to reset, and --execute to update the offsets. Additionally, the --export option is used to export the results to a CSV format.\nYou must choose one of the following reset specifications: --to-datetime, --by-duration, --to-earliest, --to-latest, --shift-by, --from-file, --to-current, --to-offset.\nTo define the scope use --all-topics or --topic. One scope must be specified unless you use '--from-file'."
        )
        grammar.flag(
            "delete-offsets",
            "Delete offsets of consumer group. Supports one consumer group at the time, and multiple topics.")
        grammar.flag(
            "dry-run",
            "Only show results without executing changes on Consumer Groups. Supported operations: reset-offsets.")
        grammar.flag("execute", "Execute operation. Supported operations: reset-offsets.")
        grammar.flag(
            "export", "Export operation execution to a CSV file. Supported operations: reset-offsets.")
        grammar.option("to-offset", .long, value: "offset", summary: "Reset offsets to a specific offset.")
        grammar.option(
            "from-file", value: "path to CSV file", summary: "Reset offsets to values defined in CSV file.")
        grammar.option(
            "to-datetime", value: "datetime",
            summary: "Reset offsets to offset from datetime. Format: 'YYYY-MM-DDTHH:mm:SS.sss'")
        grammar.option(
            "by-duration", value: "duration",
            summary: "Reset offsets to offset by duration from current timestamp. Format: 'PnDTnHnMnS'")
        grammar.flag("to-earliest", "Reset offsets to earliest offset.")
        grammar.flag("to-latest", "Reset offsets to latest offset.")
        grammar.option(
            "shift-by", .long, value: "number-of-offsets",
            summary: "Reset offsets shifting current offset by 'n', where 'n' can be positive or negative.")
        grammar.flag("to-current", "Reset offsets to current offset.")
        grammar.flag(
            "members",
            "Describe members of the group. This option may be used with '--describe' and '--bootstrap-server' options only.\nExample: --bootstrap-server localhost:9092 --describe --group group1 --members"
        )
        grammar.flag("verbose", "Provide additional information, if any, when describing the group.")
        grammar.flag(
            "offsets",
            "Describe the group and list all topic partitions in the group along with their offset lag. This is the default sub-action of and may be used with '--describe' and '--bootstrap-server' options only.\nExample: --bootstrap-server localhost:9092 --describe --group group1 --offsets"
        )
        grammar.optional(
            "state",
            summary:
                "When specified with '--describe', includes the state of the group.\nExample: --bootstrap-server localhost:9092 --describe --group group1 --state\nWhen specified with '--list', it displays the state of all groups. It can also be used to list groups with specific states.\nExample: --bootstrap-server localhost:9092 --list --state stable,empty"
        )
        grammar.optional(
            "type",
            summary:
                "When specified with '--list', it displays the types of all the groups. It can also be used to list groups with specific types.\nExample: --bootstrap-server localhost:9092 --list --type classic,consumer"
        )
        for view in ["members", "verbose", "offsets"] { grammar.limit(view, toCallsWith: "describe") }
        grammar.limit("state", toCallsWith: "describe", "list")
        grammar.limit("type", toCallsWith: "list")
        return grammar
    }()
}
