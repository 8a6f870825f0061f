// SPDX-License-Identifier: Apache-2.0

import KafkaClient
import KafkaModel
import LogStorage

/// `kafka-dump-log`: prints what lies in the files of a log directory, and names the place of any damage.
enum DumpLogCommand: ToolCommand {
    static let name = "dump-log"

    static func run(arguments: [String], console: Console) async -> Int32 {
        await ending(grammar, console) {
            let options = try parse(
                arguments, grammar,
                purpose:
                    "This tool helps to parse a log file and dump its contents to the console, useful for debugging a seemingly corrupt log segment.",
                console: console)
            try require(options, "files")
            if let refusal = try refusal(options) {
                console.error(refusal)
                return 1
            }
            let limit: Int = try options.integer("max-bytes") ?? Int(Int32.max)
            let decoder: RecordTextDecoder =
                options.has("offsets-decoder")
                ? .offsets : options.has("transaction-log-decoder") ? .transactions : .text
            let printsContents = [
                "print-data-log", "offsets-decoder", "transaction-log-decoder", "key-decoder-class",
                "value-decoder-class",
            ].contains(where: options.has)
            let dump = LogFileDump(
                console: console, printsContents: printsContents,
                isDeep: printsContents || options.has("deep-iteration"),
                skipsMetadata: options.has("skip-record-metadata"), verifiesOnly: options.has("verify-index-only"),
                checksSanityOnly: options.has("index-sanity-check"), maxBytes: limit, decoder: decoder)
            var problems = LogFileDump.Problems()
            for path in (try options.value("files") ?? "").split(separator: ",").map(String.init) {
                console.print("Dumping \(path)")
                do {
                    try dump.print(path, &problems)
                } catch let error as JavaException {
                    console.error("Exception in thread \"main\" \(error.summary)")
                    return 1
                }
            }
            problems.print(console)
            return problems.hasDamage ? 1 : 0
        }
    }

    /// The one decoder of keys and values that is known here, by its old name and its new one.
    private static let textDecoders = ["kafka.serializer.StringDecoder", "org.apache.kafka.tools.api.StringDecoder"]

    /// Why what is asked for cannot be had here; nil if it can.
    private static func refusal(_ options: ParsedOptions) throws(OptionError) -> String? {
        for name in ["key-decoder-class", "value-decoder-class"] where options.has(name) {
            guard let decoder = try options.value(name), !textDecoders.contains(decoder) else { continue }
            return "--\(name): \(decoder) is a class of Java; only \(textDecoders[0]) is known here"
        }
        if options.has("cluster-metadata-decoder") {
            return "--cluster-metadata-decoder: only KRaft clusters, without ZooKeeper, have a metadata log"
        }
        if options.has("remote-log-metadata-decoder") {
            return "--remote-log-metadata-decoder: there is no tiered storage here, and so no log of its metadata"
        }
        return nil
    }

    static let grammar: OptionGrammar = {
        var grammar = OptionGrammar()
        grammar.flag(
            "print-data-log",
            "If set, printing the messages content when dumping data logs. Automatically set if any decoder option is specified."
        )
        grammar.flag(
            "index-sanity-check",
            "If set, just checks the index sanity without printing its content. This is the same check that is executed on broker startup to determine if an index needs rebuilding or not."
        )
        grammar.flag("verify-index-only", "If set, just verify the index log without printing its content.")
        grammar.option(
            "files", value: "file1, file2, ...",
            summary:
                "REQUIRED: The comma separated list of data and index log files to be dumped.")
        grammar.option(
            "max-message-size", .integer, value: "size", default: "5242880", summary: "Size of largest message.")
        grammar.option(
            "max-bytes", .integer, value: "size", default: "2147483647",
            summary:
                "Limit the amount of total batches read in bytes avoiding reading the whole .log file(s).")
        grammar.flag(
            "deep-iteration",
            "If set, uses deep instead of shallow iteration. Automatically set if print-data-log is enabled.")
        grammar.option(
            "value-decoder-class", value: "class", default: "kafka.serializer.StringDecoder",
            summary: "If set, used to deserialize the messages. Only text is known here.")
        grammar.option(
            "key-decoder-class", value: "class", default: "kafka.serializer.StringDecoder",
            summary: "If set, used to deserialize the keys. Only text is known here.")
        grammar.flag(
            "offsets-decoder",
            "If set, log data will be parsed as offset data from the __consumer_offsets topic.")
        grammar.flag(
            "transaction-log-decoder",
            "If set, log data will be parsed as transaction metadata from the __transaction_state topic.")
        grammar.flag(
            "cluster-metadata-decoder",
            "If set, log data would be parsed as cluster metadata records, which KRaft clusters have. Refused here.")
        grammar.flag(
            "remote-log-metadata-decoder",
            "If set, log data would be parsed as remote log metadata records. Refused here: there is no tiered storage."
        )
        grammar.flag(
            "skip-record-metadata",
            "Whether to skip printing metadata for each record.")
        return grammar
    }()
}
