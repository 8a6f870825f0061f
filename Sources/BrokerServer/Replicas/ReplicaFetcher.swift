// SPDX-License-Identifier: Apache-2.0

import BrokerSettings
import KafkaModel
import KafkaNetworking
import KafkaProtocol
import Logging
import NIOCore
import Replication

/// Fetches the partitions that one broker leads and that hash to this fetcher: all in one request, one request at a time.
///
/// A turn is: ask what must be known before fetching (epoch ends, log ends), or fetch; do with the answers what the
/// partitions' log threads would do, in their place while they are idle, else hand the answers to them; when all is done,
/// the next turn, which tells the leader how far the logs are. A partition whose disk takes its time is left to its log
/// thread and out of the next fetches, and comes back when that is done, so that it holds up no other.
///
/// Owner: the event loop, which is also the connection's, and serves fetchers only. ``add(_:)`` and ``remove(_:)`` may be
/// called from any thread.
// Unchecked, true by its event loop: every stored `var` is touched on `loop` only, and calls from elsewhere hop there first.
final class ReplicaFetcher: @unchecked Sendable {
    /// What is the same for all fetchers of a broker.
    struct Environment: Sendable {
        let localID: BrokerID
        let brokerEpoch: @Sendable () -> BrokerEpoch
        /// The listener over which brokers speak to one another.
        let listener: String
        let metadata: MetadataCache
        let versions: FollowerVersions
        let settings: BrokerConfiguration.Replication
        /// Of what leaders send.
        let throttle: ReplicationThrottle
        let logger: Logger
    }

    private final class Entry {
        let followed: FollowedPartition
        var key: FetchPartitionKey
        /// What the leader was told last of this partition; nil while nothing, so that what comes is not for it.
        var asked: FetchPartition?
        /// Its log thread has not finished with the last answer.
        var isBusy = false

        init(_ followed: FollowedPartition, key: FetchPartitionKey) {
            self.followed = followed
            self.key = key
        }
    }

    private enum Phase: Equatable {
        case idle
        case connecting
        /// A request is on its way; a fetch may wait at the leader.
        case asking(isFetch: Bool)
        /// The partitions work on the answers.
        case delivering(round: Int, groups: Int)
    }

    /// How long a throttled partition stays out of fetches before the quota is looked at again, in milliseconds.
    private static let throttlePause: Int64 = 100
    /// How long a turn waits for the slowest disk.
    private static let patience = TimeAmount.milliseconds(50)
    /// An append that takes longer than this waits for its disk, and the next ones are left to the log threads for a while.
    private static let slowAppend = TimeAmount.milliseconds(5)
    private static let slowTime = TimeAmount.seconds(1)
    /// How long a fetch that waits at the leader goes on after a partition was added, which may not be the only one.
    private static let gathering = TimeAmount.milliseconds(3)

    private let leader: BrokerID
    private let environment: Environment
    private let loop: any EventLoop
    private let clientID: String
    private let logger: Logger
    private var entries: [TopicPartition: Entry] = [:]
    private var entriesByKey: [FetchPartitionKey: Entry] = [:]
    private var questions: [TopicPartition: FollowerReplication.Need] = [:]
    private var delayed: [TopicPartition: Int64] = [:]
    private var session: FetchSessionClient
    private var usesTopicIDs: Bool
    private var withoutTopicID: Set<TopicPartition> = []
    private var connection: BrokerConnection?
    private var phase = Phase.idle
    private var round = 0
    private var sessionErrors = 0
    private var lastRefresh: Int64 = 0
    private var alarm: Scheduled<Void>?
    /// Until when a disk counts as slow.
    private var slowUntil = NIODeadline.uptimeNanoseconds(0)
    private var interruption: Scheduled<Void>?
    /// The connection was closed from here; its end says nothing of the leader.
    private var isInterrupted = false
    private var hasComplained = false

    init(from leader: BrokerID, index: Int, _ environment: Environment, on loop: any EventLoop) {
        self.leader = leader
        self.environment = environment
        self.loop = loop
        clientID = "broker-\(environment.localID)-fetcher-\(index)"
        session = FetchSessionClient(isSupported: environment.versions.fetch >= 7)
        usesTopicIDs = environment.versions.fetch >= 13
        var logger = environment.logger
        logger[metadataKey: "kafka.leader"] = "\(leader)"
        logger[metadataKey: "kafka.fetcher"] = "\(index)"
        self.logger = logger
    }

