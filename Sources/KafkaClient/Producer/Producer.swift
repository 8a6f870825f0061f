// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import KafkaNetworking
import KafkaProtocol
import NIOCore
import Synchronization

/// Sends records to a cluster.
///
/// ```swift
/// let producer = try Producer(ClientConfiguration(bootstrapServers: "127.0.0.1:9092"))
/// let metadata = try await producer.send(ProducerRecord(topic: "orders", key: "42", value: "shipped"))
/// await producer.close()
/// ```
///
/// Records are gathered in batches per partition and sent by one task of the producer. Records of one partition are
/// written in the order in which they were handed over. With idempotence (the default) each is written once, whatever
/// happens to connections and brokers within `delivery.timeout.ms`.
///
/// Thread-safe. A lock guards the machine that decides; the sending task alone hands requests to connections, so they
/// leave in the order in which the machine gave them out.
public final class Producer: Sendable {
    let configuration: ClientConfiguration
    package let cluster: Cluster
    private let machine: Mutex<ProducerMachine>
    private let sticky: Mutex<StickyPartitions>
    private let signal = WakeSignal()
    private let progress = Broadcast()
    private let eventLoop: any EventLoop
    private let sender = Mutex<Task<Void, Never>?>(nil)
    private let isClosed = Mutex(false)
    /// How many threads are telling senders what became of their records.
    private let delivering = Mutex(0)
    let transaction = Mutex(TransactionState())

    /// A producer with the given settings. Connects when it is first used.
    public convenience init(_ configuration: ClientConfiguration) throws {
        try self.init(configuration, observer: { _ in })
    }

    package init(_ configuration: ClientConfiguration, observer: @escaping @Sendable (Cluster.Event) -> Void) throws {
        if configuration.transactionalID != nil, !configuration.idempotence {
            throw KafkaError(
                .configuration, "Cannot set a transactional.id without also enabling idempotence.")
        }
        var configuration = configuration
        if configuration.clientID.isEmpty { configuration.clientID = "producer-1" }
        self.configuration = configuration
        cluster = try Cluster(configuration, observer: observer)
        eventLoop = cluster.eventLoopGroup.next()
        var settings = ProducerMachine.Settings()
        settings.batchSize = configuration.batchSize
        settings.linger = configuration.linger.milliseconds
        settings.bufferMemory = configuration.bufferMemory
        settings.maxRequestSize = configuration.maxRequestSize
        settings.maxInFlight = configuration.maxInFlightRequests
        settings.idempotent = configuration.idempotence
        settings.transactional = configuration.transactionalID != nil
        settings.deliveryTimeout = configuration.deliveryTimeout.milliseconds
        settings.retryBackoff = configuration.retryBackoff.milliseconds
        settings.retryBackoffMaximum = configuration.retryBackoffMaximum.milliseconds
        settings.retries = configuration.retries
        machine = Mutex(ProducerMachine(settings: settings))
        sticky = Mutex(StickyPartitions(batchSize: configuration.batchSize))
        // The sender outlives the calls that feed it; `close` ends it.
        let task = Task { [weak self] in
            guard let run = self?.makeRun() else { return }
            await run()
        }
        sender.withLock { $0 = task }
    }

    deinit {
        sender.withLock { $0?.cancel() }
        signal.wake()
    }

    // MARK: Sending

    /// Sends a record and waits until the cluster has it (see `acks`). Throws ``KafkaError``.
    public func send(_ record: ProducerRecord) async throws -> RecordMetadata {
        // The record is handed over before this waits, so that concurrent sends of one task keep their order.
        let slot = ResultSlot()
        try await enqueue(record) { slot.complete($0) }
        return try await slot.value()
    }

