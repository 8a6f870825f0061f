// SPDX-License-Identifier: Apache-2.0

import ClusterControl
import ClusterMetadata
import GoldenFixtures
import KafkaModel

/// A whole cluster in one thread, from one seed: brokers, clients, ensemble, network, disks and clocks.
///
/// The brokers' decisions are made by the machines that ship; what is simulated is what surrounds them. Every step is an
/// action taken from one queue; after each, ``Judge`` has seen whatever it changed. The same seed and plan give the same
/// run, to the last step.
package final class Simulation {
    package let seed: UInt64
    package let plan: SimulationPlan
    package internal(set) var now: Int64 = 0
    package internal(set) var steps = 0
    package internal(set) var zooKeeper = ModelZooKeeper()
    var random: SeededRandom
    var network: SimulatedNetwork
    var ensemble = EnsembleState()
    var brokers: [SimulatedBroker] = []
    /// Processes that have registered under the id of another, and serve nothing.
    var secondHosts: [BrokerID: ModelZooKeeper.Session] = [:]
    /// What was in nodes that are damaged now.
    var damaged: [String: ModelZooKeeper.Content] = [:]
    var damagedAt: [String: Int64] = [:]
    var producers: [SimulatedProducer] = []
    var consumers: [SimulatedConsumer] = []
    let judge: Judge
    private var queue = EventQueue()
    /// The administrator's own session, which never ends.
    let administrator: ModelZooKeeper.Session
    var lastProducerID: ProducerID = 0
    var lastValue: UInt64 = 0
    private var lastConnection = 0
    var isHealing = false
    private let tracer: ((String) -> Void)?
    /// Everything that was traced, as one number: equal for equal runs.
    package private(set) var fingerprint: UInt64 = 0xcbf2_9ce4_8422_2325

    package init(seed: UInt64, plan: SimulationPlan, trace: ((String) -> Void)? = nil) {
        self.seed = seed
        self.plan = plan
        tracer = trace
        random = SeededRandom(seed: seed)
        network = SimulatedNetwork()
        administrator = zooKeeper.openSession()
        judge = Judge(plan)
        brokers = (1...plan.brokers).map { SimulatedBroker(BrokerID($0), self) }
    }

    /// Lets `action` happen after a delay.
    func schedule(after delay: Int64, _ action: @escaping () -> Void) { queue.add(at: now + max(0, delay), action) }

    /// Lets `action` happen after a time, one of a few different ones, unless it is cancelled before.
    func deadline(after length: Int64, _ action: @escaping () -> Void) -> EventQueue.Deadline {
        queue.addDeadline(now: now, length: length, action)
    }

    func broker(_ id: BrokerID) -> SimulatedBroker? {
        id >= 1 && Int(id) <= brokers.count ? brokers[Int(id) - 1] : nil
    }

    func nextConnection() -> Int {
        lastConnection += 1
        return lastConnection
    }

    // MARK: Chance

    func chance(_ part: Int, in whole: Int) -> Bool { Int.random(in: 0..<whole, using: &random) < part }
    func draw(_ range: ClosedRange<Int64>) -> Int64 { Int64.random(in: range, using: &random) }

    // MARK: Trace

    /// Notes what happens. The text is made only where somebody reads it, or its number counts.
    func trace(_ line: @autoclosure () -> String) {
        guard let tracer else { return }
        let text = "\(now) \(line())"
        tracer(text)
    }

    /// Notes an event for the fingerprint of the run.
    func mark(_ kind: UInt64, _ first: Int64, _ second: Int64 = 0) {
        for word in [kind, UInt64(bitPattern: first), UInt64(bitPattern: second), UInt64(bitPattern: now)] {
            fingerprint = (fingerprint ^ word) &* 0x0000_0100_0000_01b3
        }
    }

    // MARK: Running

    /// Runs until the queue is empty, the time has come, something is wrong, or `isDone`.
    func run(until end: Int64, isDone: () -> Bool = { false }) {
        while judge.violation == nil, let event = queue.popFirst(until: end) {
            now = event.time
            steps += 1
            event.action()
            judge.sawCommits(self)
            deliverWatches()
            if isDone() { return }
        }
        if judge.violation == nil, !isDone() { now = max(now, end) }
    }

    /// Hands over the watch events that a step has caused.
    private func deliverWatches() {
        guard zooKeeper.hasEvents else { return }
        for session in zooKeeper.sessionsWithEvents {
            let events = zooKeeper.takeEvents(of: session)
            guard let broker = brokers.first(where: { $0.link.session == session }) else { continue }
            broker.link.fired(events)
        }
    }
}

/// How a run ended.
package struct SimulationOutcome: Sendable {
    package var seed: UInt64
    /// What was wrong; nil when nothing was.
    package var violation: String?
    package var steps: Int
    package var simulatedTime: Int64
    package var committedRecords: Int
    package var acknowledgedRecords: Int
    package var elections: Int
    /// How often records were lost since a broker without its disk was trusted, as in Kafka.
    package var excusedLosses: Int
    /// How often a broker joined an in-sync set though its disk was gone.
    package var staleJoins: Int
    /// How often of those losses another could have been elected.
    package var avoidableLosses: Int
    package var fingerprint: UInt64
}

extension Simulation {
    /// Runs a seed's cluster through its plan, heals it, and waits until it is whole.
    package static func run(
        seed: UInt64, plan: SimulationPlan? = nil, trace: ((String) -> Void)? = nil
    ) -> SimulationOutcome {
        let simulation = Simulation(seed: seed, plan: plan ?? SimulationPlan(seed: seed), trace: trace)
        return simulation.play()
    }

    /// Lets go of what would keep itself in memory: controllers that run, and actions that wait for a time that never comes.
    private func end() {
        for broker in brokers { broker.end() }
        queue = EventQueue()
    }

    package func play() -> SimulationOutcome {
        start()
        run(until: plan.duration)
        heal()
        run(until: plan.duration + plan.patience, isDone: { isWhole == nil })
        if judge.violation == nil, let reason = isWhole {
            judge.fail("after \(plan.patience) ms without faults the cluster is not whole: \(reason)", self)
        }
        if judge.violation == nil { judge.checkAtEnd(self) }
        end()
        return SimulationOutcome(
            seed: seed, violation: judge.violation, steps: steps, simulatedTime: now,
            committedRecords: judge.committedCount, acknowledgedRecords: judge.acknowledgedCount,
            elections: judge.electionCount, excusedLosses: judge.excusedCount,
            staleJoins: judge.staleJoinCount, avoidableLosses: judge.avoidableCount, fingerprint: fingerprint)
    }
}
