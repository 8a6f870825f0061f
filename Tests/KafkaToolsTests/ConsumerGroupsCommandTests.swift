// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import KafkaTools

/// What `kafka-consumer-groups` refuses before a broker is asked, as Kafka 3.9 refuses it.
@Suite struct ConsumerGroupsCommandTests {
    private func run(_ arguments: [String]) async -> (code: Int32, output: String, error: [String]) {
        let console = Console.memory()
        let code = await KafkaTools.run(command: "consumer-groups", arguments: arguments, console: console)
        return (code, console.output, console.errorOutput.split(separator: "\n").map(String.init))
    }

    @Test(arguments: [
        // The server comes before the action.
        (["--list", "--group", "g"], "Missing required argument \"[bootstrap-server]\""),
        (
            ["--bootstrap-server", "a:1", "--describe"],
            "Option [describe] takes one of these options: [reset-offsets], [describe], [delete], [list]"
        ),
        (
            ["--bootstrap-server", "a:1", "--delete"],
            "Option [delete] takes one of these options: [all-groups], [group]"
        ),
        (
            ["--bootstrap-server", "a:1", "--delete-offsets", "--group", "g"],
            "Option [delete-offsets] takes the following options: [all-groups], [group]"
        ),
        (
            ["--bootstrap-server", "a:1", "--list", "--group", "g"],
            "Option \"[group]\" can't be used with option \"[list]\""
        ),
        (
            ["--bootstrap-server", "a:1", "--list", "--topic", "t"],
            "Option \"[topic]\" can't be used with option \"[list]\""
        ),
        (
            ["--bootstrap-server", "a:1", "--describe", "--group", "g", "--topic", "t"],
            "Option \"[topic]\" can't be used with option \"[describe]\""
        ),
        // What goes with what is looked at before how many actions there are.
        (
            ["--bootstrap-server", "a:1", "--group", "g", "--all-groups"],
            "Option \"[group]\" can't be used with option \"[all-groups]\""
        ),
        (
            ["--bootstrap-server", "a:1", "--describe", "--delete", "--group", "g"],
            "Command must include exactly one action: --list, --describe, --delete, --reset-offsets, --delete-offsets"
        ),
        (
            ["--bootstrap-server", "a:1", "--reset-offsets", "--group", "g", "--to-latest", "--to-earliest"],
            "Option \"[to-earliest]\" can't be used with option \"[to-latest]\""
        ),
        (
            ["--bootstrap-server", "127.0.0.1:1", "--list", "--state", "stable,Nope"],
            "Invalid state list 'stable,Nope'. Valid states are: PreparingRebalance, CompletingRebalance, Stable, Dead, Empty, Assigning, Reconciling"
        ),
        (
            ["--bootstrap-server", "127.0.0.1:1", "--list", "--state", "Stable,,Empty"],
            "Invalid state list 'Stable,,Empty'. Valid states are: PreparingRebalance, CompletingRebalance, Stable, Dead, Empty, Assigning, Reconciling"
        ),
        (
            ["--bootstrap-server", "127.0.0.1:1", "--list", "--type", "share"],
            "Invalid types list 'share'. Valid types are: Consumer, Classic"
        ),
        (
            ["--bootstrap-server", "127.0.0.1:1", "--delete-offsets", "--group", "g", "--topic", "t:0,x"],
            "Invalid partition 'x' specified in topic arg 't:0,x''"
        ),
        (
            ["--bootstrap-server", "127.0.0.1:1", "--delete-offsets", "--group", "g", "--topic", "t:"],
            "Invalid topic arg 't:', expected topic name and partitions"
        ),
    ])
    func refusals(_ arguments: [String], _ message: String) async {
        let (code, output, error) = await run(arguments)
        #expect(code == 1 && output.isEmpty)
        // A reset without --execute is warned of first.
        #expect(error.first { !$0.hasPrefix("WARN: ") } == message)
        #expect(error.contains { $0.hasPrefix("Option ") && $0.hasSuffix("Description                            ") })
    }

    @Test(arguments: [
        (["--list", "--members"], "[members]"), (["--delete", "--group", "g", "--offsets"], "[offsets]"),
        (["--list", "--verbose"], "[verbose]"), (["--delete", "--group", "g", "--state"], "[state]"),
        (["--describe", "--group", "g", "--type"], "[type]"),
        (["--list", "--verbose", "--members", "--offsets"], "[members, offsets, verbose]"),
    ])
    func optionsWithoutTheirAction(_ arguments: [String], _ options: String) async {
        let (code, _, error) = await run(["--bootstrap-server", "a:1"] + arguments)
        #expect(code == 1)
        #expect(
            error == [
                "Exception in thread \"main\" joptsimple.UnavailableOptionException: Option(s) \(options) are unavailable given other options on the command line"
            ])
    }

    @Test func helpNeedsNoAction() async {
        #expect(
            await run(["--help", "--members"]).error.first?.hasPrefix("This tool helps to list all consumer") == true)
    }
}
