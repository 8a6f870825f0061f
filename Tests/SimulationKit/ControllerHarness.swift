// SPDX-License-Identifier: Apache-2.0

import ClusterControl
import ClusterMetadata
import GoldenFixtures
import KafkaModel
import ZooKeeperClient
import ZooKeeperStore

/// One broker's controller on a model ensemble, driven by hand in one thread.
///
/// Every batch is performed at once and every watch delivered at once, so that after each call the controller is at
/// rest. What it sent to brokers and answered to requests is kept.
package final class ControllerHarness {
    package let controller: Controller
    package let id: BrokerID
    package private(set) var session: ModelZooKeeper.Session = 0
    package private(set) var sent: [(broker: BrokerID, request: ControlRequest)] = []
    package private(set) var replies: [ControllerRequest.ID: ControllerReply] = [:]
    package private(set) var notices: [ControllerNotice] = []
    package private(set) var timers: [ControllerTimer: Duration] = [:]
    package private(set) var brokerEpoch: BrokerEpoch = -1
    package private(set) var senders: Set<BrokerID> = []
    /// What brokers answer to a control request; nil is no answer. Set by tests that need errors.
    package var answer: (BrokerID, ControlRequest) -> ControlAnswer? = { _, _ in ControlAnswer() }
    /// What the broker remembers of partitions when its controller asks.
    package var memory: [RecalledTopic] = []
    /// Called before each batch, to let something happen in between.
    package var beforeBatch: (ZooKeeperBatch) -> Void = { _ in }
    private let registration: RegisteredBroker
    private let world: World
    private var nextRequest: ControllerRequest.ID = 1

    /// The ensemble that several harnesses share.
    package final class World {
        package var zooKeeper = ModelZooKeeper()
        package var harnesses: [ControllerHarness] = []
        package init() {}

        /// Delivers watches until nobody has one.
        package func settle() {
            var isBusy = true
            while isBusy {
                isBusy = false
                for harness in harnesses where harness.deliverWatches() { isBusy = true }
            }
        }
    }

    package init(
        _ id: BrokerID, in world: World, configure: (inout ControllerSettings) -> Void = { _ in }
    ) {
        self.id = id
        self.world = world
        var settings = ControllerSettings(brokerID: id, interBrokerListener: "PLAINTEXT")
        configure(&settings)
        controller = Controller(settings: settings, random: SeededRandom(seed: UInt64(id)))
        registration = Self.registration(id)
        world.harnesses.append(self)
    }

    package static func registration(_ id: BrokerID, rack: String? = nil, port: Int32 = 9092) -> RegisteredBroker {
        RegisteredBroker(
            BrokerInfo(
                id: id, rack: rack,
                endpoints: [
                    Endpoint(listenerName: "PLAINTEXT", host: "host\(id)", port: port, securityProtocol: .plaintext)
                ]))
    }

    // MARK: Life

    /// Opens a session and registers the broker, which is all that others see of it so far.
    package func register() {
        session = world.zooKeeper.openSession()
        if case .registered(let epoch) = world.zooKeeper.register(registration, session) { brokerEpoch = epoch }
    }

    /// Opens a session, registers the broker and starts its controller. An existing session may be taken over.
    package func start(session existing: ModelZooKeeper.Session? = nil) {
        session = existing ?? world.zooKeeper.openSession()
        if case .registered(let epoch) = world.zooKeeper.register(registration, session) { brokerEpoch = epoch }
        if existing != nil, let node = world.zooKeeper.node("/brokers/ids/\(id)") { brokerEpoch = node.czxid }
        feed(.started(brokerEpoch: brokerEpoch))
        world.settle()
    }

    /// The process dies; its session ends at once.
    package func kill() {
        world.harnesses.removeAll { $0 === self }
        _ = controller.handle(.stopped)
        world.zooKeeper.closeSession(session)
        world.settle()
    }

    /// The session is lost and a new one opened.
    package func expireSession() {
        world.zooKeeper.closeSession(session)
        feed(.sessionExpired)
        world.settle()
        session = world.zooKeeper.openSession()
        feed(.sessionEstablished)
        world.settle()
    }

    // MARK: Events

    package func request(_ request: ControllerRequest) -> ControllerReply? {
        let id = nextRequest
        nextRequest += 1
        feed(.request(id, request))
        world.settle()
        return replies[id]
    }

    package func feed(_ event: ControllerEvent) {
        var pending = controller.handle(event)[...]
        var later: [ControllerEvent] = []
        while let action = pending.popFirst() {
            switch action {
            case .zooKeeper(let batch):
                beforeBatch(batch)
                var answers = world.zooKeeper.perform(batch, by: session, registration: registration)
                if batch.operations == [.recallPartitionStates] { answers = [.recalled(memory)] }
                pending += controller.handle(.zooKeeperCompleted(batch.id, answers))
            case .send(let request, let broker):
                sent.append((broker, request))
                if let answer = answer(broker, request) { later.append(Self.answered(broker, request, answer)) }
            case .reply(let id, let reply): replies[id] = reply
            case .notice(let notice): notices.append(notice)
            case .setTimer(let timer, let delay): timers[timer] = delay
            case .cancelTimer(let timer): timers[timer] = nil
            case .brokerEpochChanged(let epoch): brokerEpoch = epoch
            case .startSender(let broker): senders.insert(broker.id)
            case .stopSender(let broker): senders.remove(broker)
            case .controllerChanged: break
            }
            while pending.isEmpty, !later.isEmpty { pending += controller.handle(later.removeFirst()) }
        }
    }

    private static func answered(
        _ broker: BrokerID, _ request: ControlRequest, _ answer: ControlAnswer
    ) -> ControllerEvent {
        switch request {
        case .leaderAndIsr(let request): .leaderAndIsrAnswered(broker, request, answer)
        case .updateMetadata: .updateMetadataAnswered(broker, answer)
        case .stopReplica(let request): .stopReplicaAnswered(broker, request, answer)
        }
    }

    fileprivate func deliverWatches() -> Bool {
        let events = world.zooKeeper.takeEvents(of: session)
        for event in events { if let translated = Self.translate(event) { feed(translated) } }
        return !events.isEmpty
    }

    static func translate(_ event: ModelZooKeeper.Event) -> ControllerEvent? {
        let (path, kind): (String, ZooKeeperEvent.WatchKind) =
            switch event {
            case .created(let path): (path, .created)
            case .changed(let path): (path, .dataChanged)
            case .deleted(let path): (path, .deleted)
            case .children(let path): (path, .childrenChanged)
            }
        return ControllerExecutor.event(.watch(path: path, kind: kind))
    }

    // MARK: What was sent

    package func forget() {
        sent.removeAll()
        notices.removeAll()
    }
}
