// SPDX-License-Identifier: Apache-2.0

import CZooKeeper
import Dispatch
import Synchronization

/// The inside of a session: what waits, what is under way, and the C handle.
///
/// Owner: `queue`, a serial queue of its own. C's threads and callers only put work on it, so results and events leave
/// in the order in which C reported them.
// Unchecked, true by the serial queue, which stands for a lock: every stored `var` is touched on `queue` alone; what other
// threads look at is `published`, behind a lock of its own.
final class SessionCore: @unchecked Sendable {
    enum Phase: Equatable {
        /// No handle was asked for yet.
        case idle
        /// A handle exists, or will once a name can be resolved; it was never connected.
        case connecting
        /// Connected; so many credentials are not acknowledged yet.
        case authenticating(remaining: Int)
        case connected
        /// Was connected; C tries to be so again.
        case disconnected
        /// The session is dead, with the error that requests get from now on.
        case dead(ZooKeeperError)
        /// Closed on this side.
        case closed
    }

    /// What other threads may look at.
    struct Published {
        var identity: ZooKeeperSessionIdentity?
        var timeoutMilliseconds: Int32 = 0
        var isConnected = false
    }

    /// A caller's requests and the results so far.
    private final class Batch {
        var results: [ZooKeeperResult?]
        var missing: Int
        let continuation: CheckedContinuation<[ZooKeeperResult], Never>

        init(count: Int, _ continuation: CheckedContinuation<[ZooKeeperResult], Never>) {
            results = Array(repeating: nil, count: count)
            missing = count
            self.continuation = continuation
        }

        func finish(_ index: Int, _ result: ZooKeeperResult) {
            results[index] = result
            missing -= 1
            if missing == 0 { continuation.resume(returning: results.map { $0 ?? .failure(.closing) }) }
        }
    }

    private struct Pending {
        let batch: Batch
        let index: Int
        let request: ZooKeeperRequest
    }

    private enum Purpose {
        case request(Pending)
        case credentials
        /// A request of our own, whose answer is of no interest.
        case nudge
    }

    let configuration: ZooKeeperConfiguration
    let queue = DispatchQueue(label: "zookeeper.session")
    let published = Mutex(Published())
    private let inbox = Mutex<[Arrival]>([])
    private let resuming: ZooKeeperSessionIdentity?
    private let onEvent: @Sendable (ZooKeeperEvent) -> Void
    private let chroot: String

    private var phase = Phase.idle
    private var handle: CHandle?
    private var window: RequestWindow<Pending>
    private var underWay: [UInt64: (purpose: Purpose, completion: Completion)] = [:]
    private var nextID: UInt64 = 1
    private var presentedCredentials = false
    private var connectWaiter: CheckedContinuation<ZooKeeperError?, Never>?
    private var closeWaiters: [CheckedContinuation<Void, Never>] = []
    private var isReleasingHandle = false

    init(
        _ configuration: ZooKeeperConfiguration, resuming: ZooKeeperSessionIdentity?,
        onEvent: @escaping @Sendable (ZooKeeperEvent) -> Void
    ) {
        self.configuration = configuration
        self.resuming = resuming
        self.onEvent = onEvent
        chroot = configuration.connect.chroot
        window = RequestWindow(limit: min(max(configuration.maxInFlightRequests, 1), 10_000))
    }
}

// MARK: - From callers, on any thread

extension SessionCore {
    /// Opens the handle and waits for the first connection, at most `limit`, for ever if that is nil.
    func connect(limit: Duration?) async -> ZooKeeperError? {
        await withCheckedContinuation { waiter in
            queue.async { self.start(waiter, limit: limit) }
        }
    }

    func submit(_ requests: [ZooKeeperRequest]) async -> [ZooKeeperResult] {
        if requests.isEmpty { return [] }
        return await withCheckedContinuation { continuation in
            queue.async { self.accept(requests, continuation) }
        }
    }

    func close() async {
        await withCheckedContinuation { waiter in
            queue.async {
                self.closeWaiters.append(waiter)
                self.beginClose()
            }
        }
    }

    /// As ``close()`` without waiting: nobody holds the session any more.
    func abandon() {
        queue.async { self.beginClose() }
    }

    /// How many requests C holds.
    func countUnderWay() async -> Int {
        await withCheckedContinuation { waiter in queue.async { waiter.resume(returning: self.underWay.count) } }
    }
}

