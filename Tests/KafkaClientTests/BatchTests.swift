// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import KafkaRecords
import NIOCore
import Testing

@testable import KafkaClient

@Suite struct BatchTests {
    /// What is written is read back by the reader that the broker uses, and the other way round by a consumer.
    @Test(arguments: ClientConfiguration.Compression.allCases)
    func batchesReadBackAsTheyWereWritten(_ compression: ClientConfiguration.Compression) throws {
        var writer = BatchWriter(capacity: 100)
        let headers = [KafkaClient.RecordHeader(key: "h", value: "x"), .init(key: "n", value: ByteBuffer?.none)]
        writer.append(key: ByteBuffer(string: "k"), value: nil, headers: headers, timestamp: 5000)
        for index in 1..<100 {
            let value = ByteBuffer(repeating: UInt8(index), count: index * 7)
            writer.append(key: nil, value: value, headers: [], timestamp: 5000 - Int64(index))
        }
        var batch = ProducerMachine.Drained(
            id: 0, partition: TopicPartition("t", 0), content: writer.buffer, isCompressed: false, count: writer.count,
            baseTimestamp: writer.baseTimestamp, maxTimestamp: writer.maxTimestamp,
            producer: .init(id: 9, epoch: 2), baseSequence: 5, isTransactional: false)
        var configuration = ClientConfiguration()
        configuration.compression = compression
        BatchSealer.seal(&batch, configuration)
        // Sealing again, as for another try, changes nothing.
        let once = batch.content
        BatchSealer.seal(&batch, configuration)
        #expect(batch.content == once)

        let read = try #require(try RecordBatches(batch.content).all().first)
        #expect(read.hasValidChecksum)
        #expect(read.header.producerID == 9 && read.header.producerEpoch == 2 && read.header.baseSequence == 5)
        #expect(read.header.codec.name == compression.rawValue)
        #expect(read.header.maxTimestamp == 5000 && read.header.baseTimestamp == 5000)

        var fetched = FetchedRecords(
            partition: batch.partition, from: 0, bytes: batch.content, aborted: nil, checksCRCs: true)
        var records: [ConsumerRecord] = []
        #expect(try fetched.take(1000, into: &records) == 100)
        #expect(fetched.nextOffset == 100)
        #expect(records[0].key.map { String(buffer: $0) } == "k")
        #expect(records[0].value == nil)
        #expect(records[0].headers == headers)
        #expect(records[99].offset == 99 && records[99].timestamp == 4901)
        #expect(records[99].value?.readableBytes == 693)
    }

    @Test func aConsumerStartsInTheMiddleOfABatch() throws {
        var writer = BatchWriter(capacity: 100)
        for _ in 0..<10 { writer.append(key: nil, value: ByteBuffer(string: "v"), headers: [], timestamp: 1) }
        var batch = ProducerMachine.Drained(
            id: 0, partition: TopicPartition("t", 0), content: writer.buffer, isCompressed: false, count: writer.count,
            baseTimestamp: 1, maxTimestamp: 1, producer: .init(id: -1, epoch: -1), baseSequence: -1,
            isTransactional: false)
        BatchSealer.seal(&batch, ClientConfiguration())
        var fetched = FetchedRecords(
            partition: batch.partition, from: 4, bytes: batch.content, aborted: nil, checksCRCs: true)
        var records: [ConsumerRecord] = []
        #expect(try fetched.take(3, into: &records) == 3)
        #expect(try fetched.take(30, into: &records) == 3)
        #expect(records.map(\.offset) == [4, 5, 6, 7, 8, 9])
    }

    @Test func damageIsAnErrorNotARecord() throws {
        var writer = BatchWriter(capacity: 100)
        writer.append(key: nil, value: ByteBuffer(string: "value"), headers: [], timestamp: 1)
        var batch = ProducerMachine.Drained(
            id: 0, partition: TopicPartition("t", 0), content: writer.buffer, isCompressed: false, count: 1,
            baseTimestamp: 1, maxTimestamp: 1, producer: .init(id: -1, epoch: -1), baseSequence: -1,
            isTransactional: false)
        BatchSealer.seal(&batch, ClientConfiguration())
        var bytes = batch.content
        bytes.setInteger(UInt8(0), at: bytes.writerIndex - 3)
        var fetched = FetchedRecords(
            partition: batch.partition, from: 0, bytes: bytes, aborted: nil, checksCRCs: true)
        var records: [ConsumerRecord] = []
        #expect(throws: KafkaError.self) { try fetched.take(1, into: &records) }
        #expect(records.isEmpty)
    }
}
