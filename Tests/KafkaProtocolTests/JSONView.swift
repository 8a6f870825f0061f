// SPDX-License-Identifier: Apache-2.0

import Foundation
import KafkaModel
import KafkaProtocol

/// Compares a message with the JSON that Kafka's own classes made of the same bytes.
enum JSONView {
    /// The differences, each with its path; empty when they agree. Fields that the JSON lacks are not looked at.
    static func differences(_ expected: Any, _ actual: Any, path: String = "") -> [String] {
        let actual = unwrapped(actual)
        if let object = expected as? [String: Any], let actual {
            let properties = Mirror(reflecting: actual).children
            return object.sorted { $0.key < $1.key }.flatMap { key, value -> [String] in
                // Record data is recorded as its size only.
                let name = key == "recordsSizeInBytes" ? "records" : swiftName(key)
                guard let property = properties.first(where: { $0.label == name }) else {
                    return ["\(path).\(key): no such property"]
                }
                return differences(value, property.value, path: "\(path).\(key)")
            }
        }
        if let array = expected as? [Any], let actual, let elements = elements(actual) {
            guard array.count == elements.count else {
                return ["\(path): \(elements.count) elements instead of \(array.count)"]
            }
            return zip(array, elements).enumerated().flatMap { index, pair in
                differences(pair.0, pair.1, path: "\(path)[\(index)]")
            }
        }
        return isEqual(expected, actual) ? [] : ["\(path): \(String(describing: actual)) instead of \(expected)"]
    }

    private static func isEqual(_ expected: Any, _ actual: Any?) -> Bool {
        switch actual {
        case nil: return expected is NSNull || (expected as? NSNumber)?.intValue == 0
        case let value as Bool: return (expected as? NSNumber)?.boolValue == value
        case let value as String: return expected as? String == value
        case let value as KafkaUUID: return expected as? String == value.description
        case let value as ErrorCode: return (expected as? NSNumber)?.int16Value == value.rawValue
        case let value as Double: return (expected as? NSNumber)?.doubleValue == value
        case let value as [UInt8]: return expected as? String == Data(value).base64EncodedString()
        case let value as RecordsPayload: return (expected as? NSNumber)?.intValue == value.readableBytes
        case let value as any BinaryInteger: return (expected as? NSNumber)?.int64Value == Int64(value)
        default: return false
        }
    }

    private static func elements(_ value: Any) -> [Any]? {
        let mirror = Mirror(reflecting: value)
        return mirror.displayStyle == .collection ? mirror.children.map(\.value) : nil
    }

    private static func unwrapped(_ value: Any) -> Any? {
        let mirror = Mirror(reflecting: value)
        guard mirror.displayStyle == .optional else { return value }
        return mirror.children.first.flatMap { unwrapped($0.value) }
    }

    /// `topicIds` is `topicIDs` in Swift.
    private static func swiftName(_ name: String) -> String {
        var words: [String] = []
        for character in name {
            if character.isUppercase || words.isEmpty { words.append("") }
            words[words.count - 1].append(character)
        }
        return words.map { $0 == "Id" ? "ID" : $0 == "Ids" ? "IDs" : $0 }.joined()
    }
}
