// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import Synchronization

/// One entry of `log.dirs`: its lock, its identity and its checkpoints.
final class LogDirectory: Sendable {
    let path: String
    let health: DirectoryHealth
    let lock: Mutex<(any FileLock)?>
    let meta: Mutex<MetaProperties?>
    /// What the checkpoints of recovery points and of high watermarks say.
    let recoveryPoints = Mutex<[TopicPartition: Offset]>([:])
    let highWatermarks = Mutex<[TopicPartition: Offset]>([:])
    /// Made at the start, so that it knows of all writes that fail. Nil where only files can be synced, and offline.
    let wholeSync: (any WholeSync)?
    private let fileSystem: any FileSystem

    init(
        _ path: String, health: DirectoryHealth, lock: (any FileLock)?, meta: MetaProperties?,
        wholeSync: (any WholeSync)? = nil, fileSystem: any FileSystem
    ) {
        self.path = path
        self.health = health
        self.lock = Mutex(lock)
        self.meta = Mutex(meta)
        self.wholeSync = wholeSync
        self.fileSystem = fileSystem
    }

    func checkpoint(_ kind: OffsetCheckpoint.Kind) -> OffsetCheckpoint {
        OffsetCheckpoint(kind, in: path, fileSystem)
    }

    /// Replaces a checkpoint; a failure is the directory's.
    func write(_ kind: OffsetCheckpoint.Kind, _ offsets: [TopicPartition: Offset]) throws(LogError) {
        try health.watching { () throws(LogError) in
            try logErrors { () throws(FileError) in try checkpoint(kind).write(offsets) }
        }
        switch kind {
        case .recoveryPoint: recoveryPoints.withLock { $0 = offsets }
        case .highWatermark: highWatermarks.withLock { $0 = offsets }
        default: break
        }
    }
}

/// `.kafka_cleanshutdown`: its presence says that all logs were closed in order.
///
///     {"version":0,"brokerEpoch":-1}
package enum CleanShutdownFile {
    package static let name = ".kafka_cleanshutdown"

    /// Whether the last stop was in order. The file is removed by ``remove(in:_:)`` before any log is opened.
    package static func exists(in directory: String, _ fileSystem: any FileSystem) throws(FileError) -> Bool {
        try fileSystem.status(of: directory + "/" + name) != nil
    }

    package static func remove(in directory: String, _ fileSystem: any FileSystem) throws(FileError) {
        try fileSystem.remove(directory + "/" + name)
        try fileSystem.syncDirectory(directory)
    }

    package static func write(in directory: String, brokerEpoch: BrokerEpoch, _ fileSystem: any FileSystem)
        throws(FileError)
    {
        try fileSystem.replace(
            directory + "/" + name, with: Array("{\"version\":0,\"brokerEpoch\":\(brokerEpoch)}".utf8))
    }
}
