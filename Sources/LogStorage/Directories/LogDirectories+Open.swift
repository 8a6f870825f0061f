// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import Logging
import Synchronization

extension LogDirectories {
    /// Opens all log directories and the logs in them.
    ///
    /// A directory that fails is offline from the start, and the others serve; it is an error only if none is left.
    /// The lock is taken and the identity checked before anything is touched. Logs of one directory are opened by
    /// `num.recovery.threads.per.data.dir` threads, directories at the same time.
    ///
    /// - Parameters:
    ///   - fileSystem: the disk, for tests.
    ///   - opening: given the logs before they are opened, to watch ``progress`` from another thread.
    ///   - onEvent: called on whatever thread meets the failure, perhaps under locks of a log: hand over, do not call back.
    package static func open(
        _ configuration: LogDirectoriesConfiguration, fileSystem: any FileSystem = PosixFileSystem(), now: Timestamp,
        logger: Logger, opening: (LogDirectories) -> Void = { _ in },
        onEvent: @escaping @Sendable (LogDirectoryEvent) -> Void
    ) throws(LogDirectoriesError) -> LogDirectories {
        var configuration = configuration
        configuration.paths = configuration.paths.map { fileSystem.absolute($0) }
        var directories: [LogDirectory] = []
        var failures: [LogError] = []
        do throws(LogDirectoriesError) {
            var places: [String: String] = [:]
            for path in configuration.paths {
                // Whatever has been accepted so far is there, so links lead somewhere.
                if let place = fileSystem.canonicalPath(of: path), let twin = places[place] {
                    throw .sameDirectory(twin, path)
                }
                let health = DirectoryHealth(
                    path,
                    onDamage: { file in
                        logger.error(
                            "Damaged records", metadata: [LogKey.path: "\(file.path)", LogKey.error: "\(file)"])
                    }
                ) { error in
                    logger.error(
                        "Log directory is offline",
                        metadata: [LogKey.directory: "\(path)", LogKey.error: "\(error)"])
                    onEvent(.offline(path: path, error))
                }
                let prepared: Result<LogDirectory, LogDirectoriesError>
                do throws(LogError) {
                    prepared = try prepare(path, health, configuration, fileSystem)
                } catch {
                    health.condemn(error)
                    failures.append(error)
                    prepared = .success(
                        LogDirectory(path, health: health, lock: nil, meta: nil, fileSystem: fileSystem))
                }
                directories.append(try prepared.get())
                if let place = fileSystem.canonicalPath(of: path) { places[place] = path }
            }
            if let first = failures.first, failures.count == configuration.paths.count { throw .noneUsable(first) }
            // A directory without a file is new; nothing is written before all have been accepted.
            let cluster =
                configuration.clusterID ?? directories.lazy.compactMap { $0.meta.withLock { $0?.clusterID } }.first
            for directory in directories {
                try directory.meta.withLock { (meta) throws(LogDirectoriesError) in
                    if let found = meta?.clusterID, let cluster, found != cluster {
                        throw .otherCluster(path: directory.path, found: found, expected: cluster)
                    }
                }
            }
            let pool = FilePool(fileSystem, limit: configuration.openFiles)
            let manager = LogDirectories(
                configuration, fileSystem: fileSystem, pool: pool, directories: directories, logger: logger)
            manager.writeIdentity(cluster)
            opening(manager)
            try manager.loadAll(now: now)
            return manager
        } catch {
            for directory in directories { directory.lock.withLock { $0?.release() } }
            throw error
        }
    }

