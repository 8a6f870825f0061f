// SPDX-License-Identifier: Apache-2.0

import BrokerSettings
import Dispatch
import KafkaModel
import KafkaNetworking
import Metrics
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import BrokerServer

struct RequestMetricsTests {
    private func request(
        _ api: ApiKey, version: Int16 = 3, times: [Int64] = [0, 1, 2, 3, 4], isFromFollower: Bool = false
    ) -> FinishedRequest {
        func at(_ milliseconds: Int64) -> NIODeadline {
            .uptimeNanoseconds(1_000_000_000) + .milliseconds(milliseconds)
        }
        return FinishedRequest(
            api: api, version: version, requestBytes: 100, responseBytes: 40, received: at(times[0]),
            started: at(times[1]), processed: at(times[2]), answered: at(times[3]), sent: at(times[4]),
            isFromFollower: isFromFollower)
    }

    private func lines(_ metrics: RequestMetrics) -> [Substring] {
        var text = MetricsText()
        RequestSource(metrics).write(&text)
        return text.string.split(separator: "\n")
    }

    @Test func eachPartOfTheTimeIsItsOwn() {
        let metrics = RequestMetrics()
        metrics.finished(request(.produce, times: [0, 1, 3, 7, 15]))
        let lines = lines(metrics)
        for (phase, sum) in [("total", 15), ("requestqueue", 1), ("local", 2), ("remote", 4), ("responsesend", 8)] {
            let name = "kafka_network_requestmetrics_\(phase)timems_sum{request=\"Produce\"}"
            #expect(lines.contains("\(name) \(Double(sum))"))
        }
        #expect(lines.contains("kafka_network_requestmetrics_requests_total{request=\"Produce\",version=\"3\"} 1"))
        #expect(lines.contains("kafka_network_requestmetrics_requestbytes_total{request=\"Produce\"} 100"))
        #expect(lines.contains("kafka_network_requestmetrics_responsebytes_total{request=\"Produce\"} 40"))
        #expect(!lines.contains { $0.contains("Heartbeat") })
    }

    @Test func aFetchIsOneOfConsumersOrOfFollowersAndCountsAsAFetchToo() {
        let metrics = RequestMetrics()
        for _ in 0..<3 { metrics.finished(request(.fetch)) }
        metrics.finished(request(.fetch, version: 17, isFromFollower: true))
        let lines = lines(metrics)
        for (name, count) in [("Fetch", 4), ("FetchConsumer", 3), ("FetchFollower", 1)] {
            #expect(lines.contains("kafka_network_requestmetrics_totaltimems_count{request=\"\(name)\"} \(count)"))
        }
        #expect(lines.contains("kafka_network_requestmetrics_requests_total{request=\"Fetch\",version=\"17\"} 1"))
    }

    @Test func errorsAreCountedByNameAndStrangeOnesTogether() {
        let metrics = RequestMetrics()
        metrics.told([.notLeaderOrFollower, .notLeaderOrFollower, .unknownServerError], in: .produce)
        metrics.told([ErrorCode(rawValue: 9000), ErrorCode(rawValue: .min)], in: .metadata)
        let lines = lines(metrics)
        let name = "kafka_network_requestmetrics_errors_total"
        #expect(lines.contains("\(name){request=\"Produce\",error=\"NOT_LEADER_OR_FOLLOWER\"} 2"))
        #expect(lines.contains("\(name){request=\"Produce\",error=\"UNKNOWN_SERVER_ERROR\"} 1"))
        #expect(lines.contains("\(name){request=\"Metadata\",error=\"OTHER\"} 2"))
    }

    @Test func anyVersionIsCountedSomewhere() {
        let metrics = RequestMetrics()
        metrics.finished(request(.apiVersions, version: .max))
        metrics.finished(request(.apiVersions, version: -1))
        #expect(lines(metrics).contains("kafka_network_requestmetrics_totaltimems_count{request=\"ApiVersions\"} 2"))
    }
}

struct TopicMetricsTests {
    @Test func whatATopicDoesCountsForAll() {
        let table = TopicMetricsTable()
        let (orders, visits) = (table.topic("orders"), table.topic("visits"))
        orders.appended(records: 3, bytes: 300)
        visits.appended(records: 1, bytes: 50)
        orders.sent(bytes: 10, toFollower: true)
        visits.sent(bytes: 7, toFollower: false)
        orders.fetched(hasFailed: true)
        orders.produceFailed(bytes: 9)
        #expect(orders.messagesIn.value == 3)
        #expect(table.all.messagesIn.value == 4)
        #expect(table.all.bytesIn.value == 350)
        #expect(table.all.replicationBytesOut.value == 10)
        #expect(table.all.bytesOut.value == 7)
        #expect(table.all.fetchRequests.value == 1)
        #expect(table.all.failedFetchRequests.value == 1)
        #expect(table.all.bytesRejected.value == 9)
    }

