// SPDX-License-Identifier: Apache-2.0

import ClusterControl
import KafkaModel

// MARK: Log directories

extension SimulatedBroker {
    static let directoryCount = 2

    /// A log directory fails: what lies there is served no more until the process starts again, with the disk repaired. A
    /// process that has lost all of them ends.
    func failDirectory(_ directory: Int) {
        guard isRunning, failedDirectories.insert(directory).inserted else { return }
        guard failedDirectories.count < Self.directoryCount else { return world.kill(self) }
        world.trace("broker \(id): log directory \(directory) fails")
        offline.formUnion(disk.lazy.filter { $0.value.directory == directory }.map(\.key))
        for partition in replicas.keys.sorted() where offline.contains(partition) {
            stopFetching(partition)
            replicas.removeValue(forKey: partition)?.machine.retire()
            moved(partition)
        }
        tellOfFailedDirectory()
    }

    /// The controller is told by way of ZooKeeper, which may have to be waited for.
    private func tellOfFailedDirectory() {
        let prefix = "/log_dir_event_notification/log_dir_event_"
        guard link.isConnected, let session = link.session,
            (try? world.zooKeeper.createSequential(prefix, .logDirectoryEvent(id), by: session)) != nil
        else { return after(500) { [self] in tellOfFailedDirectory() } }
    }

    /// The log of a partition, made where there is none; or why it cannot be had.
    func obtainLog(_ partition: TopicPartition, _ topicID: KafkaUUID, isNew: Bool) -> (StoredLog?, ErrorCode) {
        if let stored = disk[partition] {
            guard !failedDirectories.contains(stored.directory) else { return (nil, .kafkaStorageError) }
            return stored.log.topicID == topicID ? (stored, .none) : (nil, .inconsistentTopicID)
        }
        // It may lie in the directory that has failed: an empty one elsewhere would lose its records.
        guard isNew || failedDirectories.isEmpty else { return (nil, .kafkaStorageError) }
        let working = (0..<Self.directoryCount).filter { !failedDirectories.contains($0) }
        // As many in each, about.
        let made = StoredLog(ModelLog(topicID: topicID), in: working[disk.count % working.count])
        disk[partition] = made
        return (made, .none)
    }
}
