// SPDX-License-Identifier: Apache-2.0

import ClusterControl
import KafkaModel

/// What is true of the ensemble as a whole.
struct EnsembleState {
    /// Without a quorum nobody is served, and no session ends.
    var hasQuorum = true
    /// Counts interruptions, so that each begins all sessions' time-outs anew.
    var interruptions = 0
}

/// A broker's client of the ensemble: its session, what is under way, what was told.
///
/// Operations are carried out in order, at the ensemble, while the broker and other sessions go on; replies and watches
/// come in order too. When the connection breaks, replies are lost and the operations are sent again over the next one,
/// as `ZooKeeperConnection` does, whether they were carried out or not. A session that was silent for its time-out ends at
/// the ensemble; the broker learns of it when it reaches the ensemble again.
final class ZooKeeperLink {
    private struct Batch {
        let batch: ZooKeeperBatch
        var answers: [ZooKeeperAnswer] = []
    }

    unowned let broker: SimulatedBroker
    unowned let world: Simulation
    private(set) var session: ModelZooKeeper.Session?
    private(set) var isConnected = false
    private var pending: Batch?
    private var undelivered: [ModelZooKeeper.Event] = []
    /// Replies and watches reach the broker in order.
    private var lastDelivery: Int64 = 0
    /// Counts connections: what belongs to an earlier one is lost.
    private(set) var connection = 0
    /// Replies and watches are up to so much late.
    var slowness: Int64 = 0
    /// The registrations that the controller has read last.
    private(set) var epochsSeen: [BrokerID: BrokerEpoch] = [:]
    private(set) var epochsSeenBefore: [BrokerID: BrokerEpoch] = [:]
    private var isReconnecting = false

    init(_ broker: SimulatedBroker, _ world: Simulation) {
        self.broker = broker
        self.world = world
    }

    private var isReachable: Bool {
        broker.isRunning && !broker.isPaused && world.ensemble.hasQuorum
            && world.network.isOpen(from: broker.id, to: SimulatedNetwork.zooKeeper)
            && world.network.isOpen(from: SimulatedNetwork.zooKeeper, to: broker.id)
    }

    // MARK: Sessions

    /// The process begins with a new session; false while the ensemble cannot be reached.
    func open() -> Bool {
        guard isReachable else { return false }
        connection += 1
        session = world.zooKeeper.openSession()
        pending = nil
        undelivered = []
        isConnected = true
        isReconnecting = false
        return true
    }

    /// The process is gone; its session lives on until it times out, or is ended by who knows that the process is dead.
    func abandon() {
        connection += 1
        isConnected = false
        pending = nil
        undelivered = []
        if let session { expire(session, unless: { false }) }
    }

    /// Ends the session at the ensemble.
    func endSession() {
        guard let session, world.zooKeeper.sessions.contains(session) else { return }
        world.trace("zookeeper: session \(session) of broker \(broker.id) ends")
        world.zooKeeper.closeSession(session)
    }

    private func expire(_ session: ModelZooKeeper.Session, unless isSaved: @escaping () -> Bool) {
        let interruptions = world.ensemble.interruptions
        world.schedule(after: world.plan.sessionTimeout) { [self] in
            guard world.zooKeeper.sessions.contains(session), !isSaved() else { return }
            // After an interruption every session has its full time-out again.
            guard world.ensemble.hasQuorum, world.ensemble.interruptions == interruptions else {
                return expire(session, unless: isSaved)
            }
            world.trace("zookeeper: session \(session) of broker \(broker.id) has expired")
            world.zooKeeper.closeSession(session)
        }
    }

    // MARK: The connection

    /// Something has changed that decides whether the ensemble can be reached.
    func look() {
        if isConnected, !isReachable { disconnect() }
        if !isConnected, isReachable { reconnectSoon() }
    }

    /// The connection breaks; replies on their way are lost.
    func disconnect() {
        guard isConnected, let session else { return }
        world.trace("broker \(broker.id): connection to zookeeper lost")
        connection += 1
        isConnected = false
        let broken = connection
        expire(session) { [self] in isConnected || connection != broken }
        reconnectSoon()
    }