// MARK: - From C's threads: hand over, no more

extension SessionCore {
    /// What C's threads tell.
    fileprivate enum Arrival {
        case result(UInt64, ZooKeeperResult)
        case state(Int32, ZooKeeperSessionIdentity?, timeout: Int32)
        case watch(String, ZooKeeperEvent.WatchKind)
    }

    func arrived(_ id: UInt64, _ result: ZooKeeperResult) { handOver(.result(id, result)) }

    func sessionChanged(_ state: Int32, _ identity: ZooKeeperSessionIdentity?, timeout: Int32) {
        handOver(.state(state, identity, timeout: timeout))
    }

    func watchFired(_ path: String, _ kind: ZooKeeperEvent.WatchKind) { handOver(.watch(path, kind)) }

    /// Thousands of results come in bursts: the queue is woken once for all that have gathered.
    private func handOver(_ arrival: Arrival) {
        let isFirst = inbox.withLock { inbox in
            inbox.append(arrival)
            return inbox.count == 1
        }
        if isFirst { queue.async { self.takeIn() } }
    }

    private func takeIn() {
        let arrivals = inbox.withLock { inbox in
            defer { inbox = [] }
            return inbox
        }
        for arrival in arrivals {
            switch arrival {
            case .result(let id, let result): finished(id, result)
            case .state(let state, let identity, let timeout): changed(state, identity, timeout: timeout)
            case .watch(let path, let kind): onEvent(.watch(path: withoutChroot(path), kind: kind))
            }
        }
    }
}

// MARK: - On the queue

extension SessionCore {
    private func start(_ waiter: CheckedContinuation<ZooKeeperError?, Never>, limit: Duration?) {
        guard phase == .idle, connectWaiter == nil else {
            waiter.resume(returning: .invalidState)
            return
        }
        connectWaiter = waiter
        phase = .connecting
        if let milliseconds = limit?.milliseconds {
            queue.asyncAfter(deadline: .now() + .milliseconds(Int(milliseconds))) {
                self.endConnecting(
                    .connectionTimeout(
                        servers: self.configuration.connect.description, milliseconds: milliseconds))
            }
        }
        openHandle()
    }

    private func openHandle() {
        guard phase == .connecting, handle == nil else { return }
        // C is told of this object without a reference of its own; the one held here goes when the handle has closed.
        let keepAlive = Unmanaged.passRetained(self)
        do throws(ZooKeeperError) {
            handle = try CHandle.open(configuration, resuming: resuming, core: self)
        } catch {
            keepAlive.release()
            endConnecting(error)
            return
        }
        if handle == nil {
            keepAlive.release()
            // No name could be resolved; that may change.
            queue.asyncAfter(deadline: .now() + .seconds(1)) { self.openHandle() }
        }
    }

    /// The first connection will not be: the handle goes, and whoever waits is told why.
    private func endConnecting(_ error: ZooKeeperError) {
        guard let waiter = connectWaiter else { return }
        connectWaiter = nil
        if case .dead = phase {} else { phase = .dead(error) }
        releaseHandle()
        waiter.resume(returning: error)
    }

    private func accept(_ requests: [ZooKeeperRequest], _ continuation: CheckedContinuation<[ZooKeeperResult], Never>) {
        let batch = Batch(count: requests.count, continuation)
        for (index, request) in requests.enumerated() {
            if let error = refusal(request) {
                batch.finish(index, .failure(error))
            } else if case .multi(let operations) = request, operations.isEmpty {
                batch.finish(index, .success(.multi(ZooKeeperMultiOutcome(results: []))))
            } else {
                window.enqueue(Pending(batch: batch, index: index, request: request))
            }
        }
        pump()
    }

    /// Why a request cannot even wait.
    private func refusal(_ request: ZooKeeperRequest) -> ZooKeeperError? {
        switch phase {
        case .connected: break
        // Never sent, so certainly not applied; the client on top sends it again.
        case .idle, .connecting, .authenticating, .disconnected: return .connectionLoss
        case .dead(let error): return error
        case .closed: return .closing
        }
        guard request.isValid else { return .badArguments }
        let size = request.size + chroot.utf8.count
        return size > configuration.maxRequestBytes
            ? .requestTooLarge(bytes: size, limit: configuration.maxRequestBytes) : nil
    }

