// SPDX-License-Identifier: Apache-2.0

import BrokerServer
import BrokerSettings

#if canImport(Glibc)
import Glibc
#endif

/// `martlet fence`: for whoever knows that a broker's process has ended, such as systemd's `ExecStopPost`.
enum FenceProgram {
    private static let defaultFile = "/etc/kafka/server.properties"
    private static let usage =
        "USAGE: martlet fence [--broker ID] [--config server.properties] [--override name=value]..."

    struct Options: Equatable {
        var brokerID: Int32?
        var file = FenceProgram.defaultFile
        var overrides: [String] = []
    }

    /// - Returns: the exit code: 0 when no session of the broker is left, 1 when it was left alone, with the reason.
    static func run(_ arguments: [String]) async -> Int32 {
        guard let options = parse(arguments) else {
            Usage.complain(usage)
            return 1
        }
        do {
            let properties = try PropertiesFile.parse(try FileContent.read(options.file))
            let configuration = try BrokerConfiguration.parse(properties: properties, overrides: options.overrides)
                .configuration
            switch try await Fence.perform(brokerID: options.brokerID, configuration) {
            case .ended(let id): print("Ended ZooKeeper session \(text(id)).")
            case .wasGone(let id): print("ZooKeeper session \(text(id)) had ended already.")
            case .nothingLeft: print("No ZooKeeper session was left behind.")
            }
            return 0
        } catch {
            Usage.complain("martlet: \(error)")
            return 1
        }
    }

    static func parse(_ arguments: [String]) -> Options? {
        var options = Options()
        var rest = arguments[...]
        while let word = rest.popFirst() {
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard let name = parts.first, let value = parts.count == 2 ? parts[1] : rest.popFirst() else { return nil }
            switch name {
            case "--broker":
                guard let id = Int32(value), id >= 0 else { return nil }
                options.brokerID = id
            case "--config": options.file = value
            case "--override": options.overrides.append(value)
            default: return nil
            }
        }
        return options
    }

    private static func text(_ id: Int64) -> String { "0x" + String(UInt64(bitPattern: id), radix: 16) }
}
