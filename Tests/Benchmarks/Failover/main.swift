// SPDX-License-Identifier: Apache-2.0
//
// How long a cluster is without leaders when its controller dies, and how long a controlled shutdown takes, as far as
// the controller and ZooKeeper are concerned: three controllers on a real ZooKeeper server, brokers that answer at once.
//
//   failover [--partitions 10000] [--topics 100] [--window 1000] [--scenario failover|shutdown] [--sync 0] [--warm 30000]
//
// failover  the controller's session ends, which led a third; until the last leader is elected and told, and until the
//           new controller has done all that it does first
// shutdown  a broker that leads a third asks to be relieved; until it is answered
//
// An ensemble that serves has done so for a while: so many writes come first. The floor is what the same reads and writes
// take without anybody who decides on them.

import BenchmarkKit
import ClusterControl
import ClusterMetadata
import Glibc
import KafkaModel
import Synchronization
import ZooKeeperClient
import ZooKeeperStore
import ZooKeeperTestKit

let options = Options(CommandLine.arguments.dropFirst())
let partitionCount = options.integer("partitions", default: 10_000)
let topicCount = options.integer("topics", default: 100)
let window = options.integer("window", default: 1000)

/// Puts a cluster's topics there, each partition on all three brokers, led by them in turns.
func makeTopics(_ store: ZooKeeperStore) async throws {
    let orders: [[BrokerID]] = [[1, 2, 3], [2, 3, 1], [3, 1, 2]]
    var requests: [ZooKeeperRequest] = []
    for topic in 0..<topicCount {
        let name = "topic-\(topic)"
        var assignment = TopicAssignment(name: name, id: KafkaUUID(high: 7, low: UInt64(topic)), partitions: [:])
        var below: [ZooKeeperRequest] = [.create(path: ZNodes.partitions(name), data: nil)]
        for number in 0..<Int32(partitionCount / topicCount) {
            let replicas = orders[(topic + Int(number)) % 3]
            let partition = TopicPartition(name, number)
            assignment.partitions[number] = PartitionAssignment(replicas)
            let state = PartitionState(
                leader: replicas[0], leaderEpoch: 0, inSyncReplicas: replicas, controllerEpoch: 0)
            below.append(.create(path: ZNodes.partition(partition), data: nil))
            below.append(
                .create(path: ZNodes.partitionState(partition), data: ZNodeCodec.encodePartitionState(state)))
        }
        requests.append(.create(path: ZNodes.topic(name), data: ZNodeCodec.encodeTopic(assignment)))
        requests += below
    }
    for result in await store.calls.submit(requests) { _ = try result.get() }
}

/// So many states read and so many written, as a controller does both.
func floor(_ store: ZooKeeperStore, reads: Int, writes: Int) async throws -> Duration {
    let path = "/floor"
    try await store.ensure(path)
    let state = PartitionState(leader: 1, leaderEpoch: 1, inSyncReplicas: [1, 2, 3], controllerEpoch: 1)
    let data = ZNodeCodec.encodePartitionState(state)
    let epoch = try await store.read(ZNodes.controllerEpoch)?.stat.version ?? 0
    let start = ContinuousClock().now
    _ = await store.calls.submit(Array(repeating: .getData(path: path), count: reads))
    let write = ZooKeeperRequest.multi([
        .check(path: ZNodes.controllerEpoch, version: epoch), .setData(path: path, data: data),
    ])
    for result in await store.calls.submit(Array(repeating: write, count: writes)) { _ = try result.get() }
    return ContinuousClock().now - start
}

/// What brokers are told, and when each partition that the first broker led has a leader again.
let told = Mutex((images: [BrokerID: MetadataImage](), led: Set<TopicPartition>(), at: ContinuousClock().now))

func tell(_ request: ControlRequest, to broker: BrokerID) {
    told.withLock { told in
        switch request {
        case .updateMetadata(let request):
            told.images[broker] = (told.images[broker] ?? MetadataImage(clusterID: "bench")).applying(request.update)
        case .leaderAndIsr(let request):
            let before = told.led.count
            for entry in request.partitions where entry.assignment.replicas[0] == 1 && entry.state.leader > 1 {
                told.led.insert(entry.partition)
            }
            if told.led.count > before { told.at = ContinuousClock().now }
        case .stopReplica: break
        }
    }
}

