// SPDX-License-Identifier: Apache-2.0

import ClusterControl
import ClusterMetadata
import KafkaModel
import Logging
import Metrics
import Synchronization
import ZooKeeperStore

/// Drives the controller's machine: brings it events in order, and performs what it decides.
///
/// The machine is touched by one task only, ``run()``, which takes events from a queue as Kafka's controller thread
/// does. Everything else here may be called from any thread. Life: from ``run()`` to the cancellation of its task.
final class ControllerService: Sendable {
    /// What the machine's decisions do to the rest of the broker.
    struct Surroundings: Sendable {
        let zooKeeper: any ControllerZooKeeper
        let timer: TimerThread
        let senders: ControlRequestSender.Environment
        let controllerChanged: @Sendable (BrokerID?) -> Void
        let brokerEpochChanged: @Sendable (BrokerEpoch) -> Void
    }

    private struct State {
        var nextRequest: ControllerRequest.ID = 0
        var waiting: [ControllerRequest.ID: CheckedContinuation<ControllerReply, Never>] = [:]
        var isStopped = false
    }

    private let surroundings: Surroundings
    private let logger: Logger
    private let events: AsyncStream<ControllerEvent>
    private let queue: AsyncStream<ControllerEvent>.Continuation
    private let state = Mutex(State())
    private let machine: Controller
    private let active = Mutex(false)
    /// Leaders that were elected from outside the in-sync sets.
    let uncleanElections = Counter()

    init(settings: ControllerSettings, surroundings: Surroundings, logger: Logger) {
        machine = Controller(settings: settings)
        self.surroundings = surroundings
        self.logger = logger
        (events, queue) = AsyncStream<ControllerEvent>.makeStream()
    }

    /// Whether this broker is the controller, as far as its machine knows.
    var isActive: Bool { active.withLock { $0 } }

    /// What the cluster looks like to the controller; nil where this broker is not it.
    var counts: ControllerCounts? { isActive ? machine.counts : nil }

    /// The name of a topic by its id, as the controller knows it; nil while not active. Waits while the machine decides.
    func topicName(id: KafkaUUID) -> String? { machine.topicName(id: id) }

    /// Queues an event behind those that wait.
    func submit(_ event: ControllerEvent) { queue.yield(event) }

    /// Queues an event and waits until it has been processed.
    func submitAndWait(_ event: ControllerEvent) async {
        submit(event)
        // A request that only looks is answered behind the event.
        _ = await request(.listReassignments(partitions: []))
    }

    /// Ends ``run()`` after what is queued.
    func stop() {
        submit(.stopped)
        queue.finish()
    }

    /// Asks the controller and waits for its reply.
    func request(_ request: ControllerRequest) async -> ControllerReply {
        await withCheckedContinuation { continuation in
            let id = state.withLock { state -> ControllerRequest.ID? in
                guard !state.isStopped else { return nil }
                state.nextRequest += 1
                state.waiting[state.nextRequest] = continuation
                return state.nextRequest
            }
            guard let id else { return continuation.resume(returning: .refused(ControllerError(.notController))) }
            submit(.request(id, request))
        }
    }

    /// Processes events until the task is cancelled.
    func run() async {
        var senders: [BrokerID: ControlRequestSender] = [:]
        var timers: [ControllerTimer: TimerThread.Handle] = [:]
        for await event in events {
            for action in machine.handle(event) {
                perform(action, senders: &senders, timers: &timers)
            }
            active.withLock { $0 = machine.isActive }
        }
        for sender in senders.values { sender.stop() }
        for timer in timers.values { surroundings.timer.cancel(timer) }
        let waiting = state.withLock { state in
            state.isStopped = true
            defer { state.waiting = [:] }
            return state.waiting
        }
        for continuation in waiting.values {
            continuation.resume(returning: .refused(ControllerError(.notController)))
        }
    }

