// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import KafkaProtocol
import NIOCore
import NIOPosix
import Synchronization

/// A connection to a broker: sends requests, many at a time, and gives each its response.
///
/// Thread-safe. Requests leave in the order in which they are submitted from one thread. The connection ends when the
/// broker closes it, when a response is late or not what was asked for, or with `close`; it does not reconnect.
package final class BrokerConnection: Sendable {
    package struct Options: Sendable {
        /// `client.id`, which brokers use for quotas and logs; nil sends none.
        package var clientID: String?
        /// `socket.connection.setup.timeout.ms`.
        package var connectTimeout: Duration
        /// `request.timeout.ms`, unless a request has its own.
        package var requestTimeout: Duration
        /// How many requests may be on their way (`max.in.flight.requests.per.connection`); 1 keeps them strictly one
        /// after the other.
        package var requestsInFlight: Int
        /// How many more may wait for their turn.
        package var requestsWaiting: Int
        /// The longest response that is accepted.
        package var responseBytes: Int
        /// `send.buffer.bytes`; nil leaves it to the kernel.
        package var sendBufferBytes: Int?
        /// `receive.buffer.bytes`; nil leaves it to the kernel.
        package var receiveBufferBytes: Int?

        package init(
            clientID: String? = nil, connectTimeout: Duration = .seconds(10), requestTimeout: Duration = .seconds(30),
            requestsInFlight: Int = 5, requestsWaiting: Int = 1000, responseBytes: Int = 1 << 30,
            sendBufferBytes: Int? = nil, receiveBufferBytes: Int? = nil
        ) {
            self.clientID = clientID
            self.connectTimeout = connectTimeout
            self.requestTimeout = requestTimeout
            self.requestsInFlight = requestsInFlight
            self.requestsWaiting = requestsWaiting
            self.responseBytes = responseBytes
            self.sendBufferBytes = sendBufferBytes
            self.receiveBufferBytes = receiveBufferBytes
        }
    }

    package let host: String
    package let port: Int
    package let options: Options
    private let channel: any Channel
    private let handler: OutgoingHandler
    private let nextCorrelationID = Atomic<Int32>(0)

    private init(host: String, port: Int, options: Options, channel: any Channel, handler: OutgoingHandler) {
        self.host = host
        self.port = port
        self.options = options
        self.channel = channel
        self.handler = handler
    }

    /// Where responses are completed.
    package var eventLoop: any EventLoop { channel.eventLoop }

    package var isOpen: Bool { channel.isActive }

    /// Succeeds when the connection has ended, for whatever reason.
    package var closeFuture: EventLoopFuture<Void> { channel.closeFuture }

    /// This end's address in text form, without port.
    package var localHost: String? { channel.localAddress?.textualHost }

    /// Ends the connection. Requests on their way fail with `disconnected`, waiting ones with `notSent`.
    package func close() async {
        try? await channel.close()
    }

    /// Ends the connection without waiting for it.
    package func closeSoon() {
        channel.close(promise: nil)
    }
}

// MARK: - Connecting

extension BrokerConnection {
    package static func connect(
        host: String, port: Int, options: Options = Options(), on group: any EventLoopGroup
    ) async throws(ConnectionError) -> BrokerConnection {
        try await typed { try await start(host: host, port: port, options: options, on: group).get() }
    }

    /// As `connect`, as a future that fails with a `ConnectionError`.
    package static func start(
        host: String, port: Int, options: Options = Options(), on group: any EventLoopGroup
    ) -> EventLoopFuture<BrokerConnection> {
        let eventLoop = group.next()
        let receiver = FrameReceiver(limit: options.responseBytes, growth: .trusted)
        let allocator = FrameAllocator(receiver)
        let handler = OutgoingHandler(
            eventLoop: eventLoop, receiver: receiver, inFlight: options.requestsInFlight,
            waiting: options.requestsWaiting)
        var bootstrap = ClientBootstrap(group: eventLoop)
            .connectTimeout(TimeAmount(options.connectTimeout))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.socketOption(.so_keepalive), value: 1)
            // One read at a time, which `FrameReceiver` depends on.
            .channelOption(.maxMessagesPerRead, value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.syncOptions?.setOption(.recvAllocator, value: allocator)
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
        if let bytes = options.receiveBufferBytes {
            bootstrap = bootstrap.channelOption(.socketOption(.so_rcvbuf), value: .init(clamping: bytes))
        }
        if let bytes = options.sendBufferBytes {
            bootstrap = bootstrap.channelOption(.socketOption(.so_sndbuf), value: .init(clamping: bytes))
        }
        return bootstrap.connect(host: host, port: port).map { channel in
            BrokerConnection(host: host, port: port, options: options, channel: channel, handler: handler)
        }.flatMapErrorThrowing { error in
            throw ConnectionError(connecting: error, host: host, port: port)
        }
    }
}