    /// Hands a record over and returns as soon as there is room for it. `completion` hears what became of it, on a thread
    /// that it must not block.
    ///
    /// Waits while `buffer.memory` is used up or the topic is not known yet, at most `max.block.ms`. Throws ``KafkaError``.
    public func enqueue(
        _ record: ProducerRecord,
        completion: (@Sendable (Result<RecordMetadata, KafkaError>) -> Void)? = nil
    ) async throws {
        guard !isClosed.withLock({ $0 }) else {
            throw KafkaError(.closed, "Cannot perform operation after producer has been closed")
        }
        try requireTransaction()
        let partition = try await partition(for: record)
        let timestamp = record.timestamp ?? WallClock.now()
        var deadline: Int64?
        while true {
            let generation = progress.generation
            let now = Clock.steady()
            let outcome = machine.withLock {
                $0.append(
                    partition, key: record.key, value: record.value, headers: record.headers, timestamp: timestamp,
                    now: now, completion: completion)
            }
            switch outcome {
            case .appended(let wakes):
                if wakes { signal.wake() }
                return
            case .tooLarge(let size):
                throw KafkaError(
                    .recordTooLarge,
                    "The message is \(size) bytes when serialized which is larger than \(configuration.maxRequestSize), which is the value of the max.request.size configuration."
                )
            case .noSpace:
                let limit = deadline ?? now + configuration.maxBlock.milliseconds
                deadline = limit
                guard now < limit else {
                    throw KafkaError(
                        .timeout,
                        "Failed to allocate memory within the configured max blocking time \(configuration.maxBlock.milliseconds) ms."
                    )
                }
                signal.wake()
                await progress.wait(after: generation, on: eventLoop, atMost: limit - now)
            }
        }
    }

    private func partition(for record: ProducerRecord) async throws -> TopicPartition {
        if let partition = record.partition, partition < 0 {
            throw KafkaError(
                .configuration,
                "Invalid partition: \(partition). Partition number should always be non-negative or null.")
        }
        var topic = cluster.withSnapshot { $0.topics[record.topic] }
        if topic == nil || topic?.partitions.isEmpty == true || topic?.error.isNone == false
            || (record.partition ?? 0) >= Int32(clamping: topic?.partitions.count ?? 0)
        {
            if let problem = Self.problem(withTopicName: record.topic) {
                throw KafkaError(.invalidTopicException, problem)
            }
            let deadline = ContinuousClock.now + configuration.maxBlock
            topic = try await cluster.topic(record.topic, before: deadline, allowAutoCreation: true)
        }
        let count = Int32(clamping: topic?.partitions.count ?? 0)
        if let partition = record.partition {
            guard partition < count else {
                throw KafkaError(
                    .timeout,
                    "Partition \(partition) of topic \(record.topic) with partition count \(count) is not present in metadata after \(configuration.maxBlock.milliseconds) ms."
                )
            }
            return TopicPartition(record.topic, partition)
        }
        if let key = record.key, !configuration.partitionerIgnoresKeys {
            let chosen = key.withUnsafeReadableBytes { Murmur2.partition(of: $0, count: count) }
            return TopicPartition(record.topic, chosen)
        }
        let bytes = (record.key?.readableBytes ?? 0) + (record.value?.readableBytes ?? 0) + BatchWriter.recordOverhead
        let chosen = sticky.withLock { sticky in
            var generator = SystemRandomNumberGenerator()
            return sticky.partition(
                for: record.topic, bytes: bytes, count: count, available: topic?.available ?? [], using: &generator)
        }
        return TopicPartition(record.topic, chosen)
    }

    private static func problem(withTopicName name: String) -> String? {
        name.isEmpty ? "Topic name is invalid: the empty string is not allowed" : nil
    }

    /// Waits until everything handed over so far is sent and answered, or given up. Does not linger.
    public func flush() async {
        let mark = machine.withLock { $0.flushBegan() }
        signal.wake()
        while true {
            let generation = progress.generation
            if machine.withLock({ $0.isComplete(upTo: mark) }), delivering.withLock({ $0 }) == 0 { break }
            await progress.wait(after: generation, on: eventLoop, atMost: 1000)
        }
        machine.withLock { $0.flushEnded() }
    }

    /// Sends what is left, at most for `delivery.timeout.ms`, and ends all connections.
    public func close() async {
        let wasClosed = isClosed.withLock { closed in
            defer { closed = true }
            return closed
        }
        if wasClosed { return }
        await flush()
        machine.withLock { $0.closing() }
        let task = sender.withLock { $0 }
        task?.cancel()
        signal.wake()
        await task?.value
        await cluster.close()
    }

    // MARK: The sending task

    /// The sender's loop, holding only what it needs until the producer is gone.
    private func makeRun() -> @Sendable () async -> Void {
        { [weak self] in
            var state = SenderState()
            while !Task.isCancelled, let self {
                await self.step(&state)
            }
        }
    }

    private struct SenderState {
        var links: [BrokerID: BrokerLink] = [:]
    }

    /// What runs beside the sender, once at a time each.
    private let background = Mutex(Set<String>())
    private static let adding = "transaction"

    /// Waits until no partitions are being added to a transaction: after its end they would begin another.
    func addingEnded() async {
        while true {
            let generation = progress.generation
            guard background.withLock({ $0.contains(Self.adding) }) else { return }
            await progress.wait(after: generation, on: eventLoop, atMost: 1000)
        }
    }

