// SPDX-License-Identifier: Apache-2.0

/// What values a setting takes beyond its type.
package enum SettingConstraint: Sendable {
    case any
    case atLeast(Double)
    case between(Double, Double)
    case oneOf([String])
    /// A list, each element one of these.
    case eachOneOf([String])
    /// 1…9, or -1 for the codec's own default.
    case gzipLevel
    /// A version of Kafka as `inter.broker.protocol.version` writes it.
    case protocolVersion
    /// `partition:broker` pairs, `*`, or nothing.
    case throttledReplicas

    /// - Throws: `SettingsError.invalidValue`, in the words of Kafka's validators.
    func check(_ value: SettingValue, name: String) throws(SettingsError) {
        func refuse(_ reason: String, _ shown: String? = nil) -> SettingsError {
            .invalidValue(name: name, value: shown ?? value.description, reason: reason)
        }
        switch self {
        case .any: return
        case .atLeast(let minimum):
            if value.number < minimum { throw refuse("Value must be at least \(bound(minimum, like: value))") }
        case .between(let minimum, let maximum):
            if value.number < minimum { throw refuse("Value must be at least \(bound(minimum, like: value))") }
            if value.number > maximum { throw refuse("Value must be no more than \(bound(maximum, like: value))") }
        case .oneOf(let allowed):
            if !allowed.contains(value.description) {
                throw refuse("String must be one of: \(allowed.joined(separator: ", "))")
            }
        case .eachOneOf(let allowed):
            guard case .list(let elements) = value else { return }
            for element in elements where !allowed.contains(element) {
                throw refuse("String must be one of: \(allowed.joined(separator: ", "))", element)
            }
        case .gzipLevel:
            if value.number != -1, !(1...9).contains(value.number) {
                throw refuse("Value must be between 1 and 9 or equal to -1")
            }
        case .protocolVersion:
            if ProtocolVersion(value.description) == nil { throw refuse("Version \(value) is not a valid version") }
        case .throttledReplicas:
            guard case .list(let elements) = value, !elements.isEmpty, elements != ["*"] else { return }
            for element in elements where !element.isThrottledReplica {
                throw refuse(
                    """
                    [\(elements.joined(separator: ", "))] must be the literal '*' or a list of replicas in the \
                    following format: [partitionId]:[brokerId],[partitionId]:[brokerId],...
                    """, element)
            }
        }
    }

    /// Java shows a bound in the setting's own type.
    private func bound(_ number: Double, like value: SettingValue) -> String {
        if case .double = value, number != number.rounded() { return number.javaDescription }
        return String(Int64(number))
    }

    /// What is allowed, for people; nil where the type says it all.
    package var explanation: String? {
        func shown(_ number: Double) -> String {
            number == number.rounded() ? String(Int64(number)) : number.description
        }
        switch self {
        case .any: return nil
        case .atLeast(let minimum): return "at least \(shown(minimum))"
        case .between(let minimum, let maximum): return "\(shown(minimum)) to \(shown(maximum))"
        case .oneOf(let allowed): return "one of \(allowed.joined(separator: ", "))"
        case .eachOneOf(let allowed): return "a list of \(allowed.joined(separator: ", "))"
        case .gzipLevel: return "1 to 9, or -1"
        case .protocolVersion: return "a Kafka version from 0.8.0 to 3.9-IV0"
        case .throttledReplicas: return "partition:broker pairs, or *"
        }
    }
}

extension SettingValue {
    fileprivate var number: Double {
        switch self {
        case .int(let value): Double(value)
        case .short(let value): Double(value)
        case .long(let value): Double(value)
        case .double(let value): value
        case .boolean, .string, .list, .class, .password: 0
        }
    }
}

extension String {
    fileprivate var isThrottledReplica: Bool {
        let parts = split(separator: ":", omittingEmptySubsequences: false)
        return parts.count == 2 && parts.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }
    }
}