    private func pump() {
        guard phase == .connected, let handle else { return }
        while let pending = window.next() {
            let id = register(.request(pending))
            guard let completion = underWay[id]?.completion else { continue }
            if let error = handle.send(pending.request, chroot: chroot, completion) {
                finished(id, .failure(error), pumping: false)
            }
        }
    }

    private func register(_ purpose: Purpose) -> UInt64 {
        let id = nextID
        nextID &+= 1
        underWay[id] = (purpose, Completion(core: self, id: id))
        return id
    }

    private func finished(_ id: UInt64, _ result: ZooKeeperResult, pumping: Bool = true) {
        guard let (purpose, _) = underWay.removeValue(forKey: id) else { return }
        switch purpose {
        case .request(let pending):
            window.finished()
            pending.batch.finish(pending.index, withoutChroot(result))
            if pumping { pump() }
        case .credentials:
            acknowledged(result)
        case .nudge:
            break
        }
    }

    private func changed(_ state: Int32, _ identity: ZooKeeperSessionIdentity?, timeout: Int32) {
        switch phase {
        case .dead, .closed, .idle: return
        case .connecting, .authenticating, .connected, .disconnected: break
        }
        switch state {
        case ZOO_CONNECTED_STATE:
            published.withLock {
                $0.identity = identity
                $0.timeoutMilliseconds = timeout
            }
            if configuration.credentials.isEmpty || presentedCredentials {
                // C presents credentials it knows by itself, ahead of everything else.
                becameConnected()
            } else {
                presentCredentials()
            }
        case ZOO_EXPIRED_SESSION_STATE:
            die(.sessionExpired, .expired)
        case ZOO_AUTH_FAILED_STATE:
            die(.authFailed, .authFailed)
        default:
            becameDisconnected()
        }
    }

    private func presentCredentials() {
        guard let handle else { return }
        presentedCredentials = true
        phase = .authenticating(remaining: configuration.credentials.count)
        for credentials in configuration.credentials {
            let id = register(.credentials)
            guard let completion = underWay[id]?.completion else { continue }
            if let error = handle.authenticate(credentials, completion) { finished(id, .failure(error)) }
        }
        // C does not wake its input loop for credentials; any request does.
        let id = register(.nudge)
        if let completion = underWay[id]?.completion,
            let error = handle.send(.exists(path: "/"), chroot: "", completion)
        {
            finished(id, .failure(error))
        }
    }

    private func acknowledged(_ result: ZooKeeperResult) {
        guard case .authenticating(let remaining) = phase, case .success = result else { return }
        phase = .authenticating(remaining: remaining - 1)
        if remaining == 1 { becameConnected() }
    }

    private func becameConnected() {
        phase = .connected
        let identity = published.withLock {
            $0.isConnected = true
            return $0.identity
        }
        if let identity { onEvent(.connected(identity)) }
        if let waiter = connectWaiter {
            connectWaiter = nil
            waiter.resume(returning: nil)
        }
        pump()
    }

    private func becameDisconnected() {
        switch phase {
        case .connected:
            phase = .disconnected
            published.withLock { $0.isConnected = false }
            onEvent(.disconnected)
            // In order: what was sent before is reported lost by C; what waited behind it was not sent.
            failWaiting(.connectionLoss)
        case .authenticating:
            phase = connectWaiter == nil ? .disconnected : .connecting
        case .idle, .connecting, .disconnected, .dead, .closed:
            break
        }
    }

    private func die(_ error: ZooKeeperError, _ event: ZooKeeperEvent) {
        phase = .dead(error)
        published.withLock { $0.isConnected = false }
        failWaiting(error)
        onEvent(event)
        endConnecting(error)
        releaseHandle()
    }

    private func failWaiting(_ error: ZooKeeperError) {
        for pending in window.drain() { pending.batch.finish(pending.index, .failure(error)) }
    }

    private func beginClose() {
        endConnecting(.closing)
        if phase == .closed {
            if !isReleasingHandle { endClose() }
            return
        }
        phase = .closed
        published.withLock { $0.isConnected = false }
        failWaiting(.closing)
        releaseHandle()
        if !isReleasingHandle { closedAtLast() }
    }

