// SPDX-License-Identifier: Apache-2.0

extension BrokerConfiguration {
    /// The log directories and the jobs over them.
    package struct Logs: Hashable, Sendable {
        /// As written, in order; at least one.
        package let directories: [String]
        package let recoveryThreadsPerDirectory: Int
        package let moveThreads: Int
        package let retentionCheckInterval: Duration
        /// The default retention; nil: for ever.
        package let retention: Duration?
        package let rollAge: Duration
        package let rollJitter: Duration
        /// The default of `flush.ms`.
        package let flushInterval: Duration
        package let flushCheckInterval: Duration
        package let recoveryPointCheckpointInterval: Duration
        package let startOffsetCheckpointInterval: Duration
        package let directoryFailureTimeout: Duration

        init(_ values: SettingValues) throws(SettingsError) {
            let written = values.string("log.dirs") ?? values.string("log.dir") ?? ""
            directories = written.splittingList.filter { !$0.isEmpty }
            guard !directories.isEmpty else {
                throw .contradiction("At least one log directory must be defined via log.dirs or log.dir.")
            }
            recoveryThreadsPerDirectory = values.integer("num.recovery.threads.per.data.dir")
            moveThreads = values.optionalInteger("num.replica.alter.log.dirs.threads") ?? directories.count
            retentionCheckInterval = values.milliseconds("log.retention.check.interval.ms")
            rollAge = Self.finest(
                values.optionalInteger("log.roll.ms"), hours: values.integer("log.roll.hours"))
            rollJitter = Self.finest(
                values.optionalInteger("log.roll.jitter.ms"), hours: values.integer("log.roll.jitter.hours"))
            retention = try Self.retention(values)
            let check = values.milliseconds("log.flush.scheduler.interval.ms")
            flushCheckInterval = check
            flushInterval = values.optionalInteger("log.flush.interval.ms").map { .milliseconds($0) } ?? check
            recoveryPointCheckpointInterval = values.milliseconds("log.flush.offset.checkpoint.interval.ms")
            startOffsetCheckpointInterval = values.milliseconds("log.flush.start.offset.checkpoint.interval.ms")
            directoryFailureTimeout = values.milliseconds("log.dir.failure.timeout.ms")
            guard rollAge >= .milliseconds(1) else {
                throw .contradiction("log.roll.ms must be greater than or equal to 1")
            }
            guard rollJitter >= .zero else {
                throw .contradiction("log.roll.jitter.ms must be greater than or equal to 0")
            }
        }

        private static func finest(_ milliseconds: Int?, hours: Int) -> Duration {
            milliseconds.map { .milliseconds($0) } ?? .seconds(hours * 3600)
        }

        private static func retention(_ values: SettingValues) throws(SettingsError) -> Duration? {
            let milliseconds =
                values.optionalInteger("log.retention.ms")
                ?? values.optionalInteger("log.retention.minutes").map { $0 * 60_000 }
                ?? values.integer("log.retention.hours") * 3_600_000
            if milliseconds < 0 { return nil }
            guard milliseconds > 0 else {
                throw .contradiction("log.retention.ms must be unlimited (-1) or, greater than or equal to 1")
            }
            return .milliseconds(milliseconds)
        }
    }
}
