// SPDX-License-Identifier: Apache-2.0

import KafkaClient

/// `kafka-configs`: shows and changes the settings of topics, brokers and loggers.
enum ConfigsCommand: ToolCommand {
    static let name = "configs"

    static func run(arguments: [String], console: Console) async -> Int32 {
        do {
            let options = try parse(
                arguments, grammar,
                purpose:
                    "This tool helps to manipulate and describe entity config for a topic, client, user, broker, ip or client-metrics",
                console: console)
            let resource = try check(options)
            let configuration = try adminConfiguration(options)
            try await withAdmin(configuration, console) { admin in
                if options.has("describe") {
                    try await describe(resource, options, admin, console)
                } else {
                    try await alter(resource, options, admin, console)
                }
            }
            return 0
        } catch ToolExit.code(let code) {
            return code
        } catch ToolExit.usage(let message) {
            return printUsage(message, grammar, console)
        } catch let error as JavaException where error.javaClass.hasSuffix("InvalidConfigurationException") {
            console.error(error.message)
            return 1
        } catch let error as JavaException where error.javaClass.hasSuffix("IllegalArgumentException") {
            console.error(error.message)
            return 1
        } catch {
            console.error("Error while executing config command with args '\(arguments.joined(separator: " "))'")
            let exception = JavaException(error)
            console.error(
                error is KafkaError
                    ? "java.util.concurrent.ExecutionException: \(exception.summary)" : exception.summary)
            return 1
        }
    }

    /// One resource, or all of its kind when the name is nil.
    private struct Target {
        var kind: ConfigurationResource.Kind
        var name: String?
        var isDefault: Bool
    }

    private static func check(_ options: ParsedOptions) throws -> Target {
        guard ["alter", "describe"].count(where: { options.has($0) }) == 1 else {
            throw ToolExit.usage("Command must include exactly one action: --describe, --alter")
        }
        guard options.has("bootstrap-server") else {
            throw JavaException.illegalArgument(
                "At least one of --bootstrap-server, --bootstrap-controller, or --zookeeper must be specified")
        }
        let short: [(option: String, kind: ConfigurationResource.Kind, isDefault: Bool)] = [
            ("topic", .topic, false), ("broker", .broker, false), ("broker-defaults", .broker, true),
            ("broker-logger", .brokerLogger, false),
        ]
        for entry in short where options.has(entry.option) {
            let name = entry.isDefault ? "" : try options.value(entry.option)
            return Target(kind: entry.kind, name: name, isDefault: entry.isDefault)
        }
        guard let type = try options.value("entity-type") else {
            throw JavaException.illegalArgument("At least one entity type must be specified")
        }
        let isDefault = options.has("entity-default")
        let name = isDefault ? "" : try options.value("entity-name")
        let kind: ConfigurationResource.Kind
        switch type {
        case "topics": kind = .topic
        case "brokers": kind = .broker
        case "broker-loggers": kind = .brokerLogger
        default:
            throw JavaException.illegalArgument(
                "Invalid entity type \(type), the entity type must be one of topics, brokers, broker-loggers")
        }
        if options.has("alter"), name == nil {
            throw JavaException.illegalArgument(
                "an entity-name or default entity must be specified with --alter of \(type)")
        }
        if kind == .broker, let name, !name.isEmpty, Int32(name) == nil {
            throw JavaException.illegalArgument(
                "The entity name for \(type) must be a valid integer broker id, found: \(name)")
        }
        return Target(kind: kind, name: name, isDefault: isDefault)
    }

    private static func title(_ kind: ConfigurationResource.Kind) -> String {
        switch kind {
        case .topic: "topic"
        case .broker: "broker"
        case .brokerLogger: "broker-logger"
        }
    }

    // MARK: Describe

    private static func describe(
        _ target: Target, _ options: ParsedOptions, _ admin: AdminClient, _ console: Console
    ) async throws {
        var names = target.name.map { [$0] } ?? []
        if target.name == nil {
            switch target.kind {
            case .topic: names = try await admin.listTopics()
            case .broker, .brokerLogger:
                names = try await admin.metadata(topics: [], call: "listNodes").brokers.keys.sorted().map(String.init)
                if target.kind == .broker { names.append("") }
            }
        }
        let showsAll = options.has("all") || target.kind == .brokerLogger
        for name in names {
            let resource = ConfigurationResource(target.kind, name)
            if name.isEmpty {
                console.print("Default configs for \(title(target.kind))s in the cluster are:")
            } else {
                console.print("\(showsAll ? "All" : "Dynamic") configs for \(title(target.kind)) \(name) are:")
            }
            let entries = try await admin.describeSettings(of: [resource])[resource]?.get() ?? []
            let dynamic: ConfigurationEntry.Source =
                switch target.kind {
                case .topic: .dynamicTopic
                case .broker: name.isEmpty ? .dynamicDefaultBroker : .dynamicBroker
                case .brokerLogger: .dynamicBrokerLogger
                }
            for entry in entries.sorted(by: { $0.name < $1.name }) {
                let synonyms = entry.synonyms.filter { showsAll || !name.isEmpty || $0.source == dynamic }
                guard showsAll || entry.source == dynamic else { continue }
                let text = synonyms.map { "\(label($0.source)):\($0.name)=\($0.value ?? "null")" }
                console.print(
                    "  \(entry.name)=\(entry.value ?? "null") sensitive=\(entry.isSensitive) synonyms={\(text.joined(separator: ", "))}"
                )
            }
        }
    }

