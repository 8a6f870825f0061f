// SPDX-License-Identifier: Apache-2.0

/// One session with the ensemble, from its first connection to its end.
///
/// Requests are pipelined, at most ``ZooKeeperConfiguration/maxInFlightRequests`` at once, in the order in which they
/// were submitted. While the connection is gone they fail with ``ZooKeeperError/connectionLoss``; once the session has
/// expired, with ``ZooKeeperError/sessionExpired``. Nothing is sent again: that, and a new session after an expired one,
/// is what ``ZooKeeperConnection`` is for. Every request gets a result, also when the session ends first.
///
/// `onEvent` is called in order, one event at a time, on the session's own queue; it must not block.
package final class ZooKeeperSession: ZooKeeperCalls {
    private let core: SessionCore

    /// Prepares a session; nothing happens before ``connect()``. With `resuming`, the session of that name is taken
    /// over, with its ephemeral nodes: whoever else holds it loses its connection.
    package init(
        _ configuration: ZooKeeperConfiguration, resuming: ZooKeeperSessionIdentity? = nil,
        onEvent: @escaping @Sendable (ZooKeeperEvent) -> Void = { _ in }
    ) {
        core = SessionCore(configuration, resuming: resuming, onEvent: onEvent)
    }

    deinit {
        core.abandon()
    }

    /// Connects, trying server after server for ``ZooKeeperConfiguration/connectionTimeout``. To be called once.
    ///
    /// Throws ``ZooKeeperError/connectionTimeout(servers:milliseconds:)``, ``ZooKeeperError/sessionExpired`` when the
    /// session to resume is gone, ``ZooKeeperError/authFailed`` or ``ZooKeeperError/tlsNotSupported``; the session is
    /// then of no further use.
    package func connect() async throws(ZooKeeperError) {
        try await connect(within: core.configuration.connectionTimeout)
    }

    /// As ``connect()`` with another limit; nil for none.
    package func connect(within limit: Duration?) async throws(ZooKeeperError) {
        if let error = await core.connect(limit: limit) { throw error }
    }

    package func submit(_ requests: [ZooKeeperRequest]) async -> [ZooKeeperResult] {
        await core.submit(requests)
    }

    /// Ends the session, so that its ephemeral nodes go at once, if it is connected; else they go when it expires.
    /// Requests under way fail with ``ZooKeeperError/closing`` and may or may not have been applied. Waits, at most some
    /// seconds, until the server was told, which is not until it has done so: for that, see ``end(_:_:)``.
    package func close() async {
        await core.close()
    }

    /// Ends the session of a process that is dead, so that its ephemeral nodes go now: takes it over and closes it, and
    /// returns only once the ensemble knows the session no more, so that any write sent from then on finds its nodes
    /// gone, and any read after a ``ZooKeeperCalls/sync(_:)``. False when it was gone before. All of it within
    /// ``ZooKeeperConfiguration/connectionTimeout``.
    ///
    /// A live owner takes its session back while this tries to end it, and the session stays in doubt:
    /// ``ZooKeeperError/connectionTimeout(servers:milliseconds:)``, as when no server can be reached.
    package static func end(
        _ identity: ZooKeeperSessionIdentity, _ configuration: ZooKeeperConfiguration
    ) async throws(ZooKeeperError) -> Bool {
        let clock = ContinuousClock()
        let deadline = clock.now + configuration.connectionTimeout
        var wasThere = false
        while true {
            let left = deadline - clock.now
            guard left > .zero else {
                throw .connectionTimeout(
                    servers: configuration.connect.description,
                    milliseconds: configuration.connectionTimeout.milliseconds)
            }
            let session = ZooKeeperSession(configuration, resuming: identity)
            do throws(ZooKeeperError) {
                try await session.connect(within: left)
            } catch {
                await session.close()
                if error == .sessionExpired { return wasThere }
                throw error
            }
            wasThere = true
            // The C client sends the close and does not await its answer. Resuming the session again tells when the
            // close was ordered before everything that is still to come.
            await session.close()
        }
    }

    /// The session's name and key, once it was connected.
    package var identity: ZooKeeperSessionIdentity? { core.published.withLock { $0.identity } }

    /// The session timeout that the server granted; zero before the first connection.
    package var timeout: Duration { .milliseconds(core.published.withLock { $0.timeoutMilliseconds }) }

    /// Whether requests are being sent at this moment.
    package var isConnected: Bool { core.published.withLock { $0.isConnected } }

    /// How many requests the C client holds. For tests.
    package func countUnderWay() async -> Int { await core.countUnderWay() }
}
