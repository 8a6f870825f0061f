// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import KafkaProtocol
import LogStorage
import OrderedCollections
import TransactionCoordination

/// DescribeTransactions, 0: the state of transactional ids (KIP-664).
struct DescribeTransactionsHandler: ApiHandler {
    typealias Request = DescribeTransactionsRequest

    let transactions: TransactionCoordinationService

    func handle(_ request: DescribeTransactionsRequest, _ context: RequestContext<DescribeTransactionsResponse>) {
        var response = DescribeTransactionsResponse()
        // Each once: a transaction may have thousands of partitions.
        response.transactionStates = OrderedSet(request.transactionalIDs).map { id in
            let description = transactions.describe(id)
            var wire = DescribeTransactionsResponse.TransactionState()
            wire.transactionalID = id
            wire.errorCode = description.error
            guard let snapshot = description.snapshot else { return wire }
            wire.transactionState = snapshot.state.name
            wire.transactionTimeoutMs = snapshot.timeout
            wire.transactionStartTimeMs = snapshot.start
            wire.producerID = snapshot.producer.id
            wire.producerEpoch = snapshot.producer.epoch
            wire.topics = snapshot.partitions.grouped(by: \.topic).map { topic, partitions in
                var wire = DescribeTransactionsResponse.TopicData()
                wire.topic = topic
                wire.partitions = partitions.map(\.partition)
                return wire
            }
            return wire
        }
        context.answer(response)
    }
}

/// ListTransactions, 0–1: the transactional ids that this broker coordinates (KIP-664). v1 filters by duration (KIP-994).
struct ListTransactionsHandler: ApiHandler {
    typealias Request = ListTransactionsRequest

    let transactions: TransactionCoordinationService

    func handle(_ request: ListTransactionsRequest, _ context: RequestContext<ListTransactionsResponse>) {
        let filter = TransactionFilter(
            states: Set(request.stateFilters), producerIDs: Set(request.producerIDFilters),
            duration: request.durationFilter)
        let (error, listed) = transactions.list(filter)
        var response = ListTransactionsResponse()
        response.errorCode = error
        response.unknownStateFilters = error.isNone ? filter.unknownStates : []
        response.transactionStates = listed.map { listing in
            var wire = ListTransactionsResponse.TransactionState()
            wire.transactionalID = listing.transactionalID
            wire.producerID = listing.producerID
            wire.transactionState = listing.state.name
            return wire
        }
        context.answer(response)
    }
}

/// DescribeProducers, 0: the producers that are active on partitions of which this broker has a replica (KIP-664).
struct DescribeProducersHandler: ApiHandler {
    typealias Request = DescribeProducersRequest

    let replicas: ReplicaManager

    func handle(_ request: DescribeProducersRequest, _ context: RequestContext<DescribeProducersResponse>) {
        var response = DescribeProducersResponse()
        // Each partition once: it may have thousands of producers.
        response.topics = request.topics.grouped(by: \.name).map { topic, mentions in
            var wire = DescribeProducersResponse.TopicResponse()
            wire.name = topic
            let partitions = OrderedSet(mentions.lazy.flatMap(\.partitionIndexes))
            wire.partitions = partitions.map { describe(TopicPartition(topic, $0)) }
            return wire
        }
        context.answer(response)
    }

    private func describe(_ id: TopicPartition) -> DescribeProducersResponse.PartitionResponse {
        var wire = DescribeProducersResponse.PartitionResponse()
        wire.partitionIndex = id.partition
        guard let log = replicas.partition(id)?.log else {
            wire.errorCode = replicas.absence(of: id)
            return wire
        }
        wire.activeProducers = log.activeProducers.map { producer in
            var wire = DescribeProducersResponse.ProducerState()
            wire.producerID = producer.producerID
            wire.producerEpoch = Int32(producer.epoch)
            wire.lastSequence = producer.lastSequence
            wire.lastTimestamp = producer.lastTimestamp
            wire.coordinatorEpoch = producer.coordinatorEpoch
            wire.currentTxnStartOffset = producer.transactionStart ?? -1
            return wire
        }
        return wire
    }
}
