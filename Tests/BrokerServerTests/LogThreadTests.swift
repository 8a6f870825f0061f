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

    @Test("Work in the place of an idle thread comes before what is submitted meanwhile, and alone")
    func lentPlace() {
        let threads = LogThreads(count: 1)
        let thread = threads.thread(for: TopicPartition("topic", 0))
        let events = Mutex<[String]>([])
        @Sendable func note(_ event: String) { events.withLock { $0.append(event) } }
        for round in 0..<200 {
            while !thread.performIfIdle({
                note("first \(round)")
                thread.submit { note("second \(round)") }
                // Taken once at a time.
                #expect(!thread.performIfIdle { note("never") })
                if round % 10 == 0 { usleep(1000) }
                note("first still \(round)")
            }) { sched_yield() }
        }
        threads.shutDown()
        #expect(events.withLock { $0 } == (0..<200).flatMap { ["first \($0)", "first still \($0)", "second \($0)"] })
        #expect(!thread.performIfIdle { note("after the end") })
    }

    @Test("A busy thread keeps its place, and one whose place is taken ends only after it was given back")
    func busyThreads() {
        let threads = LogThreads(count: 1)
        let thread = threads.thread(for: TopicPartition("topic", 0))
        let (started, gate) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        thread.submit {
            started.signal()
            gate.wait()
        }
        started.wait()
        #expect(!thread.performIfIdle {})
        gate.signal()

        let isDone = Mutex(false)
        let ended = DispatchSemaphore(value: 0)
        while !thread.performIfIdle({
            Thread.detachNewThread {
                threads.shutDown()
                #expect(isDone.withLock { $0 })
                ended.signal()
            }
            usleep(20_000)
            isDone.withLock { $0 = true }
        }) { sched_yield() }
        ended.wait()
    }
}
