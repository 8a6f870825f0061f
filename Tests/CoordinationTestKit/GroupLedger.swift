// SPDX-License-Identifier: Apache-2.0

internal import Coordination
internal import GroupCoordination
internal import KafkaModel
internal import KafkaRecords
internal import NIOCore

/// What must hold of groups whatever happens, kept apart from the machine: it reads the log and what the machine answers.
///
/// 1. In a generation of a group a partition has one owner.
/// 2. What is answered is on every replica: commits, assignments.
/// 3. What is fetched is on every replica, is the newest or newer than anything acknowledged or fetched before, and is of
///    no transaction that is open or aborted.
/// 4. Who has a past generation commits nothing.
/// 5. Who has been replaced as a static member is told so, and commits nothing.
/// 6. Of a new generation are those who have joined again, and static members.
struct GroupLedger {
    private struct Position: Hashable {
        var group: String
        var partition: TopicPartition
    }

    private struct Owned: Hashable {
        var group: String
        var generation: Int32
        var partition: UInt8
    }

    /// A position on the log.
    private struct Written {
        var offset: Offset
        var entry: Int
        var producer: ProducerID?
    }

    /// A group's record on the log.
    private struct Described {
        var entry: Int
        var generation: Int32
        var assignments: [String: [UInt8]]
    }

    private var owners: [Owned: String] = [:]
    /// Where the positions lie, by group, partition and metadata; a request that came twice lies there twice.
    private var written: [Position: [String: [Written]]] = [:]
    /// The ends of transactions in the order in which they lie there.
    private var ends: [ProducerID: [(isCommit: Bool, entry: Int)]] = [:]
    private var records: [String: [Described]] = [:]
    private var tombstones: [Position: Offset] = [:]
    /// The log offset of the newest position that somebody was told of.
    private var known: [Position: Offset] = [:]
    /// The log's end when a group was deleted.
    private var deleting: [String: Offset] = [:]
    private var seen = 0
    private var committedCount = 0
    private var committedEnd: Offset = 0

    private struct Generation: Hashable {
        var group: String
        var number: Int32
    }

    /// Of the coordinator of this life.
    private var generations: [String: Int32] = [:]
    private var fenced: Set<String> = []
    private var current: [String: String] = [:]
    /// Who was answered with a generation, and whom its leader was told of.
    private var answered: [Generation: Set<String>] = [:]
    private var announced: [Generation: Set<String>] = [:]

    // MARK: The log

    mutating func follow(
        _ log: [SimulatedPartition<GroupCoordinator>.Entry], committed: Int
    ) throws {
        if log.count < seen { forget() }
        for index in seen..<max(seen, log.count) { try read(log[index], index) }
        seen = log.count
        committedCount = committed
        committedEnd = committed == 0 ? 0 : log[committed - 1].base + Offset(log[committed - 1].count)
    }

    /// The log was cut: all is read anew, which is simple and rare.
    private mutating func forget() {
        written = [:]
        ends = [:]
        records = [:]
        tombstones = [:]
        seen = 0
    }

    private mutating func read(_ entry: SimulatedPartition<GroupCoordinator>.Entry, _ index: Int) throws {
        var batches = RecordBatches(entry.bytes)
        while let batch = try batches.next() {
            if let marker = try batch.endTransactionMarker() {
                ends[batch.header.producerID, default: []].append((marker.isCommit, index))
                continue
            }
            var iterator = try batch.records()
            while let record = try iterator.next() {
                guard let key = record.key, let read = try OffsetsRecord(key: key, value: record.value) else {
                    continue
                }
                switch read {
                case .offset(let group, let partition, let value?):
                    written[Position(group: group, partition: partition), default: [:]][value.metadata, default: []]
                        .append(
                            Written(
                                offset: record.offset, entry: index,
                                producer: batch.header.isTransactional ? batch.header.producerID : nil))
                case .offset(let group, let partition, nil):
                    tombstones[Position(group: group, partition: partition)] = record.offset
                case .group(let group, let value):
                    guard let value else { continue }
                    records[group, default: []].append(
                        Described(
                            entry: index, generation: value.generation,
                            assignments: Dictionary(
                                value.members.map { ($0.memberID, $0.assignment) }, uniquingKeysWith: { $1 })))
                }
            }
        }
    }

    mutating func coordinatorLost() {
        generations = [:]
        fenced = []
        current = [:]
        answered = [:]
        announced = [:]
    }

    // MARK: Answers

