// SPDX-License-Identifier: Apache-2.0

import DequeModule
import KafkaModel
import NIOCore

/// Decides what a producer sends, when, and what becomes of it: batches per partition, linger, memory, sequences, retries.
///
/// It sees neither sockets nor clock: times are milliseconds of any steady clock, handed in. ``drain(now:leader:)`` takes
/// batches out for requests; each must come back through ``completed(_:baseOffset:logAppendTime:)`` or
/// ``failed(_:content:error:now:)``. Records of a partition keep their order: with idempotence by their sequence numbers
/// (KIP-98), else as far as one request in flight keeps it.
struct ProducerMachine {
    typealias Completion = @Sendable (Result<RecordMetadata, KafkaError>) -> Void

    struct Settings: Sendable {
        var batchSize = 16384
        var linger: Int64 = 0
        var bufferMemory = 33_554_432
        var maxRequestSize = 1_048_576
        var maxInFlight = 5
        var idempotent = true
        var transactional = false
        var deliveryTimeout: Int64 = 120_000
        var retryBackoff: Int64 = 100
        var retryBackoffMaximum: Int64 = 1000
        var retries = Int(Int32.max)
    }

    struct ProducerIdentity: Hashable, Sendable {
        var id: ProducerID
        var epoch: ProducerEpoch
    }

    enum AppendOutcome: Equatable {
        /// The record has a place. `wakes` when the sender may now have something to do.
        case appended(wakes: Bool)
        /// `buffer.memory` is used up: wait until something is freed and try again.
        case noSpace
        /// The record can never be sent; its size in a batch.
        case tooLarge(Int)
    }

    /// A batch on its way. Its bytes are handed over whole and come back when it must be sent again.
    struct Drained: Sendable {
        var id: Int
        var partition: TopicPartition
        /// A gap of ``BatchWriter/headerSize`` bytes and the records, compressed if `isCompressed`.
        var content: ByteBuffer
        var isCompressed: Bool
        var count: Int32
        var baseTimestamp: Int64
        var maxTimestamp: Int64
        var producer: ProducerIdentity
        var baseSequence: Int32
        var isTransactional: Bool
    }

    struct Drain: Sendable {
        /// One request for each broker.
        var requests: [BrokerID: [Drained]] = [:]
        /// When to look again at the latest; nil if only an event can bring work.
        var nextWake: Int64?
        /// Topics whose leaders must be looked up.
        var topicsWithoutLeader: Set<String> = []
        /// Brokers that lead something ready and have no connection.
        var brokersToConnect: Set<BrokerID> = []
        /// Whether a producer id must be fetched before anything can leave.
        var needsProducerID = false
        /// Partitions to add to the transaction before their batches can leave.
        var partitionsToAdd: [TopicPartition] = []
        var deliveries: [Delivery] = []
    }

    /// News for whoever sent a record; to be told outside all locks.
    struct Delivery: Sendable {
        let completion: Completion
        let result: Result<RecordMetadata, KafkaError>
    }

    private struct Batch {
        let id: Int
        var writer: BatchWriter
        var isCompressed = false
        var content: ByteBuffer?
        let createdAt: Int64
        var attempts = 0
        var reserved: Int
        var producer: ProducerIdentity?
        var baseSequence: Int32 = -1
        var completions: [(index: Int32, timestamp: Int64, completion: Completion)] = []
        var isFull = false
    }

    private struct Partition {
        let name: TopicPartition
        var batches: Deque<Batch> = []
        /// Ids of batches that are on their way, in the order of their sequences.
        var inFlight: [Int] = []
        var nextSequence: Int32 = 0
        /// The sequence that the broker expects next: that after the last acknowledged.
        var expectedSequence: Int32 = 0
        var sequencesOf: ProducerIdentity?
        /// Set when the sequences must begin again once nothing is in flight.
        var mustRestart = false
        var mutedUntil: Int64 = 0
    }

