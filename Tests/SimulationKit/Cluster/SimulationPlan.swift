// SPDX-License-Identifier: Apache-2.0

import GoldenFixtures

/// What a simulated cluster is made of, and what is done to it. Times are simulated milliseconds.
///
/// The cluster's time-outs are shorter than Kafka's defaults, in about the same proportions, so that more of what happens
/// once in a while happens in a simulated hour.
package struct SimulationPlan: Sendable {
    package var brokers = 3
    package var topics = 2
    package var partitions = 3
    package var replicationFactor = 3
    package var minimumInSync = 2
    package var producers = 3
    package var consumers = 2
    /// How long faults and changes go on; afterwards everything heals.
    package var duration: Int64 = 600_000
    /// By when the healed cluster must be whole.
    package var patience: Int64 = 120_000
    /// The mean time between two faults; nil for none.
    package var faultInterval: Int64? = 4000
    /// The mean time between two acts of an administrator; nil for none.
    package var changeInterval: Int64? = 15_000
    package var faults: Set<Fault> = Set(Fault.allCases)
    package var changes: Set<Change> = Set(Change.allCases)
    /// Which topics have `flush.messages=1`.
    package var flush = Flush.always
    /// Whether `unclean.leader.election.enable` is set, so that records may be lost.
    package var allowsUnclean = false
    /// How many records a second replicas that are behind may cost a broker as follower, until all heals (KIP-73); nil
    /// where none is throttled.
    package var throttle: Int?
    /// The pause of a producer or consumer between two requests.
    package var pace: ClosedRange<Int64> = 50...2000

    package var sessionTimeout: Int64 = 6000
    package var lagTimeMax: Int64 = 10_000
    package var fetchWaitMax: Int64 = 2000
    package var fetchBackoff: Int64 = 500
    package var requestTimeout: Int64 = 5000
    /// Whether followers learn with a fetch that logs part (KIP-595), or ask before they fetch (KIP-101).
    package var truncatesOnFetch = true

    /// How leaders change in-sync sets.
    package var inSyncProtocol = InSyncProtocol.alterPartition

    package init() {}

    /// The plan that belongs to a seed: the cluster's size and what it goes through are drawn too.
    package init(seed: UInt64) {
        var random = SeededRandom(seed: seed ^ 0x7051_7053)
        brokers = Int.random(in: 3...5, using: &random)
        topics = Int.random(in: 1...3, using: &random)
        partitions = Int.random(in: 1...4, using: &random)
        replicationFactor = Int.random(in: 2...3, using: &random)
        minimumInSync = Int.random(in: 1...replicationFactor, using: &random)
        producers = Int.random(in: 1...4, using: &random)
        duration = [60_000, 120_000, 300_000, 600_000].randomElement(using: &random) ?? duration
        faultInterval = [1000, 3000, 8000, 20_000].randomElement(using: &random)
        changeInterval = [nil, 8000, 30_000].randomElement(using: &random) ?? nil
        flush = Flush.allCases.randomElement(using: &random) ?? flush
        allowsUnclean = Int.random(in: 0..<6, using: &random) == 0
        truncatesOnFetch = Int.random(in: 0..<4, using: &random) > 0
        pace = [5...50, 50...1000, 200...4000, 1000...20_000].randomElement(using: &random) ?? pace
        // Not all at once each time: what is rare is reached more often alone.
        for fault in Fault.allCases where Int.random(in: 0..<3, using: &random) == 0 { faults.remove(fault) }
        for change in Change.allCases where Int.random(in: 0..<3, using: &random) == 0 { changes.remove(change) }
        throttle = [nil, nil, nil, 1, 20].randomElement(using: &random) ?? nil
        inSyncProtocol =
            [.alterPartition, .alterPartition, .alterPartition, .direct, .drawn].randomElement(using: &random)
            ?? inSyncProtocol
    }

    /// Which topics' records are flushed before they count, so that a power failure takes none.
    package enum Flush: CaseIterable, Sendable {
        case always
        case never
        /// Those of every other topic.
        case some
    }

    /// Whether the topic's records are flushed before they count.
    package func flushes(_ topic: String) -> Bool {
        switch flush {
        case .always: true
        case .never: false
        case .some: topic.utf8.last.map { $0 % 2 == 0 } ?? false
        }
    }

    package enum Fault: String, CaseIterable, Sendable {
        /// kill -9, and a start later.
        case kill
        /// A machine loses what was not flushed.
        case powerFailure
        /// Several lose it at once, or all of them.
        case widePowerFailure
        /// Several at once.
        case killSeveral
        /// A log directory fails, and is repaired before the next start.
        case failDirectory
        /// The next read, write or flush in a log directory fails, and with it the directory.
        case failDisk
        /// A log directory has no room for a while.
        case fillDisk
        /// Writes and flushes in a log directory take seconds for a while.
        case slowDisk
        /// SIGSTOP and SIGCONT, shorter or longer than the session.
        case pause
        /// A broker's session ends by force.
        case expireSession
        /// The connection to ZooKeeper breaks: replies are lost, though what was asked may be done.
        case dropZooKeeperConnection
        /// A broker cannot reach ZooKeeper for a while.
        case cutZooKeeper
        /// The ensemble has no quorum for a while.
        case stopEnsemble
        /// A broker and the others cannot reach each other, in both directions or in one.
        case isolate
        /// Two brokers cannot reach each other, in both directions or in one.
        case cutLink
        /// Messages between brokers take long, and overtake each other.
        case slowNetwork
        /// Connections break now and then, before or after what was asked is done.
        case breakConnections
        /// The clock of a broker leaps ahead.
        case leapClock
        /// `/controller` is deleted by hand.
        case deleteController
        /// Time in which nothing happens, and everything has healed.
        case rest
        /// A broker comes back with another disk under its id: an empty one, or one that it had before.
        case replaceDisk
        /// A second process is started under the id of a broker that lives.
        case startSecondHost
        /// A broker is in another rack from its next start on.
        case changeRack
        /// What the ensemble tells a broker comes seconds late.
        case slowZooKeeper
        /// A topic or the state of a partition is overwritten with what nobody can read, and repaired later.
        case damageNode
        /// Nodes that every broker makes sure of are removed, with all below.
        case removeParents
    }

    package enum Change: String, CaseIterable, Sendable {
        case createTopic
        case deleteTopic
        case addPartitions
        case reassign
        case cancelReassignment
        case electPreferred
        case electUnclean
        case restartGently
        case deleteRecords
        /// To another log directory of its broker.
        case moveReplica
        /// A broker joins and gets replicas.
        case addBroker
        /// A broker hands over all its replicas and leaves for good.
        case retireBroker
        /// `/admin/reassign_partitions`, as old tools make it.
        case reassignByNode
        /// `/admin/preferred_replica_election`, as old tools make it.
        case electByNode
    }

    /// By which protocol leaders change in-sync sets.
    package enum InSyncProtocol: Sendable {
        /// They ask the controller (from 2.7-IV2 on).
        case alterPartition
        /// They write to ZooKeeper themselves, and notify the controller.
        case direct
        /// Each start of a broker draws one: a cluster of both, which is upgraded and downgraded while it runs.
        case drawn
    }
}
