// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import KafkaRecords

/// Turns batches into what a consumer returns.
enum RecordDecoding {
    static func isAbortMarker(_ batch: RecordBatch) throws(RecordError) -> Bool {
        try batch.endTransactionMarker()?.isCommit == false
    }

    /// Appends the records of a batch from `offset` on.
    static func decode(
        _ batch: RecordBatch, of partition: TopicPartition, from offset: Offset, into records: inout [ConsumerRecord]
    ) throws(RecordError) {
        let header = batch.header
        let type: ConsumerRecord.TimestampType =
            switch header.timestampType {
            case .none: .none
            case .createTime: .createTime
            case .logAppendTime: .logAppendTime
            }
        let epoch = header.magic >= 2 && header.partitionLeaderEpoch >= 0 ? header.partitionLeaderEpoch : nil
        var iterator = try batch.records()
        while let record = try iterator.next() {
            guard record.offset >= offset else { continue }
            records.append(
                ConsumerRecord(
                    topic: partition.topic, partition: partition.partition, offset: record.offset,
                    timestamp: record.timestamp, timestampType: type, key: record.key, value: record.value,
                    headers: record.headers.map { RecordHeader(key: $0.key, value: $0.value) }, leaderEpoch: epoch))
        }
    }
}
