// SPDX-License-Identifier: Apache-2.0

import KafkaClient
import KafkaModel
import KafkaRecords
import LogStorage
import NIOCore

/// Prints one file of a partition's directory as `kafka-dump-log` does, by the end of its name.
struct LogFileDump {
    /// What does not fit together, gathered over all files and printed at the end.
    struct Problems {
        fileprivate var indexMismatches: [(String, [(Int64, Int64)])] = []
        fileprivate var timeMismatches: [(String, [(Int64, Int64)])] = []
        fileprivate var timesOutOfOrder: [(String, [(Int64, Int64)])] = []
        fileprivate var offsetsNotFound: [(String, [(Int64, Int64)])] = []
        fileprivate var gaps: [(String, [(Int64, Int64)])] = []
        /// Whether a file could not be read to its end.
        fileprivate(set) var hasDamage = false

        func print(_ console: Console) {
            func section(
                _ files: [(String, [(Int64, Int64)])], _ title: (String) -> String, _ line: (Int64, Int64) -> String
            ) {
                for (file, pairs) in files where !pairs.isEmpty {
                    console.error(title(file))
                    for (first, second) in pairs.reversed() { console.error(line(first, second)) }
                }
            }
            section(indexMismatches, { "Mismatches in :\($0)" }, { "  Index offset: \($0), log offset: \($1)" })
            section(
                timeMismatches, { "Found timestamp mismatch in :\($0)" },
                { "  Index timestamp: \($0), log timestamp: \($1)" })
            section(
                timesOutOfOrder, { "Found out of order timestamp in :\($0)" },
                { "  Index timestamp: \($0), Previously indexed timestamp: \($1)" })
            section(
                offsetsNotFound, { _ in "The following indexed offsets are not found in the log." },
                { "Indexed offset: \($0), found log offset: \($1)" })
            section(gaps, { "Non-consecutive offsets in \($0)" }, { "  \($0) is followed by \($1)" })
        }
    }

    var console: Console
    var printsContents: Bool
    var isDeep: Bool
    var skipsMetadata: Bool
    var verifiesOnly: Bool
    var checksSanityOnly: Bool
    /// How much of a log is read, in bytes.
    var maxBytes: Int
    var decoder: RecordTextDecoder

    func print(_ path: String, _ problems: inout Problems) throws {
        let fileName = path.split(separator: "/").last.map(String.init) ?? path
        let parts = fileName.split(separator: ".", omittingEmptySubsequences: false)
        let base = parts.first.flatMap { Int64($0) } ?? 0
        switch parts.dropFirst().first {
        case "log"?:
            console.print("Log starting offset: \(base)")
            try printLog(path, fileName, &problems)
        case "index"?: try printIndex(path, base, &problems)
        case "timeindex"?: try printTimeIndex(path, base, &problems)
        case "txnindex"?: try printTransactions(path, &problems)
        case "snapshot"?: try printSnapshot(path, &problems)
        default: console.error("Ignoring unknown file \(path)")
        }
    }

    // MARK: Log

    private func printLog(_ path: String, _ fileName: String, _ problems: inout Problems) throws {
        let file = try DumpedFile(path)
        var reader = try file.batches(end: Int64(maxBytes))
        var gaps: [(Int64, Int64)] = []
        var last: Int64 = -1
        while let item = try reader.next() {
            switch item {
            case .damage(let position, let problem):
                damage(path, "position \(position): \(problem)", &problems)
            case .batch(let batch, let position):
                let isValid = batch.hasValidChecksum
                printBatch(batch, at: position, isValid: isValid)
                if !isValid { damage(path, "position \(position): the checksum of the batch is wrong", &problems) }
                guard isDeep else { continue }
                do {
                    try printRecords(of: batch, &last, &gaps)
                } catch let error as RecordError {
                    damage(path, "position \(position): \(error.message)", &problems)
                }
            }
        }
        let rest = reader.length - reader.position
        if rest > 0, maxBytes == Int(Int32.max) {
            console.print("Found \(rest) invalid bytes at the end of \(fileName)")
        }
        problems.gaps.append((path, gaps))
    }

    private func printBatch(_ batch: RecordBatch, at position: Int64, isValid: Bool) {
        let header = batch.header
        var line: String
        if header.magic == 2 {
            line =
                "baseOffset: \(header.baseOffset) lastOffset: \(header.lastOffset) count: \(header.recordCount) "
                + "baseSequence: \(header.baseSequence) lastSequence: \(header.lastSequence) "
                + "producerId: \(header.producerID) producerEpoch: \(header.producerEpoch) "
                + "partitionLeaderEpoch: \(header.partitionLeaderEpoch) isTransactional: \(header.isTransactional) "
                + "isControl: \(header.isControl) deleteHorizonMs: \(Self.optional(header.deleteHorizon))"
        } else {
            line = "offset: \(header.lastOffset)"
        }
        line +=
            " position: \(position) \(Self.timestampType(header)): \(header.maxTimestamp) "
            + "size: \(header.sizeInBytes) magic: \(header.magic) compresscodec: \(header.codec.name) "
            + "crc: \(header.crc) isvalid: \(isValid)"
        console.print(line)
    }

