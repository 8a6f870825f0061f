// SPDX-License-Identifier: Apache-2.0
//
// What the storage engine costs, beside the least that its work can cost on this machine.
//
//   storage append|flush|start|lookup|clean [--directory .] [--runs 5] …
//
// append   ready batches of 16 KiB, 128 KiB and 1 MiB to a log, and the same bytes by pwritev to a file, by turns: CPU of
//          the thread per GB, and their ratio. [--megabytes 512] each. Mark: 1.3
// flush    one record at a time with flush.messages=1, by 1, 16 and 256 producers that share syncs: acks per second and
//          latency, beside fdatasync alone. [--seconds 3]
// start    opening [--logs 10000] logs after a stop in order; then [--tails 1000] logs that were killed with
//          [--tail-kilobytes 1024] unflushed each, beside reading these files
// lookup   the way from an offset to a range of a file, in a log of ten segments: time of each, of one in the newest
//          records, and of offsets for times. Fails if any of the first two allocates
// clean    compaction of [--megabytes 256] of records of 1 KiB, of which one in ten stays: MB read per second, CPU per GB

import AllocationCounter
import BenchmarkKit
import Glibc
import KafkaModel
import KafkaRecords
import LogStorage
import Logging
import NIOCore
import Synchronization

let options = Options(["--mode"] + CommandLine.arguments.dropFirst())
let runs = options.integer("runs", default: 5)
let parent = options["directory", default: "."]
var clock = timespec()
clock_gettime(CLOCK_REALTIME, &clock)
let timestamp = Int64(clock.tv_sec) * 1000
let quiet = Logger(label: "storage") { _ in SwiftLogNoOpLogHandler() }

/// A batch of records of 1 KiB, as a producer sends it.
func batch(bytes: Int) throws -> ValidatedBatches {
    var builder = RecordBatchBuilder(capacity: bytes)
    let value = ByteBuffer(repeating: 7, count: min(1024, bytes / 2))
    repeat {
        builder.append(timestamp: timestamp, key: nil, value: value)
    } while builder.sizeInBytes + value.readableBytes + 12 <= bytes
    return try ProduceValidator(.init(partition: TopicPartition("t", 0))).validate(
        builder.finish(), produceVersion: 9, now: timestamp)
}

/// Log directories in a new place, which is removed afterwards.
final class Home {
    let path: String
    private(set) var logs: LogDirectories?