    private func reconnectSoon() {
        guard !isReconnecting, broker.isRunning else { return }
        isReconnecting = true
        let life = broker.life
        world.schedule(after: world.draw(5...400)) { [self] in
            guard broker.life == life else { return }
            isReconnecting = false
            guard !isConnected else { return }
            if isReachable { reconnected() }
            // Else `look()` will be called when that changes.
        }
    }

    private func reconnected() {
        guard let session else { return }
        connection += 1
        isConnected = true
        guard world.zooKeeper.sessions.contains(session) else {
            // The controllership ends before the next session begins.
            world.trace("broker \(broker.id): learns that its session has expired")
            pending = nil
            undelivered = []
            broker.onProcess { [self] in
                broker.control(.sessionExpired)
                guard isReachable else {
                    isConnected = false
                    return reconnectSoon()
                }
                self.session = world.zooKeeper.openSession()
                broker.control(.sessionEstablished)
            }
            return
        }
        let events = undelivered.compactMap { world.zooKeeper.asSeenNow($0, by: session) }
        undelivered = []
        if !events.isEmpty { deliver(events) }
        if pending != nil {
            pending?.answers = []
            carryOn()
        }
    }

    // MARK: Operations

    func perform(_ batch: ZooKeeperBatch) {
        pending = Batch(batch: batch)
        if isConnected { carryOn() }
    }

    /// Carries out some of what is pending at the ensemble, and the rest a little later.
    private func carryOn() {
        let current = connection
        world.schedule(after: world.draw(0...2)) { [self] in
            guard connection == current, isConnected, var work = pending, let session else { return }
            let count = work.batch.operations.count
            let done = work.answers.count
            // Others may come between two operations of a batch.
            let next = world.chance(1, in: 5) ? Int(world.draw(Int64(done)...Int64(count))) : count
            for operation in work.batch.operations[done..<next] {
                if operation == .recallPartitionStates {
                    work.answers.append(.recalled(RecalledTopic.all(in: broker.image)))
                    continue
                }
                guard world.zooKeeper.sessions.contains(session) else {
                    work.answers.append(.failed(.sessionExpired))
                    continue
                }
                let answer = world.zooKeeper.perform(
                    operation, by: session, registration: broker.registration,
                    epochVersion: work.batch.controllerEpochVersion)
                if case .brokers(let read) = answer, operation == .readBrokers {
                    epochsSeenBefore = epochsSeen
                    epochsSeen = Dictionary(read.map { ($0.id, $0.epoch) }) { $1 }
                }
                work.answers.append(answer)
            }
            pending = work
            // The worst moment to lose the connection: what was asked is done, and nobody says so.
            if world.breaksAfterRequest { return disconnect() }
            guard next == count else { return carryOn() }
            toBroker { [self] in
                guard connection == current else { return }
                pending = nil
                broker.control(.zooKeeperCompleted(work.batch.id, work.answers))
            }
        }
    }

    func fired(_ events: [ModelZooKeeper.Event]) {
        if isConnected { deliver(events) } else { undelivered += events }
    }

    private func deliver(_ events: [ModelZooKeeper.Event]) {
        let current = connection
        let asked = session
        let events = events
        toBroker { [self] in
            // Lost on the way: the next connection is told again.
            guard connection == current else { return missed(events, in: asked) }
            for event in events {
                if let event = ControllerHarness.translate(event) { broker.control(event) }
            }
        }
    }

    /// Events that a connection did not bring are told by the next one, which may be there already.
    private func missed(_ events: [ModelZooKeeper.Event], in asked: ModelZooKeeper.Session?) {
        guard let asked, session == asked else { return }
        guard isConnected else {
            undelivered += events
            return
        }
        let left = events.compactMap { world.zooKeeper.asSeenNow($0, by: asked) }
        if !left.isEmpty { deliver(left) }
    }

    func toBroker(_ action: @escaping () -> Void) {
        lastDelivery = max(lastDelivery, world.now + world.draw(0...2 + slowness))
        let life = broker.life
        world.schedule(after: lastDelivery - world.now) { [self] in
            guard broker.life == life else { return }
            broker.onProcess(action)
        }
    }
}

extension Simulation {
    /// Whether a connection to the ensemble breaks right now, when what was asked is done and the answer not yet heard.
    var breaksAfterRequest: Bool {
        plan.faults.contains(.dropZooKeeperConnection) && !isHealing && chance(1, in: 100)
    }
}
