// SPDX-License-Identifier: Apache-2.0

import KafkaProtocol
import NIOCore

/// Prints the records of `__consumer_offsets` and `__transaction_state` as the message formatters of 3.9 do: as JSON, or,
/// by the classes that are to go with 4.0, as their Scala values print themselves.
struct InternalRecordFormatter {
    enum Content { case offsets, groups, transactions }
    enum Form { case json, text }

    let content: Content
    let form: Form

    /// What is printed of a record; nil if it is none of those that the formatter is for. JSON has no line end, as in 3.9.
    /// Throws if the bytes are none of what their version says.
    func text(key: ByteBuffer?, value: ByteBuffer?) throws -> String? {
        switch form {
        case .json:
            var keyText = "null"
            if let key {
                guard let data = try keyJSON(key) else { return nil }
                keyText = "{\"version\":\(try Self.version(key)),\"data\":\(data)}"
            }
            let valueText =
                try value.map { "{\"version\":\(try Self.version($0)),\"data\":\(try valueJSON($0))}" } ?? "null"
            return "{\"key\":\(keyText),\"value\":\(valueText)}"
        case .text:
            guard let key, let subject = try subject(key) else { return nil }
            // A key of a version that is not known has no value that is.
            guard let name = subject.name else { return subject.text + "\n" }
            return "\(subject.text)::\(try value.map { try valueText($0, name) } ?? "NULL")\n"
        }
    }

    private static func version(_ bytes: ByteBuffer) throws -> Int16 {
        guard let version = bytes.getInteger(at: bytes.readerIndex, as: Int16.self) else {
            throw JavaException(javaClass: "java.nio.BufferUnderflowException", message: "null")
        }
        return version
    }

    /// Nil for a version that is not known.
    private static func read<Message: DataMessage>(_: Message.Type, _ bytes: ByteBuffer) throws -> Message? {
        Message.versions.contains(try version(bytes)) ? try Message(withVersion: bytes) : nil
    }

    // MARK: JSON

    private static let unknown = "\"unknown\""

    /// Nil for a key of the other kind in the same topic.
    private func keyJSON(_ bytes: ByteBuffer) throws -> String? {
        if content == .transactions {
            return try Self.read(TransactionLogKey.self, bytes).map {
                "{\"transactionalId\":\(JSON.quoted($0.transactionalID))}"
            } ?? Self.unknown
        }
        if let key = try Self.read(OffsetCommitKey.self, bytes) {
            guard content == .offsets else { return nil }
            return
                "{\"group\":\(JSON.quoted(key.group)),\"topic\":\(JSON.quoted(key.topic)),\"partition\":\(key.partition)}"
        }
        if let key = try Self.read(GroupMetadataKey.self, bytes) {
            return content == .groups ? "{\"group\":\(JSON.quoted(key.group))}" : nil
        }
        return Self.unknown
    }

    private func valueJSON(_ bytes: ByteBuffer) throws -> String {
        let version = try Self.version(bytes)
        let json =
            switch content {
            case .offsets: try Self.read(OffsetCommitValue.self, bytes).map { Self.json($0, version) }
            case .groups: try Self.read(GroupMetadataValue.self, bytes).map { Self.json($0, version) }
            case .transactions: try Self.read(TransactionLogValue.self, bytes).map { Self.json($0) }
            }
        return json ?? Self.unknown
    }

    private static func json(_ value: OffsetCommitValue, _ version: Int16) -> String {
        var text = "{\"offset\":\(value.offset)"
        if version >= 3 { text += ",\"leaderEpoch\":\(value.leaderEpoch)" }
        text += ",\"metadata\":\(JSON.quoted(value.metadata)),\"commitTimestamp\":\(value.commitTimestamp)"
        if version == 1 { text += ",\"expireTimestamp\":\(value.expireTimestamp)" }
        return text + "}"
    }

    /// A member as it is stored; what its library has written is the caller's to show.
    static func json(
        _ member: GroupMetadataValue.MemberMetadata, _ version: Int16, subscription: String, assignment: String
    ) -> String {
        var text = "{\"memberId\":\(JSON.quoted(member.memberID))"
        if version >= 3 { text += ",\"groupInstanceId\":\(member.groupInstanceID.map(JSON.quoted) ?? "null")" }
        text += ",\"clientId\":\(JSON.quoted(member.clientID)),\"clientHost\":\(JSON.quoted(member.clientHost))"
        if version >= 1 { text += ",\"rebalanceTimeout\":\(member.rebalanceTimeout)" }
        text += ",\"sessionTimeout\":\(member.sessionTimeout)"
        return text + ",\"subscription\":\(subscription),\"assignment\":\(assignment)}"
    }

    private static func json(_ value: GroupMetadataValue, _ version: Int16) -> String {
        func quoted(_ text: String?) -> String { text.map(JSON.quoted) ?? "null" }
        let members = value.members.map { member in
            json(
                member, version, subscription: JSON.base64(member.subscription),
                assignment: JSON.base64(member.assignment))
        }
        var text = "{\"protocolType\":\(JSON.quoted(value.protocolType)),\"generation\":\(value.generation)"
        text += ",\"protocol\":\(quoted(value.protocol)),\"leader\":\(quoted(value.leader))"
        if version >= 2 { text += ",\"currentStateTimestamp\":\(value.currentStateTimestamp)" }
        return text + ",\"members\":[\(members.joined(separator: ","))]}"
    }