    private func step(_ state: inout SenderState) async {
        let snapshot = cluster.snapshot
        let now = Clock.steady()
        state.links = state.links.filter { $0.value.connection.isOpen }
        for link in connected.withLock({ links in
            defer { links = [] }
            return links
        }) { state.links[link.broker.id] = link }
        let links = state.links
        let drain = machine.withLock { machine in
            let drain = machine.drain(now: now, leader: { snapshot.leader(of: $0) }, isConnected: { links[$0] != nil })
            announce(drain.deliveries)
            return drain
        }
        deliver(drain.deliveries)
        if drain.needsProducerID { inBackground("producer id") { try await self.fetchProducerID() } }
        if !drain.topicsWithoutLeader.isEmpty {
            let topics = drain.topicsWithoutLeader
            inBackground("metadata") { try await self.cluster.refresh(topics: topics) }
        }
        if !drain.partitionsToAdd.isEmpty {
            let partitions = drain.partitionsToAdd
            inBackground(Self.adding) { try await self.addToTransaction(partitions) }
        }
        for broker in drain.brokersToConnect {
            inBackground("connect \(broker)") {
                let link = try await self.cluster.link(to: broker)
                self.connected.withLock { $0.append(link) }
            }
        }
        for (broker, batches) in drain.requests {
            guard let link = links[broker] else { continue }
            submit(batches, to: link)
        }
        if drain.requests.isEmpty {
            await signal.wait(on: eventLoop, atMost: drain.nextWake.map { $0 - now })
        }
    }

    private let connected = Mutex<[BrokerLink]>([])

    /// Runs something once at a time, then wakes the sender; after a failure only when the back-off has passed.
    private func inBackground(_ name: String, _ work: @escaping @Sendable () async throws -> Void) {
        guard background.withLock({ $0.insert(name).inserted }) else { return }
        // Not awaited by anyone: the sender looks again when it is woken.
        Task {
            do {
                try await work()
            } catch {
                var backoff = Backoff(configuration)
                try? await backoff.wait(until: .now + .seconds(1))
                if name.hasPrefix("connect") {
                    // The leader may have moved away from a broker that does not answer.
                    _ = try? await cluster.refresh(topics: Set(cluster.withSnapshot { Array($0.topics.keys) }))
                }
            }
            background.withLock { _ = $0.remove(name) }
            progress.notify()
            signal.wake()
        }
    }

    private func submit(_ batches: [ProducerMachine.Drained], to link: BrokerLink) {
        var sealed: [ProducerMachine.Drained] = []
        var request = ProduceRequest()
        request.acks = configuration.acks.rawValue
        request.timeoutMs = configuration.requestTimeout.milliseconds32
        request.transactionalID = configuration.transactionalID
        var topics: [String: [ProduceRequest.PartitionProduceData]] = [:]
        for var batch in batches {
            BatchSealer.seal(&batch, configuration)
            topics[batch.partition.topic, default: []].append(
                .init(index: batch.partition.partition, records: .bytes(batch.content)))
            sealed.append(batch)
        }
        request.topicData = topics.map { name, partitions in
            var topic = ProduceRequest.TopicProduceData()
            topic.name = name
            topic.partitionData = partitions
            return topic
        }
        do {
            let version = try link.requireVersion(of: ProduceRequest.self)
            if configuration.acks == .none {
                try link.connection.sendWithoutResponse(request, version: version)
                let deliveries = machine.withLock { machine in
                    machine.requestEnded(link.broker.id)
                    let deliveries = sealed.flatMap { machine.completed($0.id, baseOffset: -1, logAppendTime: -1) }
                    announce(deliveries)
                    return deliveries
                }
                deliver(deliveries)
                progress.notify()
                return
            }
            let sent = sealed
            link.connection.submit(request, version: version).whenComplete { result in
                switch result {
                case .success(let response): self.answered(sent, response, by: link)
                case .failure(let error):
                    self.lost(
                        sent,
                        (error as? ConnectionError).map { KafkaError($0) } ?? KafkaError(.disconnected, "\(error)"),
                        link)
                }
            }
        } catch let error as KafkaError {
            lost(sealed, error, link)
        } catch {
            lost(
                sealed, (error as? ConnectionError).map { KafkaError($0) } ?? KafkaError(.disconnected, "\(error)"),
                link)
        }
    }

