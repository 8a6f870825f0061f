// SPDX-License-Identifier: Apache-2.0

import KafkaClient
import KafkaModel

typealias TopicPartition = KafkaClient.TopicPartition

/// One of Kafka's commands.
protocol ToolCommand: Sendable {
    /// Apache's name without `kafka-` and `.sh`.
    static var name: String { get }
    /// Runs the command and returns its exit code.
    static func run(arguments: [String], console: Console) async -> Int32
}

/// Why a command ends before its work is done.
enum ToolExit: Error {
    /// The code says all, everything is printed.
    case code(Int32)
    /// A message and the help on standard error, code 1.
    case usage(String)
}

/// A Java exception as users of Apache's tools see it: class and message.
struct JavaException: Error {
    var javaClass: String
    var message: String

    static func illegalArgument(_ message: String) -> JavaException {
        JavaException(javaClass: "java.lang.IllegalArgumentException", message: message)
    }

    init(javaClass: String, message: String) {
        self.javaClass = javaClass
        self.message = message
    }

    /// What Apache's tool would have thrown where ours threw `error`.
    init(_ error: any Error) {
        switch error {
        case let error as JavaException: self = error
        case let error as OptionError: self.init(javaClass: error.javaClass, message: error.message)
        case let error as KafkaError:
            self.init(javaClass: "org.apache.kafka.common.errors." + Self.className(error), message: error.message)
        default: self.init(javaClass: "java.lang.RuntimeException", message: "\(error)")
        }
    }

    /// `class: message`, as traces begin.
    var summary: String { "\(javaClass): \(message)" }

    private static func className(_ error: KafkaError) -> String {
        switch error.kind {
        case .broker: className(error.errorCode ?? .unknownServerError)
        case .timeout: "TimeoutException"
        case .disconnected: "DisconnectException"
        case .unsupportedVersion: "UnsupportedVersionException"
        case .configuration: "ConfigException"
        case .recordTooLarge: "RecordTooLargeException"
        case .noOffset: "NoOffsetForPartitionException"
        case .fenced: "ProducerFencedException"
        case .malformedResponse, .illegalState, .closed, .commitFailed: "KafkaException"
        }
    }

    /// `TOPIC_ALREADY_EXISTS` is thrown as `TopicExistsException`: mostly the code's name in camel case, but not always.
    static func className(_ code: ErrorCode) -> String {
        if let name = exceptions[code.rawValue] { return name }
        var name = ""
        for word in "\(code)".split(separator: "_") { name += word.prefix(1) + word.dropFirst().lowercased() }
        return name.hasSuffix("Exception") ? name : name + "Exception"
    }

    private static let exceptions: [Int16: String] = [
        -1: "UnknownServerException", 2: "CorruptRecordException", 7: "TimeoutException",
        10: "RecordTooLargeException", 11: "ControllerMovedException", 14: "CoordinatorLoadInProgressException",
        17: "InvalidTopicException", 18: "RecordBatchTooLargeException", 25: "UnknownMemberIdException",
        33: "UnsupportedSaslMechanismException", 36: "TopicExistsException", 40: "InvalidConfigurationException",
        64: "UnsupportedByAuthenticationException", 61: "DelegationTokenDisabledException",
        62: "DelegationTokenNotFoundException", 63: "DelegationTokenOwnerMismatchException",
        65: "DelegationTokenAuthorizationException", 66: "DelegationTokenExpiredException",
        68: "GroupNotEmptyException", 69: "GroupIdNotFoundException", 85: "NoReassignmentInProgressException",
        86: "GroupSubscribedToTopicException", 29: "TopicAuthorizationException",
        30: "GroupAuthorizationException", 31: "ClusterAuthorizationException",
        53: "TransactionalIdAuthorizationException", 58: "SaslAuthenticationException",
        105: "TransactionalIdNotFoundException", 41: "NotControllerException", 6: "NotLeaderOrFollowerException",
        45: "OutOfOrderSequenceException", 46: "DuplicateSequenceException", 49: "InvalidPidMappingException",
        19: "NotEnoughReplicasException", 48: "InvalidTxnStateException", 50: "InvalidTxnTimeoutException",
        56: "KafkaStorageException",
    ]
}

