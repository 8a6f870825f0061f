// SPDX-License-Identifier: Apache-2.0

import Glibc
import KafkaModel
import Synchronization
import Testing

@testable import LogStorage

/// One of two log directories fails under load: its logs refuse everything, the others do not notice.
@Suite struct DirectoryFaultTests {
    struct Fault: Sendable, CustomTestStringConvertible {
        var code: Int32
        var operations: Set<FileError.Operation>
        var testDescription: String {
            "\(operations.map(\.rawValue).sorted().joined(separator: ", ")): \(String(cString: strerror(code)))"
        }
    }

    private static let faults = [
        Fault(code: EIO, operations: [.write]),
        Fault(code: EIO, operations: [.read]),
        Fault(code: EIO, operations: [.fdatasync]),
        Fault(code: EIO, operations: [.fsync]),
        Fault(code: ENOSPC, operations: [.fdatasync]),
        // Remounted for reading only.
        Fault(code: EROFS, operations: [.write, .open, .ftruncate, .rename, .unlink, .mkdir]),
        // Removed, or no longer mounted.
        Fault(code: ENOENT, operations: [.open, .rename, .opendir]),
        Fault(code: ENODEV, operations: [.write, .read, .open, .fdatasync, .fsync, .stat, .rename, .opendir]),
    ]

    /// What the threads of a load have been told.
    private struct Account: Sendable {
        var acknowledged: [TopicPartition: [String]] = [:]
        var refusals: [TopicPartition: Int] = [:]
        var events: [String] = []
    }

    private static let partitions = (0..<6).map { TopicPartition("t", Int32($0)) }

    private func open(
        _ disk: ForgetfulFileSystem, onEvent: @escaping @Sendable (LogDirectoryEvent) -> Void = { _ in }
    ) throws(LogDirectoriesError) -> LogDirectories {
        var configuration = LogDirectoriesConfiguration(paths: ["/a", "/b"], brokerID: 1, clusterID: "c")
        configuration.openFiles = 12
        return try LogDirectories.open(configuration, fileSystem: disk, now: 0, logger: quiet, onEvent: onEvent)
    }

