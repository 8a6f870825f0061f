// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import KafkaRecords
import NIOCore

/// `<offset>.snapshot`: the state of all producers after the records below the offset.
///
///     0         2     6       10
///     | version | crc | count | entries …      int16 1, CRC-32C of all that follows it, int32
///
///     entry, 46 bytes, big-endian:
///     0            8       10             14           22            26          34
///     | producerID | epoch | lastSequence | lastOffset | offsetDelta | timestamp | coordinatorEpoch int32 |
///     38
///     | currentTxnFirstOffset int64, −1: none |
///
/// Only the last batch of a producer is stored; the other four of the window are lost with the process.
package enum ProducerSnapshot {
    static let version: Int16 = 1
    static let headerBytes = 10
    static let entryBytes = 46

    package static func encode(_ producers: [ProducerState]) -> [UInt8] {
        var body = ByteBufferAllocator().buffer(capacity: 4 + producers.count * entryBytes)
        body.writeInteger(Int32(producers.count))
        for state in producers {
            body.writeInteger(state.producerID)
            body.writeInteger(state.epoch)
            body.writeInteger(state.lastSequence)
            body.writeInteger(state.lastOffset)
            body.writeInteger(state.batches.last?.offsetDelta ?? 0)
            body.writeInteger(state.lastTimestamp)
            body.writeInteger(state.coordinatorEpoch)
            body.writeInteger(state.transactionStart ?? -1)
        }
        var file = ByteBufferAllocator().buffer(capacity: 6 + body.readableBytes)
        file.writeInteger(version)
        file.writeInteger(checksum(body))
        file.writeBuffer(&body)
        return Array(file.readableBytesView)
    }

    package static func decode(_ content: [UInt8], path: String) throws(MalformedFile) -> [ProducerState] {
        func malformed(_ position: Int, _ problem: String) -> MalformedFile {
            MalformedFile(
                path, .position(Int64(position)), problem,
                advice: "delete the file: an older snapshot and the log's batches take its place")
        }
        var buffer = ByteBuffer(bytes: content)
        guard let (version, crc) = buffer.readMultipleIntegers(as: (Int16, UInt32).self) else {
            throw malformed(0, "is shorter than its header")
        }
        guard version == Self.version else { throw malformed(0, "version is \(version), expected 1") }
        let computed = checksum(buffer)
        guard computed == crc else { throw malformed(2, "the checksum is \(crc), the content's is \(computed)") }
        guard let count = buffer.readInteger(as: Int32.self), count >= 0 else {
            throw malformed(6, "the number of entries is missing or negative")
        }
        guard buffer.readableBytes == Int(count) * entryBytes else {
            throw malformed(6, "announces \(count) entries, \(buffer.readableBytes) bytes follow")
        }
        var producers: [ProducerState] = []
        producers.reserveCapacity(Int(count))
        while let (id, epoch, sequence, offset, delta, timestamp, coordinator, start) = buffer.readMultipleIntegers(
            as: (Int64, Int16, Int32, Int64, Int32, Int64, Int32, Int64).self)
        {
            var state = ProducerState(id)
            state.epoch = epoch
            state.lastTimestamp = timestamp
            state.coordinatorEpoch = coordinator
            state.transactionStart = start >= 0 ? start : nil
            if offset >= 0 {
                guard delta >= 0, sequence >= -1 else {
                    throw malformed(
                        headerBytes + producers.count * entryBytes, "an entry has a negative sequence or delta")
                }
                state.batches = [
                    ProducedBatch(
                        lastSequence: sequence, lastOffset: offset, offsetDelta: delta, maxTimestamp: timestamp)
                ]
            }
            producers.append(state)
        }
        return producers
    }

    private static func checksum(_ buffer: ByteBuffer) -> UInt32 {
        buffer.withUnsafeReadableBytes { Checksum.crc32c($0) }
    }
}
