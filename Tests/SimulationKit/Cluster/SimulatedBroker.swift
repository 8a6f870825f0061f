// SPDX-License-Identifier: Apache-2.0

import ClusterControl
import ClusterMetadata
import GoldenFixtures
import KafkaModel
import Replication

/// One log on a broker's disk; it outlives the process.
final class StoredLog {
    var log: ModelLog
    /// Which of the broker's log directories it lies in.
    let directory: Int

    init(_ log: ModelLog, in directory: Int) {
        self.log = log
        self.directory = directory
    }
}

/// One replica that a broker's process knows.
final class HostedReplica {
    let partition: TopicPartition
    var machine: PartitionReplica
    var stored: StoredLog?

    init(_ partition: TopicPartition, _ machine: PartitionReplica) {
        self.partition = partition
        self.machine = machine
    }
}

/// One broker: the machines that ship, and in place of sockets, threads and files this class.
///
/// A process lives from ``start()`` to ``kill(isPowerFailure:)``; its disk stays. What is asked of it while it is
/// paused waits, and is then done in order, with the process none the wiser.
final class SimulatedBroker {
    let id: BrokerID
    unowned let world: Simulation
    private(set) var registration: RegisteredBroker
    /// Counts processes: what an earlier one had begun is lost.
    private(set) var life = 0
    private(set) var isRunning = false
    private(set) var isPaused = false
    private var backlog: [() -> Void] = []
    /// The clock that the process sees leaps ahead now and then.
    var clockLead: Int64 = 0
    /// What the process says of its place when it starts next.
    var rack: String?
    /// Whether this life of the process writes in-sync sets itself.
    private(set) var writesInSyncSets = false
    /// Is being drained, or has left for good.
    var isLeaving = false
    var hasLeft = false
    /// Wants to be up: its supervisor starts it again.
    var isWanted = true
    private(set) var link: ZooKeeperLink!

    // The disk.
    var disk: [TopicPartition: StoredLog] = [:]
    /// Copies of logs on their way to another directory.
    var futures: [TopicPartition: StoredLog] = [:]
    /// Copies in directories that have failed.
    var unusable: [TopicPartition: StoredLog] = [:]
    /// Logs whose places a copy has taken when the process died, before they were gone.
    var superseded: [TopicPartition: StoredLog] = [:]
    var disks = Array(repeating: SimulatedDisk(), count: SimulatedBroker.directoryCount)
    /// The disk that it had before its present one.
    var formerDisk: [TopicPartition: StoredLog] = [:]

    // The process.
    /// The log directories that have failed since it began, and the partitions that it cannot serve for that.
    var failedDirectories: Set<Int> = []
    var offline: Set<TopicPartition> = []
    /// Whether a replica has found no room for its log.
    var lacksRoom = false
    var moves: [TopicPartition: SimulatedMove] = [:]
    private var threads: [TopicPartition: SimulatedLogThread] = [:]
    private(set) var controlQueue = SimulatedControlQueue()
    var controller: Controller?
    var brokerEpoch: BrokerEpoch = -1
    var image = MetadataImage(clusterID: "simulated")
    var fence = ControlFence()
    var replicas: [TopicPartition: HostedReplica] = [:]
    var senders: [BrokerID: ControlSender] = [:]
    var timers: [ControllerTimer: Int] = [:]
    var replies: [ControllerRequest.ID: (ControllerReply) -> Void] = [:]
    var nextRequest: ControllerRequest.ID = 1
    var proposals = InSyncProposals<LeaderReplication.Proposal>()
    var notifications = InSyncNotifications()
    var fetchers: [BrokerID: SimulatedFetcher] = [:]
    var throttle = ReplicationQuota(samples: 11, length: 1000)
    var sessions: FetchSessionCache
    var waitingProduces: [TopicPartition: [WaitingProduce]] = [:]
    var waitingFetches: [TopicPartition: [WaitingFetch]] = [:]

    init(_ id: BrokerID, _ world: Simulation) {
        self.id = id
        self.world = world
        registration = ControllerHarness.registration(id)
        sessions = FetchSessionCache(slots: 3, random: SeededRandom(seed: 0))
        link = ZooKeeperLink(self, world)
    }

    var clock: Int64 { world.now + clockLead }

    /// Whether replicas that are behind must wait, since they have cost too much lately.
    var isThrottleExceeded: Bool {
        guard let limit = world.plan.throttle, !world.isHealing else { return false }
        return throttle.isExceeded(limit: limit, now: clock)
    }

    func log(_ partition: TopicPartition) -> ModelLog? { replicas[partition]?.stored?.log }

    /// The thread on which a partition's log changes.
    func thread(_ partition: TopicPartition) -> SimulatedLogThread {
        if let thread = threads[partition] { return thread }
        let thread = SimulatedLogThread(self, partition)
        threads[partition] = thread
        return thread
    }
}

// MARK: The process

