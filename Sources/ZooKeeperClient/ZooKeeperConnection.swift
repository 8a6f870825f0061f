// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Metrics
import Synchronization

/// A client that outlives connections and sessions, by the rules of Kafka's own.
///
/// Requests that lose their connection are sent again, in order, once there is one; the caller waits, without limit.
/// Such a write may have been applied the first time, so it can fail with ``ZooKeeperError/nodeExists``,
/// ``ZooKeeperError/noNode`` or ``ZooKeeperError/badVersion`` although it succeeded: callers must check what they
/// find. All other errors reach the caller. When the session has expired, requests fail with
/// ``ZooKeeperError/sessionExpired`` until `beforeReplacing` has returned and a new session is being made; then they
/// wait for it.
///
/// `onEvent` is called in order, one event at a time, on the client's own queue; it must not block.
package final class ZooKeeperConnection: ZooKeeperCalls {
    private let core: ClientCore
    /// How long requests took, from sending to the last answer of those that were sent together.
    package let latencies = Histogram()

    /// Prepares a client; nothing happens before ``connect()``. `beforeReplacing` runs after a session has expired,
    /// before the next one is made: who owns ephemeral nodes gives up there what it held through them.
    package init(
        _ configuration: ZooKeeperConfiguration, beforeReplacing: @escaping @Sendable () async -> Void = {},
        onEvent: @escaping @Sendable (ZooKeeperEvent) -> Void = { _ in }
    ) {
        core = ClientCore(configuration, beforeReplacing: beforeReplacing, onEvent: onEvent)
    }

    deinit {
        core.abandon()
    }

    /// Makes the first session, trying server after server for ``ZooKeeperConfiguration/connectionTimeout``; throws
    /// as ``ZooKeeperSession/connect()``. To be called once.
    package func connect() async throws(ZooKeeperError) {
        if let error = await core.start() { throw error }
    }

    package func submit(_ requests: [ZooKeeperRequest]) async -> [ZooKeeperResult] {
        var results: [ZooKeeperResult] = Array(repeating: .failure(.connectionLoss), count: requests.count)
        var missing = Array(requests.indices)
        while !missing.isEmpty {
            switch await core.session() {
            case .failure(let error):
                for index in missing { results[index] = .failure(error) }
                return results
            case .success(let session):
                let start = ContinuousClock.now
                let answers = await session.submit(missing.map { requests[$0] })
                latencies.record(nanoseconds: Int64((ContinuousClock.now - start) / .nanoseconds(1)))
                for (index, answer) in zip(missing, answers) { results[index] = answer }
                missing.removeAll { results[$0] != .failure(.connectionLoss) }
            }
        }
        return results
    }

    /// Ends the session and every wait. Waits for the server, at most some seconds.
    package func close() async {
        await core.close()
    }

    /// The name and key of the present session, once it was connected.
    package var identity: ZooKeeperSessionIdentity? { core.published.withLock { $0.session?.identity } }

    /// The timeout that the server granted the present session; zero before the first connection.
    package var timeout: Duration { core.published.withLock { $0.session?.timeout } ?? .zero }

    /// Whether requests are being sent at this moment.
    package var isConnected: Bool { core.published.withLock { $0.admission == .send } }
}

/// Performs what ``ClientMachine`` decides. Owner: `queue`, a serial queue of its own.
// Unchecked, true by the serial queue, which stands for a lock: every stored `var` is touched on `queue` alone; what other
// threads look at is `published`, behind a lock of its own.
private final class ClientCore: @unchecked Sendable {
    /// What other threads may look at.
    struct Published {
        var admission = ClientMachine.Admission.refuse(.invalidState)
        var session: ZooKeeperSession?
    }

    private let configuration: ZooKeeperConfiguration
    private let beforeReplacing: @Sendable () async -> Void
    private let onEvent: @Sendable (ZooKeeperEvent) -> Void
    private let queue = DispatchQueue(label: "zookeeper.client")
    let published = Mutex(Published())

    private var machine = ClientMachine()
    private var session: ZooKeeperSession?
    /// Tells the events of the present session from those of earlier ones.
    private var generation = 0
    private var waiting: [CheckedContinuation<Result<ZooKeeperSession, ZooKeeperError>, Never>] = []
    private var startWaiter: CheckedContinuation<ZooKeeperError?, Never>?
    /// Sessions that are being closed.
    private var closing = 0
    private var closeWaiters: [CheckedContinuation<Void, Never>] = []

