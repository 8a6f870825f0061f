// SPDX-License-Identifier: Apache-2.0

import Foundation
import GoldenFixtures
import KafkaModel
import ZooKeeperStore

/// One entry of ZooKeeper's transaction log, as the recordings have it.
struct RecordedWrite {
    /// One operation; a multi has several.
    struct Part: Hashable {
        /// `create`, `setData`, `delete`, `check`, `setACL`; `error` in place of what was refused.
        var kind: String
        var path: String
        /// As recorded; nil is null data.
        var data: [UInt8]?
        /// The log has the version that a change of data led to, and for a check the one after that which was expected.
        var version: Int32?
        var isEphemeral = false
        var acl: Set<String> = []
        /// ZooKeeper's code of an error.
        var code: Int32?

        /// What is to be equal: JSON by its meaning, since Kafka writes maps in the order of hashes, and without the time
        /// of an election.
        var meaning: Part {
            var part = self
            guard let data, var object = try? JSONSerialization.jsonObject(with: Data(data)) as? [String: Any] else {
                return part
            }
            if path == ZNodes.controller { object["timestamp"] = nil }
            let sorted = try? JSONSerialization.data(withJSONObject: object, options: [.sortedKeys])
            part.data = sorted.map { Array($0) }
            return part
        }
    }

    /// In place of a part's kind, for entries that are about sessions.
    static let sessionKinds: Set<String> = ["createSession", "closeSession"]

    var zxid: Int64
    var session: Int64
    var parts: [Part]
    var isMulti: Bool

    var meaning: [Part] { parts.map(\.meaning) }

    /// The topic whose partition's state is changed.
    var topicOfState: String? { parts.last.flatMap { ZNodes.partition(ofState: $0.path)?.topic } }

    /// Without who leads and who is in sync, which are in nobody's interest once a topic is being deleted: Kafka takes its
    /// replicas away broker by broker, in the order of a hash set, and so any of them may be the last.
    var meaningUnderDeletion: [Part] {
        meaning.map { part in
            guard ZNodes.partition(ofState: part.path) != nil, let data = part.data,
                var object = try? JSONSerialization.jsonObject(with: Data(data)) as? [String: Any]
            else { return part }
            object["leader"] = nil
            object["isr"] = nil
            var part = part
            part.data = (try? JSONSerialization.data(withJSONObject: object, options: [.sortedKeys])).map { Array($0) }
            return part
        }
    }

    /// Whether only a controller, or who wants to be it, writes this.
    var isControllers: Bool {
        guard let first = parts.first else { return false }
        switch (first.kind, first.path) {
        case ("check", ZNodes.controllerEpoch), ("create", ZNodes.controller), ("create", ZNodes.controllerEpoch),
            ("create", ZNodes.feature), ("setData", ZNodes.feature), ("setData", ZNodes.producerIDBlock):
            return true
        default: return false
        }
    }

    init(zxid: Int64, session: Int64, parts: [Part], isMulti: Bool) {
        self.zxid = zxid
        self.session = session
        self.parts = parts
        self.isMulti = isMulti
    }

    init(_ json: [String: Any]) {
        zxid = (json["zxid"] as? NSNumber)?.int64Value ?? 0
        session = (json["session"] as? String).flatMap { Int64($0, radix: 16) } ?? 0
        let list = json["ops"] as? [[String: Any]]
        isMulti = list != nil
        parts = (list ?? [json]).map { part in
            Part(
                kind: part["op"] as? String ?? "", path: part["path"] as? String ?? "",
                data: (part["data"] as? String).map { Array($0.utf8) },
                version: (part["version"] as? NSNumber)?.int32Value,
                isEphemeral: (part["ephemeral"] as? NSNumber)?.boolValue ?? false,
                acl: Set((part["acl"] as? [[String: Any]] ?? []).map(Self.text)),
                code: (part["code"] as? NSNumber)?.int32Value)
        }
    }

    static func text(_ acl: [String: Any]) -> String {
        "\(acl["scheme"] ?? ""):\(acl["id"] ?? ""):\((acl["perms"] as? NSNumber)?.int32Value ?? 0)"
    }
}

extension RecordedWrite: CustomStringConvertible {
    var description: String {
        let text = parts.map { part in
            let data = part.data.map { String(decoding: $0, as: UTF8.self) } ?? ""
            return
                "\(part.kind) \(part.path) \(part.version.map { "@\($0)" } ?? "") \(part.code.map { "\($0)" } ?? "")\(data)"
        }
        return "\(zxid): " + text.joined(separator: " | ")
    }
}
