// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import KafkaRecords
import NIOCore

/// Pass 7: who wrote what last.
extension LogLoader {
    /// The producers' state at `logEnd`: from the newest sound snapshot, and the headers of the batches behind it.
    static func loadProducers(
        snapshots: inout [Offset], directory: String, segments: SegmentList, logStart: Offset, logEnd: Offset,
        now: Timestamp, expiration: Int64, fileSystem: any FileSystem, onDamage: (MalformedFile) -> Void
    ) throws(LogError) -> (producers: ProducerStateManager, completed: [CompletedTransaction]) {
        var producers = ProducerStateManager(mapEnd: logStart)
        while let offset = snapshots.last(where: { $0 <= logEnd }) {
            let path = directory + "/" + SegmentFileName(base: offset, kind: .snapshot).name
            do throws(LogError) {
                if let content = try logErrors({ () throws(FileError) in try fileSystem.contents(of: path) }) {
                    let states: [ProducerState]
                    do throws(MalformedFile) {
                        states = try ProducerSnapshot.decode(content, path: path)
                    } catch {
                        throw .malformed(error)
                    }
                    producers = ProducerStateManager(states, at: offset, now: now, expiration: expiration)
                    break
                }
            } catch {
                guard case .malformed(let file) = error else { throw error }
                onDamage(file)
            }
            // An older one and the log take its place.
            try logErrors { () throws(FileError) in try fileSystem.remove(path) }
            snapshots.removeAll { $0 == offset }
        }
        var completed: [CompletedTransaction] = []
        let from = producers.mapEnd
        guard from < logEnd, let first = segments.index(holding: from) ?? (segments.isEmpty ? nil : 0) else {
            return (producers, completed)
        }
        for segment in segments.all[first...] where segment.base < logEnd {
            try replay(segment, from: from, to: logEnd, &producers, &completed)
        }
        producers.advance(to: logEnd)
        return (producers, completed)
    }

    static func replay(
        _ segment: LogSegment, from: Offset, to end: Offset, _ producers: inout ProducerStateManager,
        _ completed: inout [CompletedTransaction]
    ) throws(LogError) {
        let start = from > segment.base ? try segment.find(from)?.position : 0
        guard let start else { return }
        _ = try segment.scanHeaders(from: start) { (header) throws(LogError) in
            guard header.lastOffset < end else { return false }
            guard header.header.hasProducerID, header.lastOffset >= from else { return true }
            var marker: EndTransactionMarker?
            if header.header.isControl {
                // Markers are small; anything larger is none.
                let bytes = try logErrors { () throws(FileError) in
                    try segment.data.open().bytes(at: header.position, count: min(header.size, 4096))
                }
                marker = EndTransactionMarker(controlBatch: bytes)
            }
            if let transaction = producers.apply(ProducerBatch(header.header, marker: marker)) {
                completed.append(transaction)
            }
            return true
        }
    }
}
