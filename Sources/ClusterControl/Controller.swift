// SPDX-License-Identifier: Apache-2.0

import ClusterMetadata
import DequeModule
import KafkaModel

/// The controller of a ZooKeeper-mode cluster: who leads what, decided by one broker at a time.
///
/// Every broker has one. It elects itself when `/controller` is free, and from then on reacts to what happens to
/// brokers, topics and requests. A pure machine: ``handle(_:)`` takes an event and returns what is to be done, in
/// order; nothing happens between two calls. Events are processed strictly one after the other, as Kafka's controller
/// thread does; one that needs ZooKeeper asks for a batch and goes on when the answers come, while others wait inside.
///
/// It is an actor only so that the story of an event reads top-down as an `async` function; ``StoryExecutor`` runs it
/// on the thread that calls ``handle(_:)``. Calls from several threads are serialised. End it with
/// ``ControllerEvent/stopped``, or it stays in memory.
package actor Controller {
    nonisolated private let executor = StoryExecutor()
    nonisolated package var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    var settings: ControllerSettings
    var context = ControllerContext()
    var batch = ControlRequestBatch()
    /// The controller as this broker knows it; −1 when nobody.
    var activeControllerID: BrokerID = -1
    /// Attempts to take over that failed since the last that did not.
    var failedTakeovers = 0
    /// Whether this broker leaves the election to others for a while.
    var isPausing = false
    /// Topics whose data watch counts; a watch that fires for another is stale.
    var watchedTopics: Set<String> = []

    private var events: Deque<ControllerEvent> = []
    private var actions: [ControllerAction] = []
    /// The request that is being processed, until it is answered.
    private var unanswered: ControllerRequest.ID?
    private var isRunning = false
    private var isStopped = false
    private var idle: CheckedContinuation<Void, Never>?
    private var waiting: (batch: ZooKeeperBatch.ID, count: Int, CheckedContinuation<[ZooKeeperAnswer], Never>)?
    private var nextBatchID: ZooKeeperBatch.ID = 1
    private var random: any RandomNumberGenerator & Sendable

    /// - Parameter random: where ids of topics without one come from.
    package init(
        settings: ControllerSettings, random: any RandomNumberGenerator & Sendable = SystemRandomNumberGenerator()
    ) {
        self.settings = settings
        self.random = random
    }

    /// Takes an event and says what is to be done now. May be called from any thread.
    package nonisolated func handle(_ event: ControllerEvent) -> [ControllerAction] {
        executor.turn {
            self.assumeIsolated { $0.accept(event) }
            executor.drain()
            return self.assumeIsolated { $0.takeActions() }
        }
    }
}

// MARK: What others may ask at any time

extension Controller {
    /// Whether this broker is controller, as far as it knows.
    package nonisolated var isActive: Bool {
        executor.turn { self.assumeIsolated { $0.isActiveNow } }
    }

    /// The epoch of the controllership; 0 while not active.
    package nonisolated var epoch: ControllerEpoch {
        executor.turn { self.assumeIsolated { $0.context.epoch } }
    }

    /// The name of a topic by its id, as the controller knows it.
    package nonisolated func topicName(id: KafkaUUID) -> String? {
        executor.turn { self.assumeIsolated { $0.context.topicNames[id] } }
    }

    /// Numbers for metrics; zero while not active.
    package nonisolated var counts: ControllerCounts {
        executor.turn { self.assumeIsolated { ControllerCounts($0.context) } }
    }

    var isActiveNow: Bool { activeControllerID == settings.brokerID }
}

// MARK: The loop

extension Controller {
    private func accept(_ event: ControllerEvent) {
        if !isRunning, !isStopped {
            isRunning = true
            Task(executorPreference: executor) { await self.run() }
        }
        switch event {
        case .zooKeeperCompleted(let id, let answers):
            // An answer that comes after the session's end has been given up.
            guard let waiting, waiting.batch == id else { return }
            self.waiting = nil
            waiting.2.resume(returning: answers.count == waiting.count ? answers : lost(waiting.count))
            return
        case .sessionExpired, .stopped:
            refuseAllThatWaits()
            if let waiting {
                self.waiting = nil
                waiting.2.resume(returning: lost(waiting.count))
            }
            events.append(event)
        default:
            guard !isStopped else {
                if case .request(let id, _) = event { actions.append(.reply(id, .refused(.notController))) }
                return
            }
            events.append(event)
        }
        wake()
    }

    private func lost(_ count: Int) -> [ZooKeeperAnswer] {
        Array(repeating: .failed(.sessionExpired), count: count)
    }

    private func refuseAllThatWaits() {
        for case .request(let id, _) in events { actions.append(.reply(id, .refused(.notController))) }
        events.removeAll()
    }

    private func wake() {
        guard let idle else { return }
        self.idle = nil
        idle.resume()
    }

