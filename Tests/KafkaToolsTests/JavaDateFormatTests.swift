// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import KafkaTools

@Suite struct JavaDateFormatTests {
    /// A time in the machine's zone, whichever it is.
    private func time(_ year: Int, _ month: Int, _ day: Int, _ hour: Int = 0, _ minute: Int = 0) throws -> Int64 {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .current
        let date = try #require(
            calendar.date(
                from: DateComponents(year: year, month: month, day: day, hour: hour, minute: minute, second: 7)))
        return Int64(date.timeIntervalSince1970) * 1000 + 45
    }

    @Test(arguments: [
        ("yyyy-MM-dd HH:mm:ss:SSS", "2026-03-09 15:04:07:045"), ("yy/M/d h:mm a", "26/3/9 3:04 PM"),
        ("EEE, EEEE 'o''clock' MMM MMMM", "Mon, Monday o'clock Mar March"), ("D u F W k K", "68 1 2 2 15 3"),
        ("''", "'"), ("w YYYY S", "11 2026 45"), ("yyyyMMdd.HHmm", "20260309.1504"),
    ])
    func patterns(_ pattern: String, _ text: String) throws {
        #expect(try JavaDateFormat(pattern).text(time(2026, 3, 9, 15, 4)) == text)
    }

    /// The week with the first of January is the first, also for the last days of December.
    @Test func weeksAtTheEndOfAYear() throws {
        let format = try JavaDateFormat("YYYY-w")
        #expect(format.text(try time(2026, 12, 26)) == "2026-52")
        #expect(format.text(try time(2026, 12, 27)) == "2027-1")
        #expect(format.text(try time(2027, 1, 3)) == "2027-2")
    }

    @Test func midnightAndNoon() throws {
        let format = try JavaDateFormat("H k K h a")
        #expect(format.text(try time(2026, 3, 9, 0)) == "0 24 0 12 AM")
        #expect(format.text(try time(2026, 3, 9, 12)) == "12 12 0 12 PM")
        #expect(try JavaDateFormat("SSS").text(-1) == "999")
    }

    @Test(arguments: [
        ("yyyy-bb", "Illegal pattern character 'b'"), ("yyyy 'at", "Unterminated quote"),
        ("XXXX", "invalid ISO 8601 format: length=4"),
    ])
    func refusals(_ pattern: String, _ message: String) throws {
        let error = #expect(throws: JavaException.self) { try JavaDateFormat(pattern) }
        #expect(error?.message == message)
    }
}