    @Test(arguments: faults)
    func theOtherDirectoryServesOn(_ fault: Fault) throws {
        let disk = ForgetfulFileSystem(seed: 5)
        let account = Mutex(Account())
        let manager = try open(disk) { event in
            guard case .offline(let path, _) = event else { return }
            account.withLock { $0.events.append(path) }
        }
        var settings = LogConfiguration()
        settings.segmentBytes = 1500
        settings.indexIntervalBytes = 200
        for partition in Self.partitions {
            _ = try manager.getOrCreateLog(
                partition, topicID: nil, configuration: settings, in: partition.partition < 3 ? "/a" : "/b", now: 0)
        }
        let count = Self.partitions.count + 1
        Threads.forEach(count, threads: count) { index in
            if index < Self.partitions.count {
                load(manager, Self.partitions[index], account)
            } else {
                // In the middle of it, and with the broker's periodic work going on.
                while account.withLock({ $0.acknowledged.values.reduce(0) { $0 + $1.count } }) < 200 { sched_yield() }
                disk.fail(after: 3, with: fault.code, fault.operations, under: "/a")
                for _ in 0..<4 {
                    manager.checkpointRecoveryPoints()
                    manager.checkpointHighWatermarks()
                    manager.deleteOldSegments(now: 1)
                    _ = manager.describe()
                }
            }
        }
        let told = account.withLock { $0 }
        #expect(told.events == ["/a"])
        #expect(manager.onlinePaths == ["/b"] && manager.offlinePaths == ["/a"])
        for partition in Self.partitions {
            let fails = partition.partition < 3
            #expect((told.refusals[partition] ?? 0 > 0) == fails, "\(partition)")
            guard !fails else { continue }
            #expect(told.acknowledged[partition]?.count == 2 * Self.appends)
            #expect(try manager.log(for: partition)?.allValues == told.acknowledged[partition])
        }
        // Checkpoints of the other are written on, and know nothing of the failed one's.
        manager.checkpointRecoveryPoints()
        let points = try OffsetCheckpoint(.recoveryPoint, in: "/b", disk).read()
        #expect(Set(points.keys) == Set(Self.partitions[3...]))
        #expect(manager.describe().map(\.isOffline) == [true, false])
        // A log that may be in the failed directory is not begun anew elsewhere.
        #expect(throws: LogError.self) {
            try manager.getOrCreateLog(Self.partitions[0], topicID: nil, configuration: settings, now: 0)
        }
        manager.close(now: 0)
        disk.heal()
        #expect(try !CleanShutdownFile.exists(in: "/a", disk))
        #expect(try CleanShutdownFile.exists(in: "/b", disk))
        try settle(disk, told)
    }

    private static let appends = 120

    /// Until it is refused, or where it must not be, a while longer than it takes the others.
    private func load(_ manager: LogDirectories, _ partition: TopicPartition, _ account: borrowing Mutex<Account>) {
        guard let log = manager.log(for: partition) else { return }
        for number in 0..<(partition.partition < 3 ? 100 * Self.appends : Self.appends) {
            let values = ["\(partition) \(number)", String(repeating: "x", count: number % 100)]
            do throws(LogError) {
                try log.append(TestBatch(values))
                if number % 5 == 0 { try log.flush() }
                account.withLock { $0.acknowledged[partition, default: []] += values }
                _ = try? log.bytes(from: log.offsets.logStart)
            } catch {
                guard error.errorCode == .kafkaStorageError else {
                    Issue.record("\(partition): \(error)")
                    return
                }
                account.withLock { $0.refusals[partition, default: 0] += 1 }
                // Whoever still asks is told at once, without touching the disk.
                #expect(throws: LogError.self) { try log.append(TestBatch(values)) }
                #expect(throws: LogError.self) { try log.bytes(from: 0) }
                return
            }
        }
    }

    /// The broker starts again on both directories, which the operator has put right.
    private func settle(_ disk: ForgetfulFileSystem, _ told: Account) throws {
        let again = try open(disk)
        defer { again.close(now: 0) }
        #expect(again.offlinePaths.isEmpty)
        for partition in Self.partitions {
            let expected = told.acknowledged[partition] ?? []
            let values = try #require(try again.log(for: partition)?.allValues, "\(partition)")
            // Of what was refused, all or nothing may be there.
            #expect(Array(values.prefix(expected.count)) == expected, "\(partition)")
        }
    }

    @Test(arguments: faults.filter { $0.operations.contains(.open) || $0.operations.contains(.read) })
    func aDirectoryThatIsBadAtTheStartIsLeftOut(_ fault: Fault) throws {
        let disk = ForgetfulFileSystem(seed: 6)
        let first = try open(disk)
        for partition in Self.partitions {
            let log = try first.getOrCreateLog(
                partition, topicID: nil, configuration: LogConfiguration(),
                in: partition.partition < 3 ? "/a" : "/b", now: 0)
            try log.append(TestBatch(["x"]))
        }
        first.close(now: 0)
        // Fails at any point of the start.
        for calls in 0..<12 {
            disk.fail(after: calls, with: fault.code, fault.operations, under: "/a")
            let manager = try open(disk)
            #expect(manager.log(for: Self.partitions[4])?.offsets.logEnd == 1)
            if manager.hasOfflineDirectory {
                #expect(manager.offlinePaths == ["/a"])
                #expect(manager.onlinePaths == ["/b"])
            }
            manager.close(now: 0)
            disk.heal()
        }
        let last = try open(disk)
        defer { last.close(now: 0) }
        #expect(last.logs.count == Self.partitions.count)
        #expect(last.logs.allSatisfy { $0.offsets.logEnd == 1 })
    }

    @Test func noDirectoryAtAllIsAnErrorThatSaysWhy() throws {
        let disk = ForgetfulFileSystem(seed: 7)
        try open(disk).close(now: 0)
        disk.fail(after: 0, with: EIO, [.open, .flock])
        do throws(LogDirectoriesError) {
            _ = try open(disk)
            Issue.record("opened")
        } catch {
            #expect(error.description.contains("no log directory can be used"))
            #expect(error.description.contains("Input/output error"))
        }
    }
}