    private let settings: Settings
    private var partitions: [Partition] = []
    private var indices: [TopicPartition: Int] = [:]
    private var inFlight: [Int: (batch: Batch, partition: Int, broker: BrokerID)] = [:]
    private var requestsInFlight: [BrokerID: Int] = [:]
    private var nextBatchID = 0
    private var incomplete: Set<Int> = []
    private var flushes = 0
    private var isClosing = false
    private var memoryWaiters = 0
    private var startIndex = 0
    private(set) var memoryUsed = 0
    private(set) var producer: ProducerIdentity?
    private var addedToTransaction: Set<TopicPartition> = []
    /// Why the open transaction can only be aborted: something that belongs to it is lost, or it is over already.
    private(set) var transactionFailure: KafkaError?
    /// Whether the transaction coordinator must be asked for another epoch before the next transaction (KIP-360).
    private(set) var needsEpoch = false

    init(settings: Settings) {
        self.settings = settings
    }

    // MARK: Records

    /// Puts a record into the last batch of its partition, or into a new one.
    mutating func append(
        _ partition: TopicPartition, key: ByteBuffer?, value: ByteBuffer?, headers: [RecordHeader], timestamp: Int64,
        now: Int64, completion: Completion?
    ) -> AppendOutcome {
        let bound = BatchWriter.bound(key: key, value: value, headers: headers)
        let index = index(of: partition)
        if var last = partitions[index].batches.popLast() {
            // Taken out and put back, so that its buffer has one owner and is written in place.
            if last.content == nil, !last.isFull {
                if last.writer.buffer.readableBytes + bound <= max(settings.batchSize, last.reserved) {
                    Self.add(to: &last, key, value, headers, timestamp, completion)
                    let wasFull = last.isFull
                    last.isFull = last.writer.buffer.readableBytes + BatchWriter.recordOverhead >= settings.batchSize
                    let wakes = !wasFull && last.isFull
                    partitions[index].batches.append(last)
                    return .appended(wakes: wakes)
                }
                last.isFull = true
            }
            partitions[index].batches.append(last)
        }
        let size = max(settings.batchSize, BatchWriter.headerSize + bound)
        let least = BatchWriter.headerSize + bound - BatchWriter.recordOverhead
        if least > settings.maxRequestSize || least > settings.bufferMemory { return .tooLarge(least) }
        guard memoryUsed == 0 || memoryUsed + size <= settings.bufferMemory else {
            memoryWaiters += 1
            return .noSpace
        }
        memoryUsed += size
        var batch = Batch(id: nextBatchID, writer: BatchWriter(capacity: size), createdAt: now, reserved: size)
        nextBatchID += 1
        incomplete.insert(batch.id)
        Self.add(to: &batch, key, value, headers, timestamp, completion)
        batch.isFull = batch.writer.buffer.readableBytes + BatchWriter.recordOverhead >= settings.batchSize
        partitions[index].batches.append(batch)
        // The sender must learn of a new batch: of a full one to send it, of the first to set its alarm.
        return .appended(wakes: true)
    }

    private static func add(
        to batch: inout Batch, _ key: ByteBuffer?, _ value: ByteBuffer?, _ headers: [RecordHeader], _ timestamp: Int64,
        _ completion: Completion?
    ) {
        let index = batch.writer.append(key: key, value: value, headers: headers, timestamp: timestamp)
        if let completion { batch.completions.append((index, timestamp, completion)) }
    }

    /// Everything that waits leaves without lingering until ``flushEnded()``. Returns what to hand to ``isComplete(upTo:)``.
    mutating func flushBegan() -> Int {
        flushes += 1
        return nextBatchID
    }

    mutating func flushEnded() { flushes -= 1 }

    /// Whether all batches begun before a flush are done with.
    func isComplete(upTo mark: Int) -> Bool { !incomplete.contains { $0 < mark } }

    /// From now on nothing lingers.
    mutating func closing() { isClosing = true }

    /// Whether nothing waits and nothing is in flight.
    var isIdle: Bool { incomplete.isEmpty }

