// SPDX-License-Identifier: Apache-2.0

import KafkaClient
import KafkaModel
import KafkaProtocol

/// `kafka-transactions find-hanging`: transactions that are open in a partition for longer than any may be, and that no
/// coordinator knows of.
extension TransactionsCommand {
    private struct OpenTransaction {
        var partition: TopicPartition
        var producerID: Int64
        var epoch: Int32
        var coordinatorEpoch: Int32
        var start: Int64
        var lastTimestamp: Int64
    }

    /// How many topics or partitions are asked about at a time, lest a broker be overwhelmed.
    private static let batchSize = 500

    static func findHanging(
        _ call: TransactionsGrammar.Call, _ admin: AdminClient, _ console: Console
    ) async throws {
        let broker: Int32? = try call.number("--broker-id")
        let minutes: Int32 = try call.number("--max-transaction-timeout") ?? 15
        let _: Int32? = try call.number("--partition")
        guard call["--topic"] != nil || broker != nil else {
            throw Failure(
                "The `find-hanging` command requires either --topic or --broker-id to limit the scope of the search")
        }
        guard call["--partition"] == nil || call["--topic"] != nil else {
            throw Failure("The --partition argument requires --topic to be provided")
        }
        var open: [OpenTransaction] = []
        for batch in batches(of: try await partitions(call, on: broker, admin)) {
            do {
                let now = WallClock.now()
                open += try await transactions(openIn: batch, on: broker, admin).filter {
                    now.subtractingReportingOverflow($0.lastTimestamp).partialValue > Int64(minutes) * 60_000
                }
            } catch let error as KafkaError {
                let place = broker.map { "Optional[\($0)]" } ?? "Optional.empty"
                throw Failure("Failed to describe producers for \(batch.count) partitions on broker \(place)", error)
            }
        }
        var table = PaddedTable(
            "Topic", "Partition", "ProducerId", "ProducerEpoch", "CoordinatorEpoch", "StartOffset", "LastTimestamp",
            "Duration(min)")
        table.rows = try await hanging(open, admin).map { transaction in
            let (age, _) = WallClock.now().subtractingReportingOverflow(transaction.lastTimestamp)
            return [
                transaction.partition.topic, "\(transaction.partition.partition)", "\(transaction.producerID)",
                "\(transaction.epoch)", "\(transaction.coordinatorEpoch)", "\(transaction.start)",
                "\(transaction.lastTimestamp)", "\(age / 60_000)",
            ]
        }
        print(table, console)
    }

    private static func batches<Element>(of all: [Element]) -> [[Element]] {
        stride(from: 0, to: all.count, by: batchSize).map { Array(all[$0..<min($0 + batchSize, all.count)]) }
    }

    /// What is open in partitions: one request to each of their leaders, or to the broker that is named.
    private static func transactions(
        openIn partitions: [TopicPartition], on broker: Int32?, _ admin: AdminClient
    ) async throws -> [OpenTransaction] {
        var byBroker: [Int32: [TopicPartition]] = [:]
        var found: [OpenTransaction] = []
        var others: [TopicPartition] = []
        if let broker {
            byBroker[broker] = partitions
        } else {
            let snapshot = try await admin.metadata(topics: Set(partitions.map(\.topic)), call: "describeProducers")
            for partition in partitions {
                if let leader = snapshot.leader(of: partition) {
                    byBroker[leader, default: []].append(partition)
                } else {
                    others.append(partition)
                }
            }
        }
        for (broker, partitions) in byBroker.sorted(by: { $0.key < $1.key }) {
            var request = DescribeProducersRequest()
            request.topics = Dictionary(grouping: partitions, by: \.topic).sorted { $0.key < $1.key }.map {
                .init(name: $0, partitionIndexes: $1.map(\.partition))
            }
            let response = try await admin.send(request, to: .broker(broker), call: "describeProducers")
            for topic in response.topics {
                for answer in topic.partitions {
                    let partition = TopicPartition(topic.name, answer.partitionIndex)
                    guard answer.errorCode.isNone else {
                        others.append(partition)
                        continue
                    }
                    found += answer.activeProducers.filter { $0.currentTxnStartOffset >= 0 }.map {
                        OpenTransaction(
                            partition: partition, producerID: $0.producerID, epoch: $0.producerEpoch,
                            coordinatorEpoch: $0.coordinatorEpoch, start: $0.currentTxnStartOffset,
                            lastTimestamp: $0.lastTimestamp)
                    }
                }
            }
        }
        // What has no leader yet or another one now is followed, or said to have failed, each for itself.
        for partition in others {
            for producer in try await admin.describeProducers(of: partition, on: broker) {
                guard let start = producer.transactionStart else { continue }
                found.append(
                    OpenTransaction(
                        partition: partition, producerID: producer.producerID, epoch: producer.epoch,
                        coordinatorEpoch: producer.coordinatorEpoch ?? -1, start: start,
                        lastTimestamp: producer.lastTimestamp))
            }
        }
        return found
    }

    /// The partitions to search: the one that is named, or a topic's, or all; of these what the broker has a replica of.
    private static func partitions(
        _ call: TransactionsGrammar.Call, on broker: Int32?, _ admin: AdminClient
    ) async throws -> [TopicPartition] {
        if call["--topic"] != nil, call["--partition"] != nil { return [try call.partition()] }
        let topics: [String]
        do {
            topics = if let topic = call["--topic"] { [topic] } else { try await admin.listTopics() }
        } catch let error as KafkaError {
            throw Failure("Failed to list topics", error)
        }
        var partitions: [TopicPartition] = []
        for batch in batches(of: topics) {
            do {
                for (topic, result) in try await admin.describeTopics(Set(batch)) {
                    for partition in try result.get().partitions
                    where broker.map({ partition.replicas.contains($0) }) ?? true {
                        partitions.append(TopicPartition(topic, partition.index))
                    }
                }
            } catch let error as KafkaError {
                throw Failure("Failed to describe \(batch.count) topics", error)
            }
        }
        return partitions.sorted()
    }

    /// Those that no coordinator will ever end: it does not know the producer, or not that the partition belongs to its
    /// transaction.
    private static func hanging(
        _ open: [OpenTransaction], _ admin: AdminClient
    ) async throws -> [OpenTransaction] {
        guard !open.isEmpty else { return [] }
        let producers = Set(open.map(\.producerID)).sorted()
        let listed: [TransactionListing]
        do {
            listed = try await admin.listTransactions(producerIDs: producers)
        } catch let error as KafkaError {
            throw Failure("Failed to list transactions for \(producers.count) producers", error)
        }
        var expected: [Int64: Set<TopicPartition>] = [:]
        for listing in listed {
            do {
                let description = try await admin.describeTransaction(listing.transactionalID)
                expected[listing.producerID] = Set(description.partitions)
            } catch let error as KafkaError where error.errorCode == .transactionalIDNotFound {
                continue
            } catch let error as KafkaError {
                throw Failure("Failed to describe \(listed.count) transactions", error)
            }
        }
        return open.filter { expected[$0.producerID]?.contains($0.partition) != true }
    }
}
