// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import KafkaProtocol
import KafkaRecords
import NIOCore

/// How `kafka-dump-log` writes keys and values.
enum RecordTextDecoder {
    /// As UTF-8.
    case text
    /// As what `__consumer_offsets` holds.
    case offsets
    /// As what `__transaction_state` holds.
    case transactions

    /// Key and value; nil for what is not printed.
    func texts(of record: Record) -> (key: String?, payload: String?) {
        switch self {
        case .text: (record.key.map { String(buffer: $0) }, record.value.map { String(buffer: $0) })
        case .offsets: (record.key.flatMap(Self.offsetsKey), Self.offsetsValue(record))
        case .transactions: (record.key.flatMap(Self.transactionKey), Self.transactionValue(record))
        }
    }

    private static let deleted = "<DELETE>"

    private static func version(of bytes: ByteBuffer?) -> Int16? { bytes.flatMap { $0.getInteger(at: $0.readerIndex) } }

    // MARK: __consumer_offsets

    private static func offsetsKey(_ bytes: ByteBuffer) -> String? {
        switch version(of: bytes) {
        case let version? where (0...1).contains(version):
            guard let key = try? OffsetCommitKey(withVersion: bytes) else { return nil }
            return
                "{\"type\":\"\(version)\",\"data\":{\"group\":\(JSON.quoted(key.group)),\"topic\":\(JSON.quoted(key.topic)),\"partition\":\(key.partition)}}"
        case 2?:
            guard let key = try? GroupMetadataKey(withVersion: bytes) else { return nil }
            return "{\"type\":\"2\",\"data\":{\"group\":\(JSON.quoted(key.group))}}"
        default: return nil
        }
    }

    private static func offsetsValue(_ record: Record) -> String? {
        guard let bytes = record.value else { return deleted }
        guard let version = version(of: bytes) else { return nil }
        let data: String?
        switch self.version(of: record.key) {
        case 0?, 1?:
            data = (try? OffsetCommitValue(withVersion: bytes)).map { value in
                var data = "{\"offset\":\(value.offset)"
                if version >= 3 { data += ",\"leaderEpoch\":\(value.leaderEpoch)" }
                data += ",\"metadata\":\(JSON.quoted(value.metadata)),\"commitTimestamp\":\(value.commitTimestamp)"
                if version == 1 { data += ",\"expireTimestamp\":\(value.expireTimestamp)" }
                return data + "}"
            }
        case 2?: data = (try? GroupMetadataValue(withVersion: bytes)).map { group($0, version) }
        default: data = nil
        }
        return data.map { "{\"version\":\"\(version)\",\"data\":\($0)}" }
    }

    private static func group(_ value: GroupMetadataValue, _ version: Int16) -> String {
        var data =
            "{\"protocolType\":\(JSON.quoted(value.protocolType)),\"generation\":\(value.generation),"
            + "\"protocol\":\(quoted(value.protocol)),\"leader\":\(quoted(value.leader))"
        if version >= 2 { data += ",\"currentStateTimestamp\":\(value.currentStateTimestamp)" }
        let isConsumer = value.protocolType == "consumer"
        let members = value.members.map { member in
            InternalRecordFormatter.json(
                member, version,
                subscription: (isConsumer ? subscription(member.subscription) : nil)
                    ?? JSON.base64(member.subscription),
                assignment: (isConsumer ? assignment(member.assignment) : nil) ?? JSON.base64(member.assignment))
        }
        return data + ",\"members\":[\(members.joined(separator: ","))]}"
    }

    private static func subscription(_ bytes: [UInt8]) -> String? {
        let buffer = ByteBuffer(bytes: bytes)
        guard let version = version(of: buffer),
            let value = try? ConsumerProtocolSubscription(withVersion: buffer, laterAsLatest: true)
        else { return nil }
        var text = "{\"topics\":[\(value.topics.map(JSON.quoted).joined(separator: ","))]"
        text += ",\"userData\":\(value.userData.map(JSON.base64) ?? "null")"
        if version >= 1 {
            let owned = value.ownedPartitions.map { partitions($0.topic, $0.partitions) }
            text += ",\"ownedPartitions\":[\(owned.joined(separator: ","))]"
        }
        if version >= 2 { text += ",\"generationId\":\(value.generationID)" }
        if version >= 3 { text += ",\"rackId\":\(quoted(value.rackID))" }
        return text + "}"
    }

    private static func assignment(_ bytes: [UInt8]) -> String? {
        guard !bytes.isEmpty else { return nil }
        guard
            let value = try? ConsumerProtocolAssignment(
                withVersion: ByteBuffer(bytes: bytes), laterAsLatest: true)
        else { return nil }
        let assigned = value.assignedPartitions.map { partitions($0.topic, $0.partitions) }
        return
            "{\"assignedPartitions\":[\(assigned.joined(separator: ","))],\"userData\":\(value.userData.map(JSON.base64) ?? "null")}"
    }

    private static func partitions(_ topic: String, _ numbers: [Int32]) -> String {
        "{\"topic\":\(JSON.quoted(topic)),\"partitions\":[\(numbers.map(String.init).joined(separator: ","))]}"
    }

    private static func quoted(_ text: String?) -> String { text.map(JSON.quoted) ?? "null" }

    // MARK: __transaction_state

    private static func transactionKey(_ bytes: ByteBuffer) -> String? {
        (try? TransactionLogKey(withVersion: bytes)).map {
            "transaction_metadata::transactionalId=\($0.transactionalID)"
        }
    }

    private static let states = [
        "Empty", "Ongoing", "PrepareCommit", "PrepareAbort", "CompleteCommit", "CompleteAbort", "Dead",
        "PrepareEpochFence",
    ]

    private static func transactionValue(_ record: Record) -> String? {
        guard let bytes = record.value else { return deleted }
        guard let value = try? TransactionLogValue(withVersion: bytes) else { return nil }
        let partitions = (value.transactionPartitions ?? []).flatMap { topic in
            topic.partitionIDs.map { "\(topic.topic)-\($0)" }
        }
        let state = Int(value.transactionStatus)
        return
            "producerId:\(value.producerID),producerEpoch:\(value.producerEpoch),state=\(states.indices.contains(state) ? states[state] : "\(state)"),partitions=[\(partitions.joined(separator: ","))],txnLastUpdateTimestamp=\(value.transactionLastUpdateTimestampMs),txnTimeoutMs=\(value.transactionTimeoutMs)"
    }
}
