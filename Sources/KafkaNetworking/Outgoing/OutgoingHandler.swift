// SPDX-License-Identifier: Apache-2.0

import KafkaProtocol
import NIOCore

/// The one channel handler of a connection to a broker: writes requests, frames responses, keeps deadlines.
///
/// Owned by the channel's event loop; `submit` alone may be called from other threads.
// Confined to `eventLoop`: every stored `var` is touched on it only, and `submit` hops there first.
final class OutgoingHandler: ChannelInboundHandler, @unchecked Sendable {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = IOData
    typealias Pipeline = RequestPipeline<[WirePart], EventLoopPromise<ByteBuffer>, NIODeadline>

    let eventLoop: any EventLoop
    private let receiver: FrameReceiver
    private var pipeline: Pipeline
    private var context: ChannelHandlerContext?
    private var hasEnded = false
    private var deadlineCheck: (at: NIODeadline, task: Scheduled<Void>)?
    /// Why the connection was closed from here, for those whose response will not come.
    private var reason: ConnectionError?

    init(eventLoop: any EventLoop, receiver: FrameReceiver, inFlight: Int, waiting: Int) {
        self.eventLoop = eventLoop
        self.receiver = receiver
        pipeline = Pipeline(limit: inFlight, waitingLimit: waiting)
    }

    /// Queues the request. Its promise is completed with the response's frame, or fails with a `ConnectionError`.
    func submit(_ entry: Pipeline.Entry) {
        guard eventLoop.inEventLoop else {
            eventLoop.execute { self.submit(entry) }
            return
        }
        guard !hasEnded else {
            entry.reply?.fail(ConnectionError.notSent)
            return
        }
        guard pipeline.submit(entry) else {
            entry.reply?.fail(ConnectionError.tooManyRequests)
            return
        }
        if entry.reply != nil { watch(entry.deadline) }
        sendWaiting()
    }

    // MARK: From the channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        end()
        self.context = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // Only kept here: NIO still refers to the buffer, see `FrameReceiver`.
        receiver.received(unwrapInboundIn(data))
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        do throws(FrameError) {
            while let frame = try receiver.next(claim: { _ in true }) {
                guard deliver(frame.body) else { break }
            }
        } catch {
            close(because: .frame(error))
        }
        sendWaiting()
        context.fireChannelReadComplete()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        pipeline.writabilityChanged(context.channel.isWritable)
        sendWaiting()
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    // MARK: Sending, receiving

    private func sendWaiting() {
        guard let context, !hasEnded else { return }
        var hasWritten = false
        while let parts = pipeline.next() {
            for part in parts {
                switch part {
                case .bytes(let bytes): context.write(wrapOutboundOut(.byteBuffer(bytes)), promise: nil)
                case .file(let region): context.write(wrapOutboundOut(.fileRegion(region)), promise: nil)
                }
            }
            hasWritten = true
        }
        if hasWritten { context.flush() }
    }

    /// False when the response cannot be taken; the connection is closed then.
    private func deliver(_ frame: consuming ByteBuffer) -> Bool {
        guard let correlationID: Int32 = frame.getInteger(at: frame.readerIndex) else {
            close(because: .frame(.lengthOutOfRange(Int32(frame.readableBytes), limit: receiver.limit)))
            return false
        }
        do throws(ConnectionError) {
            try pipeline.received(correlationID: correlationID).succeed(frame)
            return true
        } catch {
            close(because: error)
            return false
        }
    }

    // MARK: Life

    /// Makes sure that somebody looks when this deadline has passed. One timer serves all requests: it is set for the
    /// earliest deadline, and finds most often that the response came long ago.
    private func watch(_ deadline: NIODeadline) {
        if let deadlineCheck {
            if deadlineCheck.at <= deadline { return }
            deadlineCheck.task.cancel()
        }
        let task = eventLoop.scheduleTask(deadline: deadline) { [weak self] in
            guard let self else { return }
            self.deadlineCheck = nil
            guard let earliest = self.pipeline.earliestDeadline else { return }
            if earliest <= .now() {
                self.close(because: .timedOut)
            } else {
                self.watch(earliest)
            }
        }
        deadlineCheck = (deadline, task)
    }

    private func close(because reason: ConnectionError) {
        self.reason = reason
        context?.close(promise: nil)
    }

    private func end() {
        if hasEnded { return }
        hasEnded = true
        deadlineCheck?.task.cancel()
        deadlineCheck = nil
        receiver.end()
        let (sent, notSent) = pipeline.ended()
        for reply in sent { reply.fail(reason ?? .disconnected) }
        for reply in notSent { reply.fail(ConnectionError.notSent) }
    }
}
