// SPDX-License-Identifier: Apache-2.0

import KafkaModel

/// Pass 4: indexes that are missing, and epochs that cannot be read, are learned from the batches.
extension LogLoader {
    func rebuildMissingIndexes(_ segments: SegmentList, _ files: Files) throws(LogError) {
        for segment in segments.all {
            guard let kinds = files.segments[segment.base], !kinds.isSuperset(of: [.index, .timeindex]) else {
                continue
            }
            // What lies beyond the recovery point is indexed while it is checked.
            if !isClean, let index = segments.index(holding: recoveryPoint), segment.base >= segments.all[index].base {
                continue
            }
            try rebuildIndexes(segment)
        }
    }

    func rebuildIndexes(_ segment: LogSegment) throws(LogError) {
        try segment.resetIndexes()
        _ = try segment.scanHeaders(from: 0) { header throws(LogError) in
            try segment.reindex(header, interval: configuration.indexIntervalBytes)
            return true
        }
        _ = try putOffIfFull { () throws(LogError) in try segment.seal() }
        report(.rebuiltIndex(path: segment.path(.index)))
    }

    func readEpochs(_ segments: SegmentList) throws(LogError) -> (LeaderEpochCache, Bool) {
        do throws(LogError) {
            return (LeaderEpochCache(try LeaderEpochCheckpoint(in: directory, fileSystem).read()), false)
        } catch {
            guard case .malformed(let file) = error else { throw error }
            report(.malformed(file))
            return (try learnEpochs(segments), true)
        }
    }

    func learnEpochs(_ segments: SegmentList) throws(LogError) -> LeaderEpochCache {
        var epochs = LeaderEpochCache()
        for segment in segments.all {
            _ = try segment.scanHeaders(from: 0) { header in
                epochs.note(header)
                return true
            }
        }
        return epochs
    }
}

extension LeaderEpochCache {
    /// A batch that was read from the log tells of the leadership that wrote it.
    mutating func note(_ batch: BatchHeader) {
        let epoch = batch.header.partitionLeaderEpoch
        if epoch >= 0, epoch > latestEpoch ?? -1 { assign(epoch, startOffset: batch.baseOffset) }
    }
}
