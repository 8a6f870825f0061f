// SPDX-License-Identifier: Apache-2.0

import DequeModule
import Logging
import NIOCore

/// Stands before NIO's accept handler on a listening channel, and lets through whom `ConnectionAdmission` admits.
///
/// Owned by the listening channel's event loop. While some connection waits, no further ones are accepted: they stay in
/// the kernel's backlog.
// Confined to the channel's event loop: `retry` hops there first.
final class AdmissionHandler: ChannelDuplexHandler, @unchecked Sendable {
    typealias InboundIn = any Channel
    typealias InboundOut = any Channel
    typealias OutboundIn = Never

    private let listener: String
    private let admission: ConnectionAdmission
    private let statistics: ListenerStatistics
    private let logger: Logger
    private var waiting = Deque<any Channel>()
    private var hasHeldRead = false
    private var context: ChannelHandlerContext?

    init(listener: String, admission: ConnectionAdmission, statistics: ListenerStatistics, logger: Logger) {
        self.listener = listener
        self.admission = admission
        self.statistics = statistics
        self.logger = logger
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        for channel in waiting { channel.close(promise: nil) }
        waiting = []
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        waiting.append(unwrapInboundIn(data))
        admitWaiting(context)
    }

    func read(context: ChannelHandlerContext) {
        if waiting.isEmpty {
            context.read()
        } else {
            hasHeldRead = true
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // Out of descriptors or memory, as a rule: the connection is lost, the listener goes on.
        logger.warning("could not accept a connection", metadata: ["error": "\(error)"])
    }

    private func admitWaiting(_ context: ChannelHandlerContext) {
        while let channel = waiting.first {
            let address = channel.remoteAddress?.textualHost ?? ""
            switch admission.ask(listener: listener, address: address, retry: retry(on: context.eventLoop)) {
            case .admit:
                waiting.removeFirst()
                statistics.connectionAccepted()
                channel.closeFuture.whenComplete { [admission, listener, statistics] _ in
                    statistics.connectionClosed()
                    admission.gone(listener: listener, address: address)
                }
                context.fireChannelRead(wrapInboundOut(channel))
            case .wait:
                return
            case .refuse:
                refuse(after: .zero, address: address, on: context.eventLoop)
            case .refuseAfter(let time):
                refuse(after: time, address: address, on: context.eventLoop)
            }
        }
    }

    private func refuse(after time: Duration, address: String, on eventLoop: any EventLoop) {
        guard let channel = waiting.popFirst() else { return }
        statistics.connectionRefused()
        logger.info("refusing a connection", metadata: ["remote": "\(address)"])
        if time == .zero { return channel.close(promise: nil) }
        eventLoop.scheduleTask(in: TimeAmount(time)) { channel.close(promise: nil) }
    }

    private func retry(on eventLoop: any EventLoop) -> @Sendable () -> Void {
        { [weak self] in
            eventLoop.execute { [weak self] in
                guard let self, let context = self.context else { return }
                self.admitWaiting(context)
                if self.waiting.isEmpty, self.hasHeldRead {
                    self.hasHeldRead = false
                    context.read()
                }
            }
        }
    }
}
