// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import Logging
import Synchronization

/// Settings of the cleaner, `log.cleaner.*`.
package struct LogCleanerConfiguration: Hashable, Sendable {
    /// `log.cleaner.threads`: how many threads call ``LogCleaner/cleanNext(now:)``; memory is shared out among them.
    package var threads = 1
    /// `log.cleaner.dedupe.buffer.size`, over all threads.
    package var dedupeBufferBytes = 128 << 20
    /// `log.cleaner.io.buffer.load.factor`
    package var loadFactor = 0.9
    /// `log.cleaner.io.buffer.size`, over all threads.
    package var bufferBytes = 512 << 10
    /// `log.cleaner.io.max.bytes.per.second`, read and written, over all threads.
    package var bytesPerSecond = Double.greatestFiniteMagnitude

    package init() {}
}

/// How compaction stands, for metrics.
package struct LogCleanerStatus: Sendable {
    /// Partitions that cannot be compacted until the broker is restarted, and why.
    package var uncleanable: [TopicPartition: String]
    /// How many of them each log directory holds (`uncleanable-partitions-count`).
    package var uncleanableCounts: [String: Int]
    package var inProgress: Set<TopicPartition>
    /// The largest dirty part of a log, from 0 to 1, when it was last looked for (`max-dirty-percent`).
    package var maximumDirtyRatio: Double
    /// The newest compaction (`max-buffer-utilization-percent`, `cleaner-recopy-percent`).
    package var last: CleaningResult?
    /// How long it took.
    package var lastDuration: Duration?
    /// When it was last looked for something to do (`time-since-last-run-ms`).
    package var lastRun: Timestamp?
}