    /// Closes the handle on a thread of its own, since that waits for the server.
    private func releaseHandle() {
        guard let handle, !isReleasingHandle else { return }
        isReleasingHandle = true
        DispatchQueue.global().async {
            handle.close()
            self.queue.async { self.handleReleased() }
        }
    }

    /// C's threads are gone, and all they handed over has been dealt with: the rest was forgotten by C.
    private func handleReleased() {
        handle = nil
        isReleasingHandle = false
        let reason: ZooKeeperError = if case .dead(let error) = phase { error } else { .closing }
        for (id, entry) in underWay.sorted(by: { $0.key < $1.key }) {
            entry.completion.abandon()
            finished(id, .failure(reason), pumping: false)
        }
        Unmanaged.passUnretained(self).release()
        if phase == .closed { closedAtLast() }
    }

    private func closedAtLast() {
        onEvent(.closed)
        endClose()
    }

    private func endClose() {
        let waiters = closeWaiters
        closeWaiters = []
        for waiter in waiters { waiter.resume() }
    }
}

// MARK: - Chroot

extension SessionCore {
    private func withoutChroot(_ path: String) -> String {
        guard !chroot.isEmpty, path.hasPrefix(chroot) else { return path }
        let rest = path.utf8.dropFirst(chroot.utf8.count)
        if rest.isEmpty { return "/" }
        return rest.first == UInt8(ascii: "/") ? String(rest) ?? path : path
    }

    private func withoutChroot(_ result: ZooKeeperResult) -> ZooKeeperResult {
        guard !chroot.isEmpty, case .success(let reply) = result else { return result }
        switch reply {
        case .created(let path, let stat):
            return .success(.created(path: withoutChroot(path), stat: stat))
        case .multi(var outcome):
            for (index, result) in outcome.results.enumerated() {
                if case .success(.created(let path)) = result {
                    outcome.results[index] = .success(.created(path: withoutChroot(path)))
                }
            }
            return .success(.multi(outcome))
        case .done, .stat, .data, .children, .acl:
            return result
        }
    }
}

extension ZooKeeperRequest {
    /// Whether C would take it; what C refuses inside a multi it handles badly, so it must not see it.
    fileprivate var isValid: Bool {
        switch self {
        case .create(let path, _, _, let mode):
            switch mode {
            case .persistentWithTTL(let milliseconds), .persistentSequentialWithTTL(let milliseconds):
                // The largest that ZooKeeper can store: 40 bits.
                return ZNodePath.isValid(path, mode: mode) && (1...0xff_ffff_ffff).contains(milliseconds)
            case .persistent, .persistentSequential, .ephemeral, .ephemeralSequential, .container:
                return ZNodePath.isValid(path, mode: mode)
            }
        case .delete(let path, _), .exists(let path, _), .getData(let path, _), .setData(let path, _, _),
            .getChildren(let path, _), .getACL(let path), .setACL(let path, _, _), .sync(let path):
            return ZNodePath.isValid(path, mode: .persistent)
        case .multi(let operations):
            return operations.allSatisfy { operation in
                switch operation {
                case .create(let path, _, _, let mode):
                    switch mode {
                    case .persistentWithTTL, .persistentSequentialWithTTL: return false
                    case .persistent, .persistentSequential, .ephemeral, .ephemeralSequential, .container:
                        return ZNodePath.isValid(path, mode: mode)
                    }
                case .delete(let path, _), .setData(let path, _, _), .check(let path, _):
                    return ZNodePath.isValid(path, mode: .persistent)
                }
            }
        }
    }

    /// About how many bytes it is on the wire.
    fileprivate var size: Int {
        func size(_ path: String, _ data: [UInt8]? = nil) -> Int { path.utf8.count + (data?.count ?? 0) + 32 }
        switch self {
        case .create(let path, let data, _, _), .setData(let path, let data, _): return size(path, data)
        case .delete(let path, _), .exists(let path, _), .getData(let path, _), .getChildren(let path, _),
            .getACL(let path), .setACL(let path, _, _), .sync(let path):
            return size(path)
        case .multi(let operations):
            return operations.reduce(16) { total, operation in
                switch operation {
                case .create(let path, let data, _, _), .setData(let path, let data, _): total + size(path, data)
                case .delete(let path, _), .check(let path, _): total + size(path)
                }
            }
        }
    }
}
