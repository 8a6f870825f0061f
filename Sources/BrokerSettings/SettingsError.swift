// SPDX-License-Identifier: Apache-2.0

import KafkaModel

/// Why settings are refused. The descriptions are Kafka's where it has one, since operators search for them.
package enum SettingsError: Error, Hashable, Sendable {
    /// A value of the wrong type or out of range; `reason` says what is allowed.
    case invalidValue(name: String, value: String, reason: String)
    /// Settings that contradict each other, or a required one that is missing.
    case contradiction(String)
    /// A topic setting that does not exist.
    case unknownTopicSetting(String)
    /// A dynamic change of settings that only a restart changes, or at a level where they have no meaning.
    case notUpdatable(String)
    /// A line of a properties file, or an argument of `--override`, that cannot be read.
    case malformed(String)
    /// Something that Kafka offers and this broker does not, which must not be passed over in silence.
    case unsupported(String)

    /// The code that answers a request with these settings.
    package var errorCode: ErrorCode {
        switch self {
        case .notUpdatable, .malformed: .invalidRequest
        case .invalidValue, .contradiction, .unknownTopicSetting, .unsupported: .invalidConfig
        }
    }
}

extension SettingsError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .invalidValue(let name, let value, let reason):
            "Invalid value \(value) for configuration \(name): \(reason)"
        case .unknownTopicSetting(let name): "Unknown topic config name: \(name)"
        case .contradiction(let text), .notUpdatable(let text), .malformed(let text), .unsupported(let text): text
        }
    }
}
