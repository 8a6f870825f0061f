// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import KafkaRecords
import Testing

@testable import LogStorage

/// What was appended last is read most, and found without looking into files.
@Suite struct TailReadTests {
    private func log() throws -> (ForgetfulFileSystem, PartitionLog) {
        let disk = ForgetfulFileSystem(seed: 1)
        try disk.makeDirectory("/d")
        var test = try TestLog("/d", disk)
        test.configuration.segmentBytes = 3000
        test.configuration.indexIntervalBytes = 200
        let log = try test.open()
        for number in 0..<80 { try log.append(TestBatch(["\(number)", String(repeating: "x", count: number)])) }
        log.updateHighWatermark(log.offsets.logEnd)
        return (disk, log)
    }

    @Test func aReadOfTheTailReadsNothingButTheTail() throws {
        let (disk, log) = try log()
        for offset in stride(from: log.end.segmentBase, to: 160, by: 2) {
            let before = disk.reads
            let bytes = try log.bytes(from: offset)
            #expect(disk.reads == before + 1, "offset \(offset)")
            var batches = RecordBatches(bytes)
            var next = offset
            while let batch = try batches.next() {
                #expect(batch.header.baseOffset == next && batch.hasValidChecksum)
                next = batch.header.nextOffset
            }
            #expect(next == 160, "offset \(offset)")
        }
    }

    @Test func everyOtherReadIsAsItWas() throws {
        let (_, log) = try log()
        let end = log.offsets.logEnd
        // Inside a batch, up to a mark inside the tail, cut off, and across the end of a segment.
        for offset in (log.end.segmentBase - 6)..<end {
            for mark in [end, end - 2, end - 5] {
                log.updateHighWatermark(mark)
                for maxBytes in [1, 70, 150, 400, 1 << 20] {
                    let bytes = try log.bytes(from: offset, maxBytes: maxBytes, upTo: .highWatermark)
                    var batches = RecordBatches(bytes)
                    guard let first = try batches.next() else {
                        #expect(offset >= mark - 1, "offset \(offset), mark \(mark), \(maxBytes) bytes")
                        continue
                    }
                    #expect(first.header.baseOffset <= offset && first.header.lastOffset >= offset)
                    var last = first.header.lastOffset
                    while let batch = try batches.next() { last = batch.header.lastOffset }
                    #expect(last < max(mark, first.header.nextOffset))
                    if maxBytes == 1 << 20, first.header.baseOffset >= log.end.segmentBase {
                        #expect(last >= mark - 2, "offset \(offset), mark \(mark)")
                    }
                }
            }
        }
    }

    @Test func whatWasCutOffIsNotFoundAnyMore() throws {
        let (_, log) = try log()
        let cut = try log.truncate(to: 150, now: 0)
        #expect(cut == 150)
        for number in 0..<3 { try log.append(TestBatch(["new \(number)"]), epoch: 1) }
        #expect(try log.allRecords(from: 148).map(\.offset) == [148, 149, 150, 151, 152])
        #expect(
            try log.allRecords(from: 150).map { $0.value.map { String(buffer: $0) } } == ["new 0", "new 1", "new 2"])
    }
}
