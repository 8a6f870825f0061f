// SPDX-License-Identifier: Apache-2.0

import KafkaClient
import KafkaModel

/// `--verify` and `--list`: how far moves are.
struct ReassignmentStatus {
    let admin: AdminClient
    let console: Console

    /// Prints every move under way.
    func list() async throws {
        let running = try await admin.listReassignments().sorted { $0.key < $1.key }
        guard !running.isEmpty else {
            console.print("No partition reassignments found.")
            return
        }
        console.print("Current partition reassignments:")
        for (partition, reassignment) in running { console.print(Self.line(partition, reassignment)) }
    }

    static func line(_ partition: TopicPartition, _ reassignment: PartitionReassignment) -> String {
        func part(_ word: String, _ brokers: [BrokerID]) -> String {
            brokers.isEmpty ? "" : " \(word): \(ReassignmentFile.list(brokers))."
        }
        return "\(partition): replicas: \(ReassignmentFile.list(reassignment.replicas))."
            + part("adding", reassignment.adding) + part("removing", reassignment.removing)
    }

    /// Prints how far the moves of a file are. When they, and all others, are done, the throttles go.
    func verify(_ file: ReassignmentFile, keepsThrottles: Bool) async throws {
        let running = try await admin.listReassignments()
        let targets = file.targets
        // A partition that does not exist is nowhere.
        let settled = Set(targets.keys.filter { running[$0] == nil }.map(\.topic))
        let now = try await CurrentAssignment(of: settled, admin).replicas
        console.print("Status of partition reassignment:")
        for (partition, replicas) in targets.sorted(by: { $0.key < $1.key }) {
            console.print(
                Self.line(
                    partition, target: replicas, current: running[partition] == nil ? now[partition] ?? [] : nil))
        }
        let directories = try await admin.directories(of: Set(file.directories.keys))
        let moves = file.directories.sorted { $0.key < $1.key }.map { replica, path in
            (replica, DirectoryMove(directories[replica] ?? ReplicaDirectories(), target: path))
        }
        console.print(moves.map { $1.line(of: $0) }.joined(separator: "\n"))
        if running.isEmpty, moves.allSatisfy({ $0.1.isDone }), !keepsThrottles {
            try await ReassignmentThrottles(admin: admin, console: console).clear(after: file)
        }
    }

    /// - Parameter current: where the partition is; nil while it is being moved.
    static func line(_ partition: TopicPartition, target: [BrokerID], current: [BrokerID]?) -> String {
        guard let current else { return "Reassignment of partition \(partition) is still in progress." }
        guard current != target else { return "Reassignment of partition \(partition) is completed." }
        return
            "There is no active reassignment of partition \(partition), but replica set is \(ReassignmentFile.list(current)) rather than \(ReassignmentFile.list(target))."
    }
}

/// How far a replica's move to another directory is (KIP-113).
enum DirectoryMove: Equatable {
    /// The broker has the replica in no directory that it can read.
    case missing
    case active(future: String, target: String)
    case cancelled(current: String, target: String)
    case completed

    init(_ directories: ReplicaDirectories, target: String) {
        switch (directories.current, directories.future) {
        case (nil, _): self = .missing
        case (_, let future?): self = .active(future: future, target: target)
        case (let current?, nil): self = current == target ? .completed : .cancelled(current: current, target: target)
        }
    }

    /// Whether nothing more will happen. A missing replica may be on its way.
    var isDone: Bool {
        switch self {
        case .cancelled, .completed: true
        case .missing, .active: false
        }
    }

    func line(of replica: PartitionReplica) -> String {
        let (partition, broker) = (replica.partition, replica.broker)
        switch self {
        case .missing:
            return
                "Partition \(partition) is not found in any live log dir on broker \(broker). There is likely an offline log directory on the broker."
        case .active(let future, let target):
            return future == target
                ? "Reassignment of replica \(replica) is still in progress."
                : "Partition \(partition) on broker \(broker) is being moved to log dir \(future) instead of \(target)."
        case .cancelled(let current, let target):
            return
                "Partition \(partition) on broker \(broker) is not being moved from log dir \(current) to \(target)."
        case .completed: return "Reassignment of replica \(replica) completed successfully."
        }
    }
}
