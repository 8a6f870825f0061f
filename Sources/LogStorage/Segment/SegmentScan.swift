// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import KafkaRecords
import NIOCore

/// Reads a segment's file from its beginning and checks every batch, as recovery does. Decides nothing and changes
/// nothing: the caller indexes what is sound and cuts the rest.
struct SegmentScan {
    /// Where the sound part ends.
    struct Result: Hashable {
        var validBytes: Int64
        var nextOffset: Offset
        /// What stands behind it; nil when the file ends there.
        var problem: String?
    }

    private static let chunk = 1 << 20

    private let segment: LogSegment
    /// The base of the next segment: no batch reaches it.
    private let bound: Offset

    /// - Parameter bound: the base of the next segment, if there is one.
    init(_ segment: LogSegment, below bound: Offset? = nil) {
        self.segment = segment
        self.bound = bound ?? .max
    }

    /// Hands every sound batch on, in order, with its bytes, until one is not: too long for the file, with a wrong
    /// checksum, or out of order with those before it and behind it.
    ///
    /// The first offset of a batch is the one number of it that no checksum covers and that all depends on. Should it be too
    /// large, then the batch behind it gives it away.
    func run(
        _ body: (_ batch: BatchHeader, _ bytes: UnsafeRawBufferPointer) throws(LogError) -> Void
    ) throws(LogError) -> Result {
        let end = try segment.size
        let file = try logErrors { () throws(FileError) in try segment.data.open() }
        var result = Result(validBytes: 0, nextOffset: segment.base, problem: nil)
        var wanted = Self.chunk
        while result.validBytes < end, result.problem == nil {
            let start = result.validBytes
            let count = Int(min(Int64(wanted), end - start))
            let chunk = try logErrors { () throws(FileError) in try file.bytes(at: start, count: count) }
            // Cut by someone else since its length was looked at: asked for again, it would say no more.
            guard chunk.readableBytes == count else {
                result.problem = "the file has become shorter while it was read"
                break
            }
            wanted = Self.chunk
            var failure: LogError?
            chunk.withUnsafeReadableBytes { bytes in
                do throws(LogError) {
                    wanted = try walk(bytes, from: start, fileEnd: end, &result, body)
                } catch {
                    failure = error
                }
            }
            if let failure { throw failure }
        }
        return result
    }

    /// Returns how many bytes the next chunk must have.
    private func walk(
        _ bytes: UnsafeRawBufferPointer, from start: Int64, fileEnd: Int64, _ result: inout Result,
        _ body: (BatchHeader, UnsafeRawBufferPointer) throws(LogError) -> Void
    ) throws(LogError) -> Int {
        while true {
            let offset = Int(result.validBytes - start)
            guard offset < bytes.count else { return Self.chunk }
            switch BatchHeader.parse(UnsafeRawBufferPointer(rebasing: bytes[offset...]), at: result.validBytes) {
            case .corrupt(let problem):
                result.problem = problem
                return 0
            case .cutOff:
                if start + Int64(bytes.count) >= fileEnd {
                    result.problem = "the file ends within a batch's header"
                    return 0
                }
                return Self.chunk
            case .header(let batch):
                guard batch.end <= fileEnd else {
                    result.problem = "the file ends within the batch at offset \(batch.baseOffset)"
                    return 0
                }
                // The rest of it comes with the next chunk, which begins at this batch.
                guard offset + batch.size <= bytes.count else { return max(Self.chunk, batch.size) }
                if let problem = try problem(batch, bytes, start, result.nextOffset) {
                    result.problem = problem
                    return 0
                }
                try body(
                    batch, UnsafeRawBufferPointer(rebasing: bytes[offset..<(offset + batch.size)]))
                result.validBytes = batch.end
                result.nextOffset = batch.lastOffset + 1
            }
        }
    }

    private func problem(
        _ batch: BatchHeader, _ bytes: UnsafeRawBufferPointer, _ start: Int64, _ next: Offset
    ) throws(LogError) -> String? {
        let first = batch.firstStated
        if first < next { return "the batch's offset \(batch.baseOffset) lies before \(next)" }
        if RelativeOffset.of(batch.lastOffset, base: segment.base) == nil {
            return "the batch's offset \(batch.lastOffset) is too far from the segment's base"
        }
        if batch.lastOffset >= bound { return "the batch's offset \(batch.lastOffset) lies in the next segment" }
        if !batch.hasValidChecksum(in: bytes, at: start) {
            return "the checksum of the batch at offset \(batch.baseOffset) is wrong"
        }
        if first > next, let following = try header(at: batch.end), following.header.magic >= 2,
            following.baseOffset <= batch.lastOffset
        {
            return "the batch's offset \(batch.baseOffset) lies behind that of the next one"
        }
        return nil
    }

    /// Nil where none begins.
    func header(at position: Int64) throws(LogError) -> BatchHeader? {
        let bytes = try logErrors { () throws(FileError) in
            try segment.data.open().bytes(at: position, count: RecordBatchHeader.size)
        }
        let parsed = bytes.withUnsafeReadableBytes { BatchHeader.parse($0, at: position) }
        if case .header(let header) = parsed { return header }
        return nil
    }
}
