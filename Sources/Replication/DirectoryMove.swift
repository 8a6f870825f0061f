// SPDX-License-Identifier: Apache-2.0

import KafkaModel

/// How the copy of a replica in another log directory is brought in step with the replica's log (KIP-113).
///
/// A machine for one copy. It follows the log as a follower does its leader's, by the same rules
/// (``FollowerReplication``), but for two things: whoever leads is asked nothing, since the log is at hand; and the log may
/// be cut at any time, where a leader's never is. Its owner does what a ``Task`` says to the copy and tells how it stands
/// then.
package struct DirectoryMove: Sendable {
    package typealias LocalLog = FollowerReplication.LocalLog
    package typealias EpochEnd = FollowerReplication.EpochEnd

    /// What is to be done next.
    package enum Task: Hashable, Sendable {
        /// Cut the copy, then ``changed(_:)``.
        case truncate(to: Offset)
        /// Drop all of the copy and begin at an offset, then ``changed(_:)``.
        case startOver(at: Offset)
        /// Read the log from here; then ``found(at:copy:now:copyEnd:)`` or ``notFound(at:copy:now:copyEnd:)``.
        case copy(from: Offset)
        /// Nothing; there is a next task at once.
        case goOn
        /// Nothing before this time, in milliseconds of a clock that does not jump.
        case wait(until: Int64)
        /// The copy cannot be continued.
        case giveUp
    }

    /// Before the next attempt after a failure that may pass, in milliseconds.
    private static let backoff: Int64 = 5000

    private var machine: FollowerReplication
    /// The copy is being cut where the log was cut.
    private var followsCut = false

    /// Where the log's newest epoch of the copy ended is asked first, as by Kafka's ReplicaAlterLogDirsThread: what was
    /// copied before a restart may have been cut off since.
    package init(copy: LocalLog) {
        machine = FollowerReplication(
            leaderEpoch: 0, log: copy, abilities: .init(truncatesOnFetch: false, asksForEpochs: true),
            backoff: Self.backoff)
    }

    /// The log was cut. Returns where the copy must be cut before anything else, if it reaches beyond.
    package mutating func logWasCut(to offset: Offset, copy: LocalLog) -> Offset? {
        guard offset < copy.logEnd else {
            self = Self(copy: copy)
            return nil
        }
        followsCut = true
        return offset
    }

    /// - Parameters:
    ///   - log: the log as it stands; its epochs' ends by `logEpochEnd`, the copy's by `copyEnd`.
    package mutating func next(
        log: LocalLog, copy: LocalLog, now: Int64, logEnd logEpochEnd: (LeaderEpoch) -> EpochEnd,
        copyEnd: (LeaderEpoch) -> EpochEnd
    ) -> Task {
        if let work = machine.workAtStart { return task(work) }
        switch machine.need(now: now) {
        case .nothing: return .giveUp
        case .patience(let until): return .wait(until: until)
        case .records(let offset, _): return .copy(from: offset)
        case .epochEnd(let epoch):
            return task(
                machine.epochEndAnswered(
                    error: .none, logEpochEnd(epoch), log: copy, now: now, localEnd: copyEnd))
        case .leaderEnd:
            return task(machine.leaderEndAnswered(error: .none, log.logEnd, log: copy, now: now))
        case .leaderStart:
            return task(machine.leaderStartAnswered(error: .none, log.logStart, log: copy, now: now))
        }
    }

    /// The log was read at an offset that it has. Returns whether what was found is to be appended to the copy, be it
    /// nothing; then the copy takes over the log's ``FollowerReplication/marks(leaderHighWatermark:leaderLogStart:log:)``,
    /// and ``appended(_:)`` or ``appendFailed(now:)`` is told.
    package mutating func found(
        at offset: Offset, copy: LocalLog, now: Int64, copyEnd: (LeaderEpoch) -> EpochEnd
    ) -> Bool {
        machine.fetched(.init(error: .none, offset: offset), log: copy, now: now, localEnd: copyEnd) == .append
    }

    /// The log does not have that offset any more.
    package mutating func notFound(at offset: Offset, copy: LocalLog, now: Int64, copyEnd: (LeaderEpoch) -> EpochEnd) {
        _ = machine.fetched(
            .init(error: .offsetOutOfRange, offset: offset), log: copy, now: now, localEnd: copyEnd)
    }

    package mutating func appended(_ copy: LocalLog) { machine.appended(copy) }

    /// Nothing could be appended now: room may return, and what was read while it was cut off is read again. Returns when to
    /// go on.
    package mutating func appendFailed(now: Int64) -> Int64 {
        machine.appendFailed(.transient, now: now)
        return now + Self.backoff
    }

    /// The copy was cut.
    package mutating func changed(_ copy: LocalLog) {
        guard !followsCut else {
            self = Self(copy: copy)
            return
        }
        machine.logChanged(copy)
    }

    private func task(_ work: FollowerReplication.Work?) -> Task {
        switch work {
        case .truncate(let offset): .truncate(to: offset)
        case .startOver(let offset): .startOver(at: offset)
        case .append, nil: .goOn
        }
    }
}

