// SPDX-License-Identifier: Apache-2.0

import KafkaClient

/// The examples of the documentation, line by line, so that they compile as long as they stand there;
/// `DocumentationTests` compares them.
enum DocumentationExamples {
    static func handle(_ record: ConsumerRecord) { print(record.offset) }

    static func settings() throws {
        let configuration = try ClientConfiguration(properties: [
            "bootstrap.servers": "127.0.0.1:9092", "compression.type": "lz4", "linger.ms": "5",
        ])
        _ = configuration
    }

    static func sending(_ configuration: ClientConfiguration) async throws {
        let producer = try Producer(configuration)
        let metadata = try await producer.send(ProducerRecord(topic: "orders", key: "42", value: "shipped"))
        print(metadata.partition, metadata.offset)
        await producer.close()
    }

    static func idempotence(_ configuration: ClientConfiguration) async throws {
        var configuration = configuration
        configuration.idempotence = true
        let producer = try Producer(configuration)
        for number in 1...1000 {
            try await producer.enqueue(ProducerRecord(topic: "orders", value: "order \(number)")) { result in
                if case .failure(let error) = result { print(error) }
            }
        }
        await producer.close()
    }

    static func range(_ configuration: ClientConfiguration) async throws {
        var configuration = configuration
        configuration.groupID = "joins"
        configuration.assignors = [.range]
        let consumer = try Consumer(configuration)
        await consumer.subscribe(to: ["orders", "payments"])
    }

    static func roundRobin(_ configuration: ClientConfiguration) async throws {
        var configuration = configuration
        configuration.groupID = "metrics"
        configuration.assignors = [.roundRobin]
        let consumer = try Consumer(configuration)
        await consumer.subscribe { $0.hasPrefix("metrics-") }
    }

    static func sticky(_ configuration: ClientConfiguration) async throws {
        var configuration = configuration
        configuration.groupID = "aggregates"
        configuration.assignors = [.sticky]
        let consumer = try Consumer(configuration)
        await consumer.subscribe(to: ["orders"])
    }

    static func transfers(_ configuration: ClientConfiguration) async throws {
        var configuration = configuration
        configuration.transactionalID = "transfers-1"
        let producer = try Producer(configuration)
        try await producer.initTransactions()
        try producer.beginTransaction()
        do {
            try await producer.enqueue(ProducerRecord(topic: "debits", key: "42", value: "100"))
            try await producer.enqueue(ProducerRecord(topic: "credits", key: "7", value: "100"))
            try await producer.commitTransaction()
        } catch let error as KafkaError where error.kind != .fenced {
            try await producer.abortTransaction()
        }
    }

    static func reading(_ configuration: ClientConfiguration) async throws {
        var configuration = configuration
        configuration.groupID = "billing"
        let consumer = try Consumer(configuration)
        await consumer.subscribe(to: ["orders"])
        while !Task.isCancelled {
            for record in try await consumer.poll(for: .seconds(1)) { handle(record) }
            try await consumer.commit()
        }
        await consumer.close()
    }

    static func group(_ configuration: ClientConfiguration) async throws {
        var configuration = configuration
        configuration.groupID = "billing"
        configuration.groupInstanceID = "billing-1"
        configuration.assignors = [.cooperativeSticky]
        configuration.autoCommit = false
        let consumer = try Consumer(configuration)
        await consumer.onRebalance { event in
            switch event {
            case .assigned(let partitions): print("has", partitions)
            case .revoked(let partitions): print("lets go of", partitions)
            case .lost(let partitions): print("has lost", partitions)
            }
        }
        await consumer.subscribe(to: ["orders"])
    }

    static func transactions(_ configuration: ClientConfiguration) async throws {
        var reading = configuration
        reading.groupID = "billing"
        reading.autoCommit = false
        reading.isolationLevel = .readCommitted
        let consumer = try Consumer(reading)
        await consumer.subscribe(to: ["orders"])
        var writing = configuration
        writing.transactionalID = "billing-1"
        let producer = try Producer(writing)
        try await producer.initTransactions()
        while !Task.isCancelled {
            let records = try await consumer.poll(for: .seconds(1))
            guard !records.isEmpty, let group = await consumer.groupMetadata else { continue }
            try producer.beginTransaction()
            do {
                var next: [TopicPartition: Int64] = [:]
                for record in records {
                    try await producer.enqueue(ProducerRecord(topic: "invoices", key: record.key, value: record.value))
                    next[TopicPartition(record.topic, record.partition)] = record.offset + 1
                }
                try await producer.sendOffsets(next, group: group)
                try await producer.commitTransaction()
            } catch let error as KafkaError where error.kind != .fenced {
                try await producer.abortTransaction()
                // Once more from the first of them, where another member has not taken over.
                for record in records.reversed() {
                    try? await consumer.seek(TopicPartition(record.topic, record.partition), to: record.offset)
                }
            }
        }
    }

    static func administration(_ configuration: ClientConfiguration) async throws {
        let admin = try AdminClient(configuration)
        try await admin.createTopic(
            "orders", partitions: 6, replicationFactor: 3, settings: ["retention.ms": "86400000"])
        await admin.close()
    }
}
