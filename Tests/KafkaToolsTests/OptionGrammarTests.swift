// SPDX-License-Identifier: Apache-2.0

import KafkaClient
import NIOCore
import Testing

@testable import KafkaTools

@Suite struct OptionGrammarTests {
    private let grammar: OptionGrammar = {
        var grammar = OptionGrammar()
        grammar.option("topic", summary: "")
        grammar.option("partitions", .integer, default: "3", summary: "")
        grammar.optional("codec", summary: "")
        grammar.add(
            .init(names: ["b", "bootstrap-server"], argument: .required(.string, nil), defaults: [], summary: ""))
        return grammar
    }()

    @Test(arguments: [["--topic", "t"], ["--topic=t"], ["-topic", "t"], ["x", "--topic", "t", "y"]])
    func valuesStandBehindOrWithinOptions(_ arguments: [String]) throws {
        #expect(try grammar.parse(arguments).value("topic") == "t")
    }

    @Test func aRequiredValueMayLookLikeAnOption() throws {
        #expect(try grammar.parse(["--topic", "--help"]).value("topic") == "--help")
    }

    @Test func anOptionalValueMayNot() throws {
        let options = try grammar.parse(["--codec", "--topic", "t"])
        #expect(options.has("codec"))
        #expect(try options.value("codec") == nil)
        #expect(try grammar.parse(["--codec", "lz4"]).value("codec") == "lz4")
    }

    @Test func namesOfOneOptionAreOne() throws {
        #expect(try grammar.parse(["-b", "a"]).value("bootstrap-server") == "a")
        #expect(try grammar.parse(["--bootstrap-server", "a"]).value("b") == "a")
    }

    @Test func defaultsStandInForWhatIsNotGiven() throws {
        let options = try grammar.parse([])
        #expect(!options.has("partitions"))
        let partitions: Int32? = try options.integer("partitions")
        #expect(partitions == 3)
    }

    @Test func mistakesAreToldInJoptsimplesWords() throws {
        #expect(throws: OptionError.unrecognized("nope")) { try grammar.parse(["--nope"]) }
        // Abbreviations are not options.
        #expect(throws: OptionError.unrecognized("top")) { try grammar.parse(["--top", "t"]) }
        #expect(throws: OptionError.missingArgument("topic")) { try grammar.parse(["--topic"]) }
        let twice = try grammar.parse(["--topic", "a", "--topic", "b"])
        #expect(twice.values("topic") == ["a", "b"])
        #expect(throws: OptionError.multipleArguments("topic")) { try twice.value("topic") }
        let text = try grammar.parse(["--partitions", "x"])
        #expect(throws: OptionError.badArgument("x", "partitions")) { () throws(OptionError) -> Int32? in
            try text.integer("partitions")
        }
        #expect(OptionError.badArgument("x", "partitions").message == "Cannot parse argument 'x' of option partitions")
    }
}

@Suite struct JavaOrderTests {
    /// As `kafka-topics --describe` and `kafka-consumer-groups --describe` printed them.
    @Test func hashMapsAreListedAsJavaListsThem() {
        #expect(
            JavaOrder.strings(["inventory", "returns", "returns_x.y"], isSized: true)
                == ["inventory", "returns_x.y", "returns"])
        #expect(
            JavaOrder.partitions((0..<5).map { TopicPartition("inventory", $0) }).map(\.partition) == [4, 3, 2, 1, 0])
        #expect(JavaOrder.hash("hello") == 99_162_322)
    }
}

@Suite struct LineReaderTests {
    @Test func linesArePartedIntoHeadersKeyAndValue() throws {
        var reader = try LineReader(topic: "t", properties: ["parse.key": "true", "parse.headers": "true"])
        let record = try reader.record(of: Array("h1:x,h2:y\tk\tv\tw".utf8))
        #expect(record.headers.map(\.key) == ["h1", "h2"])
        #expect(record.key.map { String(buffer: $0) } == "k")
        #expect(record.value.map { String(buffer: $0) } == "v\tw")
    }

    @Test func aMissingSeparatorIsAnErrorUnlessIgnored() throws {
        var strict = try LineReader(topic: "t", properties: ["parse.key": "true"])
        let error = #expect(throws: JavaException.self) { try strict.record(of: Array("no separator".utf8)) }
        #expect(error?.message == "No key separator found on line number 1: 'no separator'")
        var lax = try LineReader(topic: "t", properties: ["parse.key": "true", "ignore.error": "true"])
        let record = try lax.record(of: Array("v".utf8))
        #expect(record.key == nil && record.value.map { String(buffer: $0) } == "v")
    }

    @Test func theNullMarkerStandsForNull() throws {
        var reader = try LineReader(
            topic: "t", properties: ["parse.key": "true", "key.separator": ":", "null.marker": "NULL"])
        let record = try reader.record(of: Array("k:NULL".utf8))
        #expect(record.value == nil)
    }
}