    // MARK: Sequences and transactions

    /// The cluster has given a producer id, or the transaction coordinator a new epoch.
    mutating func identified(as identity: ProducerIdentity) {
        producer = identity
        needsEpoch = false
    }

    /// A transaction begins: its partitions must be added anew.
    mutating func transactionBegan() {
        addedToTransaction = []
        transactionFailure = nil
    }

    /// The transaction will not be committed: what waits is given up, and nothing is sent again. The first reason stays.
    mutating func transactionFailed(_ error: KafkaError) -> [Delivery] {
        let failure = transactionFailure ?? error
        transactionFailure = failure
        return giveUpWaiting(failure)
    }

    mutating func addedToTransaction(_ partitions: [TopicPartition]) { addedToTransaction.formUnion(partitions) }

    /// A batch with sequences is lost. It may have been written, so nobody knows what the broker expects next: only another
    /// epoch can begin anew there (KIP-360). Without transactions it is taken without asking; a new id when the epochs are
    /// used up.
    private mutating func loseSequences(_ index: Int) {
        partitions[index].mustRestart = true
        guard !settings.transactional else {
            needsEpoch = true
            return
        }
        if let current = producer {
            producer = current.epoch < .max ? ProducerIdentity(id: current.id, epoch: current.epoch + 1) : nil
        }
    }

    static func advance(_ sequence: Int32, by count: Int32) -> Int32 {
        let (sum, overflow) = sequence.addingReportingOverflow(count)
        return overflow ? count - (Int32.max - sequence) - 1 : sum
    }

    // MARK: Requests

    /// Takes out one request for each broker that may get one, gives up what is too old, and says when to look again.
    ///
    /// `leader` tells who leads a partition, and `isConnected` whether requests can be handed to a broker right now.
    mutating func drain(
        now: Int64, leader: (TopicPartition) -> BrokerID?, isConnected: (BrokerID) -> Bool = { _ in true }
    ) -> Drain {
        var drain = Drain()
        var sizes: [BrokerID: Int] = [:]
        guard !partitions.isEmpty else { return drain }
        if let transactionFailure {
            drain.deliveries = giveUpWaiting(transactionFailure)
            return drain
        }
        startIndex = (startIndex + 1) % partitions.count
        for step in 0..<partitions.count {
            let index = (startIndex + step) % partitions.count
            expire(index, now: now, into: &drain)
            guard let front = partitions[index].batches.first else { continue }
            wake(&drain, at: front.createdAt + settings.deliveryTimeout)
            let partition = partitions[index]
            guard partition.mutedUntil <= now else {
                wake(&drain, at: partition.mutedUntil)
                continue
            }
            let lingered = now - front.createdAt
            let isReady =
                front.isFull || partition.batches.count > 1 || lingered >= settings.linger || front.attempts > 0
                || flushes > 0 || isClosing || memoryWaiters > 0
            guard isReady else {
                wake(&drain, at: front.createdAt + settings.linger)
                continue
            }
            guard let broker = leader(partition.name) else {
                drain.topicsWithoutLeader.insert(partition.name.topic)
                continue
            }
            guard isConnected(broker) else {
                drain.brokersToConnect.insert(broker)
                continue
            }
            guard requestsInFlight[broker, default: 0] < settings.maxInFlight else { continue }
            if !settings.idempotent, settings.maxInFlight == 1, !partition.inFlight.isEmpty { continue }
            let size = front.content?.readableBytes ?? front.writer.buffer.readableBytes
            if let taken = sizes[broker], taken + size > settings.maxRequestSize { continue }
            if settings.transactional, !addedToTransaction.contains(partition.name) {
                drain.partitionsToAdd.append(partition.name)
                continue
            }
            guard let drained = take(index, for: broker, &drain) else { continue }
            sizes[broker, default: 0] += size
            drain.requests[broker, default: []].append(drained)
        }
        for broker in drain.requests.keys { requestsInFlight[broker, default: 0] += 1 }
        if let transactionFailure { drain.deliveries += giveUpWaiting(transactionFailure) }
        return drain
    }