    private func perform(
        _ action: ControllerAction, senders: inout [BrokerID: ControlRequestSender],
        timers: inout [ControllerTimer: TimerThread.Handle]
    ) {
        switch action {
        case .zooKeeper(let batch):
            // A bare task: the machine waits for its answer, so there is one at a time.
            Task { [self] in
                let answers = await surroundings.zooKeeper.perform(batch)
                submit(.zooKeeperCompleted(batch.id, answers))
            }
        case .startSender(let broker):
            senders.removeValue(forKey: broker.id)?.stop()
            senders[broker.id] = ControlRequestSender(to: broker, surroundings.senders) { [self] in submit($0) }
        case .stopSender(let id):
            senders.removeValue(forKey: id)?.stop()
        case .send(let request, let id):
            senders[id]?.send(request)
        case .reply(let id, let reply):
            let continuation = state.withLock { $0.waiting.removeValue(forKey: id) }
            continuation?.resume(returning: reply)
        case .setTimer(let timer, let delay):
            if let old = timers.removeValue(forKey: timer) { surroundings.timer.cancel(old) }
            timers[timer] = surroundings.timer.schedule(after: delay.wholeMilliseconds) { [self] in
                submit(.timerFired(timer))
            }
        case .cancelTimer(let timer):
            if let old = timers.removeValue(forKey: timer) { surroundings.timer.cancel(old) }
        case .controllerChanged(let id):
            surroundings.controllerChanged(id)
        case .brokerEpochChanged(let epoch):
            surroundings.brokerEpochChanged(epoch)
        case .notice(let notice):
            if case .uncleanElection = notice { uncleanElections.add() }
            ControllerLog.write(notice, to: logger)
        }
    }
}

/// Turns the controller's notices into log lines: constant messages, data in metadata.
enum ControllerLog {
    static func write(_ notice: ControllerNotice, to logger: Logger) {
        switch notice {
        case .elected(let epoch):
            logger.info("This broker is the controller now", metadata: ["kafka.controller.epoch": "\(epoch)"])
        case .lostElection(let winner):
            logger.info("Another broker is the controller", metadata: ["kafka.controller": "\(winner)"])
        case .resigned(let epoch):
            logger.info("Resigned as controller", metadata: ["kafka.controller.epoch": "\(epoch)"])
        case .eventFailed(let event, let reason):
            logger.error("A controller event failed", metadata: ["event": "\(event)", "error": "\(reason)"])
        case .partitionStateChangeFailed(let partition, let reason):
            logger.warning(
                "A partition could not change its state",
                metadata: ["kafka.partition": "\(partition)", "error": "\(reason)"])
        case .replicaStateChangeFailed(let partition, let broker, let reason):
            logger.warning(
                "A replica could not change its state",
                metadata: ["kafka.partition": "\(partition)", "kafka.broker": "\(broker)", "error": "\(reason)"])
        case .uncleanElection(let partition, let leader):
            logger.warning(
                "A leader outside the in-sync replicas was elected; records may be lost",
                metadata: ["kafka.partition": "\(partition)", "kafka.broker": "\(leader)"])
        case .malformedNode(let path, let reason):
            logger.error("A znode cannot be read", metadata: ["zookeeper.path": "\(path)", "error": "\(reason)"])
        case .writeFailed(let path, let reason):
            logger.error(
                "A znode could not be deleted or written",
                metadata: ["zookeeper.path": "\(path)", "error": "\(reason)"])
        case .brokerIgnored(let broker, let reason):
            logger.warning("A broker is ignored", metadata: ["kafka.broker": "\(broker)", "reason": "\(reason)"])
        case .topicDeletionCompleted(let topic):
            logger.info("A topic is deleted", metadata: ["kafka.topic": "\(topic)"])
        case .topicDeletionHalted(let topic, let reason):
            logger.info(
                "The deletion of a topic waits", metadata: ["kafka.topic": "\(topic)", "reason": "\(reason)"])
        case .reassignmentCompleted(let partition):
            logger.info("A reassignment is complete", metadata: ["kafka.partition": "\(partition)"])
        case .brokersJoined(let brokers):
            logger.info("Brokers joined", metadata: ["kafka.brokers": "\(brokers)"])
        case .brokersLeft(let brokers):
            logger.info("Brokers left", metadata: ["kafka.brokers": "\(brokers)"])
        }
    }
}
