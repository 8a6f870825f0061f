// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import LogStorage
import Metrics

/// Shows logs, log directories and compaction.
final class LogSource: Sendable {
    private let logs: LogDirectories
    private let cleaner: CleanerThreads
    private let flushes: RecentHistogram

    init(_ logs: LogDirectories, _ cleaner: CleanerThreads, flushes: Histogram) {
        self.logs = logs
        self.cleaner = cleaner
        self.flushes = RecentHistogram(flushes, now: Int64(BrokerClock.monotonicMilliseconds))
    }

    func write(_ text: inout MetricsText) {
        writeLogs(&text)
        writeDirectories(&text)
        writeCleaner(&text)
        let (all, recent) = flushes.look(now: Int64(BrokerClock.monotonicMilliseconds))
        text.family(.flushes) { $0.add(all, recent: recent, milliseconds: nil) }
    }

    private func writeLogs(_ text: inout MetricsText) {
        let logs = logs.logs.filter { !$0.isOffline }.sorted { $0.topicPartition < $1.topicPartition }
        func write(_ family: MetricFamily, _ value: (PartitionLog) -> Int64?) {
            text.family(family) { samples in
                for log in logs {
                    let id = log.topicPartition
                    if let value = value(log) { samples.add(value, id.topic, "\(id.partition)") }
                }
            }
        }
        // Starts are read before ends, so that no log seems to end before it starts.
        write(.logStart) { $0.offsets.logStart }
        write(.logEnd) { $0.offsets.logEnd }
        write(.logSegments) { Int64($0.segmentCount) }
        write(.logSize) { try? $0.byteCount() }
    }

    private func writeDirectories(_ text: inout MetricsText) {
        let (online, offline) = (logs.onlinePaths, logs.offlinePaths)
        text.value(.offlineDirectories, offline.count)
        text.family(.directoryOffline) { samples in
            for path in online { samples.add(0, path) }
            for path in offline { samples.add(1, path) }
        }
        text.family(.directorySpace) { samples in
            for (path, bytes) in logs.availableBytes { samples.add(bytes, path) }
        }
        text.family(.damagedPlaces) { samples in
            for (path, count) in logs.damagedPlaces { samples.add(count, path) }
        }
    }

    private func writeCleaner(_ text: inout MetricsText) {
        let status = cleaner.status
        text.family(.uncleanable) { samples in
            for path in logs.onlinePaths { samples.add(status.uncleanableCounts[path] ?? 0, path) }
        }
        text.family(.uncleanablePartition) { samples in
            for partition in status.uncleanable.keys.sorted() {
                samples.add(1, partition.topic, "\(partition.partition)")
            }
        }
        text.value(.dirtyRatio, Int((status.maximumDirtyRatio * 100).rounded()))
        if let last = status.lastRun { text.value(.sinceLastCleaning, max(0, BrokerClock.now - last)) }
        if let last = status.last {
            text.value(.cleanerBufferUse, Int((last.mapUse * 100).rounded()))
            let kept = last.bytesRead > 0 ? 100 * Double(last.bytesWritten) / Double(last.bytesRead) : 0
            text.value(.cleanerRecopied, Int(kept.rounded()))
        }
        text.value(.deadCleaners, cleaner.missingThreads)
        text.value(.cleaning, status.inProgress.count)
    }
}