    private func answered(_ batches: [ProducerMachine.Drained], _ response: ProduceResponse, by link: BrokerLink) {
        var answers: [TopicPartition: ProduceResponse.PartitionProduceResponse] = [:]
        for topic in response.responses {
            for partition in topic.partitionResponses {
                answers[TopicPartition(topic.name, partition.index)] = partition
            }
        }
        let now = Clock.steady()
        var stale: Set<String> = []
        let deliveries = machine.withLock { machine in
            machine.requestEnded(link.broker.id)
            let deliveries = batches.flatMap { batch -> [ProducerMachine.Delivery] in
                guard let answer = answers[batch.partition] else {
                    return machine.failed(
                        batch, error: KafkaError(.malformedResponse, "The response leaves out \(batch.partition)."),
                        now: now)
                }
                guard !answer.errorCode.isNone else {
                    return machine.completed(
                        batch.id, baseOffset: answer.baseOffset, logAppendTime: answer.logAppendTimeMs)
                }
                if answer.errorCode.refreshesMetadata { stale.insert(batch.partition.topic) }
                let error = KafkaError(answer.errorCode, answer.errorMessage)
                return machine.failed(batch, error: error, now: now)
            }
            announce(deliveries)
            return deliveries
        }
        if !stale.isEmpty {
            let topics = stale
            inBackground("metadata") { try await self.cluster.refresh(topics: topics) }
        }
        deliver(deliveries)
        progress.notify()
        signal.wake()
    }

    private func lost(_ batches: [ProducerMachine.Drained], _ error: KafkaError, _ link: BrokerLink) {
        let now = Clock.steady()
        let deliveries = machine.withLock { machine in
            machine.requestEnded(link.broker.id)
            let deliveries = batches.flatMap { machine.failed($0, error: error, now: now) }
            announce(deliveries)
            return deliveries
        }
        let topics = Set(batches.map(\.partition.topic))
        inBackground("metadata") { try await self.cluster.refresh(topics: topics) }
        deliver(deliveries)
        progress.notify()
        signal.wake()
    }

    /// Counts deliveries that are about to be made. Called within the machine's lock, so that a flush that finds a batch
    /// done with also finds that its senders have not heard yet.
    private func announce(_ deliveries: [ProducerMachine.Delivery]) {
        if !deliveries.isEmpty { delivering.withLock { $0 += 1 } }
    }

    private func deliver(_ deliveries: [ProducerMachine.Delivery]) {
        guard !deliveries.isEmpty else { return }
        for delivery in deliveries { delivery.completion(delivery.result) }
        delivering.withLock { $0 -= 1 }
        progress.notify()
    }

    // MARK: Identity

    private func fetchProducerID() async throws {
        var request = InitProducerIdRequest()
        request.transactionalID = nil
        request.transactionTimeoutMs = Int32.max
        let response = try await cluster.anyLink().send(request)
        guard response.errorCode.isNone else { throw KafkaError(response.errorCode) }
        identified(response.producerID, response.producerEpoch)
    }

    func identified(_ id: ProducerID, _ epoch: ProducerEpoch) {
        machine.withLock { $0.identified(as: .init(id: id, epoch: epoch)) }
        signal.wake()
    }

    func withMachine<Value>(_ body: (inout ProducerMachine) -> Value) -> Value {
        machine.withLock { machine in body(&machine) }
    }

    /// The open transaction can only be aborted from now on; nothing more of it is sent.
    func transactionFailed(_ error: KafkaError) {
        let deliveries = machine.withLock { machine in
            let deliveries = machine.transactionFailed(error)
            announce(deliveries)
            return deliveries
        }
        deliver(deliveries)
        progress.notify()
    }
}

/// A result that is given once and awaited once, in either order.
private final class ResultSlot: Sendable {
    private enum State {
        case empty
        case waiting(CheckedContinuation<RecordMetadata, any Error>)
        case full(Result<RecordMetadata, KafkaError>)
    }

    private let state = Mutex(State.empty)

    func complete(_ result: Result<RecordMetadata, KafkaError>) {
        let waiter = state.withLock { state -> CheckedContinuation<RecordMetadata, any Error>? in
            if case .waiting(let continuation) = state {
                state = .full(result)
                return continuation
            }
            state = .full(result)
            return nil
        }
        waiter?.resume(with: result.mapError { $0 as any Error })
    }

    func value() async throws -> RecordMetadata {
        try await withCheckedThrowingContinuation { continuation in
            let result = state.withLock { state -> Result<RecordMetadata, KafkaError>? in
                if case .full(let result) = state { return result }
                state = .waiting(continuation)
                return nil
            }
            if let result { continuation.resume(with: result.mapError { $0 as any Error }) }
        }
    }
}
