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

    /// The entries to process now, in order.
    package func due(_ names: [String]) -> [String] {
        names.filter { name in ZNodes.sequence(name).map { $0 > lastExecuted } ?? false }.sorted()
    }

    /// Entries were read, or are gone. They count as processed from now on, whatever becomes of what they say.
    package mutating func took(_ names: [String]) {
        for name in names { lastExecuted = max(lastExecuted, ZNodes.sequence(name) ?? -1) }
    }

    /// Whether an entry created then has had its time.
    package static func isOld(creationTime: Timestamp, now: Timestamp) -> Bool {
        now.subtractingReportingOverflow(creationTime).partialValue > lifetimeMilliseconds
    }
}

extension ZooKeeperStore {
    /// Reads the directory, arms its watch, and answers the data of the entries to process, in order; then deletes the
    /// old ones. To be called at the start, when the watch fires, and in each new session.
    ///
    /// - Throws: when the connection or the session was lost meanwhile; nothing counts as processed then.
    package func pendingNotifications(
        _ notifications: inout ChangeNotifications, now: Timestamp
    ) async throws(StoreError) -> [(path: String, data: [UInt8]?)] {
        let directory = notifications.directory
        let names = try await request(directory) { () async throws(ZooKeeperError) in
            try await calls.getChildren(directory, watch: true).names
        }
        let due = notifications.due(names)
        var entries: [(path: String, data: [UInt8]?)] = []
        let paths = due.map { "\(directory)/\($0)" }
        for (path, result) in zip(paths, await calls.submit(paths.map { .getData(path: $0) })) {
            switch result {
            case .success(.data(let data, _)): entries.append((path, data))
            // What was not read is still to come, in the next session.
            case .failure(let error) where error.isOfSession: throw .zooKeeper(error, path: path)
            case .success, .failure: break
            }
        }
        notifications.took(due)
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