/// Compacts the logs of a broker. Runs nothing by itself: threads of the broker call ``cleanNext(now:)`` again and
/// again, and sleep `log.cleaner.backoff.ms` when it returns false.
///
/// Safe from any thread; two threads never work on the same log. Locks: `picking`, then `state`.
package final class LogCleaner: Sendable {
    private let logs: LogDirectories
    private let configuration: Mutex<LogCleanerConfiguration>
    private let throttle: CleanerThrottle
    private let logger: Logger

    private struct State {
        var inProgress: Set<TopicPartition> = []
        var uncleanable: [TopicPartition: (log: PartitionLog, reason: String)] = [:]
        var maximumDirtyRatio = 0.0
        var last: CleaningResult?
        var lastDuration: Duration?
        var lastRun: Timestamp?
    }
    private let state: Mutex<State>
    /// One thread looks for work at a time, so that another finds what that one has left.
    private let picking = Mutex<Void>(())
    private let isStopped = Atomic(false)

    /// - Parameter logs: all open, so that they know up to where they are compacted.
    package init(_ logs: LogDirectories, _ configuration: LogCleanerConfiguration, logger: Logger) {
        self.logs = logs
        self.configuration = Mutex(configuration)
        self.logger = logger
        throttle = CleanerThrottle(bytesPerSecond: configuration.bytesPerSecond)
        state = Mutex(State())
    }

    package var status: LogCleanerStatus {
        state.withLock { state in
            LogCleanerStatus(
                uncleanable: state.uncleanable.mapValues(\.reason),
                uncleanableCounts: state.uncleanable.values.reduce(into: [:]) {
                    $0[$1.log.logDirectory, default: 0] += 1
                },
                inProgress: state.inProgress, maximumDirtyRatio: state.maximumDirtyRatio, last: state.last,
                lastDuration: state.lastDuration, lastRun: state.lastRun)
        }
    }

    /// New settings: the rate holds at once, the rest from the next log on.
    package func reconfigure(_ configuration: LogCleanerConfiguration) {
        self.configuration.withLock { $0 = configuration }
        throttle.set(bytesPerSecond: configuration.bytesPerSecond)
    }

    /// ``cleanNext(now:)`` starts nothing more, and gives up what it is at. Then the checkpoints are as they should be.
    package func stop() {
        isStopped.store(true, ordering: .releasing)
        throttle.stop()
    }

    /// Compacts the log that needs it most. Returns whether there was one.
    @discardableResult
    package func cleanNext(now: Timestamp) -> Bool {
        guard !isStopped.load(ordering: .acquiring), let job = pick(now: now) else { return false }
        defer { _ = state.withLock { $0.inProgress.remove(job.log.topicPartition) } }
        return clean(job, now: now)
    }

    // MARK: Picking

    private struct Job {
        var log: PartitionLog
        var range: CleanerPlan.Range
        var ratio: Double
        /// The number of the last cut that the range takes account of.
        var cuts: Int
    }

    private func pick(now: Timestamp) -> Job? {
        picking.withLock { _ in
            forgetClosedLogs()
            var best: Job?
            var dirtiest = 0.0
            for log in logs.logs where log.configuration.isCompacted && !log.isOffline {
                let partition = log.topicPartition
                logs.recordCut(ofCleaned: log)
                guard log.segmentCount > 1 else { continue }
                // A copy that is to take over in another directory must become what this log is (KIP-113).
                guard isFree(log), logs.futureLog(for: partition) == nil else { continue }
                do throws(LogError) {
                    let (job, ratio) = try job(log, now: now)
                    dirtiest = max(dirtiest, ratio)
                    if let job, best.map({ job.ratio > $0.ratio }) ?? true { best = job }
                } catch {
                    note(error, log)
                }
            }
            state.withLock { state in
                state.maximumDirtyRatio = dirtiest
                state.lastRun = now
                if let best { state.inProgress.insert(best.log.topicPartition) }
            }
            return best
        }
    }

    /// Deleted and moved logs are not kept in memory by what was known of them.
    private func forgetClosedLogs() {
        let open = Dictionary(logs.logs.map { ($0.topicPartition, $0) }, uniquingKeysWith: { first, _ in first })
        state.withLock { state in
            state.uncleanable = state.uncleanable.filter { open[$0.key] === $0.value.log }
        }
    }

    private func isFree(_ log: PartitionLog) -> Bool {
        state.withLock { state in
            if let mark = state.uncleanable[log.topicPartition], mark.log === log { return false }
            return !state.inProgress.contains(log.topicPartition)
        }
    }

    private func job(_ log: PartitionLog, now: Timestamp) throws(LogError) -> (job: Job?, ratio: Double) {
        let (view, segments) = try log.cleaningFacts()
        let settings = view.configuration
        let range = CleanerPlan.range(
            checkpoint: view.cleanedTo, offsets: view.offsets, activeBase: view.segments.active.base,
            segments: segments, minimumLag: settings.minimumCompactionLagMilliseconds, now: now)
        guard !range.isEmpty else { return (nil, 0) }
        let dirt = CleanerPlan.dirt(
            segments, range, maximumLag: settings.maximumCompactionLagMilliseconds, now: now)
        guard dirt.isDue(minimumRatio: settings.minimumCleanableDirtyRatio) else { return (nil, dirt.ratio) }
        return (Job(log: log, range: range, ratio: dirt.ratio, cuts: view.truncations), dirt.ratio)
    }

    // MARK: Cleaning

    /// Returns whether the log was worked on to a good end.
    private func clean(_ job: Job, now: Timestamp) -> Bool {
        let configuration = configuration.withLock { $0 }
        let threads = max(configuration.threads, 1)
        var settings = CleaningSettings()
        settings.mapBytes = configuration.dedupeBufferBytes / threads
        settings.loadFactor = configuration.loadFactor
        settings.bufferBytes = max(configuration.bufferBytes / threads, 64 << 10)
        settings.pace = { [throttle] in throttle.pass($0) }
        settings.isStopped = { [self] in isStopped.load(ordering: .acquiring) }
        settings.recordRecoveryPoint = { [logs] () throws(LogError) in try logs.recordRecoveryPoint(of: job.log) }
        do throws(CleaningFailure) {
            let start = ContinuousClock.now
            let result = try job.log.clean(job.range, settings, now: now)
            guard result.cleanedTo > job.range.firstDirty else {
                mark(job.log, "no record of a batch fits into the map: raise log.cleaner.dedupe.buffer.size")
                return false
            }
            let duration = ContinuousClock.now - start
            tell(job.log, result, duration)
            state.withLock { state in
                state.last = result
                state.lastDuration = duration
            }
            job.log.noteCleaned(to: result.cleanedTo, cuts: job.cuts)
            writeCheckpoint(of: job.log)
            return true
        } catch {
            switch error {
            case .interrupted:
                logger.debug(
                    "Compaction was interrupted", metadata: [LogKey.partition: "\(job.log.topicPartition)"])
            case .records(let error, let path, let position):
                mark(job.log, "\(path), byte \(position): the batch cannot be read: \(error.message)")
            case .log(let error): note(error, job.log)
            }
            return false
        }
    }

    private func tell(_ log: PartitionLog, _ result: CleaningResult, _ time: Duration) {
        logger.info(
            "Compacted log",
            metadata: [
                LogKey.partition: "\(log.topicPartition)", LogKey.offset: "\(result.cleanedTo)",
                "bytes.read": "\(result.bytesRead)", "bytes.written": "\(result.bytesWritten)",
                "keys": "\(result.keys)", "segments.before": "\(result.segmentsBefore)",
                "segments.after": "\(result.segmentsAfter)", "duration": "\(time)",
            ])
    }

    private func note(_ error: LogError, _ log: PartitionLog) {
        switch error {
        case .malformed, .corruptBatch: mark(log, "\(error)")
        case .closed, .directoryOffline: break
        default:
            logger.warning(
                "Compaction failed and is tried again",
                metadata: [LogKey.partition: "\(log.topicPartition)", LogKey.error: "\(error)"])
        }
    }

    private func mark(_ log: PartitionLog, _ reason: String) {
        state.withLock { $0.uncleanable[log.topicPartition] = (log, reason) }
        logger.error(
            "Log cannot be compacted and is left alone until the next start",
            metadata: [LogKey.partition: "\(log.topicPartition)", LogKey.reason: "\(reason)"])
    }

    private func writeCheckpoint(of log: PartitionLog) {
        do throws(LogError) {
            try logs.recordCleaned(log)
        } catch {
            logger.error(
                "Checkpoint could not be written",
                metadata: [LogKey.directory: "\(log.logDirectory)", LogKey.error: "\(error)"])
        }
    }
}