    private static func label(_ source: ConfigurationEntry.Source) -> String {
        switch source {
        case .unknown: "UNKNOWN"
        case .dynamicTopic: "DYNAMIC_TOPIC_CONFIG"
        case .dynamicBroker: "DYNAMIC_BROKER_CONFIG"
        case .dynamicDefaultBroker: "DYNAMIC_DEFAULT_BROKER_CONFIG"
        case .staticBroker: "STATIC_BROKER_CONFIG"
        case .builtIn: "DEFAULT_CONFIG"
        case .dynamicBrokerLogger: "DYNAMIC_BROKER_LOGGER_CONFIG"
        }
    }

    // MARK: Alter

    private static func alter(
        _ target: Target, _ options: ParsedOptions, _ admin: AdminClient, _ console: Console
    ) async throws {
        guard let name = target.name else { return }
        let resource = ConfigurationResource(target.kind, name)
        var added = try options.value("add-config").map { try parseAdded($0) } ?? [:]
        if let path = try options.value("add-config-file") {
            added.merge(Properties.parse(try TextFile.read(path))) { _, new in new }
        }
        let deleted = (try options.value("delete-config") ?? "").split(separator: ",").map { trimmed($0) }
        guard !added.isEmpty || !deleted.isEmpty else {
            throw JavaException.illegalArgument(
                "At least one of --add-config, --add-config-file, or --delete-config must be specified with --alter")
        }
        if !deleted.isEmpty {
            let entries = try await admin.describeSettings(of: [resource])[resource]?.get() ?? []
            let dynamic: Set<ConfigurationEntry.Source> = [
                .dynamicTopic, name.isEmpty ? .dynamicDefaultBroker : .dynamicBroker, .dynamicBrokerLogger,
            ]
            let present = Set(entries.filter { dynamic.contains($0.source) }.map(\.name))
            let missing = deleted.filter { !present.contains($0) }
            guard missing.isEmpty || target.kind == .brokerLogger else {
                throw JavaException(
                    javaClass: "org.apache.kafka.common.errors.InvalidConfigurationException",
                    message: "Invalid config(s): \(missing.joined(separator: ","))")
            }
        }
        let changes =
            added.sorted { $0.key < $1.key }.map { ConfigurationChange($0.key, .set, $0.value) }
            + deleted.map { ConfigurationChange($0, .delete) }
        for result in try await admin.alterSettings([resource: changes]).values { try result.get() }
        console.print(
            name.isEmpty
                ? "Completed updating default config for \(title(target.kind))s in the cluster."
                : "Completed updating config for \(title(target.kind)) \(name).")
    }

    /// Reads `a=1,b=[2,3]`: brackets keep the commas of a value together.
    static func parseAdded(_ text: String) throws -> [String: String] {
        var parts: [String] = [""]
        var depth = 0
        for character in text {
            switch character {
            case "," where depth == 0: parts.append("")
            case "[" where depth == 0: depth = 1
            case "]" where depth == 1: depth = 0
            default: parts[parts.count - 1].append(character)
            }
        }
        var added: [String: String] = [:]
        for part in parts where !part.allSatisfy(\.isWhitespace) {
            guard let equals = part.firstIndex(of: "=") else {
                throw JavaException.illegalArgument(
                    "requirement failed: Invalid entity config: all configs to be added must be in the format \"key=val\"."
                )
            }
            added[trimmed(part[..<equals])] = trimmed(part[part.index(after: equals)...])
        }
        return added
    }

    private static func trimmed(_ text: Substring) -> String {
        var text = text.drop { $0.isWhitespace }
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }

    static let grammar: OptionGrammar = {
        var grammar = OptionGrammar()
        grammar.option(
            "bootstrap-server", value: "server to connect to", summary: "The Kafka servers to connect to.")
        grammar.option(
            "command-config", value: "command config property file",
            summary:
                "Property file containing configs to be passed to Admin Client. This is used only with --bootstrap-server option for describing and altering broker configs."
        )
        grammar.flag("alter", "Alter the configuration for the entity.")
        grammar.flag("describe", "List configs for the given entity.")
        grammar.flag(
            "all",
            "List all configs for the given topic, broker, or broker-logger entity (includes static configuration when the entity type is brokers)"
        )
        grammar.option(
            "entity-type", summary: "Type of entity (topics/clients/users/brokers/broker-loggers/ips/client-metrics)")
        grammar.option(
            "entity-name",
            summary: "Name of entity (topic name/client id/user principal name/broker id/ip/client metrics)")
        grammar.flag(
            "entity-default", "Default entity name for clients/users/brokers/ips (applies to corresponding entity type)"
        )
        grammar.option(
            "add-config",
            summary:
                "Key Value pairs of configs to add. Square brackets can be used to group values which contain commas: 'k1=v1,k2=[v1,v2,v2],k3=v3'."
        )
        grammar.option(
            "add-config-file",
            summary: "Path to a properties file with configs to add. See add-config for a list of valid configurations."
        )
        grammar.option("delete-config", summary: "config keys to remove 'k1,k2'")
        grammar.flag("force", "Suppress console prompts")
        grammar.option("topic", summary: "The topic's name.")
        grammar.option("broker", summary: "The broker's ID.")
        grammar.flag("broker-defaults", "The config defaults for all brokers.")
        grammar.option("broker-logger", summary: "The broker's ID for its logger config.")
        return grammar
    }()
}
