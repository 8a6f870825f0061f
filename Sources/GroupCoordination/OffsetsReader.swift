// SPDX-License-Identifier: Apache-2.0

internal import KafkaModel
import KafkaProtocol
internal import NIOCore

/// Reads the records of a partition of `__consumer_offsets` one after the other.
///
/// Most are positions of the group and topic that the record before was of, without a note. Those are compared with it
/// instead of being decoded, and share its names; all others are read as ``OffsetsRecord`` reads them.
struct OffsetsReader: Sendable {
    /// The key before, without the number of the partition at its end.
    private var lastKey = ByteBuffer()
    private var group = ""
    private var topic = ""

    private static let partitionSize = MemoryLayout<Int32>.size

    /// Nil for kinds of records that this version does not know.
    mutating func read(key: ByteBuffer, value: ByteBuffer?) throws(WireError) -> OffsetsRecord? {
        if let partition = partition(ofKeyLikeTheLast: key), let position = value.flatMap(Self.position) {
            return .offset(group: group, TopicPartition(topic, partition), position)
        }
        let record = try OffsetsRecord(key: key, value: value)
        if case .offset(let group, let partition, _)? = record {
            lastKey = key.prefix(key.readableBytes - Self.partitionSize) ?? ByteBuffer()
            self.group = group
            topic = partition.topic
        }
        return record
    }

    private func partition(ofKeyLikeTheLast key: ByteBuffer) -> Int32? {
        let namesSize = key.readableBytes - Self.partitionSize
        guard namesSize == lastKey.readableBytes, namesSize > 0, key.prefix(namesSize) == lastKey else { return nil }
        return key.getInteger(at: key.readerIndex + namesSize)
    }

    /// A position of version 3 without a note; nil for any other.
    private static func position(_ bytes: ByteBuffer) -> OffsetCommitValue? {
        var bytes = bytes
        guard let (version, offset) = bytes.readMultipleIntegers(as: (Int16, Int64).self), version == 3,
            let (epoch, noteSize, timestamp) = bytes.readMultipleIntegers(as: (Int32, Int16, Int64).self),
            noteSize == 0, bytes.readableBytes == 0
        else { return nil }
        return OffsetCommitValue(
            offset: offset, leaderEpoch: epoch, metadata: "", commitTimestamp: timestamp, expireTimestamp: -1)
    }
}

extension ByteBuffer {
    fileprivate func prefix(_ length: Int) -> ByteBuffer? { getSlice(at: readerIndex, length: length) }
}
