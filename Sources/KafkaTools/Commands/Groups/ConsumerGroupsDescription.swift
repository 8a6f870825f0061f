// SPDX-License-Identifier: Apache-2.0

import KafkaClient
import KafkaModel

/// What `kafka-consumer-groups --describe` prints.
struct ConsumerGroupsDescription {
    private static let missing = "-"
    private let options: ParsedOptions
    private let console: Console

    init(_ options: ParsedOptions, _ console: Console) {
        self.options = options
        self.console = console
    }

    func print(_ admin: AdminClient) async throws {
        for group in try await ConsumerGroupsCommand.groups(options, admin).sorted() {
            let description = try await admin.describeGroup(group)
            if options.has("members") {
                printMembers(description)
            } else if options.has("state") {
                try await printState(description, admin)
            } else {
                try await printOffsets(description, admin)
            }
        }
    }

    /// Says what is special about a group's state; false if there is nothing to print below.
    private func announce(_ group: GroupDescription, hasRows: Bool = true) -> Bool {
        switch group.state {
        case "Dead":
            ConsumerGroupsCommand.printError("Consumer group '\(group.id)' does not exist.", console)
            return false
        case "Empty": console.error("\nConsumer group '\(group.id)' has no active members.")
        case "PreparingRebalance", "CompletingRebalance", "Assigning", "Reconciling":
            console.error("\nWarning: Consumer group '\(group.id)' is rebalancing.")
        default: break
        }
        return hasRows
    }

    // MARK: Offsets

    private struct Row {
        var partition: TopicPartition?
        var current: String
        var end: String
        var lag: String
        var consumer: String
        var host: String
        var client: String
    }

    private func printOffsets(_ group: GroupDescription, _ admin: AdminClient) async throws {
        let rows = group.state == "Dead" ? [] : try await rows(group, admin)
        guard announce(group, hasRows: !rows.isEmpty) else { return }
        let groupWidth = max(15, group.id.count)
        let topicWidth = max(15, rows.map { $0.partition?.topic.count ?? 1 }.max() ?? 0)
        let consumerWidth = max(15, rows.map(\.consumer.count).max() ?? 0)
        let hostWidth = max(15, rows.map(\.host.count).max() ?? 0)
        func line(_ columns: [String]) -> String {
            "\n"
                + zip(columns, [groupWidth, topicWidth, 10, 15, 15, 15, consumerWidth, hostWidth, 0])
                .map { $0.padded($1) }.joined(separator: " ")
        }
        var text = line([
            "GROUP", "TOPIC", "PARTITION", "CURRENT-OFFSET", "LOG-END-OFFSET", "LAG", "CONSUMER-ID", "HOST",
            "CLIENT-ID",
        ])
        for row in rows {
            text += line([
                group.id, row.partition?.topic ?? Self.missing, row.partition.map { "\($0.partition)" } ?? Self.missing,
                row.current, row.end, row.lag, row.consumer, row.host, row.client,
            ])
        }
        console.write(text.utf8)
    }

    /// Members with the most partitions come first, then what nobody reads.
    private func rows(_ group: GroupDescription, _ admin: AdminClient) async throws -> [Row] {
        let committed = try await admin.committedOffsets(of: group.id)
        let assigned = Set(group.members.flatMap(\.partitions))
        let unassigned = committed.keys.filter { !assigned.contains($0) }
        let ends = try await admin.listOffsets(
            Dictionary(uniqueKeysWithValues: assigned.union(unassigned).map { ($0, .latest) }))
        func rows(of partitions: [TopicPartition], _ consumer: String, _ host: String, _ client: String) -> [Row] {
            JavaOrder.partitions(partitions.sorted { $0.partition < $1.partition }).map { partition in
                let current = committed[partition]?.offset
                let end = (try? ends[partition]?.get())?.offset
                return Row(
                    partition: partition, current: current.map { "\($0)" } ?? Self.missing,
                    end: end.map { "\($0)" } ?? Self.missing,
                    lag: current.flatMap { current in end.map { "\($0 - current)" } } ?? Self.missing,
                    consumer: consumer, host: host, client: client)
            }
        }
        let busy = group.members.filter { !$0.partitions.isEmpty }
            .enumerated().sorted {
                ($1.element.partitions.count, $0.offset) < ($0.element.partitions.count, $1.offset)
            }.map(\.element)
        return busy.flatMap { rows(of: Array($0.partitions), $0.id, $0.host, $0.clientID) }
            + rows(of: unassigned, Self.missing, Self.missing, Self.missing)
    }

    // MARK: Members and state

    /// The head is there in any case, as in 3.9, also of a group that does not exist.
    private func printMembers(_ group: GroupDescription) {
        _ = announce(group)
        let members = group.members
        func width(_ least: Int, _ column: (GroupDescription.Member) -> String) -> Int {
            max(least, members.map { column($0).count }.max() ?? 0)
        }
        let hasInstances = members.contains { $0.instanceID?.isEmpty == false }
        var widths = [members.isEmpty ? 15 : max(15, group.id.count), width(15, \.id)]
        if hasInstances { widths.append(width(17) { $0.instanceID ?? "" }) }
        widths += [width(15, \.host), width(15, \.clientID), 15]
        func line(_ columns: [String], _ assignment: String) -> String {
            let text = zip(columns, widths).map { $0.padded($1) }.joined(separator: " ") + " "
            return options.has("verbose") ? text + assignment : text
        }
        console.print(
            "\n"
                + line(
                    ["GROUP", "CONSUMER-ID"] + (hasInstances ? ["GROUP-INSTANCE-ID"] : [])
                        + ["HOST", "CLIENT-ID", "#PARTITIONS"], "ASSIGNMENT"))
        for member in members {
            let topics = Dictionary(grouping: member.partitions, by: \.topic).map { topic, partitions in
                topic + "(" + partitions.map(\.partition).sorted().map(String.init).joined(separator: ",") + ")"
            }.sorted()
            console.print(
                line(
                    [group.id, member.id] + (hasInstances ? [member.instanceID ?? ""] : [])
                        + [member.host, member.clientID, "\(member.partitions.count)"],
                    topics.isEmpty ? Self.missing : topics.joined(separator: ", ")))
        }
    }

    private func printState(_ group: GroupDescription, _ admin: AdminClient) async throws {
        guard announce(group) else { return }
        let node = admin.cluster.withSnapshot { $0.brokers[group.coordinator] }
        let coordinator = "\(node?.host ?? ""):\(node?.port ?? -1)  (\(group.coordinator))"
        let width = max(25, coordinator.count)
        func line(_ columns: [String]) -> String {
            zip(columns, [width, 25, 20, 15, 0]).map { $0.padded($1) }.joined(separator: " ")
        }
        console.print("\n" + line(["GROUP", "COORDINATOR (ID)", "ASSIGNMENT-STRATEGY", "STATE", "#MEMBERS"]))
        console.print(line([group.id, coordinator, group.assignor, group.state, "\(group.members.count)"]))
    }
}
