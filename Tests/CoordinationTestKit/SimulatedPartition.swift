// SPDX-License-Identifier: Apache-2.0

package import Coordination
package import KafkaModel
package import KafkaRecords
internal import LogStorage
package import NIOCore

/// A partition of a coordinator's topic with all its replicas, and the brokers that coordinate it one after the other.
///
/// The driver of the machine as `Coordination` describes it, except that everything that can happen between two steps does:
/// appends wait, fail, or succeed without anybody hearing of it; brokers crash and hand over, in the midst of loading too;
/// and of what was not committed a successor has some.
package final class SimulatedPartition<Machine: CoordinatorMachine> {
    package typealias Call = (inout Machine, RequestToken, CoordinatorTime) -> [Machine.Action]
    package typealias Notice = (inout Machine, CoordinatorTime) -> [Machine.Action]

    /// A batch on the log.
    package struct Entry {
        package let base: Offset
        package let bytes: ByteBuffer
        package let count: Int
        /// What the log remembers of it, if it belongs to a transaction.
        fileprivate let transactional: ProducerBatch?
    }

    /// Something that is to be appended, and who hears of it.
    private struct Item {
        let bytes: ByteBuffer
        let count: Int
        /// Of a transaction, with what there is to show for it; its offsets are those of the log's end.
        var transactional: (batch: ProducerBatch, proof: TransactionProof)?
        /// Whether it may still be appended; markers overtake records of their transaction.
        let isAdmitted: () -> Bool
        let ended: (ErrorCode, Offset) -> Void
    }

    private enum Leader {
        case nobody
        /// `aside` has the first `next` entries of the `end` that there were in the beginning.
        case loading(aside: Machine, next: Int, end: Int)
        case serving
    }

    private let makeMachine: (Int32) -> Machine
    private var machine: Machine
    private var leader = Leader.nobody
    package private(set) var epoch: Int32 = 0
    /// The last coordinator that was replaced without having heard of it: who asks it is answered.
    package private(set) var former: (machine: Machine, epoch: Int32)?
    /// Counts the brokers that have coordinated: what one heard dies with it.
    package private(set) var life = 0
    package private(set) var log: [Entry] = []
    /// How many entries every replica has.
    package private(set) var committed = 0
    /// The log's own rules for records of transactions, as its leader knows them.
    private var producers = ProducerStateManager()
    private var outbox: [Item] = []
    private var written: [(entry: Int, item: Item)] = []
    private var notices: [Notice] = []
    private var lastToken: UInt64 = 0
    private var waiting: [RequestToken: (Machine.Reply) throws -> Void] = [:]

    package var uptime: Int64 = 1_000_000
    package var wallClock: Timestamp = 1_700_000_000_000
    package var time: CoordinatorTime { CoordinatorTime(uptime: uptime, wallClock: wallClock) }
    /// Does a machine's errands.
    package var perform: (Machine.Errand) -> Void = { _ in }
    /// What is wrong with what the machine did, found where it could not be thrown.
    package var violation: Violation?
    /// The error with which appends fail now.
    package var appendError: ErrorCode?
    /// Whether a record of a transaction may enter the log.
    package var admits: (CoordinatorBatch) -> Bool = { _ in true }

    package init(_ makeMachine: @escaping (Int32) -> Machine) {
        self.makeMachine = makeMachine
        machine = makeMachine(0)
    }

    package var isServing: Bool { if case .serving = leader { true } else { false } }

    package var isLoading: Bool { if case .loading = leader { true } else { false } }

    /// Where the earliest transaction began that is open on this partition.
    package var firstOpen: Offset? { producers.firstOpen }

    package var unanswered: Int { waiting.count }

    package var logEnd: Offset { log.last.map { $0.base + Offset($0.count) } ?? 0 }

    /// Where the log ends that every replica has.
    package var committedEnd: Offset { committed == 0 ? 0 : log[committed - 1].base + Offset(log[committed - 1].count) }

    package var committedEntries: ArraySlice<Entry> { log[..<committed] }

    // MARK: Calls

    /// Hands a request to who coordinates; nobody's answer is none at all, as of a lost connection.
    package func request(_ reply: @escaping (Machine.Reply) throws -> Void, _ call: Call) {
        if case .nobody = leader { return }
        lastToken += 1
        let token = RequestToken(lastToken)
        waiting[token] = reply
        run(call(&machine, token, time))
    }

    package func notify(_ notice: @escaping Notice) {
        switch leader {
        case .nobody: break
        case .loading: notices.append(notice)
        case .serving: run(notice(&machine, time))
        }
    }

    package func look<Result>(_ body: (Machine) -> Result) -> Result? { isServing ? body(machine) : nil }

    /// What who leads says, also while it is loading; nil if nobody does.
    package func consult<Result>(_ body: (Machine) -> Result) -> Result? {
        if case .nobody = leader { nil } else { body(machine) }
    }

    /// Begins a question to a transaction's coordinator, as KIP-890 wants; nil if none is needed.
    package func question(_ producer: ProducerID, _ epoch: ProducerEpoch) -> VerificationGuard? {
        producers.beginVerification(of: producer, epoch: epoch, firstSequence: -1, now: 0)
    }

    /// The coordinator whose marker came last, by its epoch.
    package func coordinatorEpoch(of producer: ProducerID) -> Int32 { producers.coordinatorEpoch(of: producer) }

    /// Puts a transaction's marker into the line of appends.
    package func appendMarker(
        _ marker: EndTransactionMarker, _ producer: ProducerID, _ epoch: ProducerEpoch,
        ended: @escaping (ErrorCode, Offset) -> Void
    ) {
        if case .nobody = leader { return ended(.notLeaderOrFollower, -1) }
        let bytes = RecordBatchBuilder.endTransaction(
            marker, producerID: producer, producerEpoch: epoch, timestamp: wallClock)
        let batch = ProducerBatch(
            producerID: producer, epoch: epoch, firstSequence: -1, firstOffset: 0, lastOffset: 0,
            maxTimestamp: wallClock, isTransactional: true, isControl: true, marker: marker)
        outbox.append(
            Item(
                bytes: bytes, count: 1, transactional: (batch, .notRequired), isAdmitted: { true }, ended: ended))
    }

    private func run(_ actions: [Machine.Action]) {
        for action in actions {
            switch action {
            case .append(let id, let batch):
                outbox.append(
                    Item(
                        bytes: batch.encoded(), count: batch.records.count,
                        transactional: batch.isTransactional ? (ProducerBatch(batch), batch.proof) : nil,
                        isAdmitted: { [unowned self] in !batch.isTransactional || admits(batch) }
                    ) { [unowned self] error, base in
                        run(machine.appended(id, error: error, baseOffset: base, now: time))
                    })
            case .reply(let token, let reply):
                guard let deliver = waiting.removeValue(forKey: token) else {
                    violation = Violation("a request is answered twice: \(reply)")
                    continue
                }
                do {
                    try deliver(reply)
                } catch {
                    violation = violation ?? error as? Violation
                }
            case .errand(let errand): perform(errand)
            }
        }
    }

    // MARK: Steps

    /// The disk takes the next append, or refuses it.
    package func write() {
        guard !outbox.isEmpty else { return }
        let item = outbox.removeFirst()
        if let appendError { return finish(item, appendError) }
        guard item.isAdmitted() else { return finish(item, .invalidTxnState) }
        let base = logEnd
        var transactional = item.transactional?.batch
        transactional?.firstOffset = base
        transactional?.lastOffset = base + Offset(item.count) - 1
        if let transactional, let proof = item.transactional?.proof {
            do throws(LogError) {
                try producers.check(transactional, origin: .coordinator, proof: proof)
            } catch {
                return finish(item, error.errorCode)
            }
            producers.apply(transactional)
        }
        var bytes = item.bytes
        bytes.setInteger(base, at: bytes.readerIndex)
        log.append(Entry(base: base, bytes: bytes, count: item.count, transactional: transactional))
        written.append((log.count - 1, item))
    }

    /// Refusals are heard of in the order of the appends too.
    private func finish(_ item: Item, _ error: ErrorCode) {
        while let first = written.first {
            written.removeFirst()
            if first.entry >= committed { committed = first.entry + 1 }
            first.item.ended(.none, log[first.entry].base)
        }
        item.ended(error, -1)
    }

    /// Every replica has one more batch, and its owner hears of it.
    package func replicate() {
        guard let first = written.first else {
            committed = log.count
            return
        }
        written.removeFirst()
        committed = max(committed, first.entry + 1)
        first.item.ended(.none, log[first.entry].base)
    }

    /// The owner of the oldest batch gives up on it. It is on the log, and will be committed some day.
    package func giveUp(_ error: ErrorCode) {
        guard let first = written.first else { return }
        written.removeFirst()
        first.item.ended(error, log[first.entry].base)
    }

    package func advance() {
        guard isServing, let deadline = machine.nextDeadline, deadline <= uptime else { return }
        run(machine.advance(to: time))
        if let next = machine.nextDeadline, next <= uptime {
            violation = violation ?? Violation("after the deadline \(deadline) comes \(next), which is past as well")
        }
    }

    /// The coordinator's broker is gone, or has been told that it does not lead any more. Of the batches that were not
    /// committed the successor has the first `kept`.
    package func lose(gracefully: Bool, kept: Int) {
        if case .nobody = leader {
        } else if gracefully {
            run(machine.unload(now: time))
            if !waiting.isEmpty {
                violation = violation ?? Violation("unload left \(waiting.count) requests without an answer")
            }
        } else if isServing {
            former = (machine, epoch)
        }
        leader = .nobody
        life += 1
        waiting = [:]
        outbox = []
        written = []
        notices = []
        log.removeLast(max(0, log.count - committed - kept))
    }

    /// A broker becomes the leader and begins to read.
    package func elect() {
        guard case .nobody = leader else { return }
        epoch += 1
        machine = makeMachine(epoch)
        // What its log says, and none of the questions that its predecessor had asked.
        producers = ProducerStateManager()
        for entry in log { if let batch = entry.transactional { producers.apply(batch) } }
        leader = .loading(aside: makeMachine(epoch), next: 0, end: log.count)
    }

    /// The leader reads one more batch, and serves when it has read all and every replica has that.
    package func load() throws {
        guard case .loading(var aside, let next, let end) = leader else { return }
        leader = .nobody
        if next < end {
            var batches = RecordBatches(log[next].bytes)
            while let batch = try batches.next() { try aside.load(batch, now: time) }
            leader = .loading(aside: aside, next: next + 1, end: end)
            return
        }
        guard end <= committed else {
            leader = .loading(aside: aside, next: next, end: end)
            return
        }
        leader = .serving
        machine = aside
        run(machine.finishLoading(now: time))
        let late = notices
        notices = []
        for notice in late { run(notice(&machine, time)) }
    }
}

extension ProducerBatch {
    /// A coordinator's records of a transaction, somewhere.
    fileprivate init(_ batch: CoordinatorBatch) {
        self.init(
            producerID: batch.producerID, epoch: batch.producerEpoch, firstSequence: batch.baseSequence, firstOffset: 0,
            lastOffset: 0, maxTimestamp: batch.timestamp, isTransactional: true, isControl: false, marker: nil)
    }
}