    init(
        _ configuration: ZooKeeperConfiguration, beforeReplacing: @escaping @Sendable () async -> Void,
        onEvent: @escaping @Sendable (ZooKeeperEvent) -> Void
    ) {
        self.configuration = configuration
        self.beforeReplacing = beforeReplacing
        self.onEvent = onEvent
    }

    // MARK: From callers, on any thread

    func start() async -> ZooKeeperError? {
        await withCheckedContinuation { waiter in
            queue.async {
                guard self.startWaiter == nil else {
                    waiter.resume(returning: .invalidState)
                    return
                }
                self.startWaiter = waiter
                self.run { $0.start() }
            }
        }
    }

    /// The session to send to; waits for a connection where waiting may help.
    func session() async -> Result<ZooKeeperSession, ZooKeeperError> {
        let (admission, session) = published.withLock { ($0.admission, $0.session) }
        if admission == .send, let session, session.isConnected { return .success(session) }
        return await withCheckedContinuation { waiter in
            queue.async { self.admit(waiter) }
        }
    }

    func close() async {
        await withCheckedContinuation { waiter in
            queue.async {
                self.closeWaiters.append(waiter)
                self.run { $0.closed() }
                self.finishClosing()
            }
        }
    }

    func abandon() {
        queue.async { self.run { $0.closed() } }
    }

    // MARK: On the queue

    private func admit(_ waiter: CheckedContinuation<Result<ZooKeeperSession, ZooKeeperError>, Never>) {
        switch machine.admission {
        case .send:
            if let session, session.isConnected {
                waiter.resume(returning: .success(session))
            } else {
                // The session knows already what is still on its way here.
                waiting.append(waiter)
            }
        case .wait: waiting.append(waiter)
        case .refuse(let error): waiter.resume(returning: .failure(error))
        }
    }

    private func run(_ event: (inout ClientMachine) -> [ClientMachine.Action]) {
        let actions = event(&machine)
        for action in actions { perform(action) }
        published.withLock {
            $0.admission = machine.admission
            $0.session = session
        }
    }

    private func perform(_ action: ClientMachine.Action) {
        switch action {
        case .openSession: openSession()
        case .discardSession: discardSession()
        case .prepare:
            let prepare = beforeReplacing
            // A task, because the queue must go on serving while the one above gets ready.
            Task {
                await prepare()
                self.queue.async { self.run { $0.prepared() } }
            }
        case .startRetryTimer(let milliseconds):
            queue.asyncAfter(deadline: .now() + .milliseconds(milliseconds)) { self.run { $0.retryTimerFired() } }
        case .emit(let event): onEvent(event)
        case .releaseWaiting: release(session.map { .success($0) } ?? .failure(.invalidState))
        case .failWaiting(let error): release(.failure(error))
        case .finishStart(let error):
            let waiter = startWaiter
            startWaiter = nil
            waiter?.resume(returning: error)
        }
    }

    private func release(_ result: Result<ZooKeeperSession, ZooKeeperError>) {
        let waiters = waiting
        waiting = []
        for waiter in waiters { waiter.resume(returning: result) }
    }

    private func openSession() {
        generation += 1
        let generation = generation
        let limit: Duration? = machine.state == .starting ? configuration.connectionTimeout : nil
        let session = ZooKeeperSession(configuration) { [weak self] event in
            guard let self else { return }
            self.queue.async { self.happened(event, generation) }
        }
        self.session = session
        // A task, because the queue must go on serving until the session is connected.
        Task {
            do throws(ZooKeeperError) {
                try await session.connect(within: limit)
            } catch {
                self.queue.async {
                    if generation == self.generation { self.run { $0.openingFailed(error) } }
                }
            }
        }
    }

    private func happened(_ event: ZooKeeperEvent, _ generation: Int) {
        guard generation == self.generation, session != nil else { return }
        switch event {
        case .connected(let identity): run { $0.connected(identity) }
        case .disconnected: run { $0.disconnected() }
        case .expired: run { $0.expired() }
        case .authFailed: run { $0.authFailed() }
        case .watch: run { $0.watchFired(event) }
        case .closed, .sessionReplaced: break
        }
    }

    private func discardSession() {
        guard let session else { return }
        self.session = nil
        closing += 1
        // A task, because a close waits for the server.
        Task {
            await session.close()
            self.queue.async {
                self.closing -= 1
                self.finishClosing()
            }
        }
    }

    private func finishClosing() {
        guard machine.state == .closed, closing == 0 else { return }
        let waiters = closeWaiters
        closeWaiters = []
        for waiter in waiters { waiter.resume() }
    }
}