    private func wake(_ drain: inout Drain, at time: Int64) { drain.nextWake = min(drain.nextWake ?? .max, time) }

    /// Moves the front batch of a partition into flight, with its sequence; nil if it may not go yet.
    private mutating func take(_ index: Int, for broker: BrokerID, _ drain: inout Drain) -> Drained? {
        if settings.idempotent {
            guard let producer else {
                drain.needsProducerID = true
                return nil
            }
            guard prepareSequences(index, producer) else { return nil }
        }
        guard var batch = partitions[index].batches.popFirst() else { return nil }
        if settings.idempotent, batch.baseSequence < 0 {
            batch.producer = producer
            batch.baseSequence = partitions[index].nextSequence
            partitions[index].nextSequence = Self.advance(batch.baseSequence, by: batch.writer.count)
        }
        batch.attempts += 1
        let drained = Drained(
            id: batch.id, partition: partitions[index].name, content: batch.content ?? batch.writer.buffer,
            isCompressed: batch.isCompressed, count: batch.writer.count, baseTimestamp: batch.writer.baseTimestamp,
            maxTimestamp: batch.writer.maxTimestamp,
            producer: batch.producer ?? ProducerIdentity(id: -1, epoch: -1), baseSequence: batch.baseSequence,
            isTransactional: settings.transactional)
        // The bytes leave with the request; they come back only if it fails.
        batch.writer.discardBuffer()
        batch.content = nil
        partitions[index].inFlight.append(batch.id)
        inFlight[batch.id] = (batch, index, broker)
        return drained
    }

    /// Whether the front batch may go: retries one at a time, in order; sequences begin anew only when nothing is in flight.
    private mutating func prepareSequences(_ index: Int, _ producer: ProducerIdentity) -> Bool {
        let partition = partitions[index]
        if partition.mustRestart {
            guard partition.inFlight.isEmpty else { return false }
            for position in partitions[index].batches.indices {
                partitions[index].batches[position].baseSequence = -1
                partitions[index].batches[position].producer = nil
            }
            restart(index, producer)
            return true
        }
        if let front = partition.batches.first, front.baseSequence >= 0 {
            // A batch sent before: only as the oldest of all that are unacknowledged.
            return !partition.inFlight.contains { id in
                (inFlight[id]?.batch.baseSequence ?? .max) < front.baseSequence
            }
        }
        guard partition.sequencesOf != producer else { return true }
        guard partition.inFlight.isEmpty else { return false }
        restart(index, producer)
        return true
    }

    private mutating func restart(_ index: Int, _ producer: ProducerIdentity) {
        partitions[index].mustRestart = false
        partitions[index].sequencesOf = producer
        partitions[index].nextSequence = 0
        partitions[index].expectedSequence = 0
    }

    private mutating func expire(_ index: Int, now: Int64, into drain: inout Drain) {
        while let front = partitions[index].batches.first, front.createdAt + settings.deliveryTimeout <= now {
            partitions[index].batches.removeFirst()
            let partition = partitions[index].name
            let error = KafkaError(
                .timeout,
                "Expiring \(front.writer.count) record(s) for \(partition):\(now - front.createdAt) ms has passed since batch creation"
            )
            drain.deliveries += finish(front, partition, .failure(error))
            if front.baseSequence >= 0 { loseSequences(index) }
        }
    }

    // MARK: Answers

    /// A request to `broker` is over, whatever became of its batches.
    mutating func requestEnded(_ broker: BrokerID) {
        requestsInFlight[broker, default: 1] -= 1
    }

    /// The broker has a batch. An offset of −1 stands for "unknown".
    mutating func completed(_ id: Int, baseOffset: Offset, logAppendTime: Timestamp) -> [Delivery] {
        guard let (batch, index, _) = inFlight.removeValue(forKey: id) else { return [] }
        partitions[index].inFlight.removeAll { $0 == id }
        if batch.baseSequence >= 0, batch.producer == partitions[index].sequencesOf {
            partitions[index].expectedSequence = Self.advance(batch.baseSequence, by: batch.writer.count)
        }
        return finish(batch, partitions[index].name, .success((baseOffset, logAppendTime)))
    }

