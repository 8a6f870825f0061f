// SPDX-License-Identifier: Apache-2.0

import Foundation
import GoldenFixtures
import KafkaModel
import KafkaRecords
import Logging
import NIOCore
import Synchronization

@testable import LogStorage

let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// A batch as a client might send it, made by the builder.
struct TestBatch: AppendableBatches {
    private var bytes: ByteBuffer
    private(set) var header: RecordBatchHeader?
    private(set) var marker: EndTransactionMarker?

    init(_ bytes: ByteBuffer, marker: EndTransactionMarker? = nil) {
        self.bytes = bytes
        self.marker = marker
        var batches = RecordBatches(bytes)
        header = try? batches.next()?.header
    }

    /// Records with these values, keys counted from `firstKey`.
    init(
        _ values: [String], timestamp: Timestamp = 1000, producerID: ProducerID = -1, epoch: ProducerEpoch = -1,
        sequence: Int32 = -1, isTransactional: Bool = false, compression: Compression = .none
    ) {
        var settings = RecordBatchBuilder.Settings()
        settings.producerID = producerID
        settings.producerEpoch = epoch
        settings.baseSequence = sequence
        settings.isTransactional = isTransactional
        settings.compression = compression
        var builder = RecordBatchBuilder(settings)
        for (index, value) in values.enumerated() {
            builder.append(
                timestamp: timestamp + Int64(index), key: ByteBuffer(string: "k\(index)"),
                value: ByteBuffer(string: value))
        }
        self.init(builder.finish())
    }

    static func marker(
        _ producerID: ProducerID, epoch: ProducerEpoch, commit: Bool, coordinatorEpoch: Int32 = 0,
        timestamp: Timestamp = 1000
    ) -> TestBatch {
        var settings = RecordBatchBuilder.Settings()
        settings.producerID = producerID
        settings.producerEpoch = epoch
        settings.isTransactional = true
        settings.isControl = true
        var builder = RecordBatchBuilder(settings)
        var key = ByteBuffer()
        key.writeMultipleIntegers(Int16(0), Int16(commit ? 1 : 0))
        var value = ByteBuffer()
        value.writeMultipleIntegers(Int16(0), coordinatorEpoch)
        builder.append(timestamp: timestamp, key: key, value: value)
        return TestBatch(
            builder.finish(),
            marker: EndTransactionMarker(isCommit: commit, coordinatorEpoch: coordinatorEpoch))
    }

    mutating func assign(baseOffset: Offset, leaderEpoch: LeaderEpoch, logAppendTime: Timestamp?) {
        bytes.setInteger(baseOffset, at: bytes.readerIndex)
        bytes.setInteger(leaderEpoch, at: bytes.readerIndex + 12)
        header?.baseOffset = baseOffset
        header?.partitionLeaderEpoch = leaderEpoch
        guard let logAppendTime, let attributes = header?.attributes else { return }
        header?.attributes = RecordAttributes(rawValue: attributes.rawValue | 1 << 3)
        header?.maxTimestamp = logAppendTime
    }

    func withRegions<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try bytes.withUnsafeReadableBytes { all throws(Failure) in
            try body(
                UnsafeRawBufferPointer(rebasing: all[..<min(61, all.count)]),
                UnsafeRawBufferPointer(rebasing: all[min(61, all.count)...]))
        }
    }

    var buffer: ByteBuffer { bytes }
}

/// Collects what a loader reports.
final class Reports: Sendable {
    private let all = Mutex<[LogLoader.LoadReport]>([])
    func add(_ report: LogLoader.LoadReport) { all.withLock { $0.append(report) } }
    var list: [LogLoader.LoadReport] { all.withLock { $0 } }

    var truncations: Int {
        list.count { if case .truncated = $0 { true } else { false } }
    }
}

/// Collects what readers have met.
final class FoundDamage: Sendable {
    private let all = Mutex<[MalformedFile]>([])
    func add(_ file: MalformedFile) { all.withLock { $0.append(file) } }
    var list: [MalformedFile] { all.withLock { $0 } }
}

/// Opens one partition's directory, as ``LogDirectories`` does for many.
struct TestLog {
    let fileSystem: any FileSystem
    let pool: FilePool
    let health: DirectoryHealth
    let directory: String
    var configuration = LogConfiguration()
    let partition = TopicPartition("topic", 0)
    var wasCompacted = false
    let reports = Reports()
    let damage = FoundDamage()

    init(_ root: String, _ fileSystem: any FileSystem = PosixFileSystem(), openFiles: Int = 64) throws {
        self.fileSystem = fileSystem
        pool = FilePool(fileSystem, limit: openFiles)
        let damage = damage
        health = DirectoryHealth(root, onDamage: { damage.add($0) }) { _ in }
        directory = root + "/topic-0"
        try fileSystem.makeDirectory(directory)
    }

    func open(
        clean: Bool = true, recoveryPoint: Offset = 0, logStart: Offset = 0, highWatermark: Offset = 0,
        now: Timestamp = 0
    ) throws(LogError) -> PartitionLog {
        let reports = reports
        return try LogLoader(
            partition: partition, directory: directory, health: health, pool: pool, configuration: configuration,
            isClean: clean, recoveryPoint: recoveryPoint, logStart: logStart, highWatermark: highWatermark,
            wasCompacted: wasCompacted, now: now,
            producerExpiration: ProducerExpiration(milliseconds: 86_400_000), report: { reports.add($0) }
        ).load()
    }
}

extension PartitionLog {
    @discardableResult
    func append(
        _ batch: TestBatch, epoch: LeaderEpoch = 0, origin: AppendOrigin = .client, now: Timestamp = 1000
    ) throws(LogError) -> LogAppendInfo {
        var batch = batch
        return try append(&batch, leaderEpoch: epoch, origin: origin, now: now)
    }

    /// The bytes of a read, whichever way they come.
    func bytes(
        from offset: Offset, maxBytes: Int = 1 << 20, upTo limit: ReadLimit = .logEnd, atLeastOneBatch: Bool = true
    ) throws -> ByteBuffer {
        let read = try read(
            from: offset, maxBytes: maxBytes, upTo: limit, atLeastOneBatch: atLeastOneBatch, as: .bytes)
        guard case .bytes(let buffer) = read.records else { return ByteBuffer() }
        return buffer
    }

    /// All batches from `offset` to the limit, in several reads.
    func allBatches(
        from offset: Offset? = nil, upTo limit: ReadLimit = .logEnd, maxBytes: Int = 1 << 16
    ) throws -> [RecordBatch] {
        var next = offset ?? offsets.logStart
        var all: [RecordBatch] = []
        while true {
            var batches = RecordBatches(try bytes(from: next, maxBytes: maxBytes, upTo: limit))
            var found = false
            while let batch = try batches.next() {
                found = true
                all.append(batch)
                next = batch.header.nextOffset
            }
            if !found { return all }
        }
    }

    func allRecords(from offset: Offset? = nil, upTo limit: ReadLimit = .logEnd) throws -> [Record] {
        let start = offset ?? offsets.logStart
        return try allBatches(from: start, upTo: limit).flatMap { batch in
            batch.header.isControl ? [] : try batch.allRecords().filter { $0.offset >= start }
        }
    }

    var allValues: [String] {
        get throws { try allRecords().map { $0.value.map { String(buffer: $0) } ?? "" } }
    }
}

func withDirectory<Result>(_ body: (String) throws -> Result) throws -> Result {
    try GoldenFixtures.withTemporaryDirectory { try body($0.path) }
}
