// SPDX-License-Identifier: Apache-2.0

import KafkaModel

/// Passes 1 to 3: files that a crash has left half done.
extension LogLoader {
    func prepare() throws(LogError) -> Files {
        let names = try logErrors { () throws(FileError) in
            try fileSystem.list(directory).filter { !$0.isDirectory }.map(\.name)
        }
        let parsed = names.compactMap(SegmentFileName.init)
        let firstCleaned = parsed.filter { $0.suffix == .cleaned }.map(\.base).min()
        var files = Files(isNew: names.isEmpty)
        var swaps: Set<Offset> = []
        var swapFiles: [SegmentFileName] = []
        for name in names {
            guard let file = SegmentFileName(name) else {
                if name == PartitionMetadataFile.name { files.hasTopicID = true }
                if name.hasSuffix(".tmp") { try remove(name) }
                continue
            }
            switch file.suffix {
            case .deleted, .cleaned:
                try remove(name)
            case .swap:
                if let firstCleaned, file.base >= firstCleaned {
                    try remove(name)
                } else {
                    swapFiles.append(file)
                    if file.kind == .log { swaps.insert(file.base) }
                }
            case .none:
                if file.kind == .snapshot {
                    files.snapshots.append(file.base)
                } else {
                    files.segments[file.base, default: []].insert(file.kind)
                }
            }
        }
        if !swapFiles.isEmpty { try completeSwaps(swaps, swapFiles, &files) }
        for (base, kinds) in files.segments where !kinds.contains(.log) {
            for kind in kinds { try remove(SegmentFileName(base: base, kind: kind).name) }
            files.segments[base] = nil
        }
        return files
    }

    /// Pass 2. What a swap covers goes first; a crash in between finds the swap still there.
    func completeSwaps(
        _ bases: Set<Offset>, _ names: [SegmentFileName], _ files: inout Files
    ) throws(LogError) {
        var indexes = names.filter { $0.kind != .log }
        for file in indexes where !bases.contains(file.base) {
            // Its data was renamed already, as Kafka's cleaner does first.
            let kinds = files.segments[file.base] ?? []
            if kinds.contains(.log), !kinds.contains(file.kind) {
                try finishSwap(file, &files)
            } else {
                try remove(file.name)
            }
        }
        indexes.removeAll { !bases.contains($0.base) }
        guard let low = bases.min() else { return }
        var high = low
        for base in bases {
            let segment = LogSegment(
                base: base, in: directory, suffix: .swap, isNew: false, hasTransactions: false, now: now, pool: pool)
            let result = try SegmentScan(segment).run { (_, _) in }
            segment.close()
            high = max(high, result.nextOffset)
            guard let problem = result.problem else { continue }
            report(.malformed(segment.damage(result.validBytes, problem)))
            // It was whole when it got this name. What it was made of is better, if it is still there.
            guard files.segments[base]?.contains(.log) == true else { continue }
            for file in names { try remove(file.name) }
            return
        }
        for (base, kinds) in files.segments.sorted(by: { $0.key < $1.key })
        where base >= low && (base < high || bases.contains(base)) {
            // Files beside a swap whose offset index is in place already are its own.
            let isOld = kinds.contains(.log) || indexes.contains { $0.base == base && $0.kind == .index }
            if bases.contains(base), !isOld { continue }
            for kind in kinds { try remove(SegmentFileName(base: base, kind: kind).name) }
            files.segments[base] = nil
        }
        // What was removed must not come back beside what takes its place. The data file is renamed last: while it is a
        // swap, all this is done again.
        try logErrors { () throws(FileError) in try fileSystem.syncDirectory(directory) }
        for kind in [SegmentFileName.Kind.index, .timeindex, .txnindex] {
            for file in indexes where file.kind == kind { try finishSwap(file, &files) }
        }
        for file in names where file.kind == .log { try finishSwap(file, &files) }
        try logErrors { () throws(FileError) in try fileSystem.syncDirectory(directory) }
    }

    func finishSwap(_ file: SegmentFileName, _ files: inout Files) throws(LogError) {
        var target = file
        target.suffix = .none
        let path = directory + "/" + target.name
        try logErrors { () throws(FileError) in
            try fileSystem.rename(directory + "/" + file.name, to: path)
        }
        files.segments[file.base, default: []].insert(file.kind)
        if file.kind == .log { report(.completedSwap(path: path)) }
    }

    func remove(_ name: String) throws(LogError) {
        let path = directory + "/" + name
        try logErrors { () throws(FileError) in try fileSystem.remove(path) }
        report(.removedLeftover(path: path))
    }
}
