// SPDX-License-Identifier: Apache-2.0

package import Coordination
package import KafkaModel

/// The positions that groups commit and fetch.
extension GroupCoordinator {
    /// OffsetCommit, and TxnOffsetCommit if the request names a producer.
    package mutating func commit(_ request: OffsetCommit, token: RequestToken, now: CoordinatorTime) -> [GroupAction] {
        turn(now) { coordinator, turn in
            func refuse(_ error: ErrorCode) {
                turn.reply(token, .commit(request.partitions.map { PartitionError($0.partition, error) }))
            }
            if let error = coordinator.error(request.group, mayBeEmpty: request.producer == nil) {
                return refuse(error)
            }
            if coordinator.groups[request.group] == nil {
                // Who manages its partitions itself needs no group before.
                guard request.generation < 0 || request.producer != nil else { return refuse(.illegalGeneration) }
                coordinator.groups[request.group] = Group(id: request.group)
            }
            _ = coordinator.update(request.group, &turn) { $0.commit(request, token, &$1) }
            if let producer = request.producer {
                coordinator.groupsByProducer[producer.id, default: []].insert(request.group)
            }
        }
    }

    mutating func commitStored(
        _ error: ErrorCode, _ baseOffset: Offset, _ commit: PendingCommit, _ turn: inout Turn
    ) {
        _ = update(commit.group, &turn) { group, _ in group.commitStored(error, baseOffset, commit) }
        if error.isNone {
            turn.reply(commit.token, .commit(commit.answer))
        } else {
            commit.fail(error, &turn)
        }
    }

    /// The positions of a group. Nothing waits, so the answer comes at once.
    package func fetchOffsets(_ request: OffsetFetch) -> OffsetFetchAnswer {
        if let error = error(request.group, mayBeEmpty: true) { return OffsetFetchAnswer(error: error) }
        let group = groups[request.group] ?? Group(id: request.group)
        let partitions = request.partitions ?? group.offsets.keys.sorted()
        return OffsetFetchAnswer(
            partitions: partitions.map { partition in
                var answer = OffsetFetchAnswer.Partition(partition: partition)
                if group.state == .dead { return answer }
                if request.requireStable, group.isAboutToChange(partition) {
                    answer.error = .unstableOffsetCommit
                } else if let stored = group.offsets[partition]?.committed {
                    answer.offset = stored.offset
                    answer.leaderEpoch = stored.leaderEpoch
                    answer.metadata = stored.metadata
                }
                return answer
            })
    }

    /// A transaction has ended: its marker is on the log of this partition, at `markerOffset`. Its positions count, or are
    /// gone.
    package mutating func transactionEnded(
        producerID: ProducerID, isCommit: Bool, markerOffset: Offset, now: CoordinatorTime
    ) -> [GroupAction] {
        turn(now) { coordinator, turn in
            let end = Group.TransactionEnd(isCommit: isCommit, markerOffset: markerOffset)
            coordinator.endTransaction(producerID) { coordinator, group in
                coordinator.update(group, &turn) { group, _ in group.endTransaction(producerID, end) }
            }
        }
    }

    /// Ends a producer's transaction in all groups that have positions in it.
    mutating func endTransaction(
        _ producer: ProducerID, _ end: (inout GroupCoordinator, _ group: String) -> Bool?
    ) {
        for group in groupsByProducer[producer] ?? [] where end(&self, group) != true {
            groupsByProducer[producer]?.remove(group)
        }
        if groupsByProducer[producer]?.isEmpty == true { groupsByProducer[producer] = nil }
    }

    // MARK: Removal

    /// OffsetDelete (KIP-496).
    package mutating func deleteOffsets(
        group: String, partitions: [TopicPartition], token: RequestToken, now: CoordinatorTime
    ) -> [GroupAction] {
        turn(now) { coordinator, turn in
            func refuse(_ error: ErrorCode) {
                turn.reply(token, .deleteOffsets(OffsetDeleteAnswer(error: error)))
            }
            if let error = coordinator.error(group) { return refuse(error) }
            guard let found = coordinator.groups[group], found.state != .dead else { return refuse(.groupIDNotFound) }
            guard found.state == .empty || found.isConsumerGroup else { return refuse(.nonEmptyGroup) }
            var answer = OffsetDeleteAnswer()
            var removed: [TopicPartition] = []
            for partition in partitions {
                let isSubscribed =
                    found.state != .empty && found.subscribedTopics?.contains(partition.topic) ?? true
                answer.partitions.append(PartitionError(partition, isSubscribed ? .groupSubscribedToTopic : .none))
                if !isSubscribed { removed.append(partition) }
            }
            coordinator.remove([group: removed], then: .reply(token, .deleteOffsets(answer)), &turn)
        }
    }

    /// Topics, or partitions of them, are gone: so are the positions in them.
    package mutating func partitionsDeleted(_ partitions: Set<TopicPartition>, now: CoordinatorTime) -> [GroupAction] {
        turn(now) { coordinator, turn in
            guard coordinator.phase == .active else { return }
            let removed = coordinator.groups.compactMapValues { group in
                let removed = partitions.filter { group.offsets[$0] != nil || group.hasPending($0) }
                return removed.isEmpty ? nil : Array(removed)
            }
            coordinator.remove(removed, then: .nothing, &turn)
        }
    }

    /// Removes what nobody has used for the retention time. To be called every `offsets.retention.check.interval.ms`.
    package mutating func expireOffsets(now: CoordinatorTime) -> [GroupAction] {
        turn(now) { coordinator, turn in
            guard coordinator.phase == .active else { return }
            let retention = coordinator.configuration.offsetRetention
            let removed = coordinator.groups.compactMapValues { group -> [TopicPartition]? in
                let expired = group.expiredOffsets(at: now.wallClock, retention: retention)
                // An empty group without positions goes as well.
                return expired.isEmpty && (group.state != .empty || group.hasOffsets) ? nil : expired
            }
            coordinator.remove(removed, then: .nothing, &turn)
        }
    }

    /// Removes positions, and groups that have nothing left, with the tombstones for both in one batch.
    mutating func remove(
        _ removed: [String: [TopicPartition]], deleting: Set<String> = [], then next: Continuation, _ turn: inout Turn
    ) {
        var tombstones: [CoordinatorBatch.Record] = []
        for (id, partitions) in removed.sorted(by: { $0.key < $1.key }) {
            guard var group = groups[id] else { continue }
            for partition in partitions.sorted() where group.forget(partition) {
                tombstones += [CoordinatorBatch.Record(.offset(group: id, partition, nil), valueVersion: 0)].compactMap(
                    \.self)
            }
            if deleting.contains(id) || group.state == .empty && !group.hasOffsets {
                groups[id] = nil
                // A group that never had a generation has no record.
                if group.generation > 0 {
                    tombstones += [CoordinatorBatch.Record(.group(id, nil), valueVersion: 0)].compactMap(\.self)
                }
            } else {
                groups[id] = group
            }
        }
        if !tombstones.isEmpty {
            turn.append(tombstones, then: next)
        } else if case .reply(let token, let reply) = next {
            turn.reply(token, reply)
        }
    }
}

extension PendingCommit {
    /// The error for all partitions that were not refused for a reason of their own.
    func fail(_ error: ErrorCode, _ turn: inout Turn) {
        turn.reply(token, .commit(answer.map { PartitionError($0.partition, $0.error.isNone ? error : $0.error) }))
    }
}
