// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import KafkaTools

@Suite struct ISOTimeTests {
    @Test(
        arguments: [
            ("1970-01-01T00:00:00.000Z", 0), ("2026-11-21T07:04:19.190Z", 1_795_244_659_190),
            ("2026-11-21T08:04:19.19+01:00", 1_795_244_659_190), ("2026-11-21T05:34:19.190-0130", 1_795_244_659_190),
            ("2000-02-29T12:00:00Z", 951_825_600_000),
        ] as [(String, Int64)])
    func datesAreRead(text: String, milliseconds: Int64) {
        #expect(ISOTime.date(text) == milliseconds)
    }

    @Test(arguments: [
        "", "2026", "2026-11-21", "2026-13-21T07:04:19.190Z", "T", "2026-11-21T7", "a-b-cTd:e:f",
        "2026-11-21T07:04:19.190+x",
    ])
    func whatIsNoDateIsRefused(text: String) {
        #expect(ISOTime.date(text) == nil)
    }

    @Test(
        arguments: [
            ("PT0S", 0), ("P1DT2H3M4.5S", 93_784_500), ("PT1H", 3_600_000), ("P7D", 604_800_000), ("-PT5M", -300_000),
        ] as [(String, Int64)])
    func durationsAreRead(text: String, milliseconds: Int64) {
        #expect(ISOTime.duration(text) == milliseconds)
    }

    @Test(arguments: ["", "P", "5M", "P5M", "PTH", "PT5", "PT1X"])
    func whatIsNoDurationIsRefused(text: String) {
        #expect(ISOTime.duration(text) == nil)
    }
}
