// SPDX-License-Identifier: Apache-2.0

import Logging
import NIOCore
import NIOHTTP1

/// Answers the requests of one connection, one after the other (NIO's pipeline handler holds back those behind).
///
/// Owned by the channel's event loop; only a route's answer comes from elsewhere, and hops there first.
// Unchecked, true by the channel's event loop: every stored `var` is touched on it only.
final class HTTPConnectionHandler: ChannelInboundHandler, @unchecked Sendable {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let channel: any Channel
    private let size: HTTPSizeLimit
    private let routes: [String: HTTPRoute]
    private let limits: HTTPLimits
    private let connections: HTTPConnections
    private let logger: Logger
    private var head: HTTPRequestHead?
    private var hasBody = false
    private var isOpen = false
    /// Closes the connection if its client does not do its part in time.
    private var deadline: Scheduled<Void>?

    init(
        channel: any Channel, size: HTTPSizeLimit, routes: [String: HTTPRoute], limits: HTTPLimits,
        connections: HTTPConnections, logger: Logger
    ) {
        self.channel = channel
        self.size = size
        self.routes = routes
        self.limits = limits
        self.connections = connections
        self.logger = logger
    }

    // MARK: From the channel

    func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { begin() }
    }

    func channelActive(context: ChannelHandlerContext) { begin() }

    func channelInactive(context: ChannelHandlerContext) {
        deadline?.cancel()
        deadline = nil
        guard isOpen else { return }
        isOpen = false
        connections.closed(channel)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            hasBody = false
        case .body:
            hasBody = true
        case .end:
            size.reset()
            guard let head else { return }
            self.head = nil
            serve(head)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        logger.debug("An HTTP connection failed", metadata: ["error": "\(error)"])
        context.close(promise: nil)
    }

    private func begin() {
        guard !isOpen else { return }
        isOpen = true
        connections.opened(channel)
        close(after: limits.requestTime)
    }

    private func close(after time: Duration) {
        deadline?.cancel()
        deadline = channel.eventLoop.scheduleTask(in: .nanoseconds(Int64(time / .nanoseconds(1)))) { [channel] in
            channel.close(promise: nil)
        }
    }

    // MARK: Requests

    private func serve(_ head: HTTPRequestHead) {
        // Until the answer is there, it is not the client who is late.
        deadline?.cancel()
        connections.asked(channel)
        guard !hasBody else { return refuse(head, 413, "A request with a body is not served.\n") }
        guard head.method == .GET || head.method == .HEAD else {
            return refuse(head, 405, "Only GET and HEAD are served.\n")
        }
        let path = head.uri.prefix { $0 != "?" && $0 != "#" }
        guard let route = routes[String(path)] else {
            let known = routes.keys.sorted().joined(separator: ", ")
            return send(HTTPAnswer(status: 404, "There is \(known).\n"), to: head)
        }
        route { [self] answer in
            if channel.eventLoop.inEventLoop {
                send(answer, to: head)
            } else {
                channel.eventLoop.execute { self.send(answer, to: head) }
            }
        }
    }

    private func refuse(_ head: HTTPRequestHead, _ status: Int, _ text: String) {
        send(HTTPAnswer(status: status, text), to: head, thenClose: true)
    }

    private func send(_ answer: HTTPAnswer, to request: HTTPRequestHead, thenClose: Bool = false) {
        guard isOpen else { return }
        let keepsOpen = request.isKeepAlive && !thenClose
        var head = HTTPResponseHead(version: request.version, status: .init(statusCode: answer.status))
        head.headers.add(name: "Content-Type", value: answer.contentType)
        head.headers.add(name: "Content-Length", value: "\(answer.body.readableBytes)")
        head.headers.add(name: "Cache-Control", value: "no-store")
        if answer.status == 405 { head.headers.add(name: "Allow", value: "GET, HEAD") }
        head.headers.add(name: "Connection", value: keepsOpen ? "keep-alive" : "close")
        channel.write(HTTPServerResponsePart.head(head), promise: nil)
        if request.method != .HEAD {
            channel.write(HTTPServerResponsePart.body(.byteBuffer(answer.body)), promise: nil)
        }
        close(after: limits.answerTime)
        let sent = channel.eventLoop.makePromise(of: Void.self)
        sent.futureResult.whenSuccess { [self] in
            guard keepsOpen else { return channel.close(promise: nil) }
            guard isOpen else { return }
            connections.answered(channel)
            close(after: limits.requestTime)
        }
        channel.writeAndFlush(HTTPServerResponsePart.end(nil), promise: sent)
    }
}
