// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Times and durations as ISO 8601 writes them.
enum ISOTime {
    /// Milliseconds since 1970 of `2026-11-21T07:04:19.190`, in the machine's time zone unless `Z`, `+01` or `+01:00`
    /// follows; nil if the text is something else.
    static func date(_ text: String) -> Int64? {
        var text = text[...]
        var offset: Int?
        if text.last == "Z" {
            text.removeLast()
            offset = 0
        } else if let sign = text.lastIndex(where: { $0 == "+" || $0 == "-" }), let t = text.firstIndex(of: "T"),
            sign > t
        {
            let digits = text[text.index(after: sign)...].filter { $0 != ":" }
            guard digits.count == 2 || digits.count == 4, let number = Int(digits), number >= 0 else { return nil }
            let minutes = digits.count == 2 ? number * 60 : number / 100 * 60 + number % 100
            offset = (text[sign] == "-" ? -1 : 1) * minutes * 60
            text = text[..<sign]
        }
        let halves = text.split(separator: "T", omittingEmptySubsequences: false)
        guard halves.count == 2 else { return nil }
        let day = halves[0].split(separator: "-").map { Int32($0) }
        let clock = halves[1].split(separator: ":", omittingEmptySubsequences: false)
        guard day.count == 3, clock.count == 3, let year = day[0], let month = day[1], let date = day[2],
            (1970...9999).contains(year), (1...12).contains(month), (1...31).contains(date), let hour = Int32(clock[0]),
            let minute = Int32(clock[1]), (0...24).contains(hour), (0...59).contains(minute)
        else { return nil }
        let parts = clock[2].split(separator: ".", omittingEmptySubsequences: false)
        guard let second = parts.first.flatMap({ Int32($0) }), (0...60).contains(second), parts.count <= 2 else {
            return nil
        }
        var milliseconds: Int64 = 0
        if parts.count == 2 {
            guard let number = Int64(parts[1].prefix(3)), number >= 0 else { return nil }
            milliseconds = number
            for _ in parts[1].prefix(3).count..<3 { milliseconds *= 10 }
        }
        var time = tm()
        time.tm_year = year - 1900
        time.tm_mon = month - 1
        time.tm_mday = date
        time.tm_hour = hour
        time.tm_min = minute
        time.tm_sec = second
        time.tm_isdst = -1
        let seconds = offset.map { timegm(&time) - $0 } ?? mktime(&time)
        return Int64(seconds) * 1000 + milliseconds
    }

    /// Milliseconds of `P1DT2H3M4.5S`, of which any part may be left out; nil if the text is something else.
    static func duration(_ text: String) -> Int64? {
        var rest = text.uppercased()[...]
        var sign = 1.0
        if rest.first == "-" {
            sign = -1
            rest.removeFirst()
        }
        guard rest.popFirst() == "P", !rest.isEmpty else { return nil }
        var isTime = false
        var total = 0.0
        var number = ""
        for character in rest {
            switch (character, isTime) {
            case ("T", false): isTime = true
            case ("D", false), ("H", true), ("M", true), ("S", true):
                guard let value = Double(number) else { return nil }
                let unit = ["D": 86_400_000.0, "H": 3_600_000, "M": 60_000, "S": 1000]
                total += value * (unit[String(character)] ?? 0)
                number = ""
            default:
                guard character.isNumber || character == "." || character == "-" else { return nil }
                number.append(character)
            }
        }
        return number.isEmpty ? Int64(exactly: (sign * total).rounded()) : nil
    }
}