    @Test func aTopicIsForgottenWithItsLastPartitionAndTheSumIsNot() {
        let table = TopicMetricsTable()
        var orders: TopicMetrics? = table.topic("orders")
        let kept = table.topic("kept")
        #expect(table.topic("orders") === orders)
        orders?.appended(records: 5, bytes: 5)
        orders = nil
        #expect(table.present.map(\.name) == ["kept"])
        #expect(table.all.messagesIn.value == 5)
        #expect(table.topic("orders").messagesIn.value == 0)
        _ = kept
    }

    @Test func topicsThatComeAndGoLeaveNothingThoughNobodyLooks() {
        let table = TopicMetricsTable()
        let kept = (0..<100).map { table.topic("kept-\($0)") }
        for number in 0..<10_000 { table.topic("gone-\(number)").appended(records: 1, bytes: 1) }
        #expect(table.count <= 2 * kept.count + 64)
        #expect(table.present.count == kept.count)
        #expect(table.topic("kept-7") === kept[7])
        #expect(table.all.messagesIn.value == 10_000)
    }
}

struct BrokerStatusTests {
    @Test func aStartIsNotReadyUntilTheControllerHasSpoken() {
        let status = BrokerStatus()
        #expect(status.readiness == (false, "connecting to ZooKeeper"))
        #expect(status.kafkaState == 1)
        status.enter(.recovering)
        #expect(status.kafkaState == 2)
        #expect(status.readiness == (false, "locking the log directories"))
        status.enter(.registering)
        #expect(status.readiness == (false, "registering in ZooKeeper"))
        let isKnown = Flag()
        status.registered()
        status.serve { isKnown.value.load(ordering: .relaxed) }
        #expect(status.readiness == (false, "waiting for the controller"))
        isKnown.value.store(true, ordering: .relaxed)
        #expect(status.readiness == (true, "serving"))
        #expect(status.kafkaState == 3)
    }

    @Test func aBrokerWithoutItsRegistrationIsNotReady() {
        let status = BrokerStatus()
        status.registered()
        status.serve { true }
        status.sessionExpired()
        #expect(!status.readiness.isReady)
        status.registered()
        #expect(status.readiness.isReady)
    }

    @Test func aBrokerThatStopsIsNotReady() {
        let status = BrokerStatus()
        status.registered()
        status.serve { true }
        status.enter(.handingOver)
        #expect(!status.readiness.isReady)
        #expect(status.kafkaState == 6)
        status.enter(.stopping)
        #expect(!status.readiness.isReady)
        #expect(status.kafkaState == 7)
    }

    private final class Flag: Sendable {
        let value = Atomic(false)
    }
}

struct ProgressMonitorTests {
    /// Gets work, and does it when told to.
    private final class Worker: Sendable {
        private let queue = Mutex<[@Sendable () -> Void]>([])

        var waiting: Int { queue.withLock { $0.count } }

        func submit(_ work: @escaping @Sendable () -> Void) { queue.withLock { $0.append(work) } }

        func work() {
            let queue = queue.withLock { queue in
                defer { queue = [] }
                return queue
            }
            for work in queue { work() }
        }
    }

    @Test func whoAnswersIsNotStuck() {
        let (monitor, worker) = (ProgressMonitor(), Worker())
        monitor.watch("w", patience: .seconds(10)) { worker.submit($0) }
        for round in 0..<10 {
            monitor.ask(now: UInt64(round) * 60_000)
            worker.work()
            #expect(monitor.stuck(now: UInt64(round) * 60_000 + 59_000).isEmpty)
        }
    }

    @Test func whoOwesAnAnswerForTooLongIsStuckAndAskedOnce() {
        let (monitor, worker, other) = (ProgressMonitor(), Worker(), Worker())
        monitor.watch("stuck", patience: .seconds(10)) { worker.submit($0) }
        monitor.watch("other", patience: .seconds(10)) { other.submit($0) }
        for now in stride(from: UInt64(5000), through: 20_000, by: 5000) {
            monitor.ask(now: now)
            other.work()
        }
        #expect(worker.waiting == 1)
        #expect(monitor.stuck(now: 15_000).isEmpty)
        let stuck = monitor.stuck(now: 15_001)
        #expect(stuck.map(\.name) == ["stuck"])
        #expect(stuck.map(\.milliseconds) == [10_001])
        worker.work()
        #expect(monitor.stuck(now: 90_000).isEmpty)
    }