    /// A batch was refused, or nobody knows whether it arrived. It waits for another try if there is one; else its senders hear.
    mutating func failed(_ drained: Drained, error: KafkaError, now: Int64) -> [Delivery] {
        guard case (var batch, let index, _)? = inFlight.removeValue(forKey: drained.id) else { return [] }
        partitions[index].inFlight.removeAll { $0 == drained.id }
        let partition = partitions[index].name
        let code = error.errorCode
        if code == .duplicateSequenceNumber { return finish(batch, partition, .success((-1, -1))) }
        var mayRetry = error.isRetriable && batch.attempts <= settings.retries
        if settings.idempotent, batch.baseSequence >= 0 {
            switch code {
            case .outOfOrderSequenceNumber?:
                // Behind a batch that failed: its turn comes after that one's. As the first it is lost.
                mayRetry =
                    batch.baseSequence != partitions[index].expectedSequence
                    || batch.producer != partitions[index].sequencesOf
            case .unknownProducerID?:
                // The broker has forgotten this producer: begin again, nothing of it can be a duplicate there.
                mayRetry = !settings.transactional
                if mayRetry { loseSequences(index) }
            default: break
            }
        }
        if mayRetry, transactionFailure == nil, now - batch.createdAt < settings.deliveryTimeout {
            batch.content = drained.content
            batch.isCompressed = drained.isCompressed
            let exponent = min(batch.attempts - 1, 10)
            let backoff = min(settings.retryBackoff << Int64(exponent), settings.retryBackoffMaximum)
            partitions[index].mutedUntil = now + backoff
            reinsert(batch, index)
            return []
        }
        if batch.baseSequence >= 0 { loseSequences(index) }
        return finish(batch, partition, .failure(error))
    }

    /// Puts a batch back among those that wait, before all with later sequences or without one.
    private mutating func reinsert(_ batch: Batch, _ index: Int) {
        let position =
            partitions[index].batches.firstIndex { $0.baseSequence < 0 || $0.baseSequence > batch.baseSequence }
            ?? partitions[index].batches.endIndex
        // Without sequences the order is that of creation.
        let place =
            batch.baseSequence >= 0
            ? position
            : partitions[index].batches.firstIndex { $0.id > batch.id } ?? partitions[index].batches.endIndex
        partitions[index].batches.insert(batch, at: place)
    }

    private mutating func giveUpWaiting(_ error: KafkaError) -> [Delivery] {
        var deliveries: [Delivery] = []
        for index in partitions.indices {
            while let batch = partitions[index].batches.popFirst() {
                if batch.baseSequence >= 0 { loseSequences(index) }
                deliveries += finish(batch, partitions[index].name, .failure(error))
            }
        }
        return deliveries
    }

    private mutating func finish(
        _ batch: Batch, _ partition: TopicPartition, _ result: Result<(Offset, Timestamp), KafkaError>
    ) -> [Delivery] {
        if settings.transactional, case .failure(let error) = result {
            transactionFailure = transactionFailure ?? error
        }
        memoryUsed -= batch.reserved
        memoryWaiters = 0
        incomplete.remove(batch.id)
        return batch.completions.map { entry in
            Delivery(
                completion: entry.completion,
                result: result.map { baseOffset, appendTime in
                    RecordMetadata(
                        partition: partition, offset: baseOffset < 0 ? -1 : baseOffset + Int64(entry.index),
                        timestamp: appendTime < 0 ? entry.timestamp : appendTime)
                })
        }
    }

    private mutating func index(of partition: TopicPartition) -> Int {
        if let index = indices[partition] { return index }
        partitions.append(Partition(name: partition))
        indices[partition] = partitions.count - 1
        return partitions.count - 1
    }
}