    /// Locks a directory and reads whose it is. The outer error is the directory's, the inner one the broker's.
    private static func prepare(
        _ path: String, _ health: DirectoryHealth, _ configuration: LogDirectoriesConfiguration,
        _ fileSystem: any FileSystem
    ) throws(LogError) -> Result<LogDirectory, LogDirectoriesError> {
        let lock = try logErrors { () throws(FileError) -> (any FileLock)? in
            try makeDirectories(path, fileSystem)
            return try fileSystem.lock(path + "/.lock")
        }
        guard let lock else { return .failure(.locked(path: path)) }
        do throws(LogError) {
            let meta = try MetaProperties.read(in: path, fileSystem)
            func refuse(_ error: LogDirectoriesError) -> Result<LogDirectory, LogDirectoriesError> {
                lock.release()
                return .failure(error)
            }
            if let meta {
                if meta.version != 0 { return refuse(.otherMode(path: path)) }
                if let found = meta.brokerID, found != configuration.brokerID {
                    return refuse(.otherBroker(path: path, found: found, expected: configuration.brokerID))
                }
                if let found = meta.clusterID, let expected = configuration.clusterID, found != expected {
                    return refuse(.otherCluster(path: path, found: found, expected: expected))
                }
            }
            let wholeSync = try logErrors { () throws(FileError) in try fileSystem.wholeSync(of: path) }
            return .success(
                LogDirectory(
                    path, health: health, lock: lock, meta: meta, wholeSync: wholeSync, fileSystem: fileSystem))
        } catch {
            lock.release()
            throw error
        }
    }

    private static func makeDirectories(_ path: String, _ fileSystem: any FileSystem) throws(FileError) {
        if try fileSystem.status(of: path) != nil { return }
        let parent = fileSystem.parent(of: path)
        if parent != path { try makeDirectories(parent, fileSystem) }
        try fileSystem.makeDirectory(path)
    }

    /// Writes `meta.properties` where it is missing or says too little.
    private func writeIdentity(_ clusterID: String?) {
        for directory in directories where !directory.health.isOffline {
            let old = directory.meta.withLock { $0 }
            var new = old ?? MetaProperties(brokerID: nil, clusterID: nil)
            new.brokerID = configuration.brokerID
            new.clusterID = clusterID ?? new.clusterID
            guard new != old, new.clusterID != nil else { continue }
            do throws(FileError) {
                try new.write(in: directory.path, fileSystem)
                let written = new
                directory.meta.withLock { $0 = written }
            } catch {
                directory.health.condemn(LogError(error))
            }
        }
    }

    // MARK: Loading

    private struct Job {
        var directory: LogDirectory
        var name: PartitionDirectoryName
        var isClean: Bool
        var recoveryPoint: Offset
        var knowsRecoveryPoint: Bool
        var logStart: Offset
        var highWatermark: Offset
        /// Up to where it was compacted; nil if never.
        var cleanedTo: Offset?
    }

    private func loadAll(now: Timestamp) throws(LogDirectoriesError) {
        var jobs: [[Job]] = []
        for directory in directories where !directory.health.isOffline {
            do throws(LogError) {
                jobs.append(
                    try directory.health.watching { () throws(LogError) in try self.jobs(in: directory, now: now) })
            } catch {
                directory.health.condemn(error)
            }
        }
        let began = ContinuousClock.now
        let loaded = Mutex<[(Job, PartitionLog)]>([])
        let work = jobs
        let threads = recoveryThreads
        let processors = Threads.processors
        let plans = work.map { jobs in
            let plans = jobs.map { $0.isClean ? RecoveryMeter.Plan() : self.plan($0) }
            if let path = jobs.first?.directory.path { self.recovery.withLock { $0.planned(in: path, plans) } }
            return plans
        }
        Threads.forEach(work.count, threads: work.count) { index in
            let jobs = work[index]
            // Logs that were closed in order are opened and not read: that waits for processors and not for the disk, for
            // whose sake there are few threads.
            let isClean = jobs.allSatisfy(\.isClean)
            Threads.forEach(jobs.count, threads: isClean ? max(threads, processors) : threads) { number in
                let log = self.load(jobs[number], plans[index][number], began: began, now: now)
                if let log { loaded.withLock { $0.append((jobs[number], log)) } }
            }
        }
        report(progress, "Loaded logs", began)
        for (job, log) in loaded.withLock({ $0 }) {
            let partition = job.name.partition
            if job.name.role == .future {
                state.withLock { $0.future[partition] = log }
            } else if let other = self.log(for: partition) {
                try settle(other, log, now: now)
            } else {
                state.withLock { $0.logs[partition] = log }
            }
        }
        // What a crash has taken counts as cut off.
        for log in allLogs { checkpointAfterCut(log) }
        if directories.allSatisfy(\.health.isOffline) {
            throw .noneUsable(.directoryOffline(path: directories.first?.path ?? ""))
        }
    }