    private func takeActions() -> [ControllerAction] {
        defer { actions.removeAll() }
        return actions
    }

    /// Puts an event behind those that wait already.
    func enqueue(_ event: ControllerEvent) { events.append(event) }

    private func run() async {
        while !isStopped {
            guard let event = events.popFirst() else {
                await withCheckedContinuation { idle = $0 }
                continue
            }
            await processToItsEnd(event)
        }
    }

    private func processToItsEnd(_ event: ControllerEvent) async {
        if case .request(let id, _) = event { unanswered = id }
        do throws(Interruption) {
            try await process(event)
        } catch {
            batch = ControlRequestBatch()
            if let unanswered { reply(unanswered, .refused(error.refusal)) }
            switch error {
            case .controllerMoved:
                notice(.eventFailed(event: "\(event.name)", reason: "another broker is controller"))
                do throws(Interruption) { try await resignIfMoved() } catch {
                    notice(.eventFailed(event: "\(event.name)", reason: "resigning failed: \(error)"))
                }
            case .sessionExpired: break  // That event is in the queue and clears everything up.
            case .failed(let reason): notice(.eventFailed(event: "\(event.name)", reason: reason))
            }
        }
    }

    private func process(_ event: ControllerEvent) async throws(Interruption) {
        switch event {
        case .started(let epoch): try await start(epoch)
        case .stopped:
            isStopped = true
            if isActiveNow { resign() }
            activeControllerID = -1
        case .sessionExpired: expire()
        case .sessionEstablished: try await registerAndElect()
        case .zooKeeperCompleted: break  // Consumed in accept(_:).
        case .controllerNodeChanged: try await resignIfMoved()
        case .controllerNodeDeleted:
            try await resignIfMoved()
            try await elect()
        case .settingsChanged(let new): settings = new
        case .timerFired(.registration): try await registerAndElect()
        case .timerFired(.election):
            isPausing = false
            try await elect()
        case .request(let id, let request): try await serve(request, id)
        default:
            guard isActiveNow else { return }
            try await processAsController(event)
        }
    }

    private func processAsController(_ event: ControllerEvent) async throws(Interruption) {
        switch event {
        case .brokersChanged: try await brokersChanged()
        case .brokerModified(let id): try await brokerModified(id)
        case .topicsChanged: try await topicsChanged()
        case .topicModified(let topic): try await topicModified(topic)
        case .topicDeletionsRequested: try await topicDeletionsRequested()
        case .inSyncReplicasNotified: try await inSyncReplicasNotified()
        case .logDirectoryNotified: try await logDirectoryNotified()
        case .reassignmentNodeCreated: try await startNewReassignmentsOfNode()
        case .preferredElectionNodeCreated: try await electPreferredOfNode()
        case .partitionStateChanged(let partition): try await reassignedPartitionChanged(partition)
        case .leaderAndIsrAnswered(let broker, let request, let answer):
            try await leaderAndIsrAnswered(broker, request, answer)
        case .updateMetadataAnswered(let broker, let answer): updateMetadataAnswered(broker, answer)
        case .stopReplicaAnswered(let broker, let request, let answer):
            try await stopReplicaAnswered(broker, request, answer)
        case .timerFired(.leaderBalance): try await balanceLeaders()
        case .uncleanElectionEnabled: _ = try await movePartitionsOnline()
        case .uncleanElectionEnabledForTopic(let topic): _ = try await movePartitionsOnline(ofTopic: topic)
        default: break
        }
    }
}

// MARK: What the story is written with

/// Why the processing of an event ended early.
enum Interruption: Error {
    /// A checked write failed: another broker is controller.
    case controllerMoved
    case sessionExpired
    case failed(String)

    var refusal: ControllerError {
        switch self {
        case .controllerMoved, .sessionExpired: .notController
        case .failed(let reason): ControllerError(.unknownServerError, reason)
        }
    }
}

extension ControllerError {
    static let notController = ControllerError(.notController)
}

extension Controller {
    /// Asks ZooKeeper and waits for all the answers, one for each operation.
    func zooKeeper(_ operations: [ZooKeeperOperation]) async throws(Interruption) -> [ZooKeeperAnswer] {
        guard !operations.isEmpty else { return [] }
        let id = nextBatchID
        nextBatchID += 1
        actions.append(
            .zooKeeper(
                ZooKeeperBatch(id: id, operations: operations, controllerEpochVersion: context.epochVersion)))
        let answers = await withCheckedContinuation { waiting = (id, operations.count, $0) }
        if answers.contains(.failed(.controllerMoved)) { throw .controllerMoved }
        if answers.contains(.failed(.sessionExpired)) { throw .sessionExpired }
        for case .failed(.malformed(let path, let reason)) in answers {
            notice(.malformedNode(path: path, reason: reason))
        }
        return answers
    }

