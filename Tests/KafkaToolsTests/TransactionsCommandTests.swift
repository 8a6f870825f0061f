// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import KafkaTools

/// The command line of `kafka-transactions`, and what is refused before a broker is asked. What it prints of real
/// transactions is tested with real brokers.
@Suite struct TransactionsCommandTests {
    private func run(_ arguments: String...) async -> (code: Int32, output: String, error: [String]) {
        let console = Console.memory()
        let code = await KafkaTools.run(command: "transactions", arguments: arguments, console: console)
        return (code, console.output, console.errorOutput.split(separator: "\n").map(String.init))
    }

    @Test(arguments: [
        (["list"], "argument --bootstrap-server is required"),
        (["--bootstrap-server", "a:1"], "too few arguments"),
        (["--bootstrap-server"], "argument --bootstrap-server: expected one argument"),
        (["--bootstrap-server", "a:1", "describe"], "argument --transactional-id is required"),
        (["--bootstrap-server=a:1", "describe-producers", "--topic", "t"], "argument --partition is required"),
        (["--bootstrap-server", "a:1", "list", "--topic", "t"], "unrecognized arguments: '--topic'"),
        (
            ["--bootstrap-server", "a:1", "forget"],
            "invalid choice: 'forget' (choose from 'list', 'describe', 'describe-producers', 'abort', 'find-hanging')"
        ),
        (
            ["--bootstrap-server", "127.0.0.1:1", "describe-producers", "--topic", "t", "--partition", "x"],
            "argument --partition: could not convert 'x' to Integer (32 bit, signed)"
        ),
    ])
    func refusesAsArgparseDoes(_ arguments: [String], _ message: String) async throws {
        let console = Console.memory()
        let code = await KafkaTools.run(command: "transactions", arguments: arguments, console: console)
        let lines = console.errorOutput.split(separator: "\n")
        #expect(code == 1)
        #expect(lines.first?.hasPrefix("usage: kafka-transactions.sh ") == true)
        #expect(lines.last == "kafka-transactions.sh: error: \(message)")
    }

    @Test func refusesWhatDoesNotSayWhichTransactionIsMeant() async {
        let server = ["--bootstrap-server", "127.0.0.1:1"]
        func message(_ arguments: String...) async -> String {
            let console = Console.memory()
            let code = await KafkaTools.run(command: "transactions", arguments: server + arguments, console: console)
            #expect(code == 1)
            return console.errorOutput.split(separator: "\n").joined(separator: "\n")
        }
        let partition = ["abort", "--topic", "t", "--partition", "0"]
        #expect(
            await message("find-hanging")
                == "The `find-hanging` command requires either --topic or --broker-id to limit the scope of the search")
        #expect(
            await message("find-hanging", "--broker-id", "1", "--partition", "0")
                == "The --partition argument requires --topic to be provided")
        #expect(
            await message(partition[0], partition[1], partition[2], partition[3], partition[4]).hasPrefix(
                "The transaction to abort must be identified either with --start-offset"))
        #expect(
            await message(partition[0], "--topic", "t", "--partition", "0", "--producer-id", "1")
                == "Missing required argument --producer-epoch")
        #expect(
            await message(
                partition[0], "--topic", "t", "--partition", "0", "--producer-id", "1", "--producer-epoch", "0")
                == "Missing required argument --coordinator-epoch")
    }

    @Test func helps() async {
        let help = await run("--help")
        #expect(help.code == 0 && help.error.isEmpty)
        #expect(
            help.output.hasPrefix(
                "usage: kafka-transactions.sh [-h] [-v] [--command-config FILE] --bootstrap-server host:port COMMAND ...\n"
            ))
        #expect(await run("--version").output == "3.9.0\n")
        #expect(
            await run("abort", "-h").output.hasPrefix(
                "usage: kafka-transactions.sh abort [-h] --topic TOPIC --partition PARTITION [--start-offset START_OFFSET]"
            ))
    }

    @Test func optionsOfAnAbortAreListedByTheBrokersThatTheyAreFor() async {
        let lines = await run("abort", "--help").output.split(separator: "\n", omittingEmptySubsequences: false)
        let expected = [
            "named arguments:", "  -h, --help             show this help message and exit",
            "  --topic TOPIC          topic name", "  --partition PARTITION  partition number", "",
            "Brokers on versions 3.0 and above:",
            "  For newer brokers, only the start offset of the transaction to be aborted is required", "",
            "  --start-offset START_OFFSET", "                         start offset of the transaction to abort", "",
            "Brokers on versions older than 3.0:",
            "  For older brokers, you must provide all of these arguments", "",
            "  --producer-id PRODUCER_ID", "                         producer id",
        ]
        #expect(lines.dropFirst(2).prefix(expected.count).map(String.init) == expected)
    }

    /// Minutes are an Integer, and a number that fits is not too many milliseconds.
    @Test func aTimeoutOfManyMinutes() async throws {
        try await ModelBroker.run { broker, address in
            broker.createTopic("t", partitions: 3)
            let search = ["--bootstrap-server", address, "find-hanging", "--topic", "t", "--max-transaction-timeout"]
            let console = Console.memory()
            #expect(
                await KafkaTools.run(command: "transactions", arguments: search + ["2147483648"], console: console) == 1
            )
            #expect(
                console.errorOutput.hasSuffix(
                    "error: argument --max-transaction-timeout: could not convert '2147483648' to Integer (32 bit, signed)\n"
                ))
            #expect(
                await KafkaTools.run(command: "transactions", arguments: search + ["2147483647"], console: console) == 0
            )
            #expect(console.output.hasPrefix("Topic\tPartition\tProducerId\t"))
        }
    }

    @Test func aLeaderIsAskedAboutManyPartitionsAtOnce() async throws {
        try await ModelBroker.run { broker, address in
            broker.createTopic("t", partitions: 600)
            let console = Console.memory()
            let code = await KafkaTools.run(
                command: "transactions",
                arguments: ["--bootstrap-server", address, "find-hanging", "--topic", "t"], console: console)
            #expect(code == 0)
            #expect(console.output.split(separator: "\n").count == 1)
            #expect(broker.state.withLock { $0.requests[.describeProducers] } == 2)
        }
    }

    @Test func columnsAreAsWideAsTheirLongestValue() {
        var table = PaddedTable("Id", "State")
        #expect(table.lines == ["Id\tState\t"])
        table.rows = [["long", "x"]]
        #expect(table.lines == ["Id  \tState\t", "long\tx    \t"])
    }
}
