// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Writes times by a pattern of `java.text.SimpleDateFormat`, in English and in the machine's time zone.
struct JavaDateFormat: Sendable {
    enum Part: Hashable, Sendable {
        case literal(String)
        /// A letter of the pattern, and how often it stands there.
        case field(Character, Int)
    }

    let parts: [Part]

    init(parts: [Part]) { self.parts = parts }

    /// Throws what Java throws at a letter without a meaning, and at a quote that does not end.
    init(_ pattern: String) throws {
        var parts: [Part] = []
        var quoted: String?
        var rest = Substring(pattern)
        while let character = rest.popFirst() {
            if character == "'" {
                if rest.first == "'" {
                    rest.removeFirst()
                    if quoted == nil { parts.append(.literal("'")) } else { quoted?.append("'") }
                } else if let text = quoted {
                    parts.append(.literal(text))
                    quoted = nil
                } else {
                    quoted = ""
                }
            } else if quoted != nil {
                quoted?.append(character)
            } else if character.isASCII, character.isLetter {
                guard "GyYMLwWDdFEuaHkKhmsSzZX".contains(character) else {
                    throw JavaException.illegalArgument("Illegal pattern character '\(character)'")
                }
                var count = 1
                while rest.first == character {
                    rest.removeFirst()
                    count += 1
                }
                guard character != "X" || count <= 3 else {
                    throw JavaException.illegalArgument("invalid ISO 8601 format: length=\(count)")
                }
                parts.append(.field(character, count))
            } else {
                parts.append(.literal(String(character)))
            }
        }
        guard quoted == nil else { throw JavaException.illegalArgument("Unterminated quote") }
        self.parts = parts
    }

    /// The text of a time in milliseconds since 1970.
    func text(_ milliseconds: Int64) -> String {
        let (quotient, remainder) = milliseconds.quotientAndRemainder(dividingBy: 1000)
        var seconds = time_t(remainder < 0 ? quotient - 1 : quotient)
        var time = tm()
        localtime_r(&seconds, &time)
        return parts.map { part in
            switch part {
            case .literal(let text): text
            case .field(let letter, let count):
                Self.text(letter, count, time, milliseconds: Int(remainder < 0 ? remainder + 1000 : remainder))
            }
        }.joined()
    }

    private static let months = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    ]
    private static let days = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]

    private static func text(_ letter: Character, _ count: Int, _ time: tm, milliseconds: Int) -> String {
        let year = Int(time.tm_year) + 1900
        let month = Int(time.tm_mon)
        let day = Int(time.tm_mday)
        let weekday = Int(time.tm_wday)
        let hour = Int(time.tm_hour)
        func number(_ value: Int) -> String {
            let text = "\(value)"
            return String(repeating: "0", count: max(0, count - text.count)) + text
        }
        func name(_ name: String) -> String { count < 4 ? String(name.prefix(3)) : name }
        switch letter {
        case "G": return "AD"
        case "y": return count == 2 ? String(number(year).suffix(2)) : number(year)
        case "Y":
            let weekYear = year + week(time).yearsAhead
            return count == 2 ? String(number(weekYear).suffix(2)) : number(weekYear)
        case "M", "L": return count < 3 ? number(month + 1) : name(months[month])
        case "w": return number(week(time).number)
        // Weeks begin with Sunday.
        case "W": return number((day - 1 + weekdayBefore(weekday, days: day - 1)) / 7 + 1)
        case "D": return number(Int(time.tm_yday) + 1)
        case "d": return number(day)
        case "F": return number((day - 1) / 7 + 1)
        case "E": return name(days[weekday])
        case "u": return number(weekday == 0 ? 7 : weekday)
        case "a": return hour < 12 ? "AM" : "PM"
        case "H": return number(hour)
        case "k": return number(hour == 0 ? 24 : hour)
        case "K": return number(hour % 12)
        case "h": return number(hour % 12 == 0 ? 12 : hour % 12)
        case "m": return number(Int(time.tm_min))
        case "s": return number(Int(time.tm_sec))
        case "S": return number(milliseconds)
        case "z": return time.tm_zone.map { String(cString: $0) } ?? ""
        default: return offset(Int(time.tm_gmtoff), letter, count)
        }
    }

    private static func weekdayBefore(_ weekday: Int, days: Int) -> Int { ((weekday - days) % 7 + 7) % 7 }

    /// The first week of a year is the one with its first day, which may belong to the last days of the year before.
    private static func week(_ time: tm) -> (number: Int, yearsAhead: Int) {
        let year = Int(time.tm_year) + 1900
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let day = Int(time.tm_yday)
        let lastDayOfWeek = day + 6 - Int(time.tm_wday)
        if lastDayOfWeek >= (isLeap ? 366 : 365) { return (1, 1) }
        return ((day + weekdayBefore(Int(time.tm_wday), days: day)) / 7 + 1, 0)
    }

    /// As `+0100`, `+01` or `+01:00`.
    private static func offset(_ seconds: Int, _ letter: Character, _ count: Int) -> String {
        if letter == "X", seconds == 0 { return "Z" }
        func pair(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let minutes = abs(seconds) / 60
        let hours = (seconds < 0 ? "-" : "+") + pair(minutes / 60)
        if letter == "X", count == 1 { return hours }
        return hours + (letter == "X" && count == 3 ? ":" : "") + pair(minutes % 60)
    }
}
