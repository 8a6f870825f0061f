// SPDX-License-Identifier: Apache-2.0

import KafkaClient
import KafkaModel

/// `--execute` and `--cancel`: begins moves and takes them back.
struct ReassignmentExecution {
    typealias Terse = ReassignPartitionsCommand.Terse

    let admin: AdminClient
    let console: Console
    /// How long a broker may take to have the replica that shall be in a certain directory.
    let timeout: Duration

    // MARK: Execute

    /// - Parameters:
    ///   - isAdditional: whether other moves may be under way.
    ///   - rate: bytes per second between brokers; negative for no limit.
    ///   - directoryRate: bytes per second between directories; negative for no limit.
    func execute(
        _ file: ReassignmentFile, isAdditional: Bool, keepsReplicationFactor: Bool, rate: Int64, directoryRate: Int64
    ) async throws {
        try file.checkForExecution()
        let targets = file.targets
        let running = try await admin.listReassignments()
        guard isAdditional || running.isEmpty else {
            throw Terse(
                message:
                    "Cannot execute because there is an existing partition assignment.  Use --additional to override this and create a new partition assignment in addition to the existing one. The --additional flag can also be used to change the throttle by resubmitting the current reassignment."
            )
        }
        try await checkBrokers(of: file)
        let current = try await currentAssignment(of: file)
        if keepsReplicationFactor { try checkFactors(targets, current, running) }
        console.print("Current partition replica assignment\n\n\(ReassignmentFile.format(current))\n")
        console.print("Save this to use as the --reassignment-json-file option during rollback")
        if rate >= 0 || directoryRate >= 0 {
            console.print(
                "Warning: You must run --verify periodically, until the reassignment completes, to ensure the throttle is removed."
            )
            let throttles = ReassignmentThrottles(admin: admin, console: console)
            if rate >= 0 {
                try await throttles.limit(
                    ReassignmentMoves(running: running, proposed: targets, current: current), to: rate)
            }
            if directoryRate >= 0 {
                try await throttles.limitDirectoryMoves(on: Set(file.directories.keys.map(\.broker)), to: directoryRate)
            }
        }
        let failures = Self.failures(try await admin.reassign(targets))
        guard failures.isEmpty else {
            throw Terse(message: "Error reassigning partition(s):\n\(failures.joined(separator: "\n"))")
        }
        let list = ReassignmentFile.list(targets.keys.sorted())
        console.print("Successfully started partition reassignment\(targets.count == 1 ? "" : "s") for \(list)")
        try await move(file.directories)
    }

    private func checkBrokers(of file: ReassignmentFile) async throws {
        let live = try await admin.metadata(topics: [], call: "listNodes").brokers
        let named = JavaOrder.hashMap(Set(file.entries.flatMap(\.replicas)).sorted()) { $0 }
        if let unknown = named.first(where: { live[$0] == nil }) {
            throw ReassignmentFile.commandFailure("Unknown broker id \(unknown)")
        }
    }

    private func currentAssignment(of file: ReassignmentFile) async throws -> [TopicPartition: [BrokerID]] {
        let wanted = file.partitions
        let assignment = try await CurrentAssignment(of: Set(wanted.map(\.topic)), admin).complete()
            .filter { wanted.contains($0.key) }
        let missing = wanted.subtracting(assignment.keys)
        guard missing.isEmpty else {
            let names = JavaOrder.partitions(missing.sorted()).map(\.description).joined(separator: ", ")
            throw KafkaError(ErrorCode.unknownTopicOrPartition, "Unable to find partition: \(names)")
        }
        return assignment
    }

    /// KIP-860's check, made here: brokers of 3.9 do not know it. A partition that moves counts without who goes.
    private func checkFactors(
        _ targets: [TopicPartition: [BrokerID]], _ current: [TopicPartition: [BrokerID]],
        _ running: [TopicPartition: PartitionReassignment]
    ) throws {
        let changed = targets.sorted { $0.key < $1.key }.compactMap { partition, replicas -> String? in
            let now = (current[partition]?.count ?? 0) - (running[partition]?.removing.count ?? 0)
            guard now != replicas.count else { return nil }
            return "\(partition): The replication factor is changed from \(now) to \(replicas.count)"
        }
        guard changed.isEmpty else {
            throw Terse(message: "Error reassigning partition(s):\n\(changed.joined(separator: "\n"))")
        }
    }

    // MARK: Cancel

    /// Takes back what the file's partitions and directories are at. (Apache 3.9's tool passes over moves that only add
    /// replicas.)
    func cancel(_ file: ReassignmentFile, keepsThrottles: Bool) async throws {
        let running = try await admin.listReassignments(of: file.partitions).keys.sorted()
        if running.isEmpty {
            console.print("None of the specified partition reassignments are active.")
        } else {
            let targets = [TopicPartition: [BrokerID]?](uniqueKeysWithValues: running.map { ($0, nil) })
            let failures = Self.failures(try await admin.reassign(targets))
            guard failures.isEmpty else {
                throw Terse(
                    message:
                        "Error cancelling partition reassignment\(failures.count == 1 ? "" : "s") for:\n\(failures.joined(separator: "\n"))"
                )
            }
            console.print(
                "Successfully cancelled partition reassignment\(running.count == 1 ? "" : "s") for: \(ReassignmentFile.list(running))"
            )
        }
        // A replica is told to move to where it is: that ends its move.
        var back: [PartitionReplica: String] = [:]
        for (replica, directories) in try await admin.directories(of: Set(file.directories.keys)) {
            if directories.future != nil, let current = directories.current { back[replica] = current }
        }
        if back.isEmpty {
            // Without a line's end, as Apache's tool has it.
            console.write("None of the specified partition moves are active.".utf8)
        } else {
            try await move(back)
        }
        if !keepsThrottles { try await ReassignmentThrottles(admin: admin, console: console).clear(after: file) }
    }

    // MARK: Directories

    /// Begins moves to directories. A replica that is only just coming to its broker is asked for until it is there.
    private func move(_ targets: [PartitionReplica: String]) async throws {
        let deadline = ContinuousClock.now + timeout
        var pending = targets
        while !pending.isEmpty {
            for (replica, result) in try await admin.moveReplicas(pending).sorted(by: { $0.key < $1.key }) {
                do {
                    try result.get()
                } catch  where error.errorCode == .replicaNotAvailable {
                    continue
                } catch {
                    throw ReassignmentFile.commandFailure("Failed to alter dir for \(replica)")
                }
                guard let path = pending.removeValue(forKey: replica) else { continue }
                console.print(
                    "Successfully started moving log directory to \(path) for replica \(replica.partition) with broker \(replica.broker) "
                )
            }
            if pending.isEmpty { return }
            guard ContinuousClock.now < deadline else {
                throw Terse(
                    message:
                        "Timed out before log directory move\(pending.count == 1 ? "" : "s") could be started for: \(ReassignmentFile.list(pending.keys.sorted()))"
                )
            }
            try await Task.sleep(for: .milliseconds(100))
        }
    }

    private static func failures(_ results: [TopicPartition: Result<Void, KafkaError>]) -> [String] {
        results.sorted { $0.key < $1.key }.compactMap { partition, result in
            if case .failure(let error) = result { "\(partition): \(error.message)" } else { nil }
        }
    }
}