/// What becomes of the wish to have a replica in a log directory (AlterReplicaLogDirs, of one replica). Asked for where it is
/// already, a replica is not moved any more.
///
/// | The directory | The replica | Then |
/// |---|---|---|
/// | is none of the broker's | | LOG_DIR_NOT_FOUND |
/// | has failed | | KAFKA_STORAGE_ERROR |
/// | | was in one that has failed | KAFKA_STORAGE_ERROR |
/// | | of a partition that does not exist | UNKNOWN_TOPIC_OR_PARTITION |
/// | | is not here yet | will be made in it; REPLICA_NOT_AVAILABLE |
/// | has it already | | stays |
/// | | may have a copy in one that has failed | KAFKA_STORAGE_ERROR |
/// | | is elsewhere | is moved |
///
/// A copy that is being made in a third directory is given up first, whatever comes of the wish then.
package struct DirectoryWish<Directory: Equatable> {
    package enum Outcome: Hashable, Sendable {
        case refused(ErrorCode)
        /// To be remembered for when the replica is made.
        case remembered
        case stays
        case moves
    }

    package var wanted: Directory
    /// Nil when it is none of the broker's.
    package var isOnline: Bool?
    /// Where the replica's log is; nil when there is none here.
    package var log: Directory?
    /// Where a copy of it is being made.
    package var copy: Directory?
    package var isReplicaOffline: Bool
    /// Whether there is such a partition in the cluster. What is remembered for others would stay for ever.
    package var isKnown: Bool
    /// Any of the broker's.
    package var hasOfflineDirectory: Bool

    package init(
        for wanted: Directory, isOnline: Bool?, log: Directory?, copy: Directory?, isReplicaOffline: Bool,
        isKnown: Bool, hasOfflineDirectory: Bool
    ) {
        self.wanted = wanted
        self.isOnline = isOnline
        self.log = log
        self.copy = copy
        self.isReplicaOffline = isReplicaOffline
        self.isKnown = isKnown
        self.hasOfflineDirectory = hasOfflineDirectory
    }

    private var impediment: ErrorCode? {
        switch isOnline {
        case nil: .logDirNotFound
        case false?: .kafkaStorageError
        case true?: isReplicaOffline ? .kafkaStorageError : nil
        }
    }

    /// Whether a copy elsewhere is given up.
    package var endsAnotherMove: Bool { impediment == nil && copy != nil && copy != wanted }

    package var outcome: Outcome {
        if let impediment { return .refused(impediment) }
        guard let log else { return isKnown ? .remembered : .refused(.unknownTopicOrPartition) }
        if log == wanted { return .stays }
        let isBeingMade = copy == wanted
        return hasOfflineDirectory && !isBeingMade ? .refused(.kafkaStorageError) : .moves
    }
}
