// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Foundation
import KafkaModel
import LogStorage
import Logging
import Synchronization
import Testing

@testable import BrokerServer

struct LogThreadTests {
    @Test("What waits for a flush goes on after all work that was queued together")
    func sharedFlush() throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("log-thread-\(UUID())").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let configuration = LogDirectoriesConfiguration(paths: [path], brokerID: 0)
        let logs = try LogDirectories.open(configuration, now: 0, logger: Logger(label: "test")) { _ in }
        let log = try logs.getOrCreateLog(
            TopicPartition("topic", 0), topicID: nil, configuration: LogConfiguration(), now: 0)

        let threads = LogThreads(count: 1)
        let thread = threads.thread(for: TopicPartition("topic", 0))
        let events = Mutex<[String]>([])
        let gate = DispatchSemaphore(value: 0)
        // Holds the thread until all others are queued.
        thread.submit { gate.wait() }
        for name in ["a", "b"] {
            thread.submit {
                events.withLock { $0.append("work \(name)") }
                thread.flushThen(log) { error in
                    events.withLock { $0.append(error == nil ? "flushed \(name)" : "failed \(name)") }
                }
            }
        }
        gate.signal()
        threads.shutDown()
        #expect(events.withLock { $0 } == ["work a", "work b", "flushed a", "flushed b"])
        logs.close(now: 0)
    }
}
