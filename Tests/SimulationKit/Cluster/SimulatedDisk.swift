// SPDX-License-Identifier: Apache-2.0

import KafkaModel

/// How the disk of one log directory misbehaves; it does so through all lives of its broker, until somebody mends it.
struct SimulatedDisk {
    enum Work: CaseIterable {
        case read, write, flush
    }

    /// Nothing more can be written; what is there can be read, cut and flushed.
    var isFull = false
    /// How long writes and flushes take; nil where they take no time.
    var latency: ClosedRange<Int64>?
    /// What fails the next time that it is asked for.
    var failing: Work?
    /// A flush has failed: what was not on disk by then may be gone, though the process may have seen it since.
    var hasDroppedWrites = false
}

/// Why a log could not be written to.
enum DiskRefusal {
    /// There is no room; there may be some later.
    case full
    /// The log directory is offline, from now on at the latest.
    case offline
}

// MARK: What logs ask of their disks

extension SimulatedBroker {
    /// How long a partition's disk takes.
    func latency(of partition: TopicPartition) -> ClosedRange<Int64>? {
        disk[partition].flatMap { disks[$0.directory].latency }
    }

    /// Asks whether something may be added to a log.
    func refusal(ofWriteTo stored: StoredLog) -> DiskRefusal? {
        if disks[stored.directory].isFull { return isUsable(stored, for: .write) ? .full : .offline }
        return isUsable(stored, for: .write) ? nil : .offline
    }

    /// Asks whether a log can be read, cut or flushed. What fails takes the directory offline.
    func isUsable(_ stored: StoredLog, for work: SimulatedDisk.Work) -> Bool {
        let directory = stored.directory
        guard !failedDirectories.contains(directory) else { return false }
        guard disks[directory].failing == work else { return true }
        disks[directory].failing = nil
        world.trace("broker \(id): \(work) fails in log directory \(directory)")
        if work == .flush { disks[directory].hasDroppedWrites = true }
        failDirectory(directory)
        return false
    }

    /// Makes a log durable; false when that fails.
    func flush(_ stored: StoredLog) -> Bool {
        guard isUsable(stored, for: .flush) else { return false }
        stored.log.flush()
        return true
    }
}