    init() throws {
        var template = Array("\(parent)/martlet-storage.XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { fail("no directory in \(parent)") }
        path = String(cString: made)
        try open()
    }

    func open(threads: Int = 1) throws {
        var configuration = LogDirectoriesConfiguration(paths: [path], brokerID: 0, clusterID: "storage")
        configuration.recoveryThreads = threads
        logs = try LogDirectories.open(configuration, now: timestamp, logger: quiet) { _ in }
    }

    func log(_ number: Int, _ settings: LogConfiguration = LogConfiguration()) throws -> PartitionLog {
        guard let logs else { fail("closed") }
        return try logs.getOrCreateLog(
            TopicPartition("t", Int32(number)), topicID: nil, configuration: settings, now: timestamp)
    }

    /// As a stop in order.
    func close() {
        logs?.close(now: timestamp)
        logs = nil
    }

    /// As a kill: nothing is flushed, and the locks are free.
    func abandon() { logs = nil }

    func remove() {
        abandon()
        try? PosixFileSystem().removeTree(path)
    }
}

// MARK: append

/// CPU seconds per GB of a thread that appends a batch again and again, and of one that writes the same bytes to a file.
///
/// They take turns, and neither gives pages back meanwhile: what the kernel does for a page costs several times as much
/// where a host lends the memory, and nobody can say which pages are such.
func measureAppend(_ size: Int, megabytes: Int) throws -> (log: Double, floor: Double) {
    let home = try Home()
    defer { home.remove() }
    let log = try home.log(0)
    let file = checked(open("\(home.path)/floor", O_RDWR | O_CREAT, 0o600), "open")
    defer { close(file) }
    let ready = try batch(bytes: size)
    let bytes = ready.withRegions { $0.count + $1.count }
    let perTurn = max(1, (4 << 20) / size)
    let turns = max(1, (megabytes << 20) / size / perTurn)
    var position = 0
    func appendToLog() throws -> Double {
        let start = threadCPU()
        for _ in 0..<perTurn {
            var batches = ready
            _ = try log.append(&batches, leaderEpoch: 0, now: timestamp, flush: .byCaller)
        }
        return threadCPU() - start
    }
    func writeToFile() -> Double {
        ready.withRegions { header, records in
            let parts = [
                iovec(iov_base: UnsafeMutableRawPointer(mutating: header.baseAddress), iov_len: header.count),
                iovec(iov_base: UnsafeMutableRawPointer(mutating: records.baseAddress), iov_len: records.count),
            ]
            let start = threadCPU()
            for _ in 0..<perTurn {
                checked(pwritev(file, parts, 2, position), "pwritev")
                position += bytes
            }
            return threadCPU() - start
        }
    }
    var (logCPU, floorCPU) = (0.0, 0.0)
    for turn in 0..<turns {
        if turn.isMultiple(of: 2) { logCPU += try appendToLog() }
        floorCPU += writeToFile()
        if !turn.isMultiple(of: 2) { logCPU += try appendToLog() }
    }
    let gigabytes = Double(turns * perTurn * bytes) / 1e9
    return (logCPU / gigabytes, floorCPU / gigabytes)
}

func append() throws {
    print("append\tbatch\tCPU s/GB\tpwritev alone\tratio")
    for size in [16 << 10, 128 << 10, 1 << 20] {
        let results = try (0..<runs).map { _ in
            try measureAppend(size, megabytes: options.integer("megabytes", default: 512))
        }
        let ratio = results.map { $0.log / $0.floor }.median
        print(
            "append\t\(size >> 10) KiB\t\(number(results.map(\.log).median))\t\(number(results.map(\.floor).median))"
                + "\t\(number(ratio, digits: 2))")
    }
}

// MARK: flush

/// Producers that each wait for their record to be on disk before they send the next.
func measureFlush(producers: Int, seconds: Double) throws -> (rate: Double, latencies: [Double]) {
    let home = try Home()
    defer { home.remove() }
    var settings = LogConfiguration()
    settings.flushRecords = 1
    let log = try home.log(0, settings)
    let ready = try batch(bytes: 1200)
    let all = Mutex<[Double]>([])
    let began = now()
    let threads = (0..<producers).map { _ in
        startThread {
            var latencies: [Double] = []
            while now() - began < seconds {
                let start = now()
                var batches = ready
                do {
                    _ = try log.append(&batches, leaderEpoch: 0, now: timestamp)
                } catch {
                    fail("\(error)")
                }
                latencies.append((now() - start) * 1000)
            }
            all.withLock { $0 += latencies }
        }
    }
    for thread in threads { pthread_join(thread, nil) }
    let latencies = all.withLock { $0 }
    return (Double(latencies.count) / (now() - began), latencies)
}

func measureSync() throws -> Double {
    let path = "\(parent)/martlet-sync-\(getpid())"
    let file = checked(open(path, O_RDWR | O_CREAT, 0o600), "open \(path)")
    unlink(path)
    defer { close(file) }
    let bytes = [UInt8](repeating: 1, count: 1200)
    return (0..<200).map { index in
        checked(pwrite(file, bytes, bytes.count, index * bytes.count), "pwrite")
        let start = now()
        checked(fdatasync(file), "fdatasync")
        return (now() - start) * 1000
    }.median
}

func flush() throws {
    let sync = try measureSync()
    print("flush\tproducers\tacks/s\tp50 ms\tp99 ms\tfdatasync alone ms")
    for producers in [1, 16, 256] {
        let results = try (0..<runs).map { _ in
            try measureFlush(producers: producers, seconds: Double(options.integer("seconds", default: 3)))
        }
        print(
            "flush\t\(producers)\t\(number(results.map(\.rate).median, digits: 0))"
                + "\t\(number(results.map { $0.latencies.median }.median))"
                + "\t\(number(results.map { $0.latencies.percentile(99) }.median))\t\(number(sync))")
    }
}

// MARK: start

func openFiles() -> Int {
    guard let directory = opendir("/proc/self/fd") else { return 0 }
    defer { closedir(directory) }
    var count = 0
    while readdir(directory) != nil { count += 1 }
    return count - 3
}

func start() throws {
    let logs = options.integer("logs", default: 10_000)
    let home = try Home()
    defer { home.remove() }
    let small = try batch(bytes: 1200)
    for index in 0..<logs {
        var batches = small
        _ = try home.log(index).append(&batches, leaderEpoch: 0, now: timestamp)
    }
    let stop = now()
    home.close()
    print("stop\t\(logs) logs\t\(number(now() - stop)) s")
    let results = try (0..<runs).map { _ in
        let (time, cpu) = (now(), processCPU())
        try home.open()
        let result = (now() - time, processCPU() - cpu)
        print(
            "start\t\(logs) logs, stopped in order\t\(number(result.0)) s\tCPU \(number(result.1)) s\topen \(openFiles())"
        )
        home.close()
        return result.0
    }
    print("start\tmedian\t\(number(results.median)) s")
    try startAfterKill()
}

func startAfterKill() throws {
    let logs = options.integer("tails", default: 1000)
    let bytes = options.integer("tail-kilobytes", default: 1024) << 10
    let home = try Home()
    defer { home.remove() }
    let ready = try batch(bytes: 128 << 10)
    for index in 0..<logs {
        let log = try home.log(index)
        while log.end.position < Int64(bytes) {
            var batches = ready
            _ = try log.append(&batches, leaderEpoch: 0, now: timestamp, flush: .byCaller)
        }
    }
    for threads in [1, 2] {
        home.abandon()
        let (time, cpu) = (now(), processCPU())
        try home.open(threads: threads)
        let (took, used) = (now() - time, processCPU() - cpu)
        let scanned = Double(home.logs?.progress.bytesScanned ?? 0) / 1e9
        print(
            "recovery\t\(logs) logs, \(number(scanned, digits: 2)) GB, \(threads) threads\t\(number(took)) s"
                + "\t\(number(scanned / took, digits: 2)) GB/s\tCPU \(number(used / scanned)) s/GB")
    }
    let (time, cpu) = (now(), processCPU())
    var sum = 0
    let space = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4096)
    defer { space.deallocate() }
    for index in 0..<logs {
        let file = checked(open("\(home.path)/t-\(index)/00000000000000000000.log", O_RDONLY), "open")
        while case let count = read(file, space.baseAddress, space.count), count > 0 { sum += count }
        close(file)
    }
    let read = Double(sum) / 1e9
    print(
        "read alone\t\(number(read, digits: 2)) GB\t\(number(now() - time)) s"
            + "\t\(number(read / (now() - time), digits: 2)) GB/s\tCPU \(number((processCPU() - cpu) / read)) s/GB")
}

