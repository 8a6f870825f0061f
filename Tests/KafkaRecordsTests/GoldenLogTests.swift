// SPDX-License-Identifier: Apache-2.0

import Foundation
import GoldenFixtures
import KafkaRecords
import NIOCore
import Testing

/// Everything that Apache Kafka wrote into log directories is read back as Kafka's own classes read it.
@Suite struct GoldenLogTests {
    /// A recorded log directory and what Kafka found in it.
    struct Recording: CustomTestStringConvertible, Sendable {
        var archive: URL
        /// The log directory's name, where the archive holds several.
        var directory: String?
        var expectation: URL

        var testDescription: String { expectation.lastPathComponent }

        static func all() throws -> [Recording] {
            let archives = Dictionary(
                uniqueKeysWithValues: try GoldenFixtures.files("logs", suffix: ".tar.gz").map {
                    (String($0.lastPathComponent.dropLast(".tar.gz".count)), $0)
                })
            return try GoldenFixtures.files("logs", suffix: ".expected.jsonl.gz").compactMap { expectation in
                let name = String(expectation.lastPathComponent.dropLast(".expected.jsonl.gz".count))
                if let archive = archives[name] {
                    return Recording(archive: archive, directory: nil, expectation: expectation)
                }
                guard let dot = name.lastIndex(of: "."), let archive = archives[String(name[..<dot])] else {
                    return nil
                }
                return Recording(
                    archive: archive, directory: String(name[name.index(after: dot)...]), expectation: expectation)
            }
        }
    }

    @Test(arguments: try Recording.all()) func everyBatchAndRecordIsReadAsKafkaReadsIt(_ recording: Recording) throws {
        let decoder = JSONDecoder()
        let expected = try GoldenFixtures.lines(recording.expectation)
            .map { try decoder.decode(Line.self, from: Data($0.utf8)) }
            .filter { $0.kind != "log" }
        #expect(!expected.isEmpty)
        var bySegment: [String: [Line]] = [:]
        for line in expected { bySegment["\(line.dir)", default: []].append(line) }
        try GoldenFixtures.withTemporaryDirectory { directory in
            try GoldenFixtures.untar(recording.archive, into: directory)
            let root = try #require(try logDirectory(in: directory, named: recording.directory))
            for (partition, lines) in bySegment {
                let segments = try FileManager.default.contentsOfDirectory(
                    atPath: root.appendingPathComponent(partition).path
                ).filter { $0.hasSuffix(".log") }.sorted()
                let read = try segments.flatMap { file in
                    try SegmentReading.lines(
                        of: ByteBuffer(
                            bytes: Data(
                                contentsOf: root.appendingPathComponent(partition).appendingPathComponent(file))),
                        dir: partition, segment: String(file.dropLast(4)))
                }
                #expect(read.count == lines.count, "\(partition)")
                for (mine, kafkas) in zip(read, lines) where mine != kafkas {
                    Issue.record("\(partition): read \(mine), Kafka has \(kafkas)")
                    break
                }
            }
        }
    }

    /// The directory with the checkpoint files of a log directory.
    private func logDirectory(in directory: URL, named name: String?) throws -> URL? {
        let files = FileManager.default.enumerator(at: directory, includingPropertiesForKeys: nil)
        while let file = files?.nextObject() as? URL {
            if file.lastPathComponent == "meta.properties",
                name.map({ file.deletingLastPathComponent().lastPathComponent == $0 }) ?? true
            {
                return file.deletingLastPathComponent()
            }
        }
        return nil
    }
}

