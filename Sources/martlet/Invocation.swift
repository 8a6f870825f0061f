// SPDX-License-Identifier: Apache-2.0

/// What the program was asked to be: the broker, or one of the commands.
///
/// The first argument says so; when the program is called through a link named as Apache's command (`kafka-topics`,
/// `kafka-topics.sh`), argument zero does.
enum Invocation: Equatable {
    case broker([String])
    case fence([String])
    case tool(String, [String])
    case listCommands
    case version
    case help
    /// The name is neither "broker" nor a command's.
    case unknown(String)

    init(_ arguments: [String], tools: [String]) {
        let program = arguments.first?.split(separator: "/").last.map(String.init) ?? "martlet"
        let rest = Array(arguments.dropFirst())
        if let command = Self.command(calledAs: program) {
            self = Self.named(command, rest, tools: tools)
        } else if let first = rest.first {
            self = Self.named(first, Array(rest.dropFirst()), tools: tools)
        } else {
            self = .help
        }
    }

    private static func named(_ name: String, _ arguments: [String], tools: [String]) -> Invocation {
        switch name {
        case "broker", "server-start": .broker(arguments)
        case "fence": .fence(arguments)
        case "--commands": .listCommands
        case "--version": .version
        case "--help", "-h", "help": .help
        default: tools.contains(name) ? .tool(name, arguments) : .unknown(name)
        }
    }

    /// `topics` for `kafka-topics` and `kafka-topics.sh`; nil for the program's own name.
    private static func command(calledAs program: String) -> String? {
        var name = Substring(program)
        if name.hasSuffix(".sh") { name = name.dropLast(3) }
        guard name.hasPrefix("kafka-") || name.hasPrefix("zookeeper-") || name.hasPrefix("connect-") else { return nil }
        return String(name.hasPrefix("kafka-") ? name.dropFirst("kafka-".count) : name)
    }
}