/// One broker, reduced to its controller.
actor Member {
    let id: BrokerID
    private let connection: ZooKeeperConnection
    private let controller: Controller
    private let executor: ControllerExecutor
    private let registrar: BrokerRegistrar
    private let events: AsyncStream<ControllerEvent>
    private let queue: AsyncStream<ControllerEvent>.Continuation
    /// Who is in charge, told when it has done the last thing that a new controller does.
    private let inCharge: AsyncStream<(BrokerID, ContinuousClock.Instant)>.Continuation
    private var replies: [ControllerRequest.ID: CheckedContinuation<ControllerReply, Never>] = [:]
    private(set) var machineTime = Duration.zero
    private(set) var operations = 0
    private(set) var epoch: BrokerEpoch = -1

    init(
        _ id: BrokerID, server: String, inCharge: AsyncStream<(BrokerID, ContinuousClock.Instant)>.Continuation
    ) async throws {
        self.id = id
        self.inCharge = inCharge
        let (events, queue) = AsyncStream<ControllerEvent>.makeStream()
        self.events = events
        self.queue = queue
        connection = ZooKeeperConnection(
            ZooKeeperConfiguration(
                connect: try ZooKeeperConnectString(server), sessionTimeout: .seconds(30), maxInFlightRequests: window),
            onEvent: { event in
                if let event = ControllerExecutor.event(event) { queue.yield(event) }
            })
        try await connection.connect()
        let store = ZooKeeperStore(connection)
        registrar = BrokerRegistrar(
            store, id: id,
            node: BrokerRegistrationNode(
                endpoints: [
                    Endpoint(
                        listenerName: "PLAINTEXT", host: "127.0.0.1", port: 9092 + id, securityProtocol: .plaintext)
                ], timestamp: 0),
            session: { [connection] in connection.identity?.id })
        executor = ControllerExecutor(
            store, brokerID: id, registrar: registrar,
            recall: { told.withLock { $0.images[id].map(RecalledTopic.all) } ?? [] }, now: { 0 })
        controller = Controller(settings: ControllerSettings(brokerID: id, interBrokerListener: "PLAINTEXT"))
    }

    func register() async throws { epoch = try await registrar.register() }

    func run() async {
        queue.yield(.started(brokerEpoch: epoch))
        let clock = ContinuousClock()
        for await event in events {
            let start = clock.now
            let actions = controller.handle(event)
            machineTime += clock.now - start
            for action in actions {
                switch action {
                case .zooKeeper(let batch):
                    operations += batch.operations.count
                    Task { [executor, queue] in
                        queue.yield(.zooKeeperCompleted(batch.id, await executor.execute(batch)))
                    }
                case .send(.updateMetadata(let request), let broker): tell(.updateMetadata(request), to: broker)
                case .send(.leaderAndIsr(let request), let broker):
                    tell(.leaderAndIsr(request), to: broker)
                    queue.yield(.leaderAndIsrAnswered(broker, request, ControlAnswer()))
                case .send(.stopReplica(let request), let broker):
                    queue.yield(.stopReplicaAnswered(broker, request, ControlAnswer()))
                case .reply(let id, let reply): replies.removeValue(forKey: id)?.resume(returning: reply)
                case .setTimer(.leaderBalance, _): inCharge.yield((id, clock.now))
                case .notice(.eventFailed(let event, let reason)): print("\(event) failed: \(reason)")
                default: break
                }
            }
        }
    }

    func ask(_ request: ControllerRequest) async -> ControllerReply {
        await withCheckedContinuation { continuation in
            replies[1] = continuation
            queue.yield(.request(1, request))
        }
    }

    /// Ends the session, as its timeout or who fences a dead broker does.
    func die() async {
        queue.finish()
        await connection.close()
    }
}

func milliseconds(_ duration: Duration) -> String { "\(Int(duration / .milliseconds(1))) ms" }

var serverOptions = ZooKeeperServer.Options()
serverOptions.forcesSync = options.integer("sync", default: 0) != 0
serverOptions.tickMilliseconds = 2000
let server = try await ZooKeeperServer.start(serverOptions)
var members: [Member] = []
let (takeovers, inCharge) = AsyncStream<(BrokerID, ContinuousClock.Instant)>.makeStream()
/// Waits for the next broker to be in charge.
func nextTakeover() async -> (id: BrokerID, at: ContinuousClock.Instant) {
    for await (id, time) in takeovers { return (id, time) }
    return (0, ContinuousClock().now)
}
for id in BrokerID(1)...3 {
    members.append(try await Member(id, server: server.connectString, inCharge: inCharge))
}
let admin = ZooKeeperConnection(
    ZooKeeperConfiguration(
        connect: try ZooKeeperConnectString(server.connectString), sessionTimeout: .seconds(30),
        maxInFlightRequests: window))
try await admin.connect()
let store = ZooKeeperStore(admin)
try await store.ensurePaths()
let clock = ContinuousClock()
let making = clock.now
try await makeTopics(store)
print("\(partitionCount) partitions in \(topicCount) topics made: \(milliseconds(clock.now - making))")
for member in members { try await member.register() }
for member in members {
    Task { await member.run() }
    if member.id == 1 { _ = await nextTakeover() }
}
try await Task.sleep(for: .seconds(1))
let warm = options.integer("warm", default: 30_000)
print(
    "floor, cold: \(milliseconds(try await floor(store, reads: warm, writes: warm))) for \(warm) reads and as many writes"
)
func tellFloor(reads: Int, writes: Int) async throws {
    let time = try await floor(store, reads: reads, writes: writes)
    print("floor: \(milliseconds(time)) for \(reads) reads and \(writes) writes")
}
try await tellFloor(reads: partitionCount, writes: partitionCount * 4 / 3)

switch options["scenario", default: "failover"] {
case "shutdown":
    let start = clock.now
    let reply = await members[0].ask(.controlledShutdown(broker: 2, epoch: await members[1].epoch))
    print("controlled shutdown of a third: \(milliseconds(clock.now - start)), \(reply)")
default:
    let before = await (members[1].operations, members[2].operations)
    let start = clock.now
    await members[0].die()
    let gone = clock.now
    let end = await nextTakeover()
    let winner = members[Int(end.id) - 1]
    let operations = await winner.operations - (end.id == 2 ? before.0 : before.1)
    let (led, at) = told.withLock { ($0.led.count, $0.at) }
    print("failover: \(led) partitions led again \(milliseconds(at - start)) after the session's end began")
    print(
        "all done: \(milliseconds(end.at - start)) after the session's end began, \(milliseconds(end.at - gone)) after it was "
            + "done; \(operations) operations, \(milliseconds(await winner.machineTime)) of the machine")
}
try await tellFloor(reads: partitionCount, writes: partitionCount * 4 / 3)
fflush(nil)
exit(0)