extension SimulatedBroker {
    /// Starts the process if it can reach the ensemble and no other life of it is registered; else tries again.
    func start() {
        guard !isRunning, isWanted else { return }
        isRunning = true
        life += 1
        registration = ControllerHarness.registration(id, rack: rack)
        let path = "/brokers/ids/\(id)"
        let owner = world.zooKeeper.node(path)?.owner
        if let owner, owner == link.session, world.chance(3, in: 4) {
            // A starting broker ends the session that an earlier life of it left behind.
            link.endSession()
        }
        guard world.zooKeeper.node(path) == nil, link.open(), let session = link.session,
            case .registered(let epoch) = world.zooKeeper.register(registration, session)
        else {
            isRunning = false
            return world.schedule(after: world.draw(500...2000)) { [self] in start() }
        }
        world.trace("broker \(id): starts, epoch \(epoch)")
        world.mark(1, Int64(id), epoch)
        settleMoves()
        for stored in disk.values { checkpointAfterCut(stored) }
        brokerEpoch = epoch
        image = MetadataImage(clusterID: "simulated")
        fence = ControlFence()
        proposals = InSyncProposals()
        throttle = ReplicationQuota(samples: 11, length: 1000)
        sessions = FetchSessionCache(slots: 3, random: SeededRandom(seed: world.random.next()))
        var settings = ControllerSettings(brokerID: id, interBrokerListener: "PLAINTEXT")
        settings.leaderImbalanceCheckInterval = .seconds(60)
        writesInSyncSets = world.drawsDirectWrites()
        settings.usesAlterPartition = !writesInSyncSets
        notifications = InSyncNotifications()
        controller = Controller(settings: settings, random: SeededRandom(seed: world.random.next()))
        control(.started(brokerEpoch: epoch))
        every(5000) { $0.checkpoint() }
        every(world.plan.lagTimeMax / 2) { $0.checkLag() }
        every(5000) { $0.lookForRoom() }
        if writesInSyncSets { every(InSyncNotifications.checkInterval) { $0.notifyOfInSyncSets() } }
    }

    /// The process dies at once.
    /// - Parameter isPowerFailure: whether what was not flushed is lost too; that happens to a broker that is down as well.
    func kill(isPowerFailure: Bool = false) {
        guard isRunning || isPowerFailure else { return }
        let lost = failedDirectories
        if isRunning {
            world.trace("broker \(id): dies\(isPowerFailure ? ", and with it what was not flushed" : "")")
            world.mark(2, Int64(id))
            end()
            link.abandon()
        }
        for (partition, stored) in disk.sorted(by: { $0.key < $1.key }) {
            reopen(stored, of: partition, isPowerFailure: isPowerFailure)
        }
        reopenCopies(isPowerFailure: isPowerFailure)
        mendDirectories(lost)
    }

    /// The process ends in order: what it has is on disk, and its session is closed.
    func stopInOrder() {
        guard isRunning else { return }
        world.trace("broker \(id): stops")
        checkpoint()
        let lost = failedDirectories
        link.endSession()
        end()
        link.abandon()
        for (partition, stored) in disk.sorted(by: { $0.key < $1.key }) {
            if !lost.contains(stored.directory) { stored.log.flush() }
            reopen(stored, of: partition, isPowerFailure: false)
        }
        reopenCopies(isPowerFailure: false)
        mendDirectories(lost)
    }

    /// Nothing of the process is left, and nothing that it has begun goes on.
    func end() {
        isRunning = false
        isPaused = false
        backlog = []
        life += 1
        _ = controller?.handle(.stopped)
        controller = nil
        replicas = [:]
        failedDirectories = []
        offline = []
        lacksRoom = false
        for move in moves.values { move.stop() }
        moves = [:]
        threads = [:]
        controlQueue = SimulatedControlQueue()
        for sender in senders.values { sender.stop() }
        senders = [:]
        timers = [:]
        replies = [:]
        fetchers = [:]
        waitingProduces = [:]
        waitingFetches = [:]
        brokerEpoch = -1
    }

    func pause(for duration: Int64) {
        guard isRunning, !isPaused else { return }
        world.trace("broker \(id): is paused for \(duration) ms")
        isPaused = true
        link.look()
        let paused = life
        world.schedule(after: duration) { [self] in
            if life == paused { resume() }
        }
    }

    func resume() {
        guard isPaused else { return }
        world.trace("broker \(id): goes on")
        isPaused = false
        let waiting = backlog
        backlog = []
        let resumed = life
        for action in waiting where life == resumed { action() }
        link.look()
    }

    /// Does something in the process: now, or when it goes on.
    func onProcess(_ action: @escaping () -> Void) {
        guard isRunning else { return }
        if isPaused { backlog.append(action) } else { action() }
    }

    /// Does something in this life of the process after a delay.
    func after(_ delay: Int64, _ action: @escaping () -> Void) {
        let begun = life
        world.schedule(after: delay) { [self] in
            if life == begun { onProcess(action) }
        }
    }

    private func every(_ interval: Int64, _ action: @escaping (SimulatedBroker) -> Void) {
        after(interval) { [self] in
            action(self)
            every(interval, action)
        }
    }

    /// Asks another broker; the answer, or nil when none came, arrives in this life or not at all.
    func ask<Answer>(
        _ receiver: BrokerID, timeout: Int64,
        _ serve: @escaping (SimulatedBroker, @escaping (Answer) -> Void) -> Void,
        _ done: @escaping (Answer?) -> Void
    ) {
        let begun = life
        let heard: (Answer?) -> Void = { [self] answer in
            if life == begun { onProcess { done(answer) } }
        }
        guard let target = world.broker(receiver) else { return after(1) { heard(nil) } }
        world.call(from: id, to: target, timeout: timeout, serve, heard)
    }

    private func checkpoint() {
        for stored in Array(disk.values) + Array(futures.values)
        where !failedDirectories.contains(stored.directory) && !disks[stored.directory].isFull {
            stored.log.checkpoint()
        }
    }
}
