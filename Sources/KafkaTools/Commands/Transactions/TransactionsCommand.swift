// SPDX-License-Identifier: Apache-2.0

import KafkaClient
import KafkaModel

/// `kafka-transactions`: shows what producers do in transactions, and ends those that hang (KIP-664).
enum TransactionsCommand: ToolCommand {
    static let name = "transactions"

    /// A message on standard error, and code 1.
    struct Failure: Error {
        var message: String

        init(_ message: String) { self.message = message }

        /// What went wrong while something was tried.
        init(_ attempt: String, _ error: any Error) {
            message = "\(attempt): \(JavaException(error).message). Enable debug logging for additional detail."
        }
    }

    static func run(arguments: [String], console: Console) async -> Int32 {
        do {
            let call = try TransactionsGrammar.parse(arguments)
            return try await withAdmin(try configuration(call), console) { admin in
                try await perform(call, admin, console)
                return 0
            }
        } catch let help as TransactionsGrammar.Help {
            console.print(help.text)
            return 0
        } catch let refusal as TransactionsGrammar.Refusal {
            console.error(refusal.usage)
            console.error("\(TransactionsGrammar.program): error: \(refusal.message)")
            return 1
        } catch let failure as Failure {
            console.error(failure.message)
            return 1
        } catch {
            return printUncaught(error, console)
        }
    }

    private static func configuration(_ call: TransactionsGrammar.Call) throws -> ClientConfiguration {
        var configuration = ClientConfiguration()
        if let path = call["--command-config"] {
            do {
                try configuration.load(propertiesText: try TextFile.read(path))
            } catch {
                throw Failure("Failed to load admin client properties", error)
            }
        }
        try configuration.set("bootstrap.servers", call["--bootstrap-server"] ?? "")
        return configuration
    }

    private static func perform(
        _ call: TransactionsGrammar.Call, _ admin: AdminClient, _ console: Console
    ) async throws {
        switch call.command {
        case .list: try await list(call, admin, console)
        case .describe: try await describe(call, admin, console)
        case .describeProducers: try await describeProducers(call, admin, console)
        case .abort: try await abort(call, admin)
        case .findHanging: try await findHanging(call, admin, console)
        }
    }

    static func print(_ table: PaddedTable, _ console: Console) {
        for line in table.lines { console.print(line) }
    }

    // MARK: Looking

    private static func list(_ call: TransactionsGrammar.Call, _ admin: AdminClient, _ console: Console) async throws {
        let listed: [TransactionListing]
        do {
            listed = try await admin.listTransactions(lastingLongerThan: try call.number("--duration-filter"))
        } catch let error as KafkaError {
            throw Failure("Failed to list transactions", error)
        }
        var table = PaddedTable("TransactionalId", "Coordinator", "ProducerId", "TransactionState")
        table.rows = listed.map { ["\($0.transactionalID)", "\($0.coordinator)", "\($0.producerID)", $0.state] }
        print(table, console)
    }

    private static func describe(
        _ call: TransactionsGrammar.Call, _ admin: AdminClient, _ console: Console
    ) async throws {
        let id = call["--transactional-id"] ?? ""
        let found: TransactionDescription
        do {
            found = try await admin.describeTransaction(id)
        } catch let error as KafkaError {
            throw Failure("Failed to describe transaction state of transactional-id `\(id)`", error)
        }
        var table = PaddedTable(
            "CoordinatorId", "TransactionalId", "ProducerId", "ProducerEpoch", "TransactionState",
            "TransactionTimeoutMs", "CurrentTransactionStartTimeMs", "TransactionDurationMs", "TopicPartitions")
        table.rows = [
            [
                "\(found.coordinator)", id, "\(found.producerID)", "\(found.producerEpoch)", found.state,
                "\(found.timeout)", found.start.map(String.init) ?? "None",
                found.start.map { "\(WallClock.now() - $0)" } ?? "None",
                found.partitions.map(\.description).joined(separator: ","),
            ]
        ]
        print(table, console)
    }

    private static func describeProducers(
        _ call: TransactionsGrammar.Call, _ admin: AdminClient, _ console: Console
    ) async throws {
        let partition = try call.partition()
        let broker: Int32? = try call.number("--broker-id")
        let producers: [ProducerState]
        do {
            producers = try await admin.describeProducers(of: partition, on: broker)
        } catch let error as KafkaError {
            let place = broker.map { "broker \($0)" } ?? "leader"
            throw Failure("Failed to describe producers for partition \(partition) on \(place)", error)
        }
        var table = PaddedTable(
            "ProducerId", "ProducerEpoch", "LatestCoordinatorEpoch", "LastSequence", "LastTimestamp",
            "CurrentTransactionStartOffset")
        table.rows = producers.map { producer in
            [
                "\(producer.producerID)", "\(producer.epoch)", "\(producer.coordinatorEpoch ?? -1)",
                "\(producer.lastSequence)", "\(producer.lastTimestamp)",
                producer.transactionStart.map(String.init) ?? "None",
            ]
        }
        print(table, console)
    }

    // MARK: Ending

    private static func abort(_ call: TransactionsGrammar.Call, _ admin: AdminClient) async throws {
        let partition = try call.partition()
        let start: Int64? = try call.number("--start-offset")
        let producerID: Int64? = try call.number("--producer-id")
        let target: (producerID: Int64, epoch: Int16, coordinatorEpoch: Int32)
        if let start {
            target = try await producer(whoseTransactionBeganAt: start, in: partition, admin)
        } else if let producerID {
            guard let epoch: Int16 = try call.number("--producer-epoch") else {
                throw Failure("Missing required argument --producer-epoch")
            }
            guard let coordinatorEpoch: Int32 = try call.number("--coordinator-epoch") else {
                throw Failure("Missing required argument --coordinator-epoch")
            }
            // No coordinator has ended a transaction of this producer here: 0 is older than any.
            target = (producerID, epoch, max(0, coordinatorEpoch))
        } else {
            throw Failure(
                "The transaction to abort must be identified either with --start-offset (for brokers on 3.0 or above) "
                    + "or with --producer-id, --producer-epoch, and --coordinator-epoch (for older brokers)")
        }
        do {
            try await admin.abortTransaction(
                in: partition, producerID: target.producerID, epoch: target.epoch,
                coordinatorEpoch: target.coordinatorEpoch)
        } catch let error as KafkaError {
            throw Failure(
                "Failed to abort transaction AbortTransactionSpec(topicPartition=\(partition), "
                    + "producerId=\(target.producerID), producerEpoch=\(target.epoch), "
                    + "coordinatorEpoch=\(target.coordinatorEpoch))", error)
        }
    }

    private static func producer(
        whoseTransactionBeganAt start: Int64, in partition: TopicPartition, _ admin: AdminClient
    ) async throws -> (producerID: Int64, epoch: Int16, coordinatorEpoch: Int32) {
        let producers: [ProducerState]
        do {
            producers = try await admin.describeProducers(of: partition)
        } catch let error as KafkaError {
            throw Failure("Failed to validate producer state for partition \(partition)", error)
        }
        guard let found = producers.first(where: { $0.transactionStart == start }) else {
            throw Failure(
                "Could not find any open transactions starting at offset \(start) on partition \(partition)")
        }
        return (found.producerID, Int16(truncatingIfNeeded: found.epoch), found.coordinatorEpoch ?? 0)
    }
}