// MARK: lookup

func lookup() throws {
    let home = try Home()
    defer { home.remove() }
    var settings = LogConfiguration()
    settings.segmentBytes = 16 << 20
    let log = try home.log(0, settings)
    let ready = try batch(bytes: 4 << 10)
    while log.segmentCount < 10 {
        var batches = ready
        _ = try log.append(&batches, leaderEpoch: 0, now: timestamp, flush: .byCaller)
    }
    let end = log.offsets.logEnd
    log.updateHighWatermark(end)
    var random = SystemRandomNumberGenerator()
    for (name, range) in [("anywhere", 0..<end), ("in the newest records", (end - 100)..<end)] {
        var allocations = 0.0
        let times = try (0..<runs).map { _ in
            let count = 20_000
            let before = martlet_allocations_of_thread()
            let cpu = threadCPU()
            for _ in 0..<count {
                let read = try log.read(
                    from: Offset.random(in: range, using: &random), maxBytes: 1 << 20, upTo: .highWatermark,
                    atLeastOneBatch: true)
                if read.records.byteCount == 0 { fail("nothing found") }
            }
            let time = threadCPU() - cpu
            allocations = Double(martlet_allocations_of_thread() - before) / Double(count)
            return time / Double(count) * 1e6
        }
        print(
            "lookup\t\(name)\t\(number(times.median, digits: 2)) us\t\(number(allocations, digits: 2)) allocations")
        // The first read of each file opens it.
        if allocations >= 0.01 { fail("a look-up and the planning of a read allocate nothing; this was more") }
    }
}

// MARK: clean

func clean() throws {
    let megabytes = options.integer("megabytes", default: 256)
    print("clean\tMB/s read\tCPU s/GB\tkept")
    let results = try (0..<runs).map { _ -> (Double, Double, Double) in
        let home = try Home()
        defer { home.remove() }
        var settings = LogConfiguration()
        settings.segmentBytes = 64 << 20
        settings.isCompacted = true
        settings.minimumCleanableDirtyRatio = 0
        let log = try home.log(0, settings)
        let records = megabytes << 10
        var number = 0
        while number < records {
            var builder = RecordBatchBuilder(capacity: 128 << 10)
            for _ in 0..<100 {
                builder.append(
                    timestamp: timestamp, key: ByteBuffer(string: "key \(number % (records / 10))"),
                    value: ByteBuffer(repeating: UInt8(number % 251), count: 1000))
                number += 1
            }
            var batches = try ProduceValidator(.init(partition: TopicPartition("t", 0))).validate(
                builder.finish(), produceVersion: 9, now: timestamp)
            _ = try log.append(&batches, leaderEpoch: 0, now: timestamp, flush: .byCaller)
        }
        try log.roll(now: timestamp)
        log.updateHighWatermark(log.offsets.logEnd)
        guard let logs = home.logs else { fail("closed") }
        let cleaner = LogCleaner(logs, LogCleanerConfiguration(), logger: quiet)
        let (time, cpu) = (now(), threadCPU())
        guard cleaner.cleanNext(now: timestamp), let result = cleaner.status.last else { fail("nothing was compacted") }
        // Read twice: for the map, and for what stays.
        let read = Double(result.bytesRead) / 2
        return (
            read / 1e6 / (now() - time), (threadCPU() - cpu) / (read / 1e9),
            Double(result.bytesWritten) / read
        )
    }
    print(
        "clean\t\(number(results.map(\.0).median, digits: 0))\t\(number(results.map(\.1).median))"
            + "\t\(number(results.map(\.2).median, digits: 2))")
}

do {
    switch options["mode", default: ""] {
    case "append": try append()
    case "flush": try flush()
    case "start": try start()
    case "lookup": try lookup()
    case "clean": try clean()
    default: fail("usage: storage append|flush|start|lookup|clean [--directory .] [--runs 5]")
    }
} catch {
    fail("\(error)")
}
