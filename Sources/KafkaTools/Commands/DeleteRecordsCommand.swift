// SPDX-License-Identifier: Apache-2.0

import KafkaClient
import KafkaModel

/// `kafka-delete-records`: deletes the records before given offsets.
enum DeleteRecordsCommand: ToolCommand {
    static let name = "delete-records"

    static func run(arguments: [String], console: Console) async -> Int32 {
        await ending(grammar, console) {
            let options = try parse(
                arguments, grammar,
                purpose: "This tool helps to delete records of the given partitions down to the specified offset.",
                console: console)
            try require(options, "bootstrap-server", "offset-json-file")
            let offsets = try offsets(try TextFile.read(try options.value("offset-json-file") ?? ""))
            let configuration = try adminConfiguration(options)
            try await withAdmin(configuration, console) { admin in
                console.print("Executing records delete operation")
                let results = try await admin.deleteRecords(before: offsets)
                console.print("Records delete operation completed:")
                for partition in JavaOrder.partitions(offsets.keys.sorted()) {
                    switch results[partition] {
                    case .success(let offset)?: console.print("partition: \(partition)\tlow_watermark: \(offset)")
                    case .failure(let error)?:
                        console.print("partition: \(partition)\terror: \(JavaException(error).summary)")
                    case nil: break
                    }
                }
            }
            return 0
        }
    }

    static func offsets(_ text: String) throws -> [TopicPartition: Int64] {
        func failure(_ message: String) -> JavaException {
            JavaException(javaClass: "org.apache.kafka.server.common.AdminOperationException", message: message)
        }
        let json: JSON
        do {
            json = try JSON.parse(text)
        } catch {
            throw failure("The input string is not a valid JSON")
        }
        if let version = json["version"]?.integer, version != 1 {
            throw failure("Not supported version field value \(version)")
        }
        guard let partitions = json["partitions"]?.array else { throw failure("Missing partitions field") }
        var offsets: [TopicPartition: Int64] = [:]
        for entry in partitions {
            guard let topic = entry["topic"]?.string, let number = entry["partition"]?.integer,
                let partition = Int32(exactly: number), let offset = entry["offset"]?.integer
            else { throw failure("Each partition needs topic, partition and offset") }
            let name = TopicPartition(topic, partition)
            if offsets[name] != nil {
                throw failure("Offset json file contains duplicate topic partitions: \(name)")
            }
            offsets[name] = offset
        }
        return offsets
    }

    static let grammar: OptionGrammar = {
        var grammar = OptionGrammar()
        grammar.option(
            "bootstrap-server", value: "server(s) to use for bootstrapping",
            summary: "REQUIRED: The server to connect to.")
        grammar.option(
            "offset-json-file", value: "Offset json file path",
            summary:
                "REQUIRED: The JSON file with offset per partition. The format to use is:\n{\"partitions\":\n  [{\"topic\": \"foo\", \"partition\": 1, \"offset\": 1}],\n \"version\":1\n}"
        )
        grammar.option(
            "command-config", value: "command config property file path",
            summary: "A property file containing configs to be passed to Admin Client.")
        return grammar
    }()
}
