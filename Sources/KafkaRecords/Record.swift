// SPDX-License-Identifier: Apache-2.0

package import KafkaModel
package import NIOCore

/// One record. Keys, values and headers are slices of the batch it was read from, or of its unpacked records.
package struct Record: Hashable, Sendable {
    package var offset: Offset
    /// −1 in format 0 and where the producer gave none.
    package var timestamp: Timestamp
    package var key: ByteBuffer?
    package var value: ByteBuffer?
    package var headers: [RecordHeader]
    /// −1 without idempotence.
    package var sequence: Int32

    package init(
        offset: Offset = 0, timestamp: Timestamp = -1, key: ByteBuffer? = nil, value: ByteBuffer? = nil,
        headers: [RecordHeader] = [], sequence: Int32 = -1
    ) {
        self.offset = offset
        self.timestamp = timestamp
        self.key = key
        self.value = value
        self.headers = headers
        self.sequence = sequence
    }
}

/// A header of a record (KIP-82). Keys may repeat.
package struct RecordHeader: Hashable, Sendable {
    /// UTF-8; kept as bytes so that what passes through stays as it was.
    package var keyBytes: ByteBuffer
    package var value: ByteBuffer?

    package var key: String { String(buffer: keyBytes) }

    package init(key: String, value: ByteBuffer?) {
        self.init(keyBytes: ByteBuffer(string: key), value: value)
    }

    package init(keyBytes: ByteBuffer, value: ByteBuffer?) {
        self.keyBytes = keyBytes
        self.value = value
    }
}

/// What the only record of a control batch says (KIP-98): a transaction of the batch's producer ended.
package struct EndTransactionMarker: Hashable, Sendable {
    /// Else it was aborted.
    package var isCommit: Bool
    /// The leader epoch of the `__transaction_state` partition whose coordinator decided.
    package var coordinatorEpoch: Int32

    package init(isCommit: Bool, coordinatorEpoch: Int32) {
        self.isCommit = isCommit
        self.coordinatorEpoch = coordinatorEpoch
    }

    /// Nil for control records of other kinds, which a broker of this kind has no use for. Throws `.invalid` if the
    /// key or value has the wrong form.
    package init?(_ record: Record) throws(RecordError) {
        guard let type = try ControlRecordType(record) else { return nil }
        switch type {
        case .abort: isCommit = false
        case .commit: isCommit = true
        default: return nil
        }
        guard var value = record.value, let version = value.readInteger(as: Int16.self), version >= 0,
            let epoch = value.readInteger(as: Int32.self)
        else { throw .invalid("Invalid value of an end transaction marker") }
        coordinatorEpoch = epoch
    }

    /// The key of the control record: version 0 and the type.
    package var key: ByteBuffer {
        var key = ByteBuffer()
        key.writeMultipleIntegers(0 as Int16, isCommit ? ControlRecordType.commit.rawValue : 0)
        return key
    }

    /// The value of the control record: version 0 and the coordinator's epoch.
    package var value: ByteBuffer {
        var value = ByteBuffer()
        value.writeMultipleIntegers(0 as Int16, coordinatorEpoch)
        return value
    }
}

/// The kinds of control records. Those from 2 on belong to KRaft.
package struct ControlRecordType: RawRepresentable, Hashable, Sendable {
    package let rawValue: Int16

    package init(rawValue: Int16) {
        self.rawValue = rawValue
    }

    package static let abort = ControlRecordType(rawValue: 0)
    package static let commit = ControlRecordType(rawValue: 1)

    /// Nil for a key of a newer version, whose type may mean something else.
    package init?(_ record: Record) throws(RecordError) {
        guard var key = record.key, let version = key.readInteger(as: Int16.self), version >= 0,
            let type = key.readInteger(as: Int16.self)
        else { throw .invalid("Invalid key of a control record") }
        guard version == 0 else { return nil }
        rawValue = type
    }
}
