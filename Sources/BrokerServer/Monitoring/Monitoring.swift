// SPDX-License-Identifier: Apache-2.0

import BrokerSettings
import Dispatch
import HTTPServing
import Logging
import Metrics
import NIOCore
import Synchronization

/// What there is to see of a broker, and the port where it is seen: `/metrics`, `/health`, `/ready`.
///
/// It is there before anything else of the broker and goes last, so that a start that takes long can be watched. Metrics
/// are rendered aside, once a second at most however many ask; health and readiness are answered at once.
final class Monitoring: Sendable {
    let status = BrokerStatus()
    let progress = ProgressMonitor()
    let registry = MetricsRegistry()
    let replicas = ReplicaMetrics()
    let session = SessionMetrics()
    /// Nil where nobody could see them.
    let requests: RequestMetrics?
    private let timer = Mutex<TimerThread?>(nil)
    private let listener = Mutex<HTTPListener?>(nil)
    private let rendering = DispatchQueue(label: "martlet.metrics")
    private let rendered = Mutex<(at: UInt64, text: ByteBuffer)?>(nil)

    init(_ settings: BrokerConfiguration.Monitoring, version: String) {
        requests = settings.http == nil ? nil : RequestMetrics()
        registry.add { [status, progress] text in
            text.value(.brokerState, status.kafkaState)
            text.value(.ready, status.readiness.isReady)
            text.value(.stuckThreads, progress.stuck().count)
            text.family(.build) { $0.add(1, version) }
        }
        registry.add { Self.writeProcess(&$0) }
        registry.add { [status] in Self.writeRecovery(status.recovery, &$0) }
        if let source = requests.map(RequestSource.init) { registry.add { source.write(&$0) } }
    }

    // MARK: Life

    /// Opens the port, where one is configured.
    func listen(_ settings: BrokerConfiguration.Monitoring, logger: Logger) async throws(StartError) {
        guard let address = settings.http else { return }
        do throws(HTTPBindError) {
            let listener = try await HTTPListener.bind(
                host: address.host, port: address.port, routes: routes, logger: logger)
            self.listener.withLock { $0 = listener }
            logger.info("Monitoring", metadata: ["http.host": "\(address.host)", "http.port": "\(listener.port)"])
        } catch {
            throw StartError("monitoring.http.listener: \(error)", mayPass: !error.isPermissionDenied)
        }
    }

    func close() async {
        let listener = self.listener.withLock { listener in
            defer { listener = nil }
            return listener
        }
        await listener?.close()
    }

    /// The port of the listener; nil where there is none.
    var port: Int? { listener.withLock { $0?.port } }

    /// The broker has threads that must not stand still.
    func watch(_ timer: TimerThread, _ loops: EventLoops) {
        self.timer.withLock { $0 = timer }
        for (index, loop) in loops.network.makeIterator().enumerated() {
            progress.watch("event loop \(index)", patience: ProgressMonitor.patienceWithLoops) { loop.execute($0) }
        }
        for (index, loop) in loops.fetchers.makeIterator().enumerated() {
            progress.watch("fetcher loop \(index)", patience: ProgressMonitor.patienceWithDisks) { loop.execute($0) }
        }
    }

    func watch(_ threads: LogThreads) {
        for (index, thread) in threads.all.enumerated() {
            progress.watch("log thread \(index)", patience: ProgressMonitor.patienceWithDisks) { thread.submit($0) }
        }
    }

    // MARK: What is answered

    /// What stands still, in words; nil while all goes on.
    var standstill: String? {
        var stuck = progress.stuck().map { "\($0.name) has not answered for \($0.milliseconds / 1000) s" }
        if timer.withLock({ $0?.isAlive == false }) { stuck.append("the timer has not gone round") }
        return stuck.isEmpty ? nil : stuck.joined(separator: ", ")
    }

    private var routes: [String: HTTPRoute] {
        [
            "/health": { [self] answer in
                if let standstill {
                    answer(HTTPAnswer(status: 503, "stuck: \(standstill)\n"))
                } else {
                    answer(HTTPAnswer(status: 200, "healthy\n"))
                }
            },
            "/ready": { [self] answer in
                let (isReady, reason) = status.readiness
                answer(HTTPAnswer(status: isReady ? 200 : 503, "\(reason)\n"))
            },
            "/metrics": { [self] answer in
                rendering.async { [self] in
                    answer(HTTPAnswer(status: 200, contentType: MetricsText.contentType, body: text()))
                }
            },
        ]
    }

    /// On the rendering queue.
    private func text() -> ByteBuffer {
        if let (at, text) = rendered.withLock({ $0 }), BrokerClock.monotonicMilliseconds &- at < 1000 { return text }
        let text = ByteBuffer(bytes: registry.render().bytes)
        rendered.withLock { $0 = (BrokerClock.monotonicMilliseconds, text) }
        return text
    }

    private static func writeProcess(_ text: inout MetricsText) {
        let facts = ProcessFacts()
        if let value = facts.cpuSeconds { text.value(.cpuSeconds, value) }
        if let value = facts.residentBytes { text.value(.residentBytes, value) }
        if let value = facts.virtualBytes { text.value(.virtualBytes, value) }
        if let value = facts.openFiles { text.value(.openFiles, value) }
        if let value = facts.maxOpenFiles { text.value(.maxOpenFiles, value) }
        if let value = facts.threads { text.value(.threads, value) }
        if let value = facts.startTime { text.value(.startTime, value) }
    }

    private static func writeRecovery(_ recovery: BrokerStatus.Recovery?, _ text: inout MetricsText) {
        guard let recovery else { return }
        let directories = recovery.byDirectory.sorted { $0.key < $1.key }
        text.family(.logsToRecover) { for (path, progress) in directories { $0.add(progress.remainingLogs, path) } }
        text.family(.segmentsToRecover) {
            for (path, progress) in directories { $0.add(progress.remainingSegments, path) }
        }
        text.family(.bytesToRecover) { for (path, progress) in directories { $0.add(progress.remainingBytes, path) } }
        text.value(.recoveryTime, recovery.elapsed / .seconds(1))
        if let left = recovery.timeLeft { text.value(.recoveryTimeLeft, left / .seconds(1)) }
    }
}