/// A line of an expectation; what a kind lacks is nil.
struct Line: Decodable, Equatable {
    var kind = ""
    var dir = ""
    var segment: String?
    var position: Int?
    var size: Int?
    var base_offset: Int64?
    var last_offset: Int64?
    var magic: Int8?
    var valid: Bool?
    var crc: UInt32?
    var count: Int32?
    var compression: String?
    var timestamp_type: String?
    var max_timestamp: Int64?
    var leader_epoch: Int32?
    var producer_id: Int64?
    var producer_epoch: Int16?
    var base_sequence: Int32?
    var last_sequence: Int32?
    var transactional: Bool?
    var control: Bool?
    var delete_horizon_ms: Int64?
    var offset: Int64?
    var timestamp: Int64?
    var key: String?
    var value: String?
    var value_size: Int?
    /// Key and value of each.
    var headers: [[String?]]?
    var sequence: Int32?
    var control_type: String?
    var coordinator_epoch: Int32?
    var valid_bytes: Int?
}

/// Reads a segment in the order of an expectation.
enum SegmentReading {
    static func lines(of segment: ByteBuffer, dir: String, segment name: String) throws -> [Line] {
        var lines: [Line] = []
        var batches = RecordBatches(segment)
        var valid = 0
        do {
            while let batch = try batches.next() {
                let isValid = batch.hasValidChecksum
                lines.append(try line(for: batch, at: valid, isValid, dir, name))
                guard isValid else { break }
                valid = batches.validBytes
                for record in try batch.allRecords() { lines.append(try line(for: record, of: batch, dir)) }
            }
        } catch RecordError.corrupt {}
        lines.append(
            Line(kind: "segment", dir: dir, segment: name, size: segment.readableBytes, valid_bytes: valid))
        return lines
    }

    private static func line(for batch: RecordBatch, at position: Int, _ valid: Bool, _ dir: String, _ segment: String)
        throws -> Line
    {
        let header = batch.header
        var line = Line(
            kind: "batch", dir: dir, segment: segment, position: position, size: header.sizeInBytes,
            base_offset: try batch.firstOffset(), last_offset: header.lastOffset, magic: header.magic, valid: valid,
            crc: header.crc, compression: header.codec.name, timestamp_type: name(header.timestampType),
            max_timestamp: header.maxTimestamp)
        guard header.magic == 2 else { return line }
        line.count = header.recordCount
        line.leader_epoch = header.partitionLeaderEpoch
        line.producer_id = header.producerID
        line.producer_epoch = header.producerEpoch
        line.base_sequence = header.baseSequence
        line.last_sequence = header.lastSequence
        line.transactional = header.isTransactional
        line.control = header.isControl
        line.delete_horizon_ms = header.deleteHorizon
        return line
    }

    private static func line(for record: Record, of batch: RecordBatch, _ dir: String) throws -> Line {
        let header = batch.header
        var line = Line(
            kind: "record", dir: dir, timestamp_type: name(header.timestampType), offset: record.offset,
            timestamp: record.timestamp, key: record.key.map(hex))
        if let value = record.value, value.readableBytes > 4000 {
            line.value_size = value.readableBytes
        } else {
            line.value = record.value.map(hex)
        }
        guard header.magic == 2 else { return line }
        line.leader_epoch = header.partitionLeaderEpoch
        line.producer_id = header.producerID
        line.producer_epoch = header.producerEpoch
        line.sequence = record.sequence
        line.transactional = header.isTransactional
        line.headers = record.headers.map { [$0.key, $0.value.map(hex)] }
        if header.isControl {
            let marker = try #require(try EndTransactionMarker(record))
            line.control_type = marker.isCommit ? "COMMIT" : "ABORT"
            line.coordinator_epoch = marker.coordinatorEpoch
            #expect(try batch.endTransactionMarker() == marker)
            #expect(marker.key == record.key && marker.value == record.value)
        }
        return line
    }

    private static func name(_ type: TimestampType) -> String {
        switch type {
        case .none: "NoTimestampType"
        case .createTime: "CreateTime"
        case .logAppendTime: "LogAppendTime"
        }
    }

    static func hex(_ bytes: ByteBuffer) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(
            decoding: bytes.readableBytesView.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