extension ToolCommand {
    /// Reads the command line; `--help`, `--version` and, with `purpose`, an empty line end the command here.
    static func parse(
        _ arguments: [String], _ grammar: OptionGrammar, purpose: String, console: Console
    ) throws -> ParsedOptions {
        let options = try grammar.parse(arguments)
        if arguments.isEmpty || options.has("help") { throw ToolExit.usage(purpose) }
        if options.has("version") {
            console.print(KafkaTools.version)
            throw ToolExit.code(0)
        }
        return options
    }

    /// Throws the usage if a required option is not there.
    static func require(_ options: ParsedOptions, _ names: String...) throws {
        for name in names where !options.has(name) { throw ToolExit.usage("Missing required argument \"[\(name)]\"") }
    }

    /// Throws the usage if an option stands beside one that it cannot go with.
    static func forbid(_ options: ParsedOptions, _ name: String, with others: [String]) throws {
        guard options.has(name) else { return }
        for other in others where options.has(other) {
            throw ToolExit.usage("Option \"[\(name)]\" can't be used with option \"[\(other)]\"")
        }
    }

    /// Prints a message and the help to standard error.
    static func printUsage(_ message: String, _ grammar: OptionGrammar, _ console: Console) -> Int32 {
        console.error(message)
        console.error(HelpFormatter.help(for: grammar))
        return 1
    }

    /// Prints message and class of what a tool's `main` catches at last: `e.getMessage()`, then the trace.
    static func printUncaught(_ error: any Error, _ console: Console) -> Int32 {
        let exception = JavaException(error)
        console.error(exception.message)
        console.error(exception.summary)
        console.error("")
        return 1
    }

    /// Runs a command's body with the endings that all share.
    static func ending(
        _ grammar: OptionGrammar, _ console: Console, _ body: () async throws -> Int32
    ) async -> Int32 {
        do {
            return try await body()
        } catch ToolExit.code(let code) {
            return code
        } catch ToolExit.usage(let message) {
            return printUsage(message, grammar, console)
        } catch {
            return printUncaught(error, console)
        }
    }

    /// The settings of an admin client: those of a file, then the bootstrap servers.
    static func adminConfiguration(
        _ options: ParsedOptions, file: String = "command-config", servers: String = "bootstrap-server"
    ) throws -> ClientConfiguration {
        var configuration = ClientConfiguration()
        if let path = try options.value(file) {
            try configuration.load(propertiesText: try TextFile.read(path))
        }
        if let list = try options.value(servers) { try configuration.set("bootstrap.servers", list) }
        return configuration
    }

    /// Opens an admin client, hands it over, and closes it.
    static func withAdmin<Result>(
        _ configuration: ClientConfiguration, _ console: Console, _ body: (AdminClient) async throws -> Result
    ) async throws -> Result {
        let admin = try AdminClient(
            configuration,
            observer: ClientLog.observer(
                "AdminClient clientId=\(configuration.clientID.isEmpty ? "adminclient-1" : configuration.clientID)",
                console))
        do {
            let result = try await body(admin)
            await admin.close()
            return result
        } catch {
            await admin.close()
            throw error
        }
    }
}

/// Log lines as Apache's tools write them to standard error.
enum ClientLog {
    static func line(_ level: String, _ message: String, logger: String) -> String {
        "[\(TimeFormat.log(WallClock.now()))] \(level) \(message) (\(logger))"
    }

    static func observer(_ client: String, _ console: Console) -> @Sendable (Cluster.Event) -> Void {
        { event in
            switch event {
            case .connectionFailed(let broker):
                // Java writes an address without a name as `/address`.
                let host = broker.host.allSatisfy { $0.isHexDigit || $0 == "." || $0 == ":" } ? "" : broker.host
                console.error(
                    line(
                        "WARN",
                        "[\(client)] Connection to node \(broker.id) (\(host)/\(broker.host):\(broker.port)) could not be established. Node may not be available.",
                        logger: "org.apache.kafka.clients.NetworkClient"))
            case .metadataError(let topic, let code):
                // Looked up again before anything else happens, as after any creation: not worth a line.
                if client.hasPrefix("Producer") || client.hasPrefix("Consumer") {
                    console.error(
                        line(
                            "WARN",
                            "[\(client)] Error while fetching metadata with correlation id 1 : {\(topic)=\(code)}",
                            logger: "org.apache.kafka.clients.NetworkClient"))
                }
            }
        }
    }
}
