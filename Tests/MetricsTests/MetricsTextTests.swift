// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Metrics

struct MetricsTextTests {
    private static let bytesIn = MetricFamily.counter("bytes_in_total", "Bytes that came in.", labels: "topic")

    @Test func aFamilyIsAHeadAndItsSamples() {
        var text = MetricsText()
        text.family(Self.bytesIn) {
            $0.add(12)
            $0.add(7, "orders")
        }
        text.value(.gauge("leaders", "How many."), 3)
        #expect(
            text.string == """
                # HELP bytes_in_total Bytes that came in.
                # TYPE bytes_in_total counter
                bytes_in_total 12
                bytes_in_total{topic="orders"} 7
                # HELP leaders How many.
                # TYPE leaders gauge
                leaders 3

                """)
    }

    @Test func aFamilyWithoutSamplesIsNotThere() {
        var text = MetricsText()
        text.family(Self.bytesIn) { _ in }
        #expect(text.string.isEmpty)
    }

    @Test func whatWouldEndALabelIsEscaped() {
        var text = MetricsText()
        text.family(.gauge("g", "One \\ two\nthree \"four\".", labels: "a")) { $0.add(1, "x\"y\\z\nä") }
        #expect(
            text.string == """
                # HELP g One \\\\ two\\nthree "four".
                # TYPE g gauge
                g{a="x\\"y\\\\z\\nä"} 1

                """)
    }

    @Test func labelsThatAreNilAreLeftOut() {
        var text = MetricsText()
        text.family(.gauge("g", "G.", labels: "a", "b")) {
            $0.add(true, nil, "2")
            $0.add(false, "1", nil)
        }
        #expect(text.string.hasSuffix("g{b=\"2\"} 1\ng{a=\"1\"} 0\n"))
    }

    @Test func numbersAreThoseOfPrometheus() {
        #expect(Double.nan.metricText == "NaN")
        #expect(Double.infinity.metricText == "+Inf")
        #expect((-Double.infinity).metricText == "-Inf")
        #expect(0.25.metricText == "0.25")
        #expect(Int64.min.metricText == "-9223372036854775808")
    }

    @Test func aSummaryHasRecentQuantilesAndTheWholeSum() {
        let histogram = Histogram()
        histogram.record(nanoseconds: 8_000_000)
        let before = histogram.snapshot
        histogram.record(nanoseconds: 2_000_000)
        let all = histogram.snapshot
        var text = MetricsText()
        text.family(.summary("t", "T.", labels: "request")) { samples in
            samples.add(all, recent: all.since(before), milliseconds: "Fetch")
        }
        let lines = text.string.split(separator: "\n")
        #expect(lines.contains("t{request=\"Fetch\",quantile=\"0.99\"} 2.048"))
        #expect(lines.contains("t_sum{request=\"Fetch\"} 10.0"))
        #expect(lines.contains("t_count{request=\"Fetch\"} 2"))
    }

    @Test func bucketsAreCumulativeAndEndWithAll() {
        let histogram = Histogram()
        for microseconds in [10, 100, 1000, 1_000_000_000] as [Int64] {
            histogram.record(nanoseconds: microseconds * 1000)
        }
        let all = histogram.snapshot
        var text = MetricsText()
        text.family(.histogram("d", "D.", labels: "request")) { $0.add(all, seconds: "Fetch") }
        let counts = text.string.split(separator: "\n").filter { $0.hasPrefix("d_bucket") }
            .compactMap { $0.split(separator: " ").last.flatMap { Int($0) } }
        #expect(counts.sorted() == counts)
        #expect(counts.first == 1)
        #expect(counts.last == 4)
        #expect(text.string.contains("d_bucket{request=\"Fetch\",le=\"0.001024\"} 3\n"))
        #expect(text.string.contains("d_bucket{request=\"Fetch\",le=\"+Inf\"} 4\n"))
    }

    @Test(arguments: ["", "1x", "a-b", "a b", "ä"])
    func aNameThatPrometheusRefusesIsNotWellFormed(_ name: String) {
        #expect(!MetricFamily.gauge(name, "").isWellFormed)
        #expect(!MetricFamily.gauge("x", "", labels: name).isWellFormed)
    }

    @Test func sourcesAreAskedEachTimeInOrder() {
        let registry = MetricsRegistry()
        let counter = SharedCounter()
        registry.add { $0.value(.counter("a", "A."), counter.value.value) }
        registry.add { $0.value(.gauge("b", "B."), 1) }
        counter.value.add(5)
        #expect(registry.render().string.contains("a 5\n"))
        counter.value.add()
        let text = registry.render().string
        #expect(text.contains("a 6\n"))
        #expect(text.hasSuffix("b 1\n"))
    }

    private final class SharedCounter: Sendable {
        let value = Counter()
    }
}
