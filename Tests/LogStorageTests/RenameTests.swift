// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import Synchronization
import Testing

@testable import LogStorage

/// Readers open files while their directory, or they themselves, get another name: that is no failure of the disk.
@Suite struct RenameTests {
    private func log(segments: Int = 5) throws -> (ForgetfulFileSystem, TestLog, PartitionLog) {
        let disk = ForgetfulFileSystem(seed: 1)
        try disk.makeDirectory("/d")
        var test = try TestLog("/d", disk)
        test.configuration.segmentBytes = 300
        test.configuration.indexIntervalBytes = 1
        let log = try test.open()
        while log.segmentCount < segments { try log.append(TestBatch(["value", "another"])) }
        log.updateHighWatermark(log.offsets.logEnd)
        return (disk, test, log)
    }

    private func closeFiles(of log: PartitionLog) {
        for segment in log.published.withLock({ $0.segments }).all { segment.close() }
    }

    @Test func aLogIsReadWhileItsDirectoryIsRenamed() throws {
        let (disk, test, log) = try log()
        let count = try log.allRecords().count
        closeFiles(of: log)
        let seen = Mutex<[Int]>([])
        disk.afterRename.withLock {
            $0 = { _ in
                let read = (try? log.allRecords().count) ?? -1
                seen.withLock { $0.append(read) }
            }
        }
        try log.move(to: "/d/topic-0.0123-delete")
        closeFiles(of: log)
        try log.move(to: "/d/topic-0")
        #expect(seen.withLock { $0 } == [count, count])
        #expect(!test.health.isOffline)
        #expect(try log.allRecords().count == count)
    }

    @Test func aDirectoryThatCannotBeRenamedKeepsItsFiles() throws {
        let (disk, _, log) = try log()
        let count = try log.allRecords().count
        closeFiles(of: log)
        disk.fail(after: 0, with: 30, [.rename])
        #expect(throws: LogError.self) { try log.move(to: "/d/elsewhere") }
        disk.heal()
        #expect(log.path == "/d/topic-0")
        // Its directory is offline now, and so is not read; its files are looked for where they are.
        for segment in log.published.withLock({ $0.segments }).all { _ = try segment.data.open() }
        #expect(count > 0)
    }

    @Test func aLogThatIsThrownAwayAndGoneIsClosedToReadersAndItsDirectoryServes() throws {
        let (disk, test, log) = try log()
        log.abandon()
        try log.move(to: "/d/topic-0.0123-delete")
        // The files are there until their time has come.
        #expect(try !log.allRecords().isEmpty)
        closeFiles(of: log)
        try disk.removeTree("/d/topic-0.0123-delete")
        let error = #expect(throws: LogError.self) { try log.allRecords() }
        guard case .closed? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(!test.health.isOffline)
    }

    @Test func filesThatAreGoneThoughTheLogIsInUseTakeTheDirectoryOffline() throws {
        let (disk, test, log) = try log()
        closeFiles(of: log)
        try disk.removeTree("/d/topic-0")
        #expect(throws: LogError.self) { try log.allRecords() }
        #expect(test.health.isOffline)
    }
}