    private func jobs(in directory: LogDirectory, now: Timestamp) throws(LogError) -> [Job] {
        let isClean = try logErrors { () throws(FileError) in
            try CleanShutdownFile.exists(in: directory.path, fileSystem)
        }
        if isClean {
            logger.debug(
                "Skipping recovery of all logs: the last shutdown was clean",
                metadata: [LogKey.directory: "\(directory.path)"])
            // From here on a crash is a crash.
            try logErrors { () throws(FileError) in try CleanShutdownFile.remove(in: directory.path, fileSystem) }
        }
        let recoveryPoints = try checkpoint(.recoveryPoint, directory)
        directory.recoveryPoints.withLock { $0 = recoveryPoints ?? [:] }
        let logStarts = try checkpoint(.logStart, directory) ?? [:]
        let highWatermarks = try checkpoint(.highWatermark, directory) ?? [:]
        directory.highWatermarks.withLock { $0 = highWatermarks }
        let compacted = try checkpoint(.cleaner, directory) ?? [:]
        let entries = try logErrors { () throws(FileError) in try fileSystem.list(directory.path) }
        var jobs: [Job] = []
        for entry in entries where entry.isDirectory {
            guard let name = PartitionDirectoryName(entry.name) else {
                logger.warning(
                    "Not a partition's directory: ignored",
                    metadata: [LogKey.directory: "\(directory.path)/\(entry.name)"])
                continue
            }
            let path = directory.path + "/" + entry.name
            switch name.role {
            case .deleted:
                state.withLock { $0.doomed.append((path, directory.health, now)) }
            case .stray:
                logger.warning("Stray partition directory: left alone", metadata: [LogKey.directory: "\(path)"])
            case .current, .future:
                jobs.append(
                    Job(
                        directory: directory, name: name, isClean: isClean,
                        recoveryPoint: recoveryPoints?[name.partition] ?? 0,
                        knowsRecoveryPoint: recoveryPoints != nil,
                        logStart: logStarts[name.partition] ?? 0,
                        highWatermark: highWatermarks[name.partition] ?? 0,
                        // A copy that is being filled is not the log that the checkpoint means.
                        cleanedTo: name.role == .current ? compacted[name.partition] : nil))
            }
        }
        if !isClean, !jobs.isEmpty {
            logger.info(
                "Recovering logs: no clean shutdown file was found",
                metadata: [LogKey.directory: "\(directory.path)", LogKey.count: "\(jobs.count)"])
        }
        return jobs
    }

    /// A damaged checkpoint (nil) costs time, or is learned anew, but is no reason not to start.
    private func checkpoint(
        _ kind: OffsetCheckpoint.Kind, _ directory: LogDirectory
    ) throws(LogError) -> [TopicPartition: Offset]? {
        do throws(LogError) {
            return try directory.checkpoint(kind).read()
        } catch {
            guard case .malformed(let file) = error else { throw error }
            logger.warning("Checkpoint is damaged and taken as empty", metadata: [LogKey.error: "\(file)"])
            return nil
        }
    }

    /// What recovery will have to read of a log: its segments from the one that holds the recovery point on. An estimate,
    /// since nothing has been put right yet; what cannot be looked at is left to the loader.
    private func plan(_ job: Job) -> RecoveryMeter.Plan {
        let path = job.directory.path + "/" + job.name.name
        var plan = RecoveryMeter.Plan()
        guard let entries = try? fileSystem.list(path) else { return plan }
        let bases = entries.compactMap { SegmentFileName($0.name) }.filter { $0.kind == .log && $0.suffix == .none }
            .map(\.base).sorted()
        let first = bases.lastIndex { $0 <= job.recoveryPoint } ?? 0
        for base in bases.dropFirst(first) {
            plan.segments += 1
            plan.bytes +=
                (try? fileSystem.status(of: path + "/" + SegmentFileName(base: base, kind: .log).name))?.size ?? 0
        }
        return plan
    }

