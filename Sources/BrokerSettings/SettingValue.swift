// SPDX-License-Identifier: Apache-2.0

/// A value of the type its setting has.
package enum SettingValue: Hashable, Sendable {
    case boolean(Bool)
    case string(String)
    case int(Int32)
    case short(Int16)
    case long(Int64)
    case double(Double)
    case list([String])
    case `class`(String)
    case password(String)

    /// Reads a value as Kafka does: blanks around it are dropped, and around the elements of a list.
    init(_ text: String, kind: Setting.Kind, name: String) throws(SettingsError) {
        let trimmed = text.trimmingBlanks
        func refuse(_ reason: String) -> SettingsError {
            .invalidValue(name: name, value: trimmed, reason: reason)
        }
        switch kind {
        case .boolean:
            switch trimmed.lowercased() {
            case "true": self = .boolean(true)
            case "false": self = .boolean(false)
            default: throw refuse("Expected value to be either true or false")
            }
        case .int:
            guard let number = Int32(trimmed) else { throw refuse("Not a number of type INT") }
            self = .int(number)
        case .short:
            guard let number = Int16(trimmed) else { throw refuse("Not a number of type SHORT") }
            self = .short(number)
        case .long:
            guard let number = Int64(trimmed) else { throw refuse("Not a number of type LONG") }
            self = .long(number)
        case .double:
            guard let number = Double(trimmed) else { throw refuse("Not a number of type DOUBLE") }
            self = .double(number)
        case .list:
            self = .list(trimmed.isEmpty ? [] : trimmed.splittingList)
        case .string: self = .string(trimmed)
        case .class: self = .class(trimmed)
        case .password: self = .password(trimmed)
        }
    }
}

extension SettingValue: CustomStringConvertible {
    /// As Kafka shows the value in DescribeConfigs answers.
    package var description: String {
        switch self {
        case .boolean(let value): value ? "true" : "false"
        case .int(let value): String(value)
        case .short(let value): String(value)
        case .long(let value): String(value)
        case .double(let value): value.javaDescription
        case .list(let value): value.joined(separator: ",")
        case .string(let value), .class(let value): value
        case .password: "[hidden]"
        }
    }
}

extension Double {
    /// As Java writes it: plain between 0.001 and 10,000,000, else with an exponent, always with a decimal point.
    var javaDescription: String {
        if isNaN { return "NaN" }
        if isInfinite { return self < 0 ? "-Infinity" : "Infinity" }
        let size = magnitude
        if size == 0 || (size >= 1e-3 && size < 1e7) { return description }
        // Swift finds the same shortest digits, but chooses other places for the exponent.
        var digits = size.description
        var exponent = 0
        if let mark = digits.firstIndex(of: "e") {
            exponent = Int(digits[digits.index(after: mark)...].drop { $0 == "+" }) ?? 0
            digits = String(digits[..<mark])
        }
        let parts = digits.split(separator: ".", omittingEmptySubsequences: false)
        let whole = parts.first ?? "0"
        let all = whole + (parts.count > 1 ? parts[1] : "")
        let significant = all.drop { $0 == "0" }
        exponent += whole.count - 1 - (all.count - significant.count)
        let tail = String(significant.dropFirst().reversed().drop { $0 == "0" }.reversed())
        return "\(self < 0 ? "-" : "")\(significant.prefix(1)).\(tail.isEmpty ? "0" : tail)E\(exponent)"
    }
}

extension StringProtocol {
    /// Without the control characters and blanks at both ends, as Java's `trim`.
    var trimmingBlanks: String {
        let scalars = unicodeScalars
        guard let first = scalars.firstIndex(where: { $0.value > 0x20 }),
            let last = scalars.lastIndex(where: { $0.value > 0x20 })
        else { return "" }
        return String(self[first...last])
    }

    /// The elements between commas, without the blanks around them. Trailing empty elements stay.
    var splittingList: [String] {
        split(separator: ",", omittingEmptySubsequences: false).map { $0.trimmingBlanks }
    }
}
