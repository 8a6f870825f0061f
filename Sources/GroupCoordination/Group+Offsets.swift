// SPDX-License-Identifier: Apache-2.0

internal import Coordination
internal import KafkaModel

extension Group {
    mutating func commit(_ request: OffsetCommit, _ token: RequestToken, _ turn: inout Turn) {
        func refuse(_ error: ErrorCode, _ turn: inout Turn) {
            turn.reply(token, .commit(request.partitions.map { PartitionError($0.partition, error) }))
        }
        if let error = commitError(request) { return refuse(error, &turn) }
        if request.producer == nil {
            // The member learns of the rebalance by its heartbeat; but once it has joined anew, what it commits belongs
            // to a generation without assignment.
            if state == .completingRebalance { return refuse(.rebalanceInProgress, &turn) }
            members[request.memberID]?.heard(at: turn.uptime)
        }
        store(request, token, &turn)
    }

    private func commitError(_ request: OffsetCommit) -> ErrorCode? {
        if state == .dead { return .coordinatorNotAvailable }
        if request.generation < 0, state == .empty { return nil }
        if request.generation >= 0 || !request.memberID.isEmpty || request.instanceID != nil {
            if let error = error(memberID: request.memberID, instanceID: request.instanceID) { return error }
            return request.generation == generation ? nil : .illegalGeneration
        }
        // Older versions of TxnOffsetCommit do not name a member.
        return request.producer == nil && state != .empty ? .unknownMemberID : nil
    }

    private mutating func store(_ request: OffsetCommit, _ token: RequestToken, _ turn: inout Turn) {
        var records: [CoordinatorBatch.Record] = []
        var stored: [OffsetCommit.Partition] = []
        var answer: [PartitionError] = []
        for entry in request.partitions {
            let (value, version) = entry.offset.value(turn.configuration)
            guard entry.offset.metadata.utf8.count <= turn.configuration.maxMetadataBytes,
                let record = CoordinatorBatch.Record(
                    .offset(group: id, entry.partition, value), valueVersion: version)
            else {
                answer.append(PartitionError(entry.partition, .offsetMetadataTooLarge))
                continue
            }
            answer.append(PartitionError(entry.partition, .none))
            stored.append(entry)
            records.append(record)
            if let producer = request.producer {
                transactionalOffsets[producer.id, default: [:]][entry.partition, default: .init()].underway += 1
            } else {
                pendingOffsets[entry.partition] = entry.offset
            }
        }
        guard !records.isEmpty else { return turn.reply(token, .commit(answer)) }
        var batch = CoordinatorBatch(records: records, timestamp: turn.wallClock)
        // Kafka numbers these from 0, also without a producer.
        batch.baseSequence = 0
        if let producer = request.producer {
            batch.producerID = producer.id
            batch.producerEpoch = producer.epoch
            batch.proof = producer.proof
        }
        turn.append(
            batch,
            then: .commit(
                PendingCommit(
                    group: id, token: token, producer: request.producer, partitions: stored, answer: answer)))
    }

    mutating func commitStored(_ error: ErrorCode, _ baseOffset: Offset, _ commit: PendingCommit) {
        for (index, entry) in commit.partitions.enumerated() {
            let stored = StoredOffset(committed: entry.offset, recordOffset: baseOffset &+ Int64(index))
            if let producer = commit.producer {
                transactionalStored(producer.id, entry.partition, error.isNone ? stored : nil)
            } else {
                if error.isNone { keep(entry.partition, stored) }
                // A later commit may be on its way already.
                if pendingOffsets[entry.partition] == entry.offset { pendingOffsets[entry.partition] = nil }
            }
        }
    }

    /// A position of a transaction is on the log, or could not be put there: what is there already stays.
    private mutating func transactionalStored(
        _ producer: ProducerID, _ partition: TopicPartition, _ stored: StoredOffset?
    ) {
        // Who has deleted the position, or the group, has forgotten this one too.
        guard var pending = transactionalOffsets[producer]?[partition] else { return }
        pending.underway -= 1
        if let stored {
            if let end = pending.end, stored.recordOffset < end.markerOffset {
                if end.isCommit { keep(partition, stored) }
            } else {
                pending.stored = stored
            }
        }
        setPending(producer, partition, pending)
    }

    private mutating func setPending(
        _ producer: ProducerID, _ partition: TopicPartition, _ pending: PendingTransactionalOffset
    ) {
        let isOver = pending.stored == nil && pending.underway <= 0
        transactionalOffsets[producer, default: [:]][partition] = isOver ? nil : pending
        if transactionalOffsets[producer]?.isEmpty == true { transactionalOffsets[producer] = nil }
    }

    /// A position that is on the log; of two, the one that lies further counts.
    mutating func keep(_ partition: TopicPartition, _ stored: StoredOffset) {
        guard let place = offsets.index(forKey: partition) else {
            offsets[partition] = stored
            return
        }
        if offsets.values[place].recordOffset > stored.recordOffset { return }
        offsets.values[place] = stored
    }

    /// The producer's marker is on the log: positions that lie before it count, or are gone. Returns whether others of the
    /// producer are left.
    mutating func endTransaction(_ producer: ProducerID, _ end: TransactionEnd) -> Bool {
        for (partition, var pending) in transactionalOffsets[producer] ?? [:] {
            if let stored = pending.stored, stored.recordOffset < end.markerOffset {
                if end.isCommit { keep(partition, stored) }
                pending.stored = nil
            }
            pending.end = pending.underway > 0 ? end : nil
            setPending(producer, partition, pending)
        }
        return transactionalOffsets[producer] != nil
    }

    /// Whether something is on its way that changes the position.
    func isAboutToChange(_ partition: TopicPartition) -> Bool {
        pendingOffsets[partition] != nil || transactionalOffsets.values.contains { $0[partition] != nil }
    }

    func hasPending(_ partition: TopicPartition) -> Bool { isAboutToChange(partition) }

    /// Drops all that is known of a position. Returns whether there was one on the log.
    mutating func forget(_ partition: TopicPartition) -> Bool {
        pendingOffsets[partition] = nil
        for producer in transactionalOffsets.keys {
            transactionalOffsets[producer]?[partition] = nil
            if transactionalOffsets[producer]?.isEmpty == true { transactionalOffsets[producer] = nil }
        }
        return offsets.removeValue(forKey: partition) != nil
    }

    /// Positions that nobody has used for `retention` milliseconds (KIP-211).
    func expiredOffsets(at now: Timestamp, retention: Int64) -> [TopicPartition] {
        let base: (CommittedOffset) -> Timestamp
        var subscribed: Set<String> = []
        if protocolType == nil {
            // The group only keeps positions.
            base = { $0.commitTimestamp }
        } else if state == .empty {
            // Retention starts when the last member has left.
            base = { stateSince ?? $0.commitTimestamp }
        } else if isConsumerGroup, state == .stable, let subscribedTopics {
            base = { $0.commitTimestamp }
            subscribed = subscribedTopics
        } else {
            return []
        }
        return offsets.filter { partition, stored in
            guard !subscribed.contains(partition.topic), !isAboutToChange(partition) else { return false }
            if let expiry = stored.committed.expireTimestamp { return now >= expiry }
            return now &- base(stored.committed) >= retention
        }.map(\.key)
    }
}
