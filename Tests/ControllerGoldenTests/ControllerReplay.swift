// SPDX-License-Identifier: Apache-2.0

import ClusterControl
import ClusterMetadata
import KafkaModel
import Synchronization
import ZooKeeperStore

/// Plays a recorded scenario to a controller: what others did happens again, and what the controller writes is held
/// against what Kafka's wrote.
///
/// What asked Kafka's controller over the network is not in ZooKeeper's log; it is concluded from the write that answered
/// it, by ``RequestInference``.
final class ControllerReplay {
    let flow: RecordedFlow
    let ensemble: TreeEnsemble
    private var machine: Controller?
    private var executor: ControllerExecutor?
    /// Registrations that could not be read.
    let unreadable = Unreadable()
    private var session: Int64 = 0
    private var nextRequest: ControllerRequest.ID = 1
    /// Writes of the controller that were not expected yet, and all of them in order.
    private var unmatched: [RecordedWrite] = []
    private(set) var written: [RecordedWrite] = []
    private(set) var sent: [(broker: BrokerID, request: ControlRequest)] = []
    private(set) var problems: [String] = []
    private(set) var notices: [ControllerNotice] = []
    /// Writes that answered leaders, who ask when they see fit.
    private(set) var inSyncChanges: Set<[RecordedWrite.Part]> = []
    private var configure: (inout ControllerSettings) -> Void

    init(_ flow: RecordedFlow, configure: @escaping (inout ControllerSettings) -> Void = { _ in }) {
        self.flow = flow
        self.configure = configure
        ensemble = TreeEnsemble(flow.nodes)
    }

    /// Collects what the executor reports.
    final class Unreadable: Sendable {
        private let errors = Mutex<[ZNodeError]>([])
        func append(_ error: ZNodeError) { errors.withLock { $0.append(error) } }
        var paths: [String] { errors.withLock { $0.map(\.path) } }
    }

    deinit { _ = machine?.handle(.stopped) }

    func topicName(id: KafkaUUID) -> String? { machine?.topicName(id: id) }

    /// The writes of the flow that are a controller's.
    var expected: [RecordedWrite] { flow.writes.filter(\.isControllers) }

    func run() async {
        await takeUpWhereItBegins()
        var rest = flow.writes[...]
        var mustSettle = false
        while let write = rest.popFirst() {
            if !write.isControllers {
                perform(write)
                mustSettle = true
                continue
            }
            if mustSettle {
                mustSettle = false
                await settle()
            }
            await expect(write, rest)
        }
        await settle()
        for write in unmatched { problems.append("not written by Kafka: \(write)") }
    }

    private func wasDeleted(_ topic: String) -> Bool {
        written.contains { $0.parts.last?.kind == "delete" && $0.parts.last?.path == ZNodes.topicDeletion(topic) }
    }

    private func perform(_ write: RecordedWrite) {
        if write.parts.first?.kind == "closeSession", write.session == session {
            _ = machine?.handle(.stopped)
            machine = nil
            session = 0
        }
        ensemble.replay(write)
    }

    private func expect(_ write: RecordedWrite, _ rest: ArraySlice<RecordedWrite>) async {
        if take(write) { return }
        if machine == nil {
            // Somebody takes over: whose session this is.
            await start(session: write.session)
            if take(write) { return }
        }
        guard let request = RequestInference(tree: ensemble.tree, rest: rest).request(behind: write) else {
            return problems.append("not written: \(write)")
        }
        let id = nextRequest
        nextRequest += 1
        if case .alterPartition = request { inSyncChanges.insert(write.meaning) }
        await feed(.request(id, request))
        await settle()
        if !take(write) { problems.append("not written after \(request): \(write)") }
    }

    private func take(_ write: RecordedWrite) -> Bool {
        let isDoomed =
            write.topicOfState.map { ensemble.node(ZNodes.topicDeletion($0)) != nil || wasDeleted($0) } ?? false
        let index =
            isDoomed
            ? unmatched.firstIndex { $0.meaningUnderDeletion == write.meaningUnderDeletion }
            : unmatched.firstIndex { $0.meaning == write.meaning }
        guard let index else { return false }
        unmatched.remove(at: index)
        return true
    }
}

// MARK: The controller

