// SPDX-License-Identifier: Apache-2.0

import Logging
import Synchronization
import Testing
import ZooKeeperClient
import ZooKeeperStore

@testable import BrokerServer

/// How the controller hears of log directories that have failed.
@Suite struct DirectoryFailureReportTests {
    /// What ZooKeeper answers to one attempt after the other; those after the last succeed.
    private final class Ensemble: Sendable {
        private let answers: Mutex<[StoreError?]>
        private let attempts = Mutex(0)

        init(_ answers: [StoreError?]) { self.answers = Mutex(answers) }

        var count: Int { attempts.withLock { $0 } }

        func write() throws(StoreError) {
            attempts.withLock { $0 += 1 }
            if let error = answers.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) { throw error }
        }

        /// Waits until so many attempts were made, but not for ever.
        func wait(for count: Int) async {
            for _ in 0..<2000 where self.count < count { try? await Task.sleep(for: .milliseconds(5)) }
        }

        /// Whether so many attempts are made, and no more follow.
        func has(_ count: Int) async -> Bool {
            await wait(for: count)
            try? await Task.sleep(for: .milliseconds(50))
            return self.count == count
        }
    }

    private func report(_ ensemble: Ensemble) -> DirectoryFailureReport {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return DirectoryFailureReport(retryInterval: .milliseconds(1), logger: logger) { () async throws(StoreError) in
            try ensemble.write()
        }
    }

    private static let expired = StoreError.zooKeeper(.sessionExpired, path: "/log_dir_event_notification")
    private static let removed = StoreError.zooKeeper(.noNode, path: "/log_dir_event_notification")

    @Test func whatCouldNotBeWrittenIsWrittenAgain() async {
        let ensemble = Ensemble([Self.expired, Self.removed, Self.removed, nil])
        let report = report(ensemble)
        report.begin()
        #expect(await ensemble.has(4))
        report.begin()
        #expect(await ensemble.has(5))
    }

    @Test func aBrokerThatStopsTellsNobodyAnyMore() async {
        let ensemble = Ensemble(Array(repeating: Self.expired, count: 1_000_000))
        let report = report(ensemble)
        report.begin()
        await ensemble.wait(for: 3)
        report.stop()
        try? await Task.sleep(for: .milliseconds(20))
        let count = ensemble.count
        report.begin()
        #expect(await ensemble.has(count))
    }
}
