// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import ZooKeeperClient

/// Which entries of a notification directory are still to be processed, and which are old enough to go. Used for the
/// changes of configurations, access control lists and tokens; it starts by replaying all entries there are.
package struct ChangeNotifications: Sendable {
    /// How long an entry stays, by its creation time and the local clock.
    package static let lifetimeMilliseconds: Int64 = 15 * 60 * 1000

    /// Such as ``ZNodes/configurationChanges``.
    package let directory: String
    private var lastExecuted: Int64 = -1

    package init(directory: String) {
        self.directory = directory
    }

    /// The entries to process now, in order. Each counts as processed from now on, also if that fails.
    package mutating func arrived(_ names: [String]) -> [String] {
        var due: [(sequence: Int64, name: String)] = []
        for name in names {
            if let sequence = ZNodes.sequence(name), sequence > lastExecuted { due.append((sequence, name)) }
        }
        due.sort { $0.name < $1.name }
        for entry in due { lastExecuted = max(lastExecuted, entry.sequence) }
        return due.map(\.name)
    }

    /// Whether an entry created then has had its time.
    package static func isOld(creationTime: Timestamp, now: Timestamp) -> Bool {
        now.subtractingReportingOverflow(creationTime).partialValue > lifetimeMilliseconds
    }
}

extension ZooKeeperStore {
    /// Reads the directory, arms its watch, and answers the data of the entries to process, in order; then deletes the
    /// old ones. To be called at the start, when the watch fires, and in each new session.
    package func pendingNotifications(
        _ notifications: inout ChangeNotifications, now: Timestamp
    ) async throws(StoreError) -> [(path: String, data: [UInt8]?)] {
        let directory = notifications.directory
        let names = try await request(directory) { () async throws(ZooKeeperError) in
            try await calls.getChildren(directory, watch: true).names
        }
        let due = notifications.arrived(names)
        var entries: [(path: String, data: [UInt8]?)] = []
        let paths = due.map { "\(directory)/\($0)" }
        for (path, result) in zip(paths, await calls.submit(paths.map { .getData(path: $0) })) {
            if case .success(.data(let data, _)) = result { entries.append((path, data)) }
        }
        let all = names.map { "\(directory)/\($0)" }
        let stats = await calls.submit(all.map { .exists(path: $0) })
        var old: [ZooKeeperRequest] = []
        for (path, result) in zip(all, stats) {
            if case .success(.stat(let stat)) = result,
                ChangeNotifications.isOld(creationTime: stat.creationTime, now: now)
            {
                old.append(.delete(path: path))
            }
        }
        // Another broker may have deleted them already.
        _ = await calls.submit(old)
        return entries
    }
}