extension ControllerReplay {
    /// The broker that holds the session takes over, if nobody else is in charge.
    func start(session: Int64) async {
        guard
            let path = ensemble.tree.nodes.first(where: {
                $0.value.owner == session && $0.key.hasPrefix("/brokers/ids/")
            })?.key,
            let id = BrokerID(path.dropFirst("/brokers/ids/".count))
        else { return problems.append("nobody has session \(String(session, radix: 16))") }
        var settings = ControllerSettings(brokerID: id, interBrokerListener: "INTERNAL")
        configure(&settings)
        self.session = session
        let store = ZooKeeperStore(ensemble)
        executor = ControllerExecutor(
            store, brokerID: id,
            registrar: BrokerRegistrar(
                store, id: id, node: BrokerRegistrationNode(endpoints: [], timestamp: 0), session: { session }),
            malformed: { [unreadable] in unreadable.append($0) }, now: { 0 })
        machine = Controller(settings: settings)
        ensemble.begin(session: session)
        await feed(.started(brokerEpoch: ensemble.node(path)?.creation ?? -1))
        await settle()
    }

    /// The flow may begin while a controller is at work. It is elected once more on the tree as it was right before its
    /// election; then the tree is put as it is, and the controller told that all in-sync sets have changed, so that it
    /// knows what is there.
    private func takeUpWhereItBegins() async {
        let tree = ensemble.tree
        guard let controller = tree.nodes[ZNodes.controller], let epoch = tree.nodes[ZNodes.controllerEpoch],
            let count = try? ZNodeCodec.decodeControllerEpoch(epoch.data)
        else { return }
        var earlier = tree
        earlier.remove(ZNodes.controller)
        earlier.nodes[ZNodes.controllerEpoch]?.data = ZNodeCodec.encodeControllerEpoch(count - 1)
        earlier.nodes[ZNodes.controllerEpoch]?.version -= 1
        ensemble.put(earlier)
        await start(session: controller.owner)
        var notified = tree
        let partitions = tree.nodes.keys.compactMap { ZNodes.partition(ofState: $0) }.sorted()
        var notification = TreeNode()
        notification.data = ZNodeCodec.encodePartitions(partitions)
        notified.create("\(ZNodes.isrChanges)/isr_change_9999999999", notification)
        ensemble.put(notified)
        await feed(.inSyncReplicasNotified)
        ensemble.put(tree)
        _ = ensemble.takeEvents()
        _ = ensemble.takeWritten()
        unmatched = []
        written = []
        sent = []
    }

    private func feed(_ event: ControllerEvent) async {
        guard let machine, let executor else { return }
        var pending = machine.handle(event)[...]
        var answers: [ControllerEvent] = []
        while true {
            guard let action = pending.popFirst() else {
                if answers.isEmpty { break }
                pending += machine.handle(answers.removeFirst())
                continue
            }
            switch action {
            case .zooKeeper(let batch):
                pending += machine.handle(.zooKeeperCompleted(batch.id, await executor.execute(batch)))
            case .send(let request, let broker):
                sent.append((broker, request))
                answers.append(Self.answered(broker, request))
            case .notice(let notice):
                notices.append(notice)
                if case .eventFailed(let event, let reason) = notice { problems.append("\(event) failed: \(reason)") }
            default: break
            }
        }
        let new = ensemble.takeWritten()
        unmatched += new
        written += new
    }

    /// Somebody asks the controller; what it answers is not kept.
    func ask(_ request: ControllerRequest) async {
        let id = nextRequest
        nextRequest += 1
        await feed(.request(id, request))
        await settle()
    }

    /// Delivers the watches that have fired.
    func settle() async {
        while true {
            let events = ensemble.takeEvents()
            if events.isEmpty { return }
            for event in events.compactMap(ControllerExecutor.event) { await feed(event) }
        }
    }

    private static func answered(_ broker: BrokerID, _ request: ControlRequest) -> ControllerEvent {
        switch request {
        case .leaderAndIsr(let request): .leaderAndIsrAnswered(broker, request, ControlAnswer())
        case .updateMetadata: .updateMetadataAnswered(broker, ControlAnswer())
        case .stopReplica(let request): .stopReplicaAnswered(broker, request, ControlAnswer())
        }
    }
}