    private var now: Int64 { Int64(BrokerClock.monotonicMilliseconds) }
}

// MARK: Partitions come and go

extension ReplicaFetcher {
    func add(_ followed: FollowedPartition) {
        loop.execute { [self] in
            forget(followed.id)
            let entry = Entry(followed, key: key(followed))
            entries[followed.id] = entry
            entriesByKey[entry.key] = entry
            place(entry, now)
            interruptSoon()
            turn()
        }
    }

    func remove(_ partitions: [FollowedPartition]) {
        loop.execute { [self] in
            for followed in partitions where entries[followed.id]?.followed === followed { forget(followed.id) }
            if entries.isEmpty { disconnect() }
        }
    }

    private func forget(_ id: TopicPartition) {
        withoutTopicID.remove(id)
        questions[id] = nil
        delayed[id] = nil
        guard let entry = entries.removeValue(forKey: id) else { return }
        session.drop(entry.key)
        if entriesByKey[entry.key] === entry { entriesByKey[entry.key] = nil }
    }

    private func key(_ followed: FollowedPartition) -> FetchPartitionKey {
        let topicID = followed.topicID ?? .zero
        if topicID.isZero { withoutTopicID.insert(followed.id) } else { withoutTopicID.remove(followed.id) }
        return usesTopicIDs && !topicID.isZero
            ? FetchPartitionKey(topicID: topicID, partition: followed.id.partition)
            : FetchPartitionKey(topic: followed.id.topic, partition: followed.id.partition)
    }

    /// Sorts a partition by what it needs next.
    private func place(_ entry: Entry, _ now: Int64) {
        let id = entry.followed.id
        questions[id] = nil
        delayed[id] = nil
        let need: FollowerReplication.Need = entry.isBusy ? .nothing : entry.followed.need(now: now)
        if case .records(let offset, let epoch) = need {
            if entry.followed.isHeldBack {
                session.drop(entry.key)
                delayed[id] = now + Self.throttlePause
                return
            }
            session.want(
                entry.followed.request(
                    entry.key, from: offset, lastFetchedEpoch: epoch,
                    maximumBytes: Int32(clamping: environment.settings.fetchMaxBytes)))
            return
        }
        session.drop(entry.key)
        switch need {
        case .epochEnd, .leaderEnd, .leaderStart: questions[id] = need
        case .patience(let until): delayed[id] = until
        case .nothing, .records: break
        }
    }

    private func placeAll(_ now: Int64) {
        lastRefresh = now
        for entry in entries.values { place(entry, now) }
    }

    /// Topics are named by id where all have one. A topic may get its id late, and the session must be begun anew then.
    private func chooseNames(_ now: Int64) {
        if !withoutTopicID.isEmpty {
            withoutTopicID = withoutTopicID.filter { entries[$0]?.followed.topicID?.isZero ?? true }
        }
        let canUse = environment.versions.fetch >= 13 && withoutTopicID.isEmpty
        guard canUse != usesTopicIDs else { return }
        usesTopicIDs = canUse
        entriesByKey = [:]
        for entry in entries.values {
            session.drop(entry.key)
            entry.key = key(entry.followed)
            entry.asked = nil
            entriesByKey[entry.key] = entry
        }
        session.restart()
        placeAll(now)
    }
}

// MARK: Turns

extension ReplicaFetcher {
    private func turn() {
        loop.assertInEventLoop()
        guard phase == .idle else { return }
        alarm?.cancel()
        alarm = nil
        guard !entries.isEmpty else { return disconnect() }
        let now = now
        for (id, until) in delayed where until <= now {
            if let entry = entries[id] { place(entry, now) }
        }
        chooseNames(now)
        // Retention moves logs' starts without asking; leaders are told once a second.
        if now - lastRefresh >= 1000 { placeAll(now) }
        guard !questions.isEmpty || !session.isEmpty else {
            guard let next = delayed.values.min() else { return }
            alarm = loop.scheduleTask(in: .milliseconds(max(1, next - now))) { [self] in turn() }
            return
        }
        guard let connection, connection.isOpen else { return connect() }
        if questions.isEmpty { fetch(over: connection) } else { ask(over: connection) }
    }

