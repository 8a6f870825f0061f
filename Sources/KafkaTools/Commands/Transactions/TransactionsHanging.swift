// SPDX-License-Identifier: Apache-2.0

import KafkaClient
import KafkaModel

/// `kafka-transactions find-hanging`: transactions that are open in a partition for longer than any may be, and that no
/// coordinator knows of.
extension TransactionsCommand {
    private struct OpenTransaction {
        var partition: TopicPartition
        var producer: ProducerState
    }

    static func findHanging(
        _ call: TransactionsGrammar.Call, _ admin: AdminClient, _ console: Console
    ) async throws {
        let broker: Int32? = try call.number("--broker-id")
        guard call["--topic"] != nil || broker != nil else {
            throw Failure(
                "The `find-hanging` command requires either --topic or --broker-id to limit the scope of the search")
        }
        guard call["--partition"] == nil || call["--topic"] != nil else {
            throw Failure("The --partition argument requires --topic to be provided")
        }
        let minutes: Int64 = try call.number("--max-transaction-timeout") ?? 15
        let partitions = try await partitions(call, on: broker, admin)
        var open: [OpenTransaction] = []
        do {
            for partition in partitions {
                for producer in try await admin.describeProducers(of: partition, on: broker)
                where producer.transactionStart != nil
                    && WallClock.now() - producer.lastTimestamp > minutes * 60_000
                {
                    open.append(OpenTransaction(partition: partition, producer: producer))
                }
            }
        } catch let error as KafkaError {
            let place = broker.map { "Optional[\($0)]" } ?? "Optional.empty"
            throw Failure("Failed to describe producers for \(partitions.count) partitions on broker \(place)", error)
        }
        var table = PaddedTable(
            "Topic", "Partition", "ProducerId", "ProducerEpoch", "CoordinatorEpoch", "StartOffset", "LastTimestamp",
            "Duration(min)")
        table.rows = try await hanging(open, admin).map { transaction in
            let producer = transaction.producer
            return [
                transaction.partition.topic, "\(transaction.partition.partition)", "\(producer.producerID)",
                "\(producer.epoch)", "\(producer.coordinatorEpoch ?? -1)", "\(producer.transactionStart ?? -1)",
                "\(producer.lastTimestamp)", "\((WallClock.now() - producer.lastTimestamp) / 60_000)",
            ]
        }
        print(table, console)
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
        do {
            var partitions: [TopicPartition] = []
            for (topic, result) in try await admin.describeTopics(Set(topics)) {
                for partition in try result.get().partitions
                where broker.map({ partition.replicas.contains($0) }) ?? true {
                    partitions.append(TopicPartition(topic, partition.index))
                }
            }
            return partitions.sorted()
        } catch let error as KafkaError {
            throw Failure("Failed to describe \(topics.count) topics", error)
        }
    }

    /// Those that no coordinator will ever end: it does not know the producer, or not that the partition belongs to its
    /// transaction.
    private static func hanging(
        _ open: [OpenTransaction], _ admin: AdminClient
    ) async throws -> [OpenTransaction] {
        guard !open.isEmpty else { return [] }
        let producers = Set(open.map(\.producer.producerID)).sorted()
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
        return open.filter { expected[$0.producer.producerID]?.contains($0.partition) != true }
    }
}
