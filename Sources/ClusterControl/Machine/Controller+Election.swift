// SPDX-License-Identifier: Apache-2.0

import ClusterMetadata
import KafkaModel

/// Who is controller: watching, electing, resigning.
extension Controller {
    func start(_ epoch: BrokerEpoch) async throws(Interruption) {
        perform(.brokerEpochChanged(epoch))
        try await elect()
    }

    /// The old session is gone, and with it `/controller`.
    func expire() {
        activeControllerID = -1
        perform(.cancelTimer(.registration))
        perform(.cancelTimer(.election))
        isPausing = false
        resign()
        perform(.controllerChanged(nil))
    }

    func registerAndElect() async throws(Interruption) {
        switch try await zooKeeper(.registerBroker) {
        case .registered(let epoch): perform(.brokerEpochChanged(epoch))
        case let answer:
            // Another process may have taken the id while this one had no session. Kafka leaves it at that: when the other is
            // gone, the broker runs on, and belongs to the cluster no more.
            perform(.setTimer(.registration, after: .seconds(5)))
            guard answer == .failed(.nodeExists) else { throw .failed("registration answered \(answer)") }
            throw .failed(
                "/brokers/ids/\(settings.brokerID) is of another session: another process with this broker.id has taken "
                    + "this one's place, which takes no part in the cluster until that one is gone")
        }
        try await resignIfMoved()
        try await elect()
    }

    /// Reads `/controller` (which arms the watch), and steps back if it names another broker.
    func resignIfMoved() async throws(Interruption) {
        let wasActive = isActiveNow
        setActiveController(try await readController())
        if wasActive, !isActiveNow { resign() }
    }

    private func readController() async throws(Interruption) -> BrokerID {
        switch try await zooKeeper(.readController) {
        // A KRaft controller in migration is somebody else, whatever its number.
        case .controller(let id, let kraftEpoch): kraftEpoch >= 0 && id == settings.brokerID ? -2 : id
        case .failed(.noNode): -1
        // Somebody is there, though it cannot be said who.
        case .failed(.malformed): -2
        case let answer: throw .failed("/controller answered \(answer)")
        }
    }

    private func setActiveController(_ id: BrokerID) {
        guard id != activeControllerID else { return }
        activeControllerID = id
        perform(.controllerChanged(id < 0 ? nil : id))
    }

    /// Takes the controllership if nobody has it.
    func elect() async throws(Interruption) {
        setActiveController(try await readController())
        guard activeControllerID == -1, !isPausing else { return }
        guard let (epoch, version) = try await claim() else {
            try await resignIfMoved()
            notice(.lostElection(to: activeControllerID))
            return
        }
        context.epoch = epoch
        context.epochVersion = version
        setActiveController(settings.brokerID)
        notice(.elected(epoch: epoch))
        do throws(Interruption) {
            try await takeOver()
            failedTakeovers = 0
        } catch .failed(let reason) {
            // A controller that could not read the cluster must not lead it: let the next one try.
            notice(.eventFailed(event: "failover", reason: reason))
            pauseElections()
            try await moveController()
        }
    }

    /// What failed will most likely fail again. (Kafka's brokers try without a pause, and ask every broker of the cluster
    /// to elect with each attempt.)
    private func pauseElections() {
        isPausing = true
        perform(.setTimer(.election, after: .seconds(1 << min(failedTakeovers, 5))))
        failedTakeovers += 1
    }

    /// Counts the epoch up and creates `/controller` in one multi; nil when another was faster.
    private func claim() async throws(Interruption) -> (ControllerEpoch, version: Int32)? {
        let (current, expected) = try await readOrCreateEpoch()
        let (next, overflow) = current.addingReportingOverflow(1)
        guard !overflow else { throw .failed("/controller_epoch is at its end") }
        switch try await zooKeeper(.elect(epoch: next, expectedVersion: expected)) {
        case .written(let version): return (next, version)
        case .failed(.nodeExists), .failed(.badVersion), .failed(.noNode):
            // The reply of a multi that had succeeded may have been lost, and the multi sent again.
            let answers = try await zooKeeper([.readController, .readControllerEpoch])
            guard case .controller(settings.brokerID, kraftControllerEpoch: -1) = answers[0],
                case .controllerEpoch(next, let version) = answers[1]
            else { return nil }
            return (next, version)
        case let answer: throw .failed("the election answered \(answer)")
        }
    }

    private func readOrCreateEpoch() async throws(Interruption) -> (ControllerEpoch, version: Int32) {
        for attempt in 0..<2 {
            switch try await zooKeeper(.readControllerEpoch) {
            case .controllerEpoch(let epoch, let version): return (epoch, version)
            case .failed(.noNode) where attempt == 0: break
            case let answer: throw .failed("/controller_epoch answered \(answer)")
            }
            switch try await zooKeeper(.createControllerEpoch) {
            case .written(let version): return (0, version)
            case .failed(.nodeExists): continue
            case let answer: throw .failed("/controller_epoch answered \(answer)")
            }
        }
        throw .failed("/controller_epoch comes and goes")
    }

    /// Gives the controllership away, so that somebody else (or this broker anew) is elected.
    private func moveController() async throws(Interruption) {
        setActiveController(try await readController())
        guard isActiveNow else { return }
        let version = context.epochVersion
        activeControllerID = -1
        resign()
        context.epochVersion = version
        defer { context.epochVersion = 0 }
        _ = try await zooKeeper(.deleteController)
    }

    /// Forgets the cluster and stops telling brokers anything. The watch on `/controller` stays.
    func resign() {
        perform(.cancelTimer(.leaderBalance))
        for broker in context.liveOrShuttingDownBrokerIDs { perform(.stopSender(broker)) }
        if context.epoch != 0 { notice(.resigned(epoch: context.epoch)) }
        watchedTopics = []
        batch = ControlRequestBatch()
        context = ControllerContext()
    }
}
