// SPDX-License-Identifier: Apache-2.0

import BrokerSettings
import KafkaModel
import LogStorage
import ZooKeeperClient

/// `martlet fence`: ends the ZooKeeper session that a dead broker has left behind, so that the cluster elects new leaders
/// now, and not when the session times out.
///
/// Never does so to a process that lives, be it stopped or cut off: it must get the locks of the log directories first,
/// which the kernel takes away from a process only with its life. So it works on the broker's own machine, where the
/// session file and the locks are, and nowhere else: a copy of them is not believed (``SessionFile``).
package enum Fence {
    package enum Outcome: Hashable, Sendable {
        /// The session has ended by this call.
        case ended(sessionID: Int64)
        /// It had ended before.
        case wasGone(sessionID: Int64)
        /// No broker has left a session here that was not ended: it never ran, or was fenced before.
        case nothingLeft
    }

    /// How long to look for a server of the ensemble.
    private static let patience = Duration.seconds(5)

    /// - Parameter brokerID: whose session it must be; nil for whichever broker the directories belong to.
    /// - Throws: ``StartError`` when the broker lives, the directories are another broker's, or no server of the ensemble
    ///   answers; the session is left alone then.
    package static func perform(
        brokerID: BrokerID?, _ configuration: BrokerConfiguration
    ) async throws(StartError) -> Outcome {
        let directories = configuration.logs.directories
        if let brokerID, configuration.brokerID >= 0, configuration.brokerID != brokerID {
            throw StartError("these are the settings of broker \(configuration.brokerID), not of broker \(brokerID)")
        }
        let files = SessionFiles(directories: directories)
        guard let home = files.newest?.file.directory else { return .nothingLeft }
        let locks = try lock(directories, home: home)
        defer { for lock in locks { lock.release() } }
        if let brokerID { try check(brokerID, home) }
        // Read again: before the lock it may have been about to change.
        guard let (file, content) = files.newest, file.directory == home else { return .nothingLeft }
        guard content.connect == configuration.zooKeeper.connect else {
            throw StartError(
                "the session in \(file.path) is one of \(content.connect), not of "
                    + "zookeeper.connect=\(configuration.zooKeeper.connect)")
        }
        let outcome = try await end(content)
        files.remove()
        return outcome
    }

    /// Takes the locks that a living broker would hold.
    ///
    /// - Parameter home: where the session file lies; its lock is needed.
    private static func lock(_ directories: [String], home: String) throws(StartError) -> [any FileLock] {
        let fileSystem = PosixFileSystem()
        var locks: [any FileLock] = []
        for directory in directories {
            var problem: String?
            do throws(FileError) {
                if let lock = try fileSystem.lock(directory + "/.lock") {
                    locks.append(lock)
                } else {
                    problem = "log directory \(directory) is locked by a living process: its session is left alone"
                }
            } catch {
                // A directory that has failed proves nothing; the one where the session file lies must.
                if directory == home { problem = "log directory \(directory) cannot be locked: \(error)" }
            }
            if let problem {
                for lock in locks { lock.release() }
                throw StartError(problem)
            }
        }
        return locks
    }

    private static func check(_ brokerID: BrokerID, _ directory: String) throws(StartError) {
        let owner: BrokerID?
        do throws(LogError) {
            owner = try MetaProperties.read(in: directory, PosixFileSystem())?.brokerID
        } catch {
            throw StartError("\(error)")
        }
        guard let owner, owner != brokerID else { return }
        throw StartError("log directory \(directory) belongs to broker \(owner), not to broker \(brokerID)")
    }

    private static func end(_ content: SessionFile.Content) async throws(StartError) -> Outcome {
        do throws(ZooKeeperError) {
            let configuration = ZooKeeperConfiguration(
                connect: try ZooKeeperConnectString(content.connect), connectionTimeout: patience)
            let identity = ZooKeeperSessionIdentity(id: content.sessionID, password: content.password)
            return try await ZooKeeperSession.end(identity, configuration)
                ? .ended(sessionID: content.sessionID) : .wasGone(sessionID: content.sessionID)
        } catch {
            throw StartError("ZooKeeper at \(content.connect): \(error)")
        }
    }
}
