// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import KafkaProtocol
import NIOCore

/// Reads records from a cluster, by itself or as a member of a group.
///
/// ```swift
/// var configuration = ClientConfiguration(bootstrapServers: "127.0.0.1:9092")
/// configuration.groupID = "billing"
/// configuration.offsetReset = .earliest
/// let consumer = try Consumer(configuration)
/// await consumer.subscribe(to: ["orders"])
/// while !Task.isCancelled {
///     for record in try await consumer.poll(for: .seconds(1)) { handle(record) }
/// }
/// await consumer.close()
/// ```
///
/// A member of a group must call ``poll(for:)`` at least every `max.poll.interval.ms`: a rebalance begins and ends inside
/// it. In between it waits for the other members, beside polling, as fetches and heartbeats do. The actor owns all state.
public actor Consumer {
    /// Which partitions a consumer reads.
    enum Source {
        case nothing
        case assigned
        case topics(Set<String>)
        /// All topics whose names the function accepts.
        case matching(@Sendable (String) -> Bool)
    }

    /// A partition that this consumer reads.
    struct Position {
        /// The offset of the next record to return; nil until it is known.
        var offset: Offset?
        var leaderEpoch: LeaderEpoch?
        var isPaused = false
        var highWatermark: Offset?
        var logStart: Offset?
        /// Where to start instead of at the committed offset.
        var reset: OffsetSpecification?
        /// Set while records of it wait in the buffer or are being fetched.
        var isBusy = false
    }

    /// What a rebalance did.
    public enum RebalanceEvent: Sendable {
        /// Partitions came.
        case assigned([TopicPartition])
        /// Partitions go; offsets can still be committed.
        case revoked([TopicPartition])
        /// Partitions are gone, and another member may have them.
        case lost([TopicPartition])
    }

    nonisolated let configuration: ClientConfiguration
    package nonisolated let cluster: Cluster
    nonisolated let eventLoop: any EventLoop
    let changes = Broadcast()
    var source = Source.nothing
    var positions: [TopicPartition: Position] = [:]
    private var buffered: [FetchedRecords] = []
    private var fetching: Set<BrokerID> = []
    /// What the next poll throws.
    var failure: KafkaError?
    var group: GroupMembership?
    var rebalanceHandler: (@Sendable (RebalanceEvent) async -> Void)?
    private var lastCommit = ContinuousClock.now
    private var lastMetadata: ContinuousClock.Instant?
    private var isClosed = false
    /// Bytes of all records fetched so far, as they came.
    package private(set) var bytesFetched = 0

    /// A consumer with the given settings. Connects when it is first used.
    public init(_ configuration: ClientConfiguration) throws {
        try self.init(configuration, observer: { _ in })
    }

    package init(_ configuration: ClientConfiguration, observer: @escaping @Sendable (Cluster.Event) -> Void) throws {
        var configuration = configuration
        if configuration.clientID.isEmpty {
            configuration.clientID = configuration.groupID.map { "consumer-\($0)-1" } ?? "consumer-1"
        }
        self.configuration = configuration
        cluster = try Cluster(configuration, observer: observer)
        eventLoop = cluster.eventLoopGroup.next()
    }

    // MARK: What to read

    /// Reads topics as a member of the group `group.id`, which spreads their partitions over its members.
    public func subscribe(to topics: Set<String>) {
        source = .topics(topics)
        joinGroup()
    }

    /// As ``subscribe(to:)``, for all topics whose names `matches` accepts, now or later.
    public func subscribe(matching matches: @escaping @Sendable (String) -> Bool) {
        source = .matching(matches)
        joinGroup()
    }

    private func joinGroup() {
        lastMetadata = nil
        if group == nil, let groupID = configuration.groupID { group = GroupMembership(groupID: groupID) }
        group?.mustJoin = true
    }

    /// Reads exactly these partitions, without a group's say. Positions of partitions that stay are kept.
    public func assign(_ partitions: [TopicPartition]) {
        source = .assigned
        setPartitions(partitions)
    }

    /// Calls `handler` whenever a rebalance gives or takes partitions, within ``poll(for:)``.
    public func onRebalance(_ handler: @escaping @Sendable (RebalanceEvent) async -> Void) {
        rebalanceHandler = handler
    }

    /// The partitions that are read now.
    public var assignment: Set<TopicPartition> { Set(positions.keys) }

    /// For ``Producer/sendOffsets(_:group:)``.
    public var groupMetadata: ConsumerGroupMetadata? {
        configuration.groupID.map { id in
            ConsumerGroupMetadata(
                groupID: id, generation: group?.generation ?? -1, memberID: group?.memberID ?? "",
                instanceID: configuration.groupInstanceID)
        }
    }

    func setPartitions(_ partitions: [TopicPartition]) {
        let wanted = Set(partitions)
        positions = positions.filter { wanted.contains($0.key) }
        for partition in partitions where positions[partition] == nil { positions[partition] = Position() }
        buffered.removeAll { !wanted.contains($0.partition) }
    }

    // MARK: Positions

    /// Goes on at the given offset.
    public func seek(_ partition: TopicPartition, to offset: Int64) throws {
        try require(partition)
        move(partition) {
            $0.offset = offset
            $0.reset = nil
        }
    }

    /// Goes on at the start of partitions, or where else `specification` says; looked up with the next ``poll(for:)``.
    public func seek(_ partitions: [TopicPartition], to specification: OffsetSpecification) throws {
        for partition in partitions {
            try require(partition)
            move(partition) {
                $0.offset = nil
                $0.reset = specification
            }
        }
    }

    private func require(_ partition: TopicPartition) throws {
        guard positions[partition] != nil else {
            throw KafkaError(.illegalState, "No current assignment for partition \(partition)")
        }
    }

    private func move(_ partition: TopicPartition, _ change: (inout Position) -> Void) {
        guard var position = positions[partition] else { return }
        change(&position)
        position.leaderEpoch = nil
        position.isBusy = false
        positions[partition] = position
        buffered.removeAll { $0.partition == partition }
    }

    /// The offset of the next record that ``poll(for:)`` returns; nil until it is known.
    public func position(_ partition: TopicPartition) -> Int64? { positions[partition]?.offset }

    /// Stops fetching from partitions until ``resume(_:)``.
    public func pause(_ partitions: [TopicPartition]) {
        for partition in partitions { positions[partition]?.isPaused = true }
    }

    /// Ends ``pause(_:)``.
    public func resume(_ partitions: [TopicPartition]) {
        for partition in partitions { positions[partition]?.isPaused = false }
    }

    /// How far the next record is from the partition's end, as far as known.
    public func lag(_ partition: TopicPartition) -> Int64? {
        guard let position = positions[partition], let offset = position.offset, let end = position.highWatermark else {
            return nil
        }
        return max(0, end - offset)
    }

    /// Looks offsets up, for times or at the ends. A partition without an answer is left out.
    public func offsets(_ wanted: [TopicPartition: OffsetSpecification]) async throws -> [TopicPartition:
        OffsetAndTimestamp]
    {
        let results = try await cluster.listOffsets(
            wanted, isolation: configuration.isolationLevel, before: .now + configuration.apiTimeout)
        return try results.compactMapValues { result in
            let found = try result.get()
            return found.offset >= 0 ? found : nil
        }
    }

    /// The partitions of a topic.
    public func partitions(of topic: String) async throws -> [TopicPartition] {
        let found = try await cluster.topic(
            topic, before: .now + configuration.apiTimeout, allowAutoCreation: configuration.allowsAutoCreation)
        return found.partitions.map { TopicPartition(topic, $0.index) }
    }

    // MARK: Polling

    /// The next records, at most `max.poll.records`; empty if none come within `timeout`. Throws ``KafkaError``.
    public func poll(for timeout: Duration) async throws -> [ConsumerRecord] {
        let deadline = ContinuousClock.now + timeout
        while true {
            // A long wait in here is no absence.
            group?.lastPoll = .now
            guard !isClosed else { throw KafkaError(.closed, "This consumer has already been closed.") }
            if case .nothing = source {
                throw KafkaError(.illegalState, "Consumer is not subscribed to any topics or assigned any partitions")
            }
            let generation = changes.generation
            try await prepare()
            if let failure {
                self.failure = nil
                throw failure
            }
            var records: [ConsumerRecord] = []
            try takeBuffered(into: &records)
            startFetches()
            if !records.isEmpty { return records }
            let now = ContinuousClock.now
            guard now < deadline, !Task.isCancelled else { return [] }
            let wait = min((deadline - now).milliseconds, 100)
            await changes.wait(after: generation, on: eventLoop, atMost: wait)
        }
    }

    /// Whatever must be in order before records can come: membership, metadata, positions, commits that are due.
    private func prepare() async throws {
        try await refreshMetadata()
        switch source {
        case .topics, .matching: try await keepMembership()
        case .assigned, .nothing: break
        }
        try await findPositions()
        if configuration.autoCommit, configuration.groupID != nil, group?.mayCommit ?? true,
            .now - lastCommit >= configuration.autoCommitInterval
        {
            lastCommit = .now
            // Due again after the interval; a failure is not the application's concern.
            try? await commit()
        }
    }

    private func refreshMetadata() async throws {
        if let lastMetadata, .now - lastMetadata < configuration.metadataMaxAge { return }
        do {
            switch source {
            case .matching: try await cluster.refresh(topics: nil)
            case .topics(let topics):
                try await cluster.refresh(topics: topics, allowAutoCreation: configuration.allowsAutoCreation)
            case .assigned:
                try await cluster.refresh(
                    topics: Set(positions.keys.map(\.topic)), allowAutoCreation: configuration.allowsAutoCreation)
            case .nothing: return
            }
            lastMetadata = .now
        } catch let error as KafkaError where error.isRetriable {
            try await Task.sleep(for: configuration.retryBackoff)
        }
    }

    /// Asks for metadata again at the next opportunity.
    func expireMetadata() { lastMetadata = nil }

    private func takeBuffered(into records: inout [ConsumerRecord]) throws {
        var index = 0
        while index < buffered.count, records.count < configuration.maxPollRecords {
            let partition = buffered[index].partition
            guard let position = positions[partition], position.offset != nil else {
                buffered.remove(at: index)
                continue
            }
            guard !position.isPaused else {
                index += 1
                continue
            }
            let wanted = configuration.maxPollRecords - records.count
            let taken: Int
            do {
                taken = try buffered[index].take(wanted, into: &records)
            } catch {
                // What was read before the damage is returned first; the error comes with the next poll.
                guard records.isEmpty else { break }
                throw error
            }
            positions[partition]?.offset = buffered[index].nextOffset
            positions[partition]?.leaderEpoch = buffered[index].leaderEpoch
            if taken < wanted {
                positions[partition]?.isBusy = false
                buffered.remove(at: index)
            }
        }
    }

    // MARK: Fetching

    /// Starts a fetch to each broker that leads partitions of which nothing is buffered, one at a time each.
    private func startFetches() {
        let snapshot = cluster.snapshot
        var byBroker: [BrokerID: [TopicPartition]] = [:]
        for (partition, position) in positions {
            guard position.offset != nil, !position.isPaused, !position.isBusy else { continue }
            guard let leader = snapshot.leader(of: partition) else {
                lastMetadata = nil
                continue
            }
            if !fetching.contains(leader) { byBroker[leader, default: []].append(partition) }
        }
        for (broker, partitions) in byBroker {
            fetching.insert(broker)
            let request = fetchRequest(partitions.shuffled(), snapshot)
            for partition in partitions { positions[partition]?.isBusy = true }
            let offsets = Dictionary(uniqueKeysWithValues: partitions.map { ($0, positions[$0]?.offset ?? 0) })
            // Fetches go on while the application works on what it has.
            Task { await self.fetch(request, offsets, from: broker, snapshot) }
        }
    }

    private func fetchRequest(_ partitions: [TopicPartition], _ snapshot: ClusterSnapshot) -> FetchRequest {
        var order: [String] = []
        var byTopic: [String: [FetchRequest.FetchPartition]] = [:]
        for partition in partitions {
            if byTopic[partition.topic] == nil { order.append(partition.topic) }
            byTopic[partition.topic, default: []].append(
                .init(
                    partition: partition.partition, currentLeaderEpoch: snapshot.leaderEpoch(of: partition),
                    fetchOffset: positions[partition]?.offset ?? 0, logStartOffset: -1,
                    partitionMaxBytes: Int32(clamping: configuration.maxPartitionFetchBytes)))
        }
        var request = FetchRequest()
        request.maxWaitMs = configuration.fetchMaxWait.milliseconds32
        request.minBytes = Int32(clamping: configuration.fetchMinBytes)
        request.maxBytes = Int32(clamping: configuration.fetchMaxBytes)
        request.isolationLevel = configuration.isolationLevel == .readCommitted ? 1 : 0
        // Sessions (KIP-227) pay for many partitions; each request here stands for itself.
        request.sessionID = 0
        request.sessionEpoch = -1
        request.rackID = configuration.clientRack
        request.topics = order.map { name in
            FetchRequest.FetchTopic(
                topic: name, topicID: snapshot.topics[name]?.id ?? .zero, partitions: byTopic[name] ?? [])
        }
        return request
    }

    private func fetch(
        _ request: FetchRequest, _ offsets: [TopicPartition: Offset], from broker: BrokerID, _ snapshot: ClusterSnapshot
    ) async {
        defer {
            fetching.remove(broker)
            changes.notify()
        }
        do {
            let link = try await cluster.link(to: broker)
            let hasIDs = request.topics.allSatisfy { !$0.topicID.isZero }
            let response = try await link.send(
                request, latest: hasIDs ? .max : 12, timeout: configuration.requestTimeout + configuration.fetchMaxWait)
            guard response.errorCode.isNone else { throw KafkaError(response.errorCode) }
            let names = Dictionary(
                request.topics.map { ($0.topicID, $0.topic) }, uniquingKeysWith: { first, _ in first })
            var answered: Set<TopicPartition> = []
            for topic in response.responses {
                let name = topic.topicID.isZero ? topic.topic : names[topic.topicID] ?? topic.topic
                for partition in topic.partitions {
                    let id = TopicPartition(name, partition.partitionIndex)
                    answered.insert(id)
                    if let offset = offsets[id] { receive(partition, of: id, from: offset) }
                }
            }
            for partition in offsets.keys where !answered.contains(partition) { positions[partition]?.isBusy = false }
        } catch {
            for partition in offsets.keys { positions[partition]?.isBusy = false }
            lastMetadata = nil
            let known = error as? KafkaError
            if let known, !known.isRetriable, known.kind != .closed { failure = known }
            try? await Task.sleep(for: configuration.retryBackoff)
        }
    }

    private func receive(_ data: FetchResponse.PartitionData, of partition: TopicPartition, from offset: Offset) {
        // A seek in the meantime makes the answer worthless.
        guard var position = positions[partition], position.offset == offset else {
            positions[partition]?.isBusy = false
            return
        }
        position.isBusy = false
        defer { positions[partition] = position }
        switch data.errorCode {
        case .none:
            position.highWatermark = data.highWatermark
            position.logStart = data.logStartOffset
            guard case .bytes(let bytes)? = data.records, bytes.readableBytes > 0 else { return }
            bytesFetched += bytes.readableBytes
            let aborted = (data.abortedTransactions ?? []).map {
                FetchedRecords.AbortedTransaction(producerID: $0.producerID, firstOffset: $0.firstOffset)
            }
            buffered.append(
                FetchedRecords(
                    partition: partition, from: offset, bytes: bytes,
                    aborted: configuration.isolationLevel == .readCommitted ? aborted : nil,
                    checksCRCs: configuration.checksCRCs))
            position.isBusy = true
        case .offsetOutOfRange:
            switch configuration.offsetReset {
            case .earliest: position.reset = .earliest
            case .latest: position.reset = .latest
            case .none:
                failure = KafkaError(
                    .noOffset,
                    "Fetch position \(offset) is out of range for partition \(partition), and no reset policy has been configured"
                )
                return
            }
            position.offset = nil
        case let code where code.refreshesMetadata || code.isRetriable:
            lastMetadata = nil
        case let code:
            failure = KafkaError(code)
        }
    }

    // MARK: Starting positions

    /// Fills positions in that are not known: committed offsets first, then the reset rule.
    private func findPositions() async throws {
        let unknown = positions.filter { $0.value.offset == nil }
        guard !unknown.isEmpty else { return }
        var toCommitted = unknown.filter { $0.value.reset == nil }.map(\.key)
        if !toCommitted.isEmpty, configuration.groupID != nil {
            for (partition, committed) in try await committed(Set(toCommitted)) {
                guard positions[partition]?.offset == nil else { continue }
                positions[partition]?.offset = committed.offset
                positions[partition]?.leaderEpoch = committed.leaderEpoch
            }
            toCommitted.removeAll { positions[$0]?.offset != nil }
        }
        var toReset: [TopicPartition: OffsetSpecification] = unknown.compactMapValues(\.reset)
        for partition in toCommitted {
            switch configuration.offsetReset {
            case .earliest: toReset[partition] = .earliest
            case .latest: toReset[partition] = .latest
            case .none:
                throw KafkaError(.noOffset, "Undefined offset with no reset policy for partitions: [\(partition)]")
            }
        }
        guard !toReset.isEmpty else { return }
        let found = try await cluster.listOffsets(
            toReset, isolation: configuration.isolationLevel, before: .now + configuration.requestTimeout)
        for (partition, result) in found {
            switch result {
            case .success(let offset) where offset.offset >= 0:
                guard positions[partition]?.offset == nil else { continue }
                positions[partition]?.offset = offset.offset
                positions[partition]?.leaderEpoch = offset.leaderEpoch
                positions[partition]?.reset = nil
            case .success: positions[partition]?.reset = .latest
            case .failure(let error):
                if !error.isRetriable { throw error }
                lastMetadata = nil
            }
        }
    }

    // MARK: Ending

    /// Commits positions if `enable.auto.commit` says so, leaves the group, and ends all connections.
    public func close() async {
        guard !isClosed else { return }
        if configuration.autoCommit, configuration.groupID != nil, group?.mayCommit ?? true { try? await commit() }
        await leaveGroup()
        isClosed = true
        await cluster.close()
        changes.notify()
    }
}
