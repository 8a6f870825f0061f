// SPDX-License-Identifier: Apache-2.0

import KafkaClient
import Testing

@testable import KafkaTools

@Suite struct ConfigsCommandTests {
    @Test func bracketsKeepCommasTogether() throws {
        #expect(
            try ConfigsCommand.parseAdded("a=1, b=[2,3],c=") == ["a": "1", "b": "2,3", "c": ""])
        #expect(throws: JavaException.self) { try ConfigsCommand.parseAdded("a") }
    }

    @Test func jsonOfTheToolsIsReadAndMistakesAreTold() throws {
        let offsets = try DeleteRecordsCommand.offsets(
            #"{"partitions":[{"topic":"t","partition":1,"offset":-1}],"version":1}"#)
        #expect(offsets == [TopicPartition("t", 1): -1])
        for text in ["{", "", "[1", #"{"a":}"#, #"{"partitions":[{"topic":1}]}"#] {
            #expect(throws: JavaException.self) { try DeleteRecordsCommand.offsets(text) }
        }
        #expect(
            try JSON.parse(#" {"a":["\u0041\n",1.5,true,null]} "#)["a"]?.array == [
                .string("A\n"), .number(1.5), .bool(true), .null,
            ])
    }
}
