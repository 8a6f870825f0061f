// SPDX-License-Identifier: Apache-2.0

internal import GroupCoordination
internal import KafkaModel
internal import TransactionCoordination

/// Groups and transactions together under chance: processes that read as members of a group, transform, and write in
/// transactions to which their positions belong. Everything that befalls ``GroupWorld`` and ``TransactionWorld`` befalls
/// both coordinators here. Records are transformed exactly once all the same, as ``PipelineLedger`` sees to, and the rules
/// of both other ledgers hold.
///
/// Of two kinds, by the seed. Since KIP-447 a process has one transactional id, names its generation with its positions,
/// and waits for those of others that are not stable. Before, a transactional id belonged to a partition of the input, and
/// who took one over fenced who had it.
package final class JointWorld {
    static let group = "g"
    static let sources: [UInt8] = [0, 1, 2, 3]
    static let places = 3

    let surroundings: Surroundings
    let transactions: SimulatedPartition<TransactionCoordinator>
    let groups: SimulatedPartition<GroupCoordinator>
    let outputs = [TopicPartition("out", 0), TopicPartition("out", 1)].map(DataPartition.init)
    let members: GroupMembers
    let producers: TransactionProducers
    /// Where the group's positions lie.
    let positions = TopicPartition("__consumer_offsets", 0)
    /// Whether transactional ids belong to partitions of the input.
    let isPerPartition: Bool
    private let post: MarkerPost
    var ledger = PipelineLedger()
    private var pipelines: [Pipeline] = []
    /// Everyone who ever was: the ledgers know them by who they are.
    private var everyone: [Transformer] = []
    private var lastMember = 0
    private var lastTransaction = 0

    var chance: Chance {
        get { surroundings.chance }
        set { surroundings.chance = newValue }
    }

    /// What happened of that which should happen.
    package var happened: [Happening: Int] { surroundings.happened }

    package init(seed: UInt64) {
        surroundings = Surroundings(seed: seed)
        var configuration = GroupConfiguration()
        configuration.sessionTimeouts = 1...60_000
        configuration.initialRebalanceDelay = 300
        configuration.offsetRetention = .max / 4
        groups = SimulatedPartition { _ in GroupCoordinator(configuration: configuration) }
        transactions = SimulatedPartition { epoch in
            TransactionCoordinator(configuration: TransactionConfiguration(), coordinatorEpoch: epoch)
        }
        members = GroupMembers(groups, partitions: Self.sources, surroundings)
        // What a connection keeps in order is in order: with one epoch for many transactions nothing else tells the end of
        // one from that of the next (KIP-890, part two).
        producers = TransactionProducers(transactions, partitions: outputs, keepsOrder: true, surroundings)
        post = MarkerPost(producers, surroundings)
        isPerPartition = seed % 3 == 0
        post.writeElsewhere = { [unowned self] in mark($0, $1) }
        for output in outputs {
            output.watch = { [unowned self] record in blame { try ledger.saw(record) } }
        }
        for place in 0..<Self.places { pipelines.append(makePipeline(place)) }
    }

    /// Runs until a rule is broken, which is thrown.
    package func run(steps: Int) throws {
        for _ in 0..<steps { try step() }
        try calmDown()
    }

    /// Keeps what is wrong until the step is over.
    func blame(_ judge: () throws -> Void) {
        do {
            try judge()
        } catch {
            groups.violation = groups.violation ?? error as? Violation ?? Violation("\(error)")
        }
    }

    // MARK: Steps

    private func pass(_ uptime: Int64, wallClock: Int64) {
        groups.uptime += uptime
        groups.wallClock += wallClock
        transactions.uptime = groups.uptime
        transactions.wallClock = groups.wallClock
    }

    private func step() throws {
        pass(chance.milliseconds(0...40), wallClock: chance.oneIn(800) ? chance.milliseconds(-60_000...60_000) : 20)
        for _ in 0..<chance.within(0...6) { surroundings.network.next(now: groups.uptime)?() }
        for _ in 0..<chance.within(0...3) { act() }
        if chance.oneIn(3) { groups.write() }
        if chance.oneIn(3) { groups.replicate() }
        if chance.oneIn(2) { transactions.write() }
        if chance.oneIn(2) { transactions.replicate() }
        switch chance.within(0...99) {
        case 0...29: groups.advance()
        case 30...49: transactions.advance()
        case 50...57: for _ in 0..<chance.within(1...40) { try groups.load() }
        case 58...65: for _ in 0..<chance.within(1...40) { try transactions.load() }
        case 66...70: groups.elect()
        case 71...75: transactions.elect()
        case 76: if chance.oneIn(4) { change() }
        case 77: if chance.oneIn(2) { trouble() }
        case 78: for output in outputs where output.isAway || chance.oneIn(6) { output.isAway.toggle() }
        case 79: chance.pick(outputs)?.move()
        case 80...82: transactions.notify { $0.abortTimedOut(now: $1) }
        case 83: if chance.oneIn(40) { transactions.notify { $0.expireTransactionalIDs(now: $1) } }
        case 84...89: try inspect()
        default: break
        }
        try check()
    }

    private func check() throws {
        post.advance()
        if let violation = groups.violation ?? transactions.violation { throw violation }
        try follow()
        try members.ledger.expectAllJoined()
    }

    private func follow() throws {
        try members.follow()
        try ledger.follow(groups.committedEntries)
    }

    /// What a consumer that starts now would be told, and one that reads the output.
    private func inspect() throws {
        try producers.ledger.check(outputs)
        for requireStable in [true, false] {
            let request = OffsetFetch(
                group: Self.group, partitions: members.topicPartitions, requireStable: requireStable)
            if let answer = groups.look({ $0.fetchOffsets(request) }) { try judge(answer, requireStable) }
        }
    }

    func judge(_ answer: OffsetFetchAnswer, _ requireStable: Bool) throws {
        guard answer.error.isNone else { return }
        try follow()
        let known = answer.partitions.filter(\.error.isNone)
        try members.ledger.fetched(Self.group, OffsetFetchAnswer(partitions: known))
        for found in known {
            try ledger.told(
                UInt8(found.partition.partition), max(0, found.offset), isStable: requireStable)
        }
    }

    /// Brokers come and go.
    private func trouble() {
        switch chance.within(0...15) {
        case 0...3: loseGroups()
        case 4...6: transactions.lose(gracefully: chance.oneIn(2), kept: chance.within(0...3))
        case 7: groups.giveUp(chance.oneIn(2) ? .requestTimedOut : .notEnoughReplicasAfterAppend)
        case 8: transactions.giveUp(chance.oneIn(2) ? .requestTimedOut : .notEnoughReplicasAfterAppend)
        case 9: groups.appendError = chance.pick([.notEnoughReplicas, .kafkaStorageError])
        case 10: transactions.appendError = chance.pick([.notEnoughReplicas, .kafkaStorageError])
        default:
            groups.appendError = nil
            transactions.appendError = nil
        }
    }

    func loseGroups() {
        groups.lose(gracefully: chance.oneIn(2), kept: chance.within(0...3))
        members.ledger.coordinatorLost()
    }

    /// Processes stop, die, and come again; one that was only stopped then is a zombie.
    private func change() {
        guard let pipeline = chance.pick(pipelines) else { return }
        switch chance.within(0...5) {
        case 0: pipeline.die()
        case 1:
            if !pipeline.member.isDead { members.leave(pipeline.member) }
            pipeline.die()
        case 2, 3: pipeline.member.pausedUntil = groups.uptime + chance.milliseconds(500...15_000)
        default: if pipelines.count <= Self.places { pipelines.append(makePipeline(pipeline.place)) }
        }
        restart()
    }

    /// Who has died has a successor.
    private func restart() {
        pipelines.removeAll { $0.member.isDead }
        for place in 0..<Self.places where !pipelines.contains(where: { $0.place == place && !$0.member.isDead }) {
            pipelines.append(makePipeline(place))
        }
    }

    private func makePipeline(_ place: Int) -> Pipeline {
        lastMember += 1
        let member = GroupClient(
            number: lastMember, group: Self.group, instanceID: place == 0 ? nil : "instance\(place)", leaves: true)
        let pipeline = Pipeline(member, place: place, isRude: chance.oneIn(3))
        if !isPerPartition { pipeline.transformers = [makeTransformer("p\(place)", [])] }
        return pipeline
    }

    private func makeTransformer(_ id: String, _ sources: [UInt8]) -> Transformer {
        let client = TransactionClient(id: id, timeout: chance.oneIn(2) ? 3_000 : 10_000)
        let transformer = Transformer(client, sources: sources)
        everyone.append(transformer)
        return transformer
    }

    // MARK: Processes

    private func act() {
        guard let pipeline = chance.pick(pipelines), pipeline.member.pausedUntil <= groups.uptime else { return }
        if pipeline.member.isDead { return pipeline.die() }
        if pipeline.transformers.contains(where: \.client.isDead) {
            // It has a successor, under one of its ids.
            surroundings.note(.fencedProducer)
            members.leave(pipeline.member)
            return pipeline.die()
        }
        live(pipeline)
        if let transformer = chance.pick(pipeline.transformers) { act(transformer, of: pipeline) }
    }

    /// The member's part.
    private func live(_ pipeline: Pipeline) {
        let (member, now) = (pipeline.member, groups.uptime)
        if let waits = member.waitsFor, now - waits.since < 5_000 { return }
        member.waitsFor = nil
        switch member.state {
        case .dead: break
        case .outside:
            for transformer in pipeline.transformers where pipeline.isRude {
                if case .writing = transformer.client.state { transformer.client.abandon() }
            }
            if pipeline.isRude || pipeline.isIdle { members.join(member) }
        case .joined(let joined): members.sync(member, joined)
        case .member:
            if pipeline.hasNewAssignment() { assign(pipeline) }
            guard member.nextAction <= now else { return }
            member.nextAction = now + 600
            members.heartbeat(member)
        }
    }

    private func assign(_ pipeline: Pipeline) {
        let assigned = pipeline.member.assigned
        guard isPerPartition else {
            for transformer in pipeline.transformers { transformer.moveTo(assigned) }
            return
        }
        for transformer in pipeline.transformers { transformer.moveTo(transformer.sources) }
        pipeline.transformers.removeAll { !assigned.contains($0.sources[0]) }
        for source in assigned where !pipeline.transformers.contains(where: { $0.sources == [source] }) {
            pipeline.transformers.append(makeTransformer("input\(source)", [source]))
        }
    }

    private func act(_ transformer: Transformer, of pipeline: Pipeline) {
        let client = transformer.client
        if client.mustWait(at: groups.uptime, &chance) { return }
        switch client.state {
        case .dead: break
        case .unready:
            transformer.positions = nil
            producers.initialize(client)
        case .ready:
            guard pipeline.isMember, !transformer.sources.isEmpty else { return }
            if transformer.positions == nil {
                fetch(transformer)
            } else {
                begin(transformer, of: pipeline)
            }
        case .writing(let missing):
            if let next = missing.first {
                write(transformer, next)
            } else if chance.oneIn(8) {
                surroundings.note(.aborted)
                client.abandon()
            } else {
                client.state = .ending(isCommit: true)
            }
        case .ending(let isCommit):
            producers.end(client, isCommit) { [unowned self] in
                guard isCommit else {
                    transformer.positions = nil
                    return
                }
                surroundings.note(.committed)
                // Unless the group has moved on meanwhile.
                transformer.positions?.merge(transformer.next) { $1 }
            }
        }
    }

    /// Reads some records, and plans what to write where.
    private func begin(_ transformer: Transformer, of pipeline: Pipeline) {
        guard let positions = transformer.positions else { return }
        lastTransaction += 1
        let client = transformer.client
        client.transaction = lastTransaction
        client.registered = []
        transformer.plan = [:]
        transformer.next = [:]
        let member = pipeline.member
        transformer.membership =
            isPerPartition ? ("", nil, -1) : (member.memberID, member.instanceID, member.generation)
        for source in transformer.sources where transformer.sources.count == 1 || chance.oneIn(2) {
            var position = positions[source] ?? 0
            for _ in 0..<chance.within(1...3) {
                let output = chance.within(0...outputs.count - 1)
                transformer.plan[output, default: []].append(Input(partition: source, offset: position))
                position += 1
            }
            transformer.next[source] = position
        }
        guard !transformer.next.isEmpty else { return }
        let indices = transformer.plan.keys.sorted() + [outputs.count]
        client.state = .writing(indices.shuffled(using: &surroundings.chance))
    }

    private func write(_ transformer: Transformer, _ index: Int) {
        let client = transformer.client
        let partition = index < outputs.count ? outputs[index].id : positions
        guard client.registered.contains(index) else { return producers.register(client, index, partition) }
        if index < outputs.count {
            producers.write(client, index, transformer.plan[index] ?? [])
        } else {
            commit(transformer, index)
        }
    }

    // MARK: The end

    /// Nothing fails any more. While processes live, all of the input moves on; when they have died, no transaction is open
    /// in due time, and all positions are stable and where the output ends.
    private func calmDown() throws {
        surroundings.network.isFaulty = false
        groups.appendError = nil
        transactions.appendError = nil
        for output in outputs { output.isAway = false }
        for pipeline in pipelines { pipeline.member.pausedUntil = 0 }
        let before = Self.sources.map { ledger.progress($0) }
        try live(for: 45_000, areRestarted: true)
        for (source, progress) in zip(Self.sources, before) where ledger.progress(source) == progress {
            throw Violation("nobody reads input \(source) any more, which is read up to \(progress)")
        }
        for pipeline in pipelines { pipeline.die() }
        try live(for: 60_000, areRestarted: false)
        try inspect()
        for output in outputs {
            guard let open = output.firstOpen else { continue }
            throw Violation("in \(output.id) the transaction from offset \(open) is open for ever")
        }
        if let open = groups.firstOpen { throw Violation("positions from offset \(open) are open for ever") }
        try producers.ledger.settle(outputs)
        try ledger.settle()
        let request = OffsetFetch(group: Self.group, partitions: members.topicPartitions, requireStable: true)
        guard groups.look({ $0.fetchOffsets(request) })?.partitions.allSatisfy(\.error.isNone) == true else {
            throw Violation("positions are not stable again")
        }
        let unanswered = groups.unanswered + transactions.unanswered
        if unanswered > 0 { throw Violation("\(unanswered) requests wait for ever") }
    }

    private func live(for milliseconds: Int64, areRestarted: Bool) throws {
        let end = groups.uptime + milliseconds
        while groups.uptime < end {
            pass(20, wallClock: 20)
            while let deliver = surroundings.network.next(now: groups.uptime) { deliver() }
            for _ in 0..<Self.places { act() }
            groups.elect()
            transactions.elect()
            for _ in 0..<50 {
                try groups.load()
                try transactions.load()
            }
            for _ in 0..<4 {
                groups.write()
                groups.replicate()
                transactions.write()
                transactions.replicate()
            }
            groups.advance()
            transactions.advance()
            if chance.oneIn(50) { transactions.notify { $0.abortTimedOut(now: $1) } }
            if chance.oneIn(20) { try inspect() }
            if areRestarted, chance.oneIn(50) { restart() }
            try check()
        }
    }
}
