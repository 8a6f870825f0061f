// SPDX-License-Identifier: Apache-2.0

import KafkaClient
import KafkaModel

/// `kafka-consumer-groups --reset-offsets`: works out where a group without members shall go on reading, prints it, and
/// with `--execute` commits it.
struct ConsumerGroupsReset {
    private typealias Plan = [(partition: TopicPartition, offset: Int64)]
    static let scenarios = [
        "to-offset", "shift-by", "to-datetime", "by-duration", "to-earliest", "to-latest", "to-current", "from-file",
    ]
    private let options: ParsedOptions
    private let console: Console

    init(_ options: ParsedOptions, _ console: Console) {
        self.options = options
        self.console = console
    }

    func run(_ admin: AdminClient) async throws {
        var plans: [(group: String, plan: Plan)] = []
        for group in JavaOrder.strings(try await ConsumerGroupsCommand.groups(options, admin)) {
            let state = try await admin.describeGroup(group).state
            guard state == "Empty" || state == "Dead" else {
                ConsumerGroupsCommand.printError(
                    "Assignments can only be reset if the group '\(group)' is inactive, but the current state is \(state).",
                    console)
                plans.append((group, []))
                continue
            }
            let offsets = try await offsets(for: group, admin)
            if options.has("execute"), !options.has("dry-run") {
                try await admin.commit(offsets.mapValues { CommittedOffset($0) }, for: group)
            }
            let order = JavaOrder.partitions(
                offsets.keys.sorted { ($0.topic, $0.partition) < ($1.topic, $1.partition) })
            plans.append((group, order.compactMap { name in offsets[name].map { (name, $0) } }))
        }
        if options.has("export") {
            let lines = plans.flatMap { group, plan in
                plan.map {
                    (isOfOneGroup ? "" : group + ",") + "\($0.partition.topic),\($0.partition.partition),\($0.offset)"
                }
            }
            console.print(lines.map { $0 + "\n" }.joined())
        } else {
            print(plans)
        }
    }

    /// Whether files name no group: as many as `--group` is given for, however many there are.
    private var isOfOneGroup: Bool { options.values("group").count == 1 }

    private func print(_ plans: [(group: String, plan: Plan)]) {
        func row(_ columns: [String]) -> String {
            zip(columns, [30, 30, 10, 15]).map { $0.padded($1) }.joined(separator: " ")
        }
        guard !plans.isEmpty else { return }
        var text = "\n" + row(["GROUP", "TOPIC", "PARTITION", "NEW-OFFSET"])
        for (group, plan) in plans {
            for (partition, offset) in plan {
                text += row([group, partition.topic, "\(partition.partition)", "\(offset)"])
            }
        }
        console.write(text.utf8)
    }

    // MARK: Where to go

    private func offsets(for group: String, _ admin: AdminClient) async throws -> [TopicPartition: Int64] {
        if let path = try options.value("from-file") {
            guard let plan = try plan(in: try TextFile.read(path), for: group) else {
                ConsumerGroupsCommand.printError("No reset plan for group \(group) found", console)
                return [:]
            }
            return try await clamped(plan, admin)
        }
        guard options.has("all-topics") || options.has("topic") else {
            throw ToolExit.usage("One of the reset scopes should be defined: --all-topics, --topic.")
        }
        let partitions: [TopicPartition]
        if options.has("all-topics") {
            partitions = Array(try await admin.committedOffsets(of: group).keys)
        } else {
            partitions = try await ConsumerGroupsCommand.partitions(named: options.values("topic"), admin)
        }
        if options.has("to-earliest") { return try await ends(partitions, .earliest, admin) }
        if options.has("to-latest") { return try await ends(partitions, .latest, admin) }
        if let offset: Int64 = try options.integer("to-offset") {
            return try await clamped(Dictionary(partitions.map { ($0, offset) }) { first, _ in first }, admin)
        }
        if let text = try options.value("to-datetime") {
            guard let time = ISOTime.date(text) else {
                throw JavaException.illegalArgument("Unparseable date: \"\(text)\"")
            }
            return try await at(time, partitions, admin)
        }
        if let text = try options.value("by-duration") {
            guard let length = ISOTime.duration(text) else {
                throw JavaException(
                    javaClass: "java.time.format.DateTimeParseException", message: "Text cannot be parsed to a Duration"
                )
            }
            return try await at(WallClock.now() - length, partitions, admin)
        }
        let committed = try await admin.committedOffsets(of: group)
        if let shift: Int64 = try options.integer("shift-by") {
            var wanted: [TopicPartition: Int64] = [:]
            for partition in partitions {
                guard let current = committed[partition]?.offset else {
                    throw JavaException.illegalArgument(
                        "Cannot shift offset for partition \(partition) since there is no current committed offset")
                }
                let (sum, overflow) = current.addingReportingOverflow(shift)
                wanted[partition] = overflow ? (shift < 0 ? .min : .max) : sum
            }
            return try await clamped(wanted, admin)
        }
        guard options.has("to-current") else {
            throw ToolExit.usage(
                "Option '[reset-offsets]' requires one of the following scenarios: [\(ConsumerGroupsCommand.listed(Self.scenarios))]"
            )
        }
        // To the current offset: what is committed, and for the others the end.
        var result: [TopicPartition: Int64] = [:]
        for partition in partitions { result[partition] = committed[partition]?.offset }
        let others = partitions.filter { result[$0] == nil }
        return result.merging(try await ends(others, .latest, admin)) { first, _ in first }
    }