// MARK: - Requests

extension BrokerConnection {
    /// Sends a request in this version and waits for its response.
    package func send<Request: RequestMessage>(
        _ request: Request, version: Int16, timeout: Duration? = nil
    ) async throws(ConnectionError) -> Request.Response {
        let frame = try await Self.typed {
            try await self.submitFrame(request, version: version, timeout: timeout).get()
        }
        return try Self.decode(frame, as: Request.Response.self, version: version)
    }

    /// As `send`, as a future on the connection's event loop that fails with a `ConnectionError`. Record data in the
    /// response is a slice of the buffer that the response was received in.
    package func submit<Request: RequestMessage>(
        _ request: Request, version: Int16, timeout: Duration? = nil
    ) -> EventLoopFuture<Request.Response> {
        submitFrame(request, version: version, timeout: timeout).flatMapThrowing { frame in
            try Self.decode(frame, as: Request.Response.self, version: version)
        }
    }

    /// As `submit`, but gives the response's frame as it came: header and body, without the length. For who reads it
    /// piece by piece.
    package func submitFrame<Request: RequestMessage>(
        _ request: Request, version: Int16, timeout: Duration? = nil
    ) -> EventLoopFuture<ByteBuffer> {
        let correlationID = takeCorrelationID()
        do throws(WireError) {
            let parts = try encode(request, version: version, correlationID: correlationID)
            return submitParts(parts, correlationID: correlationID, timeout: timeout)
        } catch {
            return eventLoop.makeFailedFuture(ConnectionError.wire("\(error)"))
        }
    }

    /// Sends a request that has no response: Produce with acks=0. Returns once it is queued.
    package func sendWithoutResponse<Request: RequestMessage>(
        _ request: Request, version: Int16
    ) throws(ConnectionError) {
        do throws(WireError) {
            let correlationID = takeCorrelationID()
            let parts = try encode(request, version: version, correlationID: correlationID)
            handler.submit(
                .init(request: parts, correlationID: correlationID, reply: nil, deadline: .distantFuture))
        } catch {
            throw .wire("\(error)")
        }
    }

    /// Sends a frame made elsewhere, whose header has this correlation number, and gives its response's frame.
    package func submitParts(
        _ parts: [WirePart], correlationID: Int32, timeout: Duration? = nil
    ) -> EventLoopFuture<ByteBuffer> {
        let promise = eventLoop.makePromise(of: ByteBuffer.self)
        let deadline = NIODeadline.now() + TimeAmount(timeout ?? options.requestTimeout)
        handler.submit(.init(request: parts, correlationID: correlationID, reply: promise, deadline: deadline))
        return promise.futureResult
    }

    /// A number for `submitParts`, from 0 up, never negative.
    package func takeCorrelationID() -> Int32 {
        nextCorrelationID.wrappingAdd(1, ordering: .relaxed).oldValue & .max
    }

    private func encode<Request: RequestMessage>(
        _ request: Request, version: Int16, correlationID: Int32
    ) throws(WireError) -> [WirePart] {
        let header = RequestHeader(
            apiKey: Request.apiKey, apiVersion: version, correlationID: correlationID, clientID: options.clientID)
        return try Frame.encodeRequestParts(header, request)
    }

    private static func decode<Response: ResponseMessage>(
        _ frame: ByteBuffer, as _: Response.Type, version: Int16
    ) throws(ConnectionError) -> Response {
        do throws(WireError) {
            return try Frame.decodeResponse(Response.self, frame, version: version).message
        } catch {
            throw .wire("\(error)")
        }
    }

    private static func typed<Value>(
        _ body: () async throws -> Value
    ) async throws(ConnectionError) -> Value {
        do {
            return try await body()
        } catch let error as ConnectionError {
            throw error
        } catch {
            throw .disconnected
        }
    }
}

extension ConnectionError {
    fileprivate init(connecting error: any Error, host: String, port: Int) {
        switch error {
        case let error as ConnectionError:
            self = error
        case let error as NIOConnectionError:
            if error.connectionErrors.isEmpty, error.dnsAError != nil || error.dnsAAAAError != nil {
                self = .unknownHost(host)
            } else if let first = error.connectionErrors.first?.error {
                self.init(connecting: first, host: host, port: port)
            } else {
                self = .cannotConnect(host: host, port: port, reason: "\(error)")
            }
        case ChannelError.connectTimeout:
            self = .connectTimedOut(host: host, port: port)
        default:
            self = .cannotConnect(host: host, port: port, reason: "\(error)")
        }
    }
}