    func zooKeeper(_ operation: ZooKeeperOperation) async throws(Interruption) -> ZooKeeperAnswer {
        try await zooKeeper([operation])[0]
    }

    /// As ``zooKeeper(_:)``, where any failure but the given ones ends the event.
    func requireSuccess(
        _ operations: [ZooKeeperOperation], except harmless: Set<ZooKeeperFailure> = []
    ) async throws(Interruption) {
        for case .failed(let failure) in try await zooKeeper(operations) where !harmless.contains(failure) {
            throw .failed("ZooKeeper answered \(failure)")
        }
    }

    /// Deletes what is done with. What cannot be deleted is noticed and stays, as in Kafka: that somebody has put a node
    /// below it, or has taken the right to delete it away, is no reason to leave the rest of the cluster alone.
    ///
    /// Returns whether all are gone.
    @discardableResult
    func clearAway(_ deletions: [ZooKeeperOperation]) async throws(Interruption) -> Bool {
        var isClear = true
        for (deletion, answer) in zip(deletions, try await zooKeeper(deletions)) {
            guard case .failed(let failure) = answer, failure != .noNode else { continue }
            notice(.writeFailed(path: deletion.writtenPath, reason: failure.reason))
            isClear = false
        }
        return isClear
    }

    func names(_ operation: ZooKeeperOperation) async throws(Interruption) -> [String] {
        switch try await zooKeeper(operation) {
        case .names(let names): return names
        case .failed(.noNode): return []
        case let answer: throw .failed("\(operation) answered \(answer)")
        }
    }

    /// What lies in a directory of requests or notifications, watched from now on.
    ///
    /// One that somebody has removed is made again: where there is no directory, nothing can be put, and no watch be armed.
    /// Kafka's controller hears of nothing there any more until it is replaced.
    func entries(of directory: ZooKeeperDirectory) async throws(Interruption) -> [String] {
        let list: ZooKeeperOperation =
            switch directory {
            case .topicDeletions: .listTopicDeletions
            case .isrChanges: .listIsrChanges
            case .logDirectoryEvents: .listLogDirectoryEvents
            }
        switch try await zooKeeper(list) {
        case .names(let names): return names
        case .failed(.noNode): break
        case let answer: throw .failed("\(list) answered \(answer)")
        }
        try await requireSuccess([.createDirectory(directory)])
        return try await names(list)
    }

    func perform(_ action: ControllerAction) { actions.append(action) }
    func notice(_ notice: ControllerNotice) { actions.append(.notice(notice)) }

    func reply(_ id: ControllerRequest.ID, _ reply: ControllerReply) {
        unanswered = nil
        actions.append(.reply(id, reply))
    }

    /// Sends what was gathered since the last time.
    func sendBatch() {
        for (request, broker) in batch.requests(context, controllerID: settings.brokerID) {
            actions.append(.send(request, to: broker))
        }
        batch = ControlRequestBatch()
    }

    /// Tells brokers who lives, and about these partitions.
    func sendUpdateMetadata(to brokers: [BrokerID], _ partitions: [TopicPartition] = []) {
        batch.addUpdateMetadata(to: brokers, partitions, context)
        sendBatch()
    }

    func newTopicID() -> KafkaUUID {
        func draw(_ generator: inout some RandomNumberGenerator) -> KafkaUUID { KafkaUUID.random(using: &generator) }
        return draw(&random)
    }
}

extension ControllerEvent {
    /// The case without its values.
    var name: String {
        let text = "\(self)"
        return String(text.prefix { $0 != "(" })
    }
}

/// What an operator watches, by the names of Kafka's metrics.
package struct ControllerCounts: Hashable, Sendable {
    /// Also those that are shutting down.
    package var activeBrokers = 0
    package var globalTopics = 0
    /// Partitions that have a state.
    package var globalPartitions = 0
    /// Partitions without a leader that is online; topics under deletion left out.
    package var offlinePartitions = 0
    package var preferredReplicaImbalance = 0
    package var topicsToDelete = 0
    package var topicsIneligibleToDelete = 0

    init(_ context: ControllerContext) {
        activeBrokers = context.liveOrShuttingDownBrokerIDs.count
        globalTopics = context.topics.count
        globalPartitions = context.partitions.values.count { $0.leadership != nil }
        topicsToDelete = context.topicsToBeDeleted.count
        topicsIneligibleToDelete = context.topicsIneligibleForDeletion.count
        for (partition, value) in context.partitions where !context.isQueuedForDeletion(partition.topic) {
            if value.life != .online { offlinePartitions += 1 }
            if let leader = value.leadership?.leader, leader != value.assignment.replicas.first {
                preferredReplicaImbalance += 1
            }
        }
    }
}
