// SPDX-License-Identifier: Apache-2.0

import BrokerSettings
import KafkaModel
import KafkaRecords
import LogStorage

extension LogConfiguration {
    /// What a log needs of its topic's settings.
    init(_ topic: TopicConfiguration) {
        self.init()
        segmentBytes = topic.segmentBytes
        segmentMilliseconds = topic.segmentAge.wholeMilliseconds
        segmentJitterMilliseconds = topic.segmentJitter.wholeMilliseconds
        indexBytes = topic.indexBytes
        indexIntervalBytes = topic.indexIntervalBytes
        retentionBytes = topic.retentionBytes ?? -1
        retentionMilliseconds = topic.retention?.wholeMilliseconds ?? -1
        isDeleted = topic.cleanupPolicy.contains(.delete)
        isCompacted = topic.cleanupPolicy.contains(.compact)
        deleteRetentionMilliseconds = topic.deleteRetention.wholeMilliseconds
        minimumCompactionLagMilliseconds = topic.minCompactionLag.wholeMilliseconds
        maximumCompactionLagMilliseconds = topic.maxCompactionLag.wholeMilliseconds
        minimumCleanableDirtyRatio = topic.minCleanableRatio
        fileDeleteDelayMilliseconds = topic.fileDeleteDelay.wholeMilliseconds
        maximumBatchBytes = topic.maxMessageBytes
        flushRecords = topic.flushMessages
        flushMilliseconds = topic.flushInterval.wholeMilliseconds
        preallocate = topic.preallocates
        usesLogAppendTime = topic.timestampType == .logAppendTime
        timestampBeforeMaximumMilliseconds = topic.timestampBeforeMax.wholeMilliseconds
        timestampAfterMaximumMilliseconds = topic.timestampAfterMax.wholeMilliseconds
        allowsDownConversion = topic.downConverts
    }
}

extension ProduceValidator.Settings {
    /// What the checks of a producer's records need of the topic's settings; the partition is filled in later.
    init(_ topic: TopicConfiguration) {
        self.init(partition: TopicPartition("", 0))
        isCompacted = topic.cleanupPolicy.contains(.compact)
        timestampType = topic.timestampType == .logAppendTime ? .logAppendTime : .createTime
        timestampBeforeMax = topic.timestampBeforeMax.wholeMilliseconds
        timestampAfterMax = topic.timestampAfterMax.wholeMilliseconds
        compression =
            switch topic.compression {
            case .producer: nil
            case .uncompressed: Compression.none
            case .gzip: Compression(.gzip, level: topic.gzipLevel == -1 ? nil : topic.gzipLevel)
            case .snappy: Compression(.snappy)
            case .lz4: Compression(.lz4, level: topic.lz4Level)
            case .zstd: Compression(.zstd, level: topic.zstdLevel)
            }
        maxMessageBytes = topic.maxMessageBytes
    }
}

extension Duration {
    /// As the settings count; what does not fit is the largest number.
    var wholeMilliseconds: Int64 {
        let (seconds, attoseconds) = components
        let (milliseconds, overflow) = seconds.multipliedReportingOverflow(by: 1000)
        guard !overflow else { return seconds < 0 ? .min : .max }
        let (sum, overflows) = milliseconds.addingReportingOverflow(attoseconds / 1_000_000_000_000_000)
        return overflows ? .max : sum
    }
}
