// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import KafkaRecords
import NIOCore
import Testing

@Suite struct DownConversionTests {
    private func batch(
        _ count: Int, from base: Offset, _ change: (inout RecordBatchBuilder.Settings) -> Void = { _ in }
    ) -> ByteBuffer {
        var settings = RecordBatchBuilder.Settings()
        settings.baseOffset = base
        change(&settings)
        var builder = RecordBatchBuilder(settings)
        for index in 0..<count {
            builder.append(
                timestamp: 1000 + Int64(index), key: index == 1 ? nil : ByteBuffer(string: "key \(index)"),
                value: ByteBuffer(string: "value \(index)"),
                headers: [RecordHeader(key: "h", value: nil)])
        }
        return builder.finish()
    }

    private func records(_ data: ByteBuffer) throws -> [Record] {
        try RecordBatches(data).all().flatMap { batch in
            #expect(batch.hasValidChecksum)
            return try batch.allRecords()
        }
    }

    @Test(arguments: [0, 1] as [Int8], [CompressionCodec.none, .gzip, .snappy, .lz4])
    func recordsKeepOffsetsKeysAndValues(_ magic: Int8, _ codec: CompressionCodec) throws {
        let data = batch(4, from: 70) { $0.compression = Compression(codec) }
        let converted = try DownConversion.convert(data, to: magic, from: 70)
        let headers = try RecordBatches(converted).all().map(\.header)
        #expect(Set(headers.map(\.magic)) == [magic] && Set(headers.map(\.codec)) == [codec])
        let read = try records(converted)
        #expect(read.map(\.offset) == [70, 71, 72, 73])
        #expect(read.map(\.timestamp) == (magic == 0 ? [-1, -1, -1, -1] : [1000, 1001, 1002, 1003]))
        #expect(read.map(\.value) == (0..<4).map { ByteBuffer(string: "value \($0)") })
        #expect(read[1].key == nil)
        #expect(read.flatMap(\.headers) == [])
    }

    @Test func theBrokersTimestampStays() throws {
        let data = batch(2, from: 0) {
            $0.timestampType = .logAppendTime
            $0.logAppendTime = 5555
            $0.compression = Compression(.gzip)
        }
        let converted = try DownConversion.convert(data, to: 1, from: 0)
        #expect(try RecordBatches(converted).all().map(\.header.timestampType) == [.logAppendTime])
        #expect(try records(converted).map(\.timestamp) == [5555, 5555])
    }

    @Test func markersAreDroppedAndOlderFormatsStay() throws {
        var data = batch(1, from: 0) { $0.magic = 0 }
        let old = data
        var marker = RecordBatchBuilder.endTransaction(
            EndTransactionMarker(isCommit: true, coordinatorEpoch: 0), producerID: 1, producerEpoch: 0, timestamp: 0)
        data.writeBuffer(&marker)
        let converted = try DownConversion.convert(data, to: 1, from: 0)
        #expect(converted == old)
    }

    @Test func onlyWhatWasAskedForComes() throws {
        var data = batch(3, from: 10)
        data.writeImmutableBuffer(batch(3, from: 13))
        let all = try DownConversion.convert(data, to: 1, from: 12)
        #expect(try records(all).map(\.offset) == [12, 13, 14, 15])
        let first = try DownConversion.convert(data, to: 1, from: 12, limit: 1)
        #expect(try records(first).map(\.offset) == [12])
    }

    @Test func zstdHasNoOlderFormat() {
        let data = batch(1, from: 0) { $0.compression = Compression(.zstd) }
        #expect(
            throws: RecordError.unsupportedCompression(
                "Down-conversion of zstandard-compressed batches is not supported")
        ) {
            try DownConversion.convert(data, to: 1, from: 0)
        }
    }
}
