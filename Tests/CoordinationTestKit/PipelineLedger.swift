// SPDX-License-Identifier: Apache-2.0

internal import GroupCoordination
internal import KafkaModel
internal import KafkaRecords

/// What must hold of records that are transformed exactly once, kept apart from the machines.
///
/// 1. What a transaction has written and its positions have one outcome.
/// 2. No record of the input has two committed records of the output.
/// 3. A position that is told as stable (KIP-447) is where the committed output ends; any other is not behind it.
/// 4. Told positions do not go back.
struct PipelineLedger {
    private var outcomes: [Int: Bool] = [:]
    /// What transactions have written, by transaction.
    private var written: [Int: Set<Input>] = [:]
    /// Which transaction has transformed a record for good.
    private var transformed: [Input: Int] = [:]
    /// How many records of a partition of the input are transformed, and where the last of them ends.
    private var ends: [UInt8: (count: Offset, end: Offset)] = [:]
    private var told: [UInt8: Offset] = [:]
    /// Transactions with positions on the log that have no marker yet, by producer.
    private var open: [ProducerID: Set<Int>] = [:]
    private var positioned: Set<Int> = []
    /// Those that have a marker behind their positions.
    private var closed: Set<Int> = []
    private var seen = 0

    /// How many records have been transformed.
    func progress(_ partition: UInt8) -> Offset { ends[partition]?.count ?? 0 }

    // MARK: The logs

    mutating func saw(_ record: DataPartition.Record) throws {
        if let isCommitted = record.isCommitted { return try ended(record.transaction, isCommitted) }
        // A late record may yet come before the marker of an abort.
        guard outcomes[record.transaction] != true else {
            throw Violation("transaction \(record.transaction) is committed and goes on to write")
        }
        written[record.transaction, default: []].formUnion(record.inputs)
    }

    /// Reads what is new in the group's partition and on every replica.
    mutating func follow(_ committed: ArraySlice<SimulatedPartition<GroupCoordinator>.Entry>) throws {
        for entry in committed.dropFirst(seen) {
            var batches = RecordBatches(entry.bytes)
            while let batch = try batches.next(), batch.header.isTransactional {
                let producer = batch.header.producerID
                if let marker = try batch.endTransactionMarker() {
                    for transaction in open.removeValue(forKey: producer) ?? [] {
                        try ended(transaction, marker.isCommit)
                        closed.insert(transaction)
                    }
                    continue
                }
                var records = try batch.records()
                while let record = try records.next() {
                    guard let key = record.key,
                        case .offset(_, _, let value?)? = try OffsetsRecord(key: key, value: record.value),
                        let transaction = Int(value.metadata)
                    else { continue }
                    // A copy that comes behind the transaction's own marker is one of the next: what it changes, the told
                    // positions show.
                    guard !closed.contains(transaction) else { continue }
                    open[producer, default: []].insert(transaction)
                    positioned.insert(transaction)
                }
            }
        }
        seen = max(seen, committed.count)
    }

    private mutating func ended(_ transaction: Int, _ isCommitted: Bool) throws {
        if let known = outcomes[transaction] {
            guard known == isCommitted else {
                throw Violation("transaction \(transaction) is committed in one place and aborted in another")
            }
            return
        }
        outcomes[transaction] = isCommitted
        guard isCommitted else { return }
        for input in written[transaction] ?? [] {
            if let other = transformed[input] {
                throw Violation("\(input) is transformed by transactions \(other) and \(transaction)")
            }
            transformed[input] = transaction
            let known = ends[input.partition] ?? (0, 0)
            ends[input.partition] = (known.count + 1, max(known.end, input.offset + 1))
        }
    }

    // MARK: Positions

    mutating func told(_ partition: UInt8, _ position: Offset, isStable: Bool) throws {
        let (count, end) = ends[partition] ?? (0, 0)
        guard position <= count, !isStable || position == count && position == end else {
            throw Violation(
                "input \(partition) is told to be read up to \(position), and \(count) records up to \(end) are transformed"
            )
        }
        let before = told[partition] ?? 0
        guard position >= before else {
            throw Violation("the position of input \(partition) goes back from \(before) to \(position)")
        }
        told[partition] = position
    }

    /// In the end: what is committed is so with its positions.
    func settle() throws {
        for (transaction, isCommitted) in outcomes.sorted(by: { $0.key < $1.key }) where isCommitted {
            guard positioned.contains(transaction) else {
                throw Violation("transaction \(transaction) is committed without its positions")
            }
        }
        if let producer = open.keys.min() { throw Violation("positions of \(producer) are neither kept nor dropped") }
    }
}