    mutating func joined(_ request: JoinGroup, _ answer: JoinAnswer) throws {
        guard answer.error.isNone else { return }
        let known = generations[request.group] ?? -1
        guard answer.generation >= known else {
            throw Violation("\(request.group) goes from generation \(known) back to \(answer.generation)")
        }
        generations[request.group] = answer.generation
        let generation = Generation(group: request.group, number: answer.generation)
        answered[generation, default: []].insert(answer.memberID)
        if !answer.skipAssignment {
            announced[generation, default: []].formUnion(
                answer.members.filter { $0.instanceID == nil }.map(\.memberID))
        }
        guard let instance = request.instanceID else { return }
        let place = "\(request.group)/\(instance)"
        if let before = current[place], before != answer.memberID { fenced.insert(before) }
        current[place] = answer.memberID
    }

    /// After a step: all members of a generation are answered in the same one.
    mutating func expectAllJoined() throws {
        for (generation, members) in announced {
            for member in members.subtracting(answered[generation] ?? []) {
                throw Violation("\(member) has not joined, and is a member of \(generation)")
            }
        }
        announced = [:]
    }

    mutating func synced(_ request: SyncGroup, _ answer: SyncAnswer, owner: String) throws {
        guard answer.error.isNone else { return }
        let isLogged = records[request.group, default: []].contains {
            $0.entry < committedCount && $0.generation == request.generation
                && $0.assignments.values.contains(answer.assignment)
        }
        guard isLogged else {
            throw Violation(
                "\(owner) is told of an assignment in generation \(request.generation) of \(request.group) that is not on every replica"
            )
        }
        for partition in answer.assignment {
            let owned = Owned(group: request.group, generation: request.generation, partition: partition)
            if let other = owners[owned], other != owner {
                throw Violation("\(owned) is owned by \(other) and \(owner)")
            }
            owners[owned] = owner
        }
    }

    mutating func heard(_ request: Heartbeat, _ error: ErrorCode) throws {
        if error.isNone, fenced.contains(request.memberID) {
            throw Violation("\(request.memberID) has been replaced and is told that all is well")
        }
    }

    /// A commit was handed over.
    func accepted(_ request: OffsetCommit, _ actions: [GroupAction]) -> Violation? {
        let isAppended = actions.contains { if case .append = $0 { true } else { false } }
        if isAppended, fenced.contains(request.memberID) {
            return Violation("\(request.memberID) has been replaced and commits")
        }
        guard isAppended, request.generation >= 0, let generation = generations[request.group],
            request.generation < generation
        else { return nil }
        return Violation("a commit of generation \(request.generation) is taken in \(generation)")
    }

    mutating func committed(_ request: OffsetCommit, _ answer: [PartitionError]) throws {
        for (entry, outcome) in zip(request.partitions, answer) where outcome.error.isNone {
            let position = Position(group: request.group, partition: entry.partition)
            let copies = written[position]?[entry.offset.metadata] ?? []
            guard let written = copies.filter({ $0.offset < committedEnd }).min(by: { $0.offset < $1.offset }) else {
                throw Violation("commit \(entry.offset.metadata) is acknowledged and not on every replica")
            }
            if request.producer == nil { known[position] = max(known[position] ?? -1, written.offset) }
        }
    }

    mutating func fetched(_ group: String, _ answer: OffsetFetchAnswer) throws {
        for found in answer.partitions {
            let position = Position(group: group, partition: found.partition)
            let floor = known[position] ?? -1
            guard found.offset >= 0 else {
                if floor > tombstones[position] ?? -1, !isBeingDeleted(position) {
                    throw Violation("the position of \(position) is gone")
                }
                continue
            }
            let copies = (written[position]?[found.metadata] ?? []).filter { $0.offset < committedEnd }
            guard let written = copies.filter(isVisible).max(by: { $0.offset < $1.offset }) else {
                throw Violation(
                    copies.isEmpty
                        ? "\(position) has a position that not every replica has: \(found.metadata)"
                        : "\(position) has a position of a transaction that is not committed")
            }
            guard written.offset >= floor else {
                throw Violation("\(position) goes back from the record at \(floor) to that at \(written.offset)")
            }
            known[position] = written.offset
        }
    }

    private func isVisible(_ written: Written) -> Bool {
        guard let producer = written.producer else { return true }
        // Written again, a marker says the same.
        guard let end = ends[producer]?.first(where: { $0.entry > written.entry }) else { return false }
        return end.isCommit && end.entry < committedCount
    }

    private func isBeingDeleted(_ position: Position) -> Bool {
        deleting[position.group].map { $0 >= known[position] ?? -1 } ?? false
    }

    /// The group begins anew, its generations too.
    mutating func deleted(_ group: String, at end: Offset) {
        deleting[group] = end
        owners = owners.filter { $0.key.group != group }
        known = known.filter { $0.key.group != group }
        generations[group] = nil
        answered = answered.filter { $0.key.group != group }
    }
}