    private static func json(_ value: TransactionLogValue) -> String {
        let partitions = value.transactionPartitions.map { topics in
            let topics = topics.map { topic in
                let numbers = topic.partitionIDs.map(String.init).joined(separator: ",")
                return "{\"topic\":\(JSON.quoted(topic.topic)),\"partitionIds\":[\(numbers)]}"
            }
            return "[\(topics.joined(separator: ","))]"
        }
        var text = "{\"producerId\":\(value.producerID),\"producerEpoch\":\(value.producerEpoch)"
        text += ",\"transactionTimeoutMs\":\(value.transactionTimeoutMs)"
        text += ",\"transactionStatus\":\(value.transactionStatus)"
        text += ",\"transactionPartitions\":\(partitions ?? "null")"
        text += ",\"transactionLastUpdateTimestampMs\":\(value.transactionLastUpdateTimestampMs)"
        return text + ",\"transactionStartTimestampMs\":\(value.transactionStartTimestampMs)}"
    }

    // MARK: Text

    /// What a record is about, and the name in it; nil if the formatter is not for it.
    private func subject(_ bytes: ByteBuffer) throws -> (text: String, name: String?)? {
        switch content {
        case .transactions:
            guard let key = try Self.read(TransactionLogKey.self, bytes) else {
                return ("unknown::version=\(try Self.version(bytes))", nil)
            }
            return (key.transactionalID, key.transactionalID)
        case .offsets:
            return try Self.read(OffsetCommitKey.self, bytes).map {
                ("[\($0.group),\($0.topic),\($0.partition)]", $0.group)
            }
        case .groups: return try Self.read(GroupMetadataKey.self, bytes).map { ($0.group, $0.group) }
        }
    }

    private func valueText(_ bytes: ByteBuffer, _ name: String) throws -> String {
        switch content {
        case .offsets:
            guard let value = try Self.read(OffsetCommitValue.self, bytes) else {
                throw try Self.unknownVersion(bytes, "Unknown offset message version: ")
            }
            let epoch = value.leaderEpoch < 0 ? "Optional.empty" : "Optional[\(value.leaderEpoch)]"
            let expiry = Self.option(value.expireTimestamp < 0 ? nil : "\(value.expireTimestamp)")
            return
                "OffsetAndMetadata(offset=\(value.offset), leaderEpoch=\(epoch), metadata=\(value.metadata), commitTimestamp=\(value.commitTimestamp), expireTimestamp=\(expiry))"
        case .groups:
            guard let value = try Self.read(GroupMetadataValue.self, bytes) else {
                throw try Self.unknownVersion(bytes, "Unknown group metadata message version: ")
            }
            return Self.text(value, name, try Self.version(bytes))
        case .transactions:
            guard let value = try Self.read(TransactionLogValue.self, bytes) else {
                throw try Self.unknownVersion(bytes, "Unknown version ", " from the transaction log message value")
            }
            return try Self.text(value, name)
        }
    }

    private static func unknownVersion(_ bytes: ByteBuffer, _ before: String, _ after: String = "") throws
        -> JavaException
    {
        JavaException(
            javaClass: "java.lang.IllegalStateException", message: "\(before)\(try version(bytes))\(after)")
    }

    private static func option(_ text: String?) -> String { text.map { "Some(\($0))" } ?? "None" }

    private static func text(_ value: GroupMetadataValue, _ group: String, _ version: Int16) -> String {
        var members: [String: String] = [:]
        for member in value.members {
            let rebalance = version == 0 ? member.sessionTimeout : member.rebalanceTimeout
            members[member.memberID] =
                "MemberMetadata(memberId=\(member.memberID), groupInstanceId=\(option(member.groupInstanceID)), clientId=\(member.clientID), clientHost=\(member.clientHost), sessionTimeoutMs=\(member.sessionTimeout), rebalanceTimeoutMs=\(rebalance), supportedProtocols=List(\(value.protocol ?? "null")))"
        }
        // Scala's map has the order of Java's.
        let listed = JavaOrder.strings(value.members.map(\.memberID)).map { "\($0) -> \(members[$0] ?? "")" }
        return
            "GroupMetadata(groupId=\(group), generation=\(value.generation), protocolType=\(option(value.protocolType.isEmpty ? nil : value.protocolType)), currentState=\(value.members.isEmpty ? "Empty" : "Stable"), members=HashMap(\(listed.joined(separator: ", "))))"
    }

    private static let states = [
        "Empty", "Ongoing", "PrepareCommit", "PrepareAbort", "CompleteCommit", "CompleteAbort", "Dead",
        "PrepareEpochFence",
    ]

    private static func text(_ value: TransactionLogValue, _ id: String) throws -> String {
        let status = Int(value.transactionStatus)
        guard states.indices.contains(status) else {
            throw JavaException(
                javaClass: "java.lang.IllegalStateException",
                message: "Unknown transaction state id \(status) from the transaction status message")
        }
        let partitions = (status == 0 ? nil : value.transactionPartitions)?.flatMap { topic in
            topic.partitionIDs.map { TopicPartition(topic.topic, $0) }
        }
        let listed = JavaOrder.partitions(partitions ?? []).map(\.description).joined(separator: ", ")
        return
            "TransactionMetadata(transactionalId=\(id), producerId=\(value.producerID), producerEpoch=\(value.producerEpoch), txnTimeoutMs=\(value.transactionTimeoutMs), state=\(states[status]), pendingState=None, topicPartitions=HashSet(\(listed)), txnStartTimestamp=\(value.transactionStartTimestampMs), txnLastUpdateTimestamp=\(value.transactionLastUpdateTimestampMs))"
    }
}