    private func report(_ progress: LoadProgress, _ message: Logger.Message, _ began: ContinuousClock.Instant) {
        let elapsed = ContinuousClock.now - began
        let seconds = max(elapsed / .seconds(1), 0.001)
        var metadata: Logger.Metadata = [
            "logs": "\(progress.logsLoaded)/\(progress.logsTotal)", "milliseconds": "\(Int(seconds * 1000))",
        ]
        if progress.bytesTotal > 0 {
            metadata["segments"] = "\(progress.segmentsRecovered)/\(progress.segmentsTotal)"
            metadata["bytes"] = "\(progress.bytesScanned)/\(progress.bytesTotal)"
            metadata["bytes.per.second"] = "\(Int64(Double(progress.bytesScanned) / seconds))"
        }
        if progress.remainingLogs > 0, let left = progress.timeLeft(after: elapsed) {
            metadata["seconds.left"] = "\(left.components.seconds + 1)"
        }
        logger.info(message, metadata: metadata)
    }

    /// Runs on a thread of the start, which also says from time to time how it goes.
    private func load(
        _ job: Job, _ plan: RecoveryMeter.Plan, began: ContinuousClock.Instant, now: Timestamp
    ) -> PartitionLog? {
        let did = Mutex(RecoveryMeter.Plan())
        defer {
            let did = did.withLock { $0 }
            recovery.withLock { $0.finished(in: job.directory.path, plan, did: did) }
        }
        var logger = logger
        logger[metadataKey: LogKey.partition] = "\(job.name.partition)"
        logger[metadataKey: LogKey.directory] = "\(job.directory.path)"
        let reporter = logger
        let topic = configuration.topics[job.name.partition.topic] ?? configuration.defaults
        let loader = LogLoader(
            partition: job.name.partition, directory: job.directory.path + "/" + job.name.name,
            health: job.directory.health, pool: pool,
            configuration: topic, isClean: job.isClean, recoveryPoint: job.recoveryPoint, logStart: job.logStart,
            highWatermark: job.highWatermark, wasCompacted: job.cleanedTo != nil || topic.isCompacted,
            knowsRecoveryPoint: job.knowsRecoveryPoint, now: now,
            producerExpiration: producerExpiration,
            report: { report in
                let due = self.recovery.withLock { meter -> LoadProgress? in
                    switch report {
                    case .scanned(let bytes):
                        meter.scanned(bytes, in: job.directory.path)
                        did.withLock { $0.bytes += bytes }
                    case .recovered:
                        meter.recoveredSegment(in: job.directory.path)
                        did.withLock { $0.segments += 1 }
                    default: return nil
                    }
                    return meter.due(after: ContinuousClock.now - began)
                }
                if let due { self.report(due, "Recovering logs", began) }
                report.log(to: reporter)
            })
        do throws(LogError) {
            let log = try job.directory.health.watching { () throws(LogError) in try loader.load() }
            log.noteCleaned(to: job.cleanedTo)
            return log
        } catch {
            logger.error("Log could not be opened", metadata: [LogKey.error: "\(error)"])
            job.directory.health.condemn(error)
            return nil
        }
    }
}

extension DirectoryHealth {
    /// Takes the directory offline whatever the error: nothing can be opened in it.
    func condemn(_ error: LogError) {
        switch error {
        case .file: report(error)
        case .directoryOffline: break
        default: fail(error)
        }
    }
}

/// Keys of log metadata.
enum LogKey {
    static let partition = "kafka.partition"
    static let directory = "kafka.log.dir"
    static let error = "error"
    static let count = "count"
    static let offset = "kafka.offset"
    static let segment = "kafka.segment"
    static let bytes = "bytes"
    static let path = "path"
    static let reason = "reason"
}
