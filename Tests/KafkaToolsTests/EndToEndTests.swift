// SPDX-License-Identifier: Apache-2.0

import KafkaClient
import KafkaModel
import NIOCore
import Synchronization
import Testing

@testable import KafkaTools

/// Commands and clients against a broker in memory, over real sockets.
@Suite(.timeLimit(.minutes(1))) struct EndToEndTests {
    private func run(_ command: String, _ arguments: [String], input: String = "") async -> (Int32, Console) {
        let console = Console.memory(input: input)
        return (await KafkaTools.run(command: command, arguments: arguments, console: console), console)
    }

    @Test func linesGoInAndComeOutAgain() async throws {
        try await ModelBroker.run { _, address in
            let server = ["--bootstrap-server", address]
            var (code, console) = await run(
                "topics", server + ["--create", "--topic", "inventory", "--partitions", "1"])
            #expect(code == 0 && console.output == "Created topic inventory.\n")
            (code, console) = await run("topics", server + ["--create", "--topic", "inventory"])
            #expect(code == 1)
            #expect(console.output == "Error while executing topic command : Topic 'inventory' already exists.\n")
            #expect(
                console.errorOutput.contains(
                    "ERROR org.apache.kafka.common.errors.TopicExistsException: Topic 'inventory' already exists."))
            (code, console) = await run("topics", server + ["--list"])
            #expect(console.output == "inventory\n")
            (code, console) = await run(
                "console-producer",
                server + ["--topic", "inventory", "--property", "parse.key=true", "--property", "key.separator=:"],
                input: "k1:v1\nk2:v2\nk3:v3\n")
            #expect(code == 0 && console.output.isEmpty && console.errorOutput.isEmpty)
            (code, console) = await run(
                "console-consumer",
                server + [
                    "--topic", "inventory", "--from-beginning", "--timeout-ms", "500", "--property", "print.key=true",
                    "--property", "print.partition=true", "--property", "print.offset=true", "--group", "g",
                    "--property", "print.headers=true",
                ])
            #expect(code == 0)
            #expect(
                console.output == """
                    Partition:0\tOffset:0\tNO_HEADERS\tk1\tv1
                    Partition:0\tOffset:1\tNO_HEADERS\tk2\tv2
                    Partition:0\tOffset:2\tNO_HEADERS\tk3\tv3

                    """)
            #expect(console.errorOutput.hasSuffix("Processed a total of 3 messages\n"))
            #expect(console.errorOutput.contains("org.apache.kafka.common.errors.TimeoutException\n"))
            // The group goes on where it was.
            (code, console) = await run(
                "console-consumer", server + ["--topic", "inventory", "--timeout-ms", "300", "--group", "g"])
            #expect(console.output.isEmpty)
            (code, console) = await run("get-offsets", server + ["--topic", "inventory"])
            #expect(console.output == "inventory:0:3\n")
            (code, console) = await run(
                "console-consumer",
                server + ["--topic", "inventory", "--partition", "0", "--offset", "1", "--max-messages", "1"])
            #expect(console.output == "v2\n")
            #expect(console.errorOutput == "Processed a total of 1 messages\n")
        }
    }

    @Test func perfToolsCountAlike() async throws {
        try await ModelBroker.run { broker, address in
            broker.createTopic("perf", partitions: 3)
            let (code, sent) = await run(
                "producer-perf-test",
                [
                    "--topic", "perf", "--num-records", "20000", "--record-size", "1000", "--throughput", "-1",
                    "--producer-props", "bootstrap.servers=\(address)", "compression.type=lz4",
                ])
            #expect(code == 0)
            // On a slow machine lines about shorter windows come first.
            #expect(sent.output.contains("20000 records sent, "))
            let (read, received) = await run(
                "consumer-perf-test", ["--bootstrap-server", address, "--topic", "perf", "--messages", "20000"])
            #expect(read == 0)
            let fields = received.output.split(separator: "\n").last?.split(separator: ", ") ?? []
            #expect(fields.count == 10)
            #expect(fields.count > 4 && fields[4] == "20000")
        }
    }

    @Test func perfToolsPrintMetricsAndTimesAsAsked() async throws {
        try await ModelBroker.run { broker, address in
            broker.createTopic("perf", partitions: 1)
            let (code, sent) = await run(
                "producer-perf-test",
                [
                    "--topic", "perf", "--num-records", "10", "--record-size", "100", "--throughput", "-1",
                    "--print-metrics", "--producer-props", "bootstrap.servers=\(address)", "client.id=me",
                ])
            #expect(code == 0)
            #expect(sent.output.contains("\n\nMetric Name "))
            #expect(sent.output.contains("\nproducer-metrics:record-send-total:{client-id=me}  : 10.000\n"))
            #expect(sent.output.contains("\nproducer-metrics:record-size-avg:{client-id=me}    : 100.000\n"))
            let (read, received) = await run(
                "consumer-perf-test",
                [
                    "--bootstrap-server", address, "--topic", "perf", "--messages", "10", "--print-metrics",
                    "--date-format", "'at' yyyy", "--hide-header",
                ])
            #expect(read == 0)
            #expect(received.output.hasPrefix("at 20"))
            let bytes = received.output.split(separator: "\n").first {
                $0.hasPrefix("consumer-fetch-manager-metrics:bytes-consumed-total:{client-id=perf-consumer-client} ")
            }
            #expect(bytes?.hasSuffix(" : 1000.000") == true)
            let (refused, complaint) = await run(
                "consumer-perf-test",
                ["--bootstrap-server", address, "--topic", "perf", "--messages", "10", "--date-format", "bb"])
            #expect(refused == 1)
            #expect(complaint.errorOutput.hasPrefix("Illegal pattern character 'b'\n"))
        }
    }

    @Test func messagesThatCannotBeShownEndTheConsumerOrAreSkipped() async throws {
        try await ModelBroker.run { broker, address in
            broker.createTopic("t", partitions: 1)
            let server = ["--bootstrap-server", address]
            let (code, _) = await run(
                "console-producer", server + ["--topic", "t"], input: "good\nbad!!\nfine\n")
            #expect(code == 0)
            let read =
                server + [
                    "--topic", "t", "--from-beginning", "--timeout-ms", "300", "--value-deserializer",
                    "org.apache.kafka.common.serialization.IntegerDeserializer",
                ]
            let fault =
                "org.apache.kafka.common.errors.SerializationException: Size of data received by IntegerDeserializer is not 4\n"
            var (ended, console) = await run("console-consumer", read)
            #expect(ended == 1)
            #expect(console.output == "1735356260\n")
            #expect(console.errorOutput.contains("Processed a total of 2 messages\n"))
            #expect(console.errorOutput.contains(" ERROR Unknown error when running consumer: "))
            #expect(console.errorOutput.hasSuffix(fault))
            (ended, console) = await run(
                "console-consumer", read + ["--skip-message-on-error", "--enable-systest-events"])
            #expect(ended == 0)
            #expect(console.output == "1735356260\n1718185573\nshutdown_complete\n")
            #expect(console.errorOutput.contains(" ERROR Error processing message, skipping this message: "))
            #expect(console.errorOutput.contains(fault))
            #expect(console.errorOutput.hasSuffix("Processed a total of 3 messages\n"))
        }
    }

    @Test func recordsKeepTheirOrderThroughRetries() async throws {
        try await ModelBroker.run { broker, address in
            broker.createTopic("t", partitions: 1)
            var configuration = ClientConfiguration(bootstrapServers: address)
            configuration.batchSize = 200
            configuration.retryBackoff = .milliseconds(5)
            let producer = try Producer(configuration)
            broker.state.withLock { $0.produceErrors = [.notLeaderOrFollower, .none, .notEnoughReplicas] }
            let failures = Mutex(0)
            for index in 0..<200 {
                try await producer.enqueue(ProducerRecord(topic: "t", value: "\(index)")) { result in
                    if case .failure = result { failures.withLock { $0 += 1 } }
                }
            }
            await producer.flush()
            await producer.close()
            #expect(failures.withLock { $0 } == 0)
            let sequences = broker.state.withLock { $0.topics["t"]?[0].map(\.header.baseSequence) ?? [] }
            #expect(Set(sequences).count == sequences.count)
        }
    }

    @Test func nobodyThereIsATimeout() async throws {
        var configuration = ClientConfiguration(bootstrapServers: "127.0.0.1:1")
        configuration.apiTimeout = .milliseconds(300)
        let admin = try AdminClient(configuration)
        let error = await #expect(throws: KafkaError.self) { try await admin.listTopics() }
        #expect(error?.message == "Timed out waiting for a node assignment. Call: listTopics")
        await admin.close()
    }
}