    private func ends(
        _ partitions: [TopicPartition], _ end: OffsetSpecification, _ admin: AdminClient
    ) async throws -> [TopicPartition: Int64] {
        let wanted = Dictionary(partitions.map { ($0, end) }) { first, _ in first }
        return try await admin.listOffsets(wanted).mapValues { try $0.get().offset }
    }

    /// The first offsets at or after a time; the end where no record is that young.
    private func at(
        _ time: Int64, _ partitions: [TopicPartition], _ admin: AdminClient
    ) async throws -> [TopicPartition: Int64] {
        let found = try await ends(partitions, .timestamp(time), admin)
        let late = found.filter { $0.value < 0 }.map(\.key)
        for partition in late {
            console.print(
                "\nWarn: Partition \(partition.partition) from topic \(partition.topic) is empty. Falling back to latest known offset."
            )
        }
        return found.merging(try await ends(late, .latest, admin)) { _, end in end }
    }

    /// Keeps offsets between the ends of their partitions, and says so.
    private func clamped(
        _ wanted: [TopicPartition: Int64], _ admin: AdminClient
    ) async throws -> [TopicPartition: Int64] {
        let starts = try await ends(Array(wanted.keys), .earliest, admin)
        let ends = try await ends(Array(wanted.keys), .latest, admin)
        var result = wanted
        for partition in JavaOrder.partitions(wanted.keys.sorted { $0.partition < $1.partition }) {
            guard let offset = wanted[partition] else { continue }
            if let end = ends[partition], offset > end {
                warn("higher than latest", offset, partition, end)
                result[partition] = end
            } else if let start = starts[partition], offset < start {
                warn("lower than earliest", offset, partition, start)
                result[partition] = start
            }
        }
        return result
    }

    private func warn(_ relation: String, _ offset: Int64, _ partition: TopicPartition, _ value: Int64) {
        console.error(
            ClientLog.line(
                "WARN",
                "New offset (\(offset)) is \(relation) offset for topic partition \(partition). Value will be set to \(value)",
                logger: ConsumerGroupsCommand.logger))
    }

    /// Reads `topic,partition,offset` lines where one group is reset, and `group,topic,partition,offset` lines there too
    /// and where several are; of these what is the group's, nil if nothing is.
    private func plan(in text: String, for group: String) throws -> [TopicPartition: Int64]? {
        let lines = text.split(whereSeparator: \.isNewline)
            .map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
        let namesGroups = !isOfOneGroup || lines.first?.count != 3
        var offsets: [TopicPartition: Int64]?
        for line in lines {
            var fields = line[...]
            if namesGroups {
                // Without a group's column the topic is taken for one, and no group has its name.
                guard fields.popFirst() == group else { continue }
            }
            guard fields.count == 3, let topic = fields.popFirst(),
                let partition = fields.popFirst().flatMap({ Int32($0) }),
                let offset = fields.popFirst().flatMap({ Int64($0) })
            else {
                throw JavaException(
                    javaClass: "java.lang.RuntimeException",
                    message: "Invalid line in the offsets file: \(line.joined(separator: ","))")
            }
            offsets = offsets ?? [:]
            offsets?[TopicPartition(topic, partition)] = offset
        }
        return offsets
    }
}