    @Test func anEventLoopThatIsHeldUpIsFound() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
        let monitor = ProgressMonitor()
        for (index, loop) in group.makeIterator().enumerated() {
            monitor.watch("event loop \(index)", patience: .seconds(1)) { loop.execute($0) }
        }
        let release = DispatchSemaphore(value: 0)
        group.next().execute { release.wait() }
        let start = BrokerClock.monotonicMilliseconds
        monitor.ask(now: start)
        while monitor.stuck(now: start + 2000).count > 1 { try await Task.sleep(for: .milliseconds(1)) }
        #expect(monitor.stuck(now: start + 2000).count == 1)
        release.signal()
        while !monitor.stuck(now: start + 2000).isEmpty { try await Task.sleep(for: .milliseconds(1)) }
        try await group.shutdownGracefully()
    }
}

struct ThreadUseTests {
    @Test func aLogThreadCountsItsSleepAndNotItsWork() async throws {
        let threads = LogThreads(count: 1)
        let thread = threads.all[0]
        try await Task.sleep(for: .milliseconds(50))
        let slept = thread.idleNanoseconds
        #expect(slept >= 40_000_000)
        let (began, release) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        thread.submit {
            began.signal()
            release.wait()
        }
        while began.wait(timeout: .now()) == .timedOut { try await Task.sleep(for: .milliseconds(1)) }
        let before = thread.idleNanoseconds
        try await Task.sleep(for: .milliseconds(50))
        #expect(thread.idleNanoseconds == before)
        release.signal()
        let done = threads
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                done.shutDown()
                continuation.resume()
            }
        }
    }

    @Test func aLoopThatWorksIsSeenWorking() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let use = LoopUse(Array(group.makeIterator()))
        try await group.next().submit {}.get()
        let before = try #require(use.nanoseconds[0])
        try await group.next().submit {
            let start = BrokerClock.monotonicNanoseconds
            while BrokerClock.monotonicNanoseconds - start < 50_000_000 {}
        }.get()
        #expect(try #require(use.nanoseconds[0]) - before > 1_000_000)
        try await group.shutdownGracefully()
    }

    @Test func theProcessKnowsItself() throws {
        let facts = ProcessFacts()
        #expect(try #require(facts.cpuSeconds) > 0)
        #expect(try #require(facts.residentBytes) > 1 << 20)
        #expect(try #require(facts.virtualBytes) >= #require(facts.residentBytes))
        #expect(try #require(facts.openFiles) >= 3)
        #expect(try #require(facts.maxOpenFiles) >= #require(facts.openFiles))
        #expect(try #require(facts.threads) >= 1)
        let started = try #require(facts.startTime)
        let now = Double(BrokerClock.now) / 1000
        #expect(started <= now + 1 && started > now - 86_400 * 365)
    }
}

struct LogLevelTests {
    @Test func aLoggerHasTheLevelOfTheNearestAboveIt() {
        let levels = LogLevels(root: .info)
        let cleaner = levels.threshold("kafka.log.LogCleaner")
        #expect(cleaner.level == .info)
        #expect(levels.set("root", to: "ERROR"))
        #expect(cleaner.level == .error)
        #expect(levels.set("kafka", to: "DEBUG"))
        #expect(cleaner.level == .debug)
        #expect(levels.threshold("root").level == .error)
        #expect(levels.set("kafka.log.LogCleaner", to: "TRACE"))
        #expect(cleaner.level == .trace)
        #expect(levels.threshold("kafka.log.LogManager").level == .debug)
        #expect(levels.set("kafka.log.LogCleaner", to: nil))
        #expect(cleaner.level == .debug)
        // Of somebody else's library.
        #expect(levels.threshold("codes.example").level == .error)
    }

    @Test func whatIsNoLoggerOrNoLevelChangesNothing() {
        let levels = LogLevels(root: .info)
        let before = levels.all.map { "\($0.name)=\($0.level)" }
        #expect(!levels.set("kafka.no.Such", to: "DEBUG"))
        #expect(!levels.set("kafka", to: "LOUD"))
        #expect(!levels.set("root", to: nil))
        #expect(levels.all.map { "\($0.name)=\($0.level)" } == before)
        #expect(LogLevels.validLevels.allSatisfy { levels.set("kafka", to: $0) })
    }
}
