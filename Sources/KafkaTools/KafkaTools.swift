// SPDX-License-Identifier: Apache-2.0

/// Kafka's commands, with Apache's options, output and exit codes.
package enum KafkaTools {
    /// The Kafka release whose tools these follow, as `--version` prints it.
    package static let version = "3.9.0"

    /// The names of all commands: Apache's without `kafka-` and `.sh`.
    package static var commandNames: [String] { commands.map { $0.name } }

    /// Runs one command and returns its exit code. Prints to the process's streams.
    package static func run(command: String, arguments: [String]) async -> Int32 {
        await run(command: command, arguments: arguments, console: .standard)
    }

    /// As ``run(command:arguments:)``, on a given console.
    package static func run(command: String, arguments: [String], console: Console) async -> Int32 {
        defer { console.flush() }
        guard let tool = commands.first(where: { $0.name == command }) else {
            console.error("There is no command \(command). Commands: \(commandNames.joined(separator: ", "))")
            return 1
        }
        return await tool.run(arguments: arguments, console: console)
    }

    private static let commands: [any ToolCommand.Type] = [
        TopicsCommand.self, ConsoleProducerCommand.self, ConsoleConsumerCommand.self, ProducerPerfCommand.self,
        ConsumerPerfCommand.self, GetOffsetsCommand.self, ClusterCommand.self, BrokerApiVersionsCommand.self,
        DeleteRecordsCommand.self, LogDirsCommand.self, ConfigsCommand.self, ConsumerGroupsCommand.self,
        DumpLogCommand.self, LeaderElectionCommand.self, TransactionsCommand.self, ReassignPartitionsCommand.self,
        ReplicaVerificationCommand.self,
    ]
}