    private func printRecords(of batch: RecordBatch, _ last: inout Int64, _ gaps: inout [(Int64, Int64)]) throws {
        let header = batch.header
        let checksums = header.magic < 2 ? try batch.messageChecksums() : []
        var records = try batch.records()
        var index = 0
        while let record = try records.next() {
            if last != -1, record.offset != last &+ 1 { gaps.append((last, record.offset)) }
            last = record.offset
            var line = ""
            if !skipsMetadata {
                line =
                    "| offset: \(record.offset) \(Self.timestampType(header)): \(record.timestamp) "
                    + "keySize: \(record.key?.readableBytes ?? -1) valueSize: \(record.value?.readableBytes ?? -1)"
                if header.magic == 2 {
                    line +=
                        " sequence: \(record.sequence) headerKeys: [\(record.headers.map(\.key).joined(separator: ","))]"
                } else if index < checksums.count {
                    line += " isValid: \(checksums[index].isValid) crc: \(checksums[index].checksum)}"
                }
                if header.isControl { line += try Self.marker(record) }
            }
            if printsContents, !header.isControl {
                let (key, payload) = decoder.texts(of: record)
                if let key { line += (skipsMetadata ? "| " : " ") + "key: \(key)" }
                if let payload { line += " payload: \(payload)" }
            }
            console.print(line)
            index += 1
        }
    }

    private static func marker(_ record: Record) throws -> String {
        guard let marker = try EndTransactionMarker(record) else {
            return try ControlRecordType(record).map { " controlType: UNKNOWN(\($0.rawValue))" } ?? ""
        }
        return " endTxnMarker: \(marker.isCommit ? "COMMIT" : "ABORT") coordinatorEpoch: \(marker.coordinatorEpoch)"
    }

    private static func timestampType(_ header: RecordBatchHeader) -> String {
        guard header.magic > 0 else { return "NoTimestampType" }
        return header.timestampType == .logAppendTime ? "LogAppendTime" : "CreateTime"
    }

    /// As Java prints an `OptionalLong`.
    private static func optional(_ number: Int64?) -> String {
        number.map { "OptionalLong[\($0)]" } ?? "OptionalLong.empty"
    }

    // MARK: Indexes

    private func printIndex(_ path: String, _ base: Int64, _ problems: inout Problems) throws {
        var index = try DumpedEntries(DumpedFile(path), entryBytes: 8)
        if index.length < 8 {
            console.print("\(path) is empty.")
            if let rest = index.rest { damage(path, rest, &problems) }
            return
        }
        if checksSanityOnly {
            let last = try index.last()?.getInteger(at: 0, as: Int32.self)
            return judge(
                path, [last.flatMap { relative in relative < 0 ? Self.below(base, relative) : nil }, index.rest],
                &problems)
        }
        let log = try DumpedFile(beside: path)
        var mismatches: [(Int64, Int64)] = []
        var isFirst = true
        while var entry = try index.entry(),
            let (relative, position) = entry.readMultipleIntegers(as: (Int32, Int32).self)
        {
            // After a crash, a file that was given its whole length ahead ends in zeros.
            if relative == 0, !isFirst { break }
            isFirst = false
            let offset = base &+ Int64(relative)
            let found = try log.batch(at: Int64(position))?.header.lastOffset ?? -1
            if found != offset { mismatches.append((offset, found)) }
            if !verifiesOnly { console.print("offset: \(offset) position: \(position)") }
        }
        if let rest = index.rest { damage(path, rest, &problems) }
        problems.indexMismatches.append((path, mismatches))
    }

