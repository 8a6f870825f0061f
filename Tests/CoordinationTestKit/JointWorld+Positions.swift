// SPDX-License-Identifier: Apache-2.0

internal import Coordination
internal import GroupCoordination
internal import KafkaModel
internal import TransactionCoordination

/// A group's positions on their way: OffsetFetch, TxnOffsetCommit, and markers.
extension JointWorld {
    func fetch(_ transformer: Transformer) {
        let client = transformer.client
        let number = client.begin(at: groups.uptime)
        let requireStable = !isPerPartition
        let request = OffsetFetch(
            group: Self.group, partitions: transformer.sources.map { TopicPartition(GroupMembers.topic, Int32($0)) },
            requireStable: requireStable)
        producers.carry { [unowned self] in
            guard let answer = groups.consult({ $0.fetchOffsets(request) }) else { return }
            if groups.isLoading { met(.fetchMetLoading, answer.error) }
            blame { try judge(answer, requireStable) }
            producers.carry { [unowned self] in
                guard client.take(number), answer.error.isNone else { return }
                guard answer.partitions.allSatisfy(\.error.isNone) else { return surroundings.note(.unstable) }
                transformer.positions = Dictionary(
                    uniqueKeysWithValues: answer.partitions.map {
                        (UInt8($0.partition.partition), max(0, $0.offset))
                    })
            }
        }
    }

    /// The positions of a transaction go to the group's coordinator, which asks the transaction's, by way of the network
    /// too, before it stores them.
    func commit(_ transformer: Transformer, _ index: Int) {
        let client = transformer.client
        guard let producer = client.producer else { return }
        let number = client.begin(at: groups.uptime)
        let request = request(transformer, producer)
        let answer = { [unowned self] (errors: [PartitionError]) in
            blame {
                try members.follow()
                try members.ledger.committed(request, errors)
            }
            let error = errors.first { !$0.error.isNone }?.error ?? .none
            producers.carry { [unowned self] in
                guard client.take(number), case .writing(let missing) = client.state else { return }
                committed(client, error)
                if error.isNone { client.state = .writing(missing.filter { $0 != index }) }
            }
        }
        let refuse = { (error: ErrorCode) in answer(request.partitions.map { PartitionError($0.partition, error) }) }
        // Copies are what tells whether the log or a memory of it counts.
        producers.carry(twice: 4) { [unowned self] in
            guard client.arrives(number, at: .groupCoordinator) else { return }
            guard let refusal = groups.consult({ $0.refusal(Self.group) }) else { return }
            if groups.isLoading { met(.positionsMetLoading, refusal) }
            if let refusal { return refuse(refusal) }
            let life = groups.life
            guard let held = groups.question(producer.id, producer.epoch) else {
                return store(request, .required(nil), answer)
            }
            let question = AddPartitions(transactionalID: client.id, producer: producer, partitions: [positions])
            let verdict = producers.verdict(on: question, knownEpoch: groups.coordinatorEpoch(of: producer.id))
            producers.carry(late: TransactionProducers.lateRecords) { [unowned self] in
                if groups.life != life {
                    surroundings.note(.groupMovedDuringVerification)
                    // The broker that asked may lead again; else nobody hears of its answer.
                    if chance.oneIn(2) { return }
                }
                guard verdict.isNone else { return refuse(verdict) }
                store(request, .required(held), answer)
            }
        }
    }

    /// A coordinator that is loading knows nothing yet.
    private func met(_ happening: Happening, _ error: ErrorCode?) {
        surroundings.note(happening)
        guard error != .coordinatorLoadInProgress else { return }
        groups.violation = Violation("a coordinator that is loading says \(error ?? .none) of positions")
    }

    private func request(_ transformer: Transformer, _ producer: ProducerIdentity) -> OffsetCommit {
        var request = OffsetCommit(
            group: Self.group,
            partitions: transformer.next.sorted { $0.key < $1.key }.map { source, position in
                .init(
                    TopicPartition(GroupMembers.topic, Int32(source)),
                    CommittedOffset(
                        offset: position, metadata: "\(transformer.client.transaction)",
                        commitTimestamp: groups.wallClock))
            })
        request.memberID = transformer.membership.memberID
        request.instanceID = transformer.membership.instanceID
        request.generation = transformer.membership.generation
        request.producer = .init(id: producer.id, epoch: producer.epoch)
        return request
    }

    private func store(
        _ request: OffsetCommit, _ proof: TransactionProof, _ answer: @escaping ([PartitionError]) -> Void
    ) {
        var request = request
        request.producer?.proof = proof
        groups.request({ if case .commit(let errors) = $0 { answer(errors) } }) { [unowned self] machine, token, now in
            // A copy comes at a time of its own.
            for index in request.partitions.indices { request.partitions[index].offset.commitTimestamp = now.wallClock }
            let actions = machine.commit(request, token: token, now: now)
            groups.violation = groups.violation ?? members.ledger.accepted(request, actions)
            return actions
        }
    }

    /// What the positions' fate means for the transaction.
    private func committed(_ client: TransactionClient, _ error: ErrorCode) {
        switch error {
        case .illegalGeneration, .unknownMemberID, .fencedInstanceID, .rebalanceInProgress:
            surroundings.note(.pastGeneration)
            client.abandon()
        default: client.failed(error)
        }
    }

    /// A marker comes to who leads the group's partition, loading or not.
    func mark(_ markers: TransactionMarkers, _ answer: @escaping (ErrorCode) -> Void) -> () -> Bool {
        let life = groups.life
        var isAnswered = false
        groups.appendMarker(
            .init(isCommit: markers.isCommit, coordinatorEpoch: markers.coordinatorEpoch), markers.producer.id,
            markers.producer.epoch
        ) { [unowned self] error, offset in
            isAnswered = true
            if error.isNone {
                groups.notify {
                    $0.transactionEnded(
                        producerID: markers.producer.id, isCommit: markers.isCommit, markerOffset: offset, now: $1)
                }
            }
            answer(error)
        }
        // What the log has of it, and who heard of it, is chance's to say.
        if surroundings.network.isFaulty, chance.oneIn(50) { loseGroups() }
        return { [unowned self] in
            if !isAnswered, groups.life != life {
                isAnswered = true
                surroundings.note(.markerLost)
            }
            return !isAnswered
        }
    }
}
