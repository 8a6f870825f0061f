// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Metrics

struct HistogramTests {
    @Test func bucketsFollowOneAnotherWithoutGaps() {
        for index in 0..<Histogram.bucketCount {
            let bound = Histogram.upperBound(index)
            #expect(Histogram.index(microseconds: bound - 1) == index)
            if index + 1 < Histogram.bucketCount { #expect(Histogram.index(microseconds: bound) == index + 1) }
        }
        #expect(Histogram.index(microseconds: -1) == 0)
        #expect(Histogram.index(microseconds: .max) == Histogram.bucketCount - 1)
    }

    @Test func quantilesAreOffByAFifthAtMost() throws {
        let histogram = Histogram()
        for microseconds in 1...10_000 { histogram.record(nanoseconds: Int64(microseconds) * 1000) }
        let snapshot = histogram.snapshot
        #expect(snapshot.count == 10_000)
        #expect(snapshot.nanoseconds == 10_000 * 10_001 / 2 * 1000)
        for share in [0.01, 0.5, 0.9, 0.99, 0.999] {
            let value = try #require(snapshot.quantile(share))
            #expect(value >= share * 10_000 && value <= share * 10_000 * 1.25 + 1, "\(share): \(value)")
        }
    }

    @Test func durationsBelowNothingAndBeyondTheLastBoundAreCounted() {
        let histogram = Histogram()
        histogram.record(nanoseconds: -5)
        histogram.record(nanoseconds: .max)
        #expect(histogram.snapshot.count == 2)
        #expect(Histogram().snapshot.quantile(0.5) == nil)
    }

    @Test func aSnapshotLessAnEarlierOneIsWhatCameBetween() {
        let histogram = Histogram()
        histogram.record(nanoseconds: 1_000_000)
        let before = histogram.snapshot
        for _ in 0..<3 { histogram.record(nanoseconds: 50_000) }
        let between = histogram.snapshot.since(before)
        #expect(between.count == 3)
        #expect(between.nanoseconds == 150_000)
        #expect(between.quantile(1) == 56)
    }

    @Test func countsUpToABoundAreThoseOfItsBuckets() {
        let histogram = Histogram()
        for microseconds in [3, 63, 64, 65, 4096] as [Int64] { histogram.record(nanoseconds: microseconds * 1000) }
        #expect(histogram.snapshot.count(upToMicroseconds: 64) == 2)
        #expect(histogram.snapshot.count(upToMicroseconds: 1 << 26) == 5)
    }

    @Test func aWindowShowsBetweenOneAndTwoIntervals() {
        var window = RecentWindow(interval: 10, now: 0, 100)
        #expect(window.advance(now: 5, 105) == (100, 5))
        #expect(window.advance(now: 12, 112) == (100, 12))
        #expect(window.advance(now: 15, 115) == (100, 15))
        #expect(window.advance(now: 24, 124) == (112, 12))
        #expect(window.advance(now: 1000, 2000) == (124, 976))
    }
}
