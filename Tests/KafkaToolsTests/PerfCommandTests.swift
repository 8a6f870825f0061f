// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import KafkaTools

@Suite struct PerfCommandTests {
    private func error(_ arguments: [String]) async -> (code: Int32, last: String?) {
        let console = Console.memory()
        let code = await KafkaTools.run(
            command: "producer-perf-test",
            arguments: ["--topic", "t", "--producer-props", "bootstrap.servers=127.0.0.1:1"] + arguments,
            console: console)
        return (code, console.errorOutput.split(separator: "\n").last.map(String.init))
    }

    @Test(arguments: [
        (
            "1e30",
            "producer-performance: error: argument --num-records: could not convert '1e30' to Long (64 bit, signed)"
        ),
        (
            "5.0",
            "producer-performance: error: argument --num-records: could not convert '5.0' to Long (64 bit, signed)"
        ),
        (
            "-1",
            "Exception in thread \"main\" java.lang.ArrayIndexOutOfBoundsException: Index 0 out of bounds for length 0"
        ),
        ("-3", "Exception in thread \"main\" java.lang.NegativeArraySizeException: -2"),
        ("0", "Exception in thread \"main\" java.lang.ArithmeticException: / by zero"),
    ])
    func numbersOfRecordsThatAreNone(_ count: String, _ message: String) async {
        let (code, last) = await error(["--num-records", count, "--record-size", "1", "--throughput", "-1"])
        #expect(code == 1)
        #expect(last == message)
    }

    @Test func otherNumbers() async {
        #expect(
            await error(["--num-records", "1", "--record-size", "3000000000", "--throughput", "-1"]).last
                == "producer-performance: error: argument --record-size: could not convert '3000000000' to Integer (32 bit, signed)"
        )
        #expect(
            await error(["--num-records", "1", "--record-size", "1", "--throughput", "fast"]).last
                == "producer-performance: error: argument --throughput: could not convert 'fast' to Double")
    }

    @Test func metricsAreATable() {
        var metrics = ClientMetrics(clientID: "c")
        metrics.count("g", "b", 10, milliseconds: 4000)
        metrics.add("g", "a", 1)
        #expect(
            metrics.lines == [
                "", "Metric Name               Value", "g:a:{client-id=c}       : 1.000",
                "g:b-rate:{client-id=c}  : 2.500", "g:b-total:{client-id=c} : 10.000",
            ])
    }
}