    private func printTimeIndex(_ path: String, _ base: Int64, _ problems: inout Problems) throws {
        var index = try DumpedEntries(DumpedFile(path), entryBytes: 12)
        if checksSanityOnly {
            var findings = [index.rest]
            if var first = try index.entry(), let timestamp = first.readInteger(as: Int64.self),
                var end = try index.last(),
                let (latest, relative) = end.readMultipleIntegers(as: (Int64, Int32).self)
            {
                if latest < timestamp {
                    findings.append("the last timestamp \(latest) lies before the first one \(timestamp)")
                }
                if relative < 0 { findings.append(Self.below(base, relative)) }
            }
            return judge(path, findings, &problems)
        }
        var search = try BatchSearch(DumpedFile(beside: path))
        var mismatches: [(Int64, Int64)] = []
        var disorder: [(Int64, Int64)] = []
        var missing: [(Int64, Int64)] = []
        var previous: Int64 = -1
        var isFirst = true
        while var entry = try index.entry(),
            let (timestamp, relative) = entry.readMultipleIntegers(as: (Int64, Int32).self)
        {
            if relative == 0, !isFirst { break }
            isFirst = false
            let offset = base &+ Int64(relative)
            let batch = try search.batch(endingAtOrAfter: offset)
            if let batch, batch.header.lastOffset == offset {
                let latest = (try? batch.allRecords())?.map(\.timestamp).max() ?? -1
                if latest != timestamp { mismatches.append((timestamp, latest)) }
                if previous >= timestamp { disorder.append((timestamp, previous)) }
            } else {
                missing.append((offset, batch?.header.lastOffset ?? -1))
            }
            if !verifiesOnly { console.print("timestamp: \(timestamp) offset: \(offset)") }
            previous = timestamp
        }
        if let rest = index.rest { damage(path, rest, &problems) }
        problems.timeMismatches.append((path, mismatches))
        problems.timesOutOfOrder.append((path, disorder))
        problems.offsetsNotFound.append((path, missing))
    }

    private func printTransactions(_ path: String, _ problems: inout Problems) throws {
        var index = try DumpedEntries(DumpedFile(path), entryBytes: 34)
        while var entry = try index.entry(),
            let (version, producer, first, last, stable) = entry.readMultipleIntegers(
                as: (Int16, Int64, Int64, Int64, Int64).self)
        {
            console.print(
                "version: \(version) producerId: \(producer) firstOffset: \(first) lastOffset: \(last) lastStableOffset: \(stable)"
            )
        }
        if let rest = index.rest { damage(path, rest, &problems) }
    }

    /// Says what a broker's start would think of an index: that it is sound, or why not.
    private func judge(_ path: String, _ findings: [String?], _ problems: inout Problems) {
        let findings = findings.compactMap(\.self)
        for finding in findings { damage(path, finding, &problems) }
        if findings.isEmpty { console.print("\(path) passed sanity check.") }
    }

    private static func below(_ base: Int64, _ relative: Int32) -> String {
        "the last offset \(base &+ Int64(relative)) lies below the base offset \(base)"
    }

    // MARK: Producers

    private func printSnapshot(_ path: String, _ problems: inout Problems) throws {
        do {
            for state in try ProducerSnapshot.decode(try TextFile.bytes(path), path: path) {
                var line =
                    "producerId: \(state.producerID) producerEpoch: \(state.epoch) "
                    + "coordinatorEpoch: \(state.coordinatorEpoch) "
                    + "currentTxnFirstOffset: \(Self.optional(state.transactionStart)) lastTimestamp: \(state.lastTimestamp) "
                if let batch = state.batches.first {
                    line +=
                        "firstSequence: \(batch.firstSequence) lastSequence: \(batch.lastSequence) "
                        + "lastOffset: \(batch.lastOffset) offsetDelta: \(batch.offsetDelta) timestamp: \(batch.maxTimestamp)"
                }
                console.print(line)
            }
        } catch let error as MalformedFile {
            damage(path, "\(error)", &problems)
        }
    }

    private func damage(_ path: String, _ text: String, _ problems: inout Problems) {
        console.error(text.contains(path) ? text : "\(path): \(text)")
        problems.hasDamage = true
    }
}

extension RecordBatch {
    /// The checksums of the messages of formats 0 and 1: of the one that this is, or of those inside of a wrapper.
    fileprivate func messageChecksums() throws(RecordError) -> [(checksum: UInt32, isValid: Bool)] {
        guard header.isCompressed else { return [(header.crc, hasValidChecksum)] }
        // Offset, size, checksum, magic, attributes, in format 1 the timestamp; then key and value with their sizes.
        var rest = bytes
        guard rest.readSlice(length: header.magic == 0 ? 18 : 26) != nil,
            let keySize = rest.readInteger(as: Int32.self),
            keySize <= 0 || rest.readSlice(length: Int(keySize)) != nil, let size = rest.readInteger(as: Int32.self),
            size >= 0, let value = rest.readSlice(length: Int(size))
        else { throw .corrupt("A message ends inside of its fields") }
        var batches = RecordBatches(try header.codec.decompress(value, magic: header.magic))
        var checksums: [(checksum: UInt32, isValid: Bool)] = []
        while let batch = try batches.next() { checksums.append((batch.header.crc, batch.hasValidChecksum)) }
        return checksums
    }
}
