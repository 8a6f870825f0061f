// SPDX-License-Identifier: Apache-2.0

/// The life of a client across sessions, by Kafka's rules: no clock, no C, no thread.
///
/// ```
///   starting ──► connected ◄──► disconnected
///      │             │  ▲            │
///      ▼             ▼  │            ▼
///    failed        dead (prepare) ──► opening ──► reconnecting ──► connected
/// ```
/// A session that has expired is replaced as soon as the one above is ready for it; one whose credentials were refused,
/// after a second. Making the new session is tried again each second. Requests that lost their connection wait for the
/// next, without limit, and are sent again; a session's death fails those that wait, since what they build on is gone.
struct ClientMachine {
    enum State: Equatable {
        case idle
        /// The first session, before its first connection.
        case starting
        case connected
        case disconnected
        /// The session is dead; nothing is asked of ZooKeeper until its replacement is opened.
        case dead(ZooKeeperError)
        /// A new session is being made.
        case opening
        /// The first connection was not made. The end.
        case failed(ZooKeeperError)
        /// The end.
        case closed
    }

    enum Action: Equatable {
        /// Make a session and connect it, the first within the connection timeout, others whenever it may be; report ``ClientMachine/connected(_:)`` and its siblings, or
        /// ``ClientMachine/openingFailed(_:)``.
        case openSession
        /// Close what is left of the session.
        case discardSession
        /// Let the one above get ready for a new session, then report ``ClientMachine/prepared()``.
        case prepare
        /// Report ``ClientMachine/retryTimerFired()`` after so long.
        case startRetryTimer(milliseconds: Int)
        case emit(ZooKeeperEvent)
        /// Requests that wait may be sent.
        case releaseWaiting
        case failWaiting(ZooKeeperError)
        /// Tell who waits for the start that it is over; nil is success.
        case finishStart(ZooKeeperError?)
    }

    private(set) var state = State.idle
    /// Whether the one above has made itself ready for the next session.
    private var isPrepared = false

    /// What becomes of a request now: sent (nil in `error`, `waits` false), kept waiting, or refused.
    enum Admission: Equatable { case send, wait, refuse(ZooKeeperError) }

    var admission: Admission {
        switch state {
        case .connected: .send
        case .starting, .disconnected, .opening: .wait
        case .idle: .refuse(.invalidState)
        case .dead(let error), .failed(let error): .refuse(error)
        case .closed: .refuse(.closing)
        }
    }

    mutating func start() -> [Action] {
        guard state == .idle else { return [.finishStart(.invalidState)] }
        state = .starting
        return [.openSession]
    }

    /// The session is connected, for the first time or again.
    mutating func connected(_ identity: ZooKeeperSessionIdentity) -> [Action] {
        switch state {
        case .starting:
            state = .connected
            return [.emit(.connected(identity)), .finishStart(nil), .releaseWaiting]
        case .opening:
            state = .connected
            isPrepared = false
            return [.emit(.sessionReplaced(identity)), .releaseWaiting]
        case .disconnected:
            state = .connected
            return [.emit(.connected(identity)), .releaseWaiting]
        case .idle, .connected, .dead, .failed, .closed:
            return []
        }
    }

    mutating func disconnected() -> [Action] {
        guard state == .connected else { return [] }
        state = .disconnected
        return [.emit(.disconnected)]
    }

    mutating func watchFired(_ event: ZooKeeperEvent) -> [Action] {
        switch state {
        case .connected, .disconnected: [.emit(event)]
        case .idle, .starting, .dead, .opening, .failed, .closed: []
        }
    }

    mutating func expired() -> [Action] {
        switch state {
        case .connected, .disconnected:
            state = .dead(.sessionExpired)
            return [.emit(.expired), .failWaiting(.sessionExpired), .discardSession, .prepare]
        case .idle, .starting, .opening, .dead, .failed, .closed:
            return []
        }
    }

    mutating func authFailed() -> [Action] {
        switch state {
        case .connected, .disconnected:
            state = .dead(.authFailed)
            return [
                .emit(.authFailed), .failWaiting(.authFailed), .discardSession, .startRetryTimer(milliseconds: 1000),
            ]
        case .idle, .starting, .opening, .dead, .failed, .closed:
            return []
        }
    }

    /// The one above is ready for a new session.
    mutating func prepared() -> [Action] {
        guard case .dead = state else { return [] }
        state = .opening
        isPrepared = true
        return [.openSession]
    }

    /// A second has passed since a session could not be made, or its credentials were refused.
    mutating func retryTimerFired() -> [Action] {
        switch state {
        case .dead: isPrepared ? prepared() : [.prepare]
        case .idle, .starting, .connected, .disconnected, .opening, .failed, .closed: []
        }
    }

    /// The session that was asked for could not be made, or, the first, was not connected in time.
    mutating func openingFailed(_ error: ZooKeeperError) -> [Action] {
        switch state {
        case .starting:
            state = .failed(error)
            return [.discardSession, .failWaiting(error), .finishStart(error)]
        case .opening:
            state = .dead(error)
            return [.failWaiting(error), .discardSession, .startRetryTimer(milliseconds: 1000)]
        case .idle, .connected, .disconnected, .dead, .failed, .closed:
            return []
        }
    }

    mutating func closed() -> [Action] {
        guard state != .closed else { return [] }
        let wasStarting = state == .starting
        state = .closed
        return [.discardSession, .failWaiting(.closing)] + (wasStarting ? [.finishStart(.closing)] : [])
            + [.emit(.closed)]
    }
}
