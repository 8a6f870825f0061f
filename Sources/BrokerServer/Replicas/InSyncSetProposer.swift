// SPDX-License-Identifier: Apache-2.0

import ClusterMetadata
import KafkaModel
import KafkaProtocol
import Logging
import Replication
import Synchronization

/// Takes the wishes of leaders to change in-sync sets to the controller (AlterPartition, KIP-497), as `InSyncProposals`
/// decides.
///
/// Owner of the wishes: the lock.
final class InSyncSetProposer: Sendable {
    private struct Wish: Sendable {
        let partition: Partition
        let topicID: KafkaUUID?
        let proposal: LeaderReplication.Proposal
    }

    private let proposals = Mutex(InSyncProposals<Wish>())
    private let brokerID: BrokerID
    private let brokerEpoch: @Sendable () -> BrokerEpoch
    private let channel: ControllerChannel
    /// Below inter-broker protocol 2.8, topics are named and version 1 is the highest.
    private let usesTopicIDs: Bool
    private let logger: Logger

    init(
        brokerID: BrokerID, brokerEpoch: @escaping @Sendable () -> BrokerEpoch, channel: ControllerChannel,
        usesTopicIDs: Bool, logger: Logger
    ) {
        self.brokerID = brokerID
        self.brokerEpoch = brokerEpoch
        self.channel = channel
        self.usesTopicIDs = usesTopicIDs
        self.logger = logger
    }

    func propose(_ partition: Partition, topicID: KafkaUUID?, _ proposal: LeaderReplication.Proposal) {
        let wish = Wish(partition: partition, topicID: topicID, proposal: proposal)
        // A bare task: it lives as long as there are wishes.
        if proposals.withLock({ $0.add(wish, for: partition.id) }) { Task { await deliverAll() } }
    }

    func stop() { proposals.withLock { $0.stop() } }

    private func deliverAll() async {
        while true {
            let wishes = Array(proposals.withLock { $0.take() }.values)
            if wishes.isEmpty { return }
            var isDelivered = false
            do {
                isDelivered = try await deliver(wishes)
            } catch {
                logger.debug(
                    "The controller could not be asked to change in-sync sets", metadata: ["error": "\(error)"])
            }
            let mustWait = proposals.withLock { proposals in
                if isDelivered { return proposals.answered() }
                proposals.failed()
                return true
            }
            if mustWait { try? await Task.sleep(for: .milliseconds(InSyncProposals<Wish>.retryDelay)) }
        }
    }

    /// False when the whole request was refused and must be sent again.
    private func deliver(_ wishes: [Wish]) async throws -> Bool {
        let byID = usesTopicIDs && wishes.allSatisfy { $0.topicID != nil }
        let (response, version) = try await channel.send(highest: byID ? .max : 1) { version in
            request(for: wishes, version: version)
        }
        guard response.errorCode.isNone else {
            logger.debug("The controller refuses in-sync changes", metadata: ["error": "\(response.errorCode)"])
            if response.errorCode == .notController { channel.reset() }
            return false
        }
        var waiting = Dictionary(wishes.map { ($0.partition.id, $0) }, uniquingKeysWith: { $1 })
        let names = Dictionary(
            wishes.compactMap { wish in wish.topicID.map { ($0, wish.partition.id.topic) } },
            uniquingKeysWith: { $1 })
        for topic in response.topics {
            guard let name = version >= 2 ? names[topic.topicID] : topic.topicName else { continue }
            for answer in topic.partitions {
                guard let wish = waiting.removeValue(forKey: TopicPartition(name, answer.partitionIndex)) else {
                    continue
                }
                settle(wish, answer)
            }
        }
        // What the controller says nothing about is proposed again, and does not stay under way for ever.
        var unanswered = AlterPartitionResponse.PartitionData()
        unanswered.errorCode = .unknownServerError
        for wish in waiting.values { settle(wish, unanswered) }
        return true
    }

    private func settle(_ wish: Wish, _ answer: AlterPartitionResponse.PartitionData) {
        let now = Int64(BrokerClock.monotonicMilliseconds)
        let isAlive = wish.partition.aliveness
        wish.partition.proposalEnded(isRefused: !answer.errorCode.isNone) { leader in
            guard answer.errorCode.isNone else {
                // Whoever is not to join holds the high watermark back no longer.
                return leader.refused(wish.proposal, answer.errorCode) + leader.begin(now: now, isAlive: isAlive)
            }
            return leader.accepted(
                wish.proposal, leaderEpoch: answer.leaderEpoch, partitionEpoch: answer.partitionEpoch,
                inSyncReplicas: answer.isr, now: now, isAlive: isAlive)
        }
    }

    private func request(for wishes: [Wish], version: Int16) -> AlterPartitionRequest {
        var request = AlterPartitionRequest()
        request.brokerID = brokerID
        request.brokerEpoch = brokerEpoch()
        for (topic, wishes) in Dictionary(grouping: wishes, by: \.partition.id.topic).sorted(by: { $0.key < $1.key }) {
            var wire = AlterPartitionRequest.TopicData()
            if version >= 2 { wire.topicID = wishes[0].topicID ?? .zero } else { wire.topicName = topic }
            wire.partitions = wishes.map { wish in
                var entry = AlterPartitionRequest.PartitionData()
                entry.partitionIndex = wish.partition.id.partition
                entry.leaderEpoch = wish.proposal.leaderEpoch
                entry.partitionEpoch = wish.proposal.partitionEpoch
                if version >= 3 {
                    entry.newIsrWithEpochs = wish.proposal.inSyncReplicas.map { id in
                        var state = AlterPartitionRequest.BrokerState()
                        state.brokerID = id
                        return state
                    }
                } else {
                    entry.newIsr = wish.proposal.inSyncReplicas
                }
                return entry
            }
            request.topics.append(wire)
        }
        return request
    }
}
