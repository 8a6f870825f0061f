// SPDX-License-Identifier: Apache-2.0

import KafkaClient
import KafkaModel

/// `kafka-reassign-partitions`: moves partitions to other brokers and directories, and looks after such moves.
enum ReassignPartitionsCommand: ToolCommand {
    static let name = "reassign-partitions"

    /// What ends the command with a sentence only, where others come with their Java class.
    struct Terse: Error {
        var message: String
    }

    static func run(arguments: [String], console: Console) async -> Int32 {
        do {
            let options = try parse(
                arguments, grammar, purpose: "This tool helps to move topic partitions between replicas.",
                console: console)
            let action = try action(of: options)
            try check(options, for: action)
            var configuration = try adminConfiguration(options)
            if configuration.clientID.isEmpty { configuration.clientID = "reassign-partitions-tool" }
            return try await withAdmin(configuration, console) { admin in
                try await perform(action, options, admin, console)
                return 0
            }
        } catch ToolExit.code(let code) {
            return code
        } catch ToolExit.usage(let message) {
            return printUsage(message, grammar, console)
        } catch let error as OptionError {
            console.error(error.message)
            return 1
        } catch let error as Terse {
            console.print(error.message)
            return 1
        } catch {
            var exception = JavaException(error)
            if error is KafkaError {
                exception = JavaException(
                    javaClass: "java.util.concurrent.ExecutionException", message: exception.summary)
            }
            console.print("Error: \(exception.message)")
            console.print(exception.summary)
            console.print("")
            return 1
        }
    }

    // MARK: The command line

    private static func action(of options: ParsedOptions) throws -> Action {
        let given = Action.allCases.filter { options.has($0.rawValue) }
        guard given.count == 1, let action = given.first else {
            let all = Action.allCases.map { "--\($0.rawValue)" }.joined(separator: ", ")
            throw ToolExit.usage("Command must include exactly one action: \(all)")
        }
        return action
    }

    private static func check(_ options: ParsedOptions, for action: Action) throws {
        switch (options.has("bootstrap-server"), options.has("bootstrap-controller")) {
        case (true, true):
            throw ToolExit.usage("Please don't specify both --bootstrap-server and --bootstrap-controller")
        case (false, false):
            throw ToolExit.usage("Please specify either --bootstrap-server or --bootstrap-controller")
        default: break
        }
        for name in action.required { try require(options, name) }
        let allowed = Set(action.required + action.permitted + ["bootstrap-server", "bootstrap-controller"])
        for option in grammar.options where options.has(option.name) {
            guard option.name == action.rawValue || allowed.contains(option.name) else {
                throw ToolExit.usage("Option \"[\(option.name)]\" can't be used with action \"[\(action.rawValue)]\"")
            }
        }
        // Controllers that clients can reach are KRaft's.
        if options.has("bootstrap-controller") {
            throw JavaException(
                javaClass: "java.lang.UnsupportedOperationException",
                message: "The --bootstrap-controller option is not supported with these action.")
        }
    }

    // MARK: The actions

    private static func perform(
        _ action: Action, _ options: ParsedOptions, _ admin: AdminClient, _ console: Console
    ) async throws {
        func file() throws -> ReassignmentFile {
            try ReassignmentFile(try TextFile.read(try options.value("reassignment-json-file") ?? ""))
        }
        let execution = ReassignmentExecution(
            admin: admin, console: console, timeout: .milliseconds(try options.integer("timeout") ?? 10_000))
        let keepsThrottles = options.has("preserve-throttles")
        switch action {
        case .generate:
            try await ReassignmentProposal(admin: admin).print(
                topics: ReassignmentFile.topics(
                    try TextFile.read(try options.value("topics-to-move-json-file") ?? "")),
                brokers: ReassignmentFile.brokers(try options.value("broker-list") ?? ""),
                withRacks: !options.has("disable-rack-aware"), to: console)
        case .execute:
            try await execution.execute(
                file(), isAdditional: options.has("additional"),
                keepsReplicationFactor: options.has("disallow-replication-factor-change"),
                rate: options.integer("throttle") ?? -1,
                directoryRate: options.integer("replica-alter-log-dirs-throttle") ?? -1)
        case .verify:
            try await ReassignmentStatus(admin: admin, console: console)
                .verify(file(), keepsThrottles: keepsThrottles)
        case .cancel: try await execution.cancel(file(), keepsThrottles: keepsThrottles)
        case .list: try await ReassignmentStatus(admin: admin, console: console).list()
        }
    }
}