    private func connect() {
        phase = .connecting
        connection = nil
        guard let endpoint = environment.metadata.current.endpoint(of: leader, listener: environment.listener) else {
            return failed("it has no address on listener \(environment.listener)")
        }
        let settings = environment.settings
        BrokerConnection.start(
            host: endpoint.host, port: Int(endpoint.port),
            options: .init(
                clientID: clientID, requestTimeout: settings.socketTimeout, requestsInFlight: 1,
                // Kafka's default is less than what the kernel finds out by itself.
                receiveBufferBytes: settings.socketReceiveBufferBytes > 64 << 10
                    ? settings.socketReceiveBufferBytes : nil),
            on: loop
        ).whenComplete { [self] result in
            switch result {
            case .success(let made):
                connection = made
                isInterrupted = false
                phase = .idle
                turn()
            case .failure(let error): failed("\(error)")
            }
        }
    }

    private func disconnect() {
        guard let connection else { return }
        self.connection = nil
        isInterrupted = true
        connection.closeSoon()
        session.failed()
    }

    /// The leader cannot be reached, or does not answer.
    private func failed(_ problem: String) {
        session.failed()
        connection?.closeSoon()
        connection = nil
        phase = .idle
        if isInterrupted {
            isInterrupted = false
        } else {
            if !hasComplained, !entries.isEmpty {
                hasComplained = true
                logger.warning("A leader cannot be fetched from; trying again", metadata: ["error": "\(problem)"])
            }
            let now = now
            for entry in entries.values {
                entry.followed.requestFailed(now: now)
                place(entry, now)
            }
        }
        turn()
    }

    /// A fetch that waits at the leader knows nothing of partitions that came since, and a leadership that has just begun
    /// waits for its followers: so the wait is cut short.
    private func interruptSoon() {
        guard phase == .asking(isFetch: true), interruption == nil else { return }
        let current = round
        interruption = loop.scheduleTask(in: Self.gathering) { [self] in
            interruption = nil
            guard phase == .asking(isFetch: true), round == current else { return }
            isInterrupted = true
            connection?.closeSoon()
        }
    }
}

// MARK: Requests

extension ReplicaFetcher {
    private func fetch(over connection: BrokerConnection) {
        let outgoing = session.next()
        for partition in outgoing.partitions { entriesByKey[partition.key]?.asked = partition }
        let version = usesTopicIDs ? environment.versions.fetch : min(environment.versions.fetch, 12)
        let request = FollowerRequests.fetch(
            outgoing, version: version, localID: environment.localID, brokerEpoch: environment.brokerEpoch(),
            environment.settings)
        phase = .asking(isFetch: true)
        round += 1
        connection.submit(request, version: version).whenComplete { [self] result in
            switch result {
            case .success(let response): fetched(response)
            case .failure(let error): failed("\(error)")
            }
        }
    }

    private func fetched(_ response: FetchResponse) {
        phase = .idle
        guard session.answered(error: response.errorCode, sessionID: response.sessionID) else {
            // The session is gone: begin another at once. An error that stays is none of the session's.
            sessionErrors += 1
            if sessionErrors > 1 { return failed("\(response.errorCode)") }
            return turn()
        }
        sessionErrors = 0
        hasComplained = false
        var deliveries: [Delivery] = []
        for topic in response.responses {
            for data in topic.partitions {
                let key = FetchPartitionKey(
                    topic: usesTopicIDs ? "" : topic.topic, topicID: usesTopicIDs ? topic.topicID : .zero,
                    partition: data.partitionIndex)
                guard let entry = entriesByKey[key], let asked = entry.asked, !entry.isBusy else { continue }
                let followed = entry.followed
                deliveries.append(
                    Delivery(followed: followed) { followed.take(data, askedFrom: asked.fetchOffset) })
            }
        }
        deliver(deliveries)
    }

    /// Asks for the ends of epochs, and once there are no such questions, for the ends of logs.
    private func ask(over connection: BrokerConnection) {
        phase = .asking(isFetch: false)
        round += 1
        let epochs = questions.compactMap { id, need -> FollowerRequests.EpochQuestion? in
            guard case .epochEnd(let epoch) = need, let entry = entries[id] else { return nil }
            return .init(partition: id, leaderEpoch: entry.followed.leaderEpoch, epoch: epoch)
        }
        if !epochs.isEmpty {
            let version = environment.versions.offsetForLeaderEpoch
            connection.submit(
                FollowerRequests.epochEnds(epochs, version: version, localID: environment.localID), version: version
            ).whenComplete { [self] result in
                switch result {
                case .success(let response): answered(response)
                case .failure(let error): failed("\(error)")
                }
            }
            return
        }
        let ends = questions.compactMap { id, need -> FollowerRequests.OffsetQuestion? in
            guard let entry = entries[id] else { return nil }
            return .init(
                partition: id, leaderEpoch: entry.followed.leaderEpoch, isLatest: need == .leaderEnd)
        }
        let version = environment.versions.listOffsets
        connection.submit(
            FollowerRequests.offsets(ends, version: version, localID: environment.localID), version: version
        ).whenComplete { [self] result in
            switch result {
            case .success(let response): answered(response, version: version)
            case .failure(let error): failed("\(error)")
            }
        }
    }

