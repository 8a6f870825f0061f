// SPDX-License-Identifier: Apache-2.0

import ClusterControl
import KafkaModel

// MARK: Log directories

extension SimulatedBroker {
    static let directoryCount = 2

    /// A log directory fails: from now on its logs refuse everything, and behind the control requests that are under way
    /// what lies there is served no more, until the process starts again, with the disk repaired. A process that has lost
    /// all of them ends.
    func failDirectory(_ directory: Int) {
        guard isRunning, failedDirectories.insert(directory).inserted else { return }
        world.trace("broker \(id): log directory \(directory) fails")
        let begun = life
        controlQueue.submit { [self] done in
            // Met by work that goes on after it.
            after(0) { [self] in
                takeOffline(directory)
                if life == begun { done() }
            }
        }
        tellOfFailedDirectory()
        let failed = life
        world.schedule(after: world.draw(2000...40_000)) { [self] in
            // The operator repairs the disk and starts the process again.
            if life == failed { world.kill(self) }
        }
    }

    private func takeOffline(_ directory: Int) {
        guard failedDirectories.count < Self.directoryCount else { return world.kill(self) }
        for partition in replicas.keys.sorted() where replicas[partition]?.stored?.directory == directory {
            takeOffline(partition)
        }
        endMoves(around: directory)
    }

    private func takeOffline(_ partition: TopicPartition) {
        stopFetching(partition)
        stopMove(of: partition)
        offline.insert(partition)
        replicas.removeValue(forKey: partition)?.machine.retire()
        moved(partition)
    }

    /// The failed directories are whole again, for the next life.
    func mendDirectories(_ directories: Set<Int>) {
        for directory in directories {
            disks[directory].hasDroppedWrites = false
            disks[directory].failing = nil
        }
    }

    /// Partitions that had found no room for their logs may have it now: the controller learns of it by asking for all.
    func lookForRoom() {
        guard lacksRoom, disks.indices.contains(where: { !failedDirectories.contains($0) && !disks[$0].isFull }) else {
            return
        }
        lacksRoom = false
        world.trace("broker \(id): has room again")
        tellOfFailedDirectory()
    }

    /// A high watermark on disk that lies above a cut would vouch for what is appended since.
    func checkpointAfterCut(_ stored: StoredLog) {
        if stored.log.checkpointedMark > stored.log.logEnd, !disks[stored.directory].isFull { stored.log.checkpoint() }
    }

    /// What becomes of a replica that could not take its role.
    func couldNotTakeRole(_ replica: HostedReplica, _ refusal: DiskRefusal) -> ErrorCode {
        switch refusal {
        case .full:
            if replica.stored == nil { replicas[replica.partition] = nil }
            lacksRoom = true
        case .offline: takeOffline(replica.partition)
        }
        return .kafkaStorageError
    }

    /// The controller is told by way of ZooKeeper, which may have to be waited for.
    private func tellOfFailedDirectory() {
        let prefix = "/log_dir_event_notification/log_dir_event_"
        guard link.isConnected, let session = link.session,
            (try? world.zooKeeper.createSequential(prefix, .logDirectoryEvent(id), by: session)) != nil
        else { return after(500) { [self] in tellOfFailedDirectory() } }
    }

    enum ObtainedLog {
        case log(StoredLog)
        case refused(DiskRefusal)
        /// The directory is another topic's of this name.
        case otherTopic
    }

    /// The log of a partition, made where there is none; or why it cannot be had.
    func obtainLog(_ partition: TopicPartition, _ topicID: KafkaUUID, isNew: Bool) -> ObtainedLog {
        if let stored = disk[partition] {
            guard !failedDirectories.contains(stored.directory) else { return .refused(.offline) }
            return stored.log.topicID == topicID ? .log(stored) : .otherTopic
        }
        // It may lie in the directory that has failed: an empty one elsewhere would lose its records.
        guard isNew || failedDirectories.isEmpty else { return .refused(.offline) }
        let working = (0..<Self.directoryCount).filter { !failedDirectories.contains($0) }
        let roomy = working.filter { !disks[$0].isFull }
        guard !roomy.isEmpty else { return .refused(working.isEmpty ? .offline : .full) }
        // As many in each, about.
        let made = StoredLog(ModelLog(topicID: topicID), in: roomy[disk.count % roomy.count])
        disk[partition] = made
        return .log(made)
    }
}