    private func answered(_ response: OffsetForLeaderEpochResponse) {
        phase = .idle
        var deliveries: [Delivery] = []
        for topic in response.topics {
            for answer in topic.partitions {
                let id = TopicPartition(topic.topic, answer.partition)
                guard let followed = entries[id]?.followed, case .epochEnd? = questions.removeValue(forKey: id) else {
                    continue
                }
                deliveries.append(Delivery(followed: followed) { followed.take(epochEnd: answer) })
            }
        }
        if deliveries.isEmpty { return failed("an answer leaves out what was asked") }
        deliver(deliveries)
    }

    private func answered(_ response: ListOffsetsResponse, version: Int16) {
        phase = .idle
        var deliveries: [Delivery] = []
        for topic in response.topics {
            for answer in topic.partitions {
                let id = TopicPartition(topic.name, answer.partitionIndex)
                guard let followed = entries[id]?.followed, let need = questions.removeValue(forKey: id) else {
                    continue
                }
                let offset = version == 0 ? answer.oldStyleOffsets.first ?? -1 : answer.offset
                let error = answer.errorCode
                deliveries.append(
                    Delivery(followed: followed) {
                        if need == .leaderEnd {
                            followed.take(leaderEnd: offset, error: error)
                        } else {
                            followed.take(leaderStart: offset, error: error)
                        }
                    })
            }
        }
        if deliveries.isEmpty { return failed("an answer leaves out what was asked") }
        deliver(deliveries)
    }
}

// MARK: Hand-over to log threads

extension ReplicaFetcher {
    /// What one partition is to do with its part of an answer.
    private struct Delivery: Sendable {
        let followed: FollowedPartition
        let take: @Sendable () -> Void
    }

    private func deliver(_ deliveries: [Delivery]) {
        let groups = Dictionary(grouping: deliveries) { ObjectIdentifier($0.followed.thread) }.values
            .filter { !perform($0) }
        guard !groups.isEmpty else { return turn() }
        let current = round
        phase = .delivering(round: current, groups: groups.count)
        for group in groups {
            for delivery in group { entries[delivery.followed.id]?.isBusy = true }
            group[0].followed.thread.submit { [self] in
                for delivery in group { delivery.take() }
                loop.execute { [self] in finished(group, round: current) }
            }
        }
        // Nearly always all are done long before.
        let patience = loop.scheduleTask(in: Self.patience) { [self] in
            guard case .delivering(current, _) = phase else { return }
            let now = now
            for entry in entries.values where entry.isBusy { place(entry, now) }
            phase = .idle
            turn()
        }
        alarm = patience
    }

    /// Does the work of a log thread in its place. False when that is busy, or a disk has lately taken its time.
    private func perform(_ group: [Delivery]) -> Bool {
        let start = NIODeadline.now()
        guard start >= slowUntil else { return false }
        let isDone = group[0].followed.thread.performIfIdle { for delivery in group { delivery.take() } }
        guard isDone else { return false }
        let end = NIODeadline.now()
        if end - start > Self.slowAppend { slowUntil = end + Self.slowTime }
        let now = now
        for delivery in group {
            guard let entry = entries[delivery.followed.id], entry.followed === delivery.followed else { continue }
            place(entry, now)
        }
        return true
    }

    private func finished(_ group: [Delivery], round finished: Int) {
        let now = now
        for delivery in group {
            guard let entry = entries[delivery.followed.id], entry.followed === delivery.followed else { continue }
            entry.isBusy = false
            place(entry, now)
        }
        switch phase {
        case .delivering(finished, let groups) where groups > 1:
            phase = .delivering(round: finished, groups: groups - 1)
        case .delivering(finished, _):
            phase = .idle
            turn()
        default:
            // Late: others went on meanwhile.
            turn()
        }
    }
}
