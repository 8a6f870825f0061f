// SPDX-License-Identifier: Apache-2.0

import DequeModule
import KafkaModel
import KafkaProtocol
import Logging
import NIOCore
import Synchronization

/// The one channel handler of a client's connection: frames what arrives, lets `ConnectionMachine` decide, performs it.
///
/// Owned by the channel's event loop; `settle` alone may be called from other threads. Lives until the channel is
/// inactive and the last responder is gone; its timers hold it, and `end` cancels them.
// Confined to `eventLoop`: every stored `var` is touched on this loop only; what other threads settle has the lock of `arrived`.
final class ConnectionHandler: ChannelDuplexHandler, @unchecked Sendable {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = Never
    typealias OutboundOut = IOData

    /// What a responder has to say.
    enum Settlement: Sendable {
        case started
        case answer(OutgoingAnswer, throttle: Duration?)
        case failure
    }

    let eventLoop: any EventLoop
    private let info: ConnectionInfo
    private let handler: any RequestHandler
    private let shared: ListenerResources
    private let logger: Logger
    private let receiver: FrameReceiver
    private var machine: ConnectionMachine<IncomingRequest, OutgoingAnswer>
    /// The machine's requests in work, in their order, while somebody observes them.
    private var inWork = Deque<RequestInWork>()
    private var context: ChannelHandlerContext?
    /// What other threads have settled and the loop has not taken yet; at most one entry per request in work and stage.
    private let arrived = Mutex<[(number: UInt64, settlement: Settlement)]>([])
    /// What the unfinished frame is paid from: the newcomers' budget until a request was answered.
    private var isNewcomer = true
    private var isDriving = false
    private var hasHeldRead = false
    /// An answer with regions of files, and not a large one, was written since the last flush.
    private var isHeldTogether = false
    private var lastActivity = NIODeadline.now()
    private var idleCheck: Scheduled<Void>?
    private var newcomerCheck: Scheduled<Void>?

    init(
        eventLoop: any EventLoop, info: ConnectionInfo, handler: any RequestHandler, shared: ListenerResources,
        receiver: FrameReceiver, logger: Logger
    ) {
        self.eventLoop = eventLoop
        self.info = info
        self.handler = handler
        self.shared = shared
        self.receiver = receiver
        self.logger = logger
        machine = ConnectionMachine(
            limits: .init(requests: shared.limits.requestsInFlight, bytes: shared.limits.bytesInFlight))
    }

    /// Whether answers shall say when they were made.
    var isObserved: Bool { shared.observer != nil }

    /// From any thread: tells the machine, and does what follows from it. What other threads say at the same time is taken
    /// together, so that what completes together is sent together.
    func settle(_ number: UInt64, _ settlement: Settlement) {
        // What is answered while it is handed over is sent by whoever hands it over.
        if eventLoop.inEventLoop, isDriving { return tell(number, settlement) }
        let isFirst = arrived.withLock { arrived in
            arrived.append((number, settlement))
            return arrived.count == 1
        }
        if isFirst { eventLoop.execute { self.takeArrived() } }
    }

    private func takeArrived() {
        let all = arrived.withLock { arrived in
            defer { arrived = [] }
            return arrived
        }
        for (number, settlement) in all { tell(number, settlement) }
        drive()
    }

    private func tell(_ number: UInt64, _ settlement: Settlement) {
        switch settlement {
        case .started:
            machine.started(number)
        case .answer(let answer, let throttle):
            machine.answered(number, answer, mute: throttle)
        case .failure:
            machine.failed(number)
        }
    }

    // MARK: From the channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { begin() }
    }

    func channelActive(context: ChannelHandlerContext) {
        begin()
        context.fireChannelActive()
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
        lastActivity = .now()
        cutFrames()
        drive()
        context.fireChannelReadComplete()
    }

    func read(context: ChannelHandlerContext) {
        if machine.wantsRead, !receiver.isStarved {
            context.read()
        } else {
            hasHeldRead = true
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        lastActivity = .now()
        machine.writabilityChanged(context.channel.isWritable)
        drive()
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        logger.debug("connection failed", metadata: ["error": "\(error)"])
        context.close(promise: nil)
    }

    // MARK: Frames

    private func cutFrames() {
        do throws(FrameError) {
            while machine.takesRequests, let frame = try receiver.next(claim: claim) {
                let bytes = frame.body.readableBytes
                guard let request = parse(frame.body, byteCount: bytes) else {
                    if frame.isClaimed { giveBackClaim(bytes) }
                    return machine.inputEnded()
                }
                shared.statistics.received(bytes: bytes + 4)
                // What was claimed for the frame stays with the request: given back for a moment, it would let another in.
                if isNewcomer || !frame.isClaimed {
                    shared.requestMemory?.takeAnyway(bytes)
                    if frame.isClaimed { giveBackClaim(bytes) }
                }
                machine.received(request, bytes: bytes)
            }
        } catch {
            // Bytes get lost when a peer goes away in the middle of a frame.
            logger.log(
                level: error == .bytesLost ? .debug : .info, "closing a connection that does not speak Kafka",
                metadata: ["error": "\(error)"])
            machine.inputEnded()
        }
        if isNewcomer { watchNewcomer() }
    }

    /// Memory for a frame that has begun. The claims of newcomers come out of a budget of their own, so that those who
    /// have not shown that they speak Kafka can neither make memory grow nor starve those who have.
    private func claim(_ bytes: Int) -> Bool {
        guard let budget = isNewcomer ? shared.newcomerMemory : shared.requestMemory else { return true }
        return budget.take(bytes) { [weak self] in
            guard let self else { return }
            self.eventLoop.execute {
                self.cutFrames()
                self.drive()
            }
        }
    }

    private func giveBackClaim(_ bytes: Int) {
        (isNewcomer ? shared.newcomerMemory : shared.requestMemory)?.giveBack(bytes)
    }

    private func parse(_ frame: consuming ByteBuffer, byteCount: Int) -> IncomingRequest? {
        do throws(WireError) {
            let header = try RequestHeader(from: &frame)
            // ApiVersions has an answer to versions that it does not know.
            guard header.apiKey == .apiVersions || handler.serves(header.apiKey, version: header.apiVersion) else {
                throw .unsupportedVersion(header.apiKey, header.apiVersion)
            }
            return IncomingRequest(
                header: header, body: frame, connection: info, receivedAt: .now(), byteCount: byteCount)
        } catch {
            logger.info("closing a connection whose request is not served", metadata: ["error": "\(error)"])
            return nil
        }
    }

    // MARK: Actions

    /// Performs what the machine decides until there is nothing left, then flushes once and reads on.
    private func drive() {
        // Answers given within `handle` come here again; the outer call goes on with them.
        if isDriving { return }
        isDriving = true
        var hasWritten = false
        while let context, let action = machine.next() {
            switch action {
            case .start(let request, let number):
                shared.statistics.requestStarted()
                start(request, number)
            case .finish(let answer, let bytes, let mute):
                shared.requestMemory?.giveBack(bytes)
                if isNewcomer { becomeTrusted() }
                var count = 0
                if let parts = answer.parts {
                    count = write(parts, context)
                    hasWritten = true
                }
                observe(answer, bytes: count)
                if let mute { unmute(after: mute) }
            case .close:
                closeAfterFlush(context)
                hasWritten = false
            }
        }
        isDriving = false
        guard let context else { return }
        if hasWritten { flush(context) }
        if hasHeldRead, machine.wantsRead, !receiver.isStarved {
            hasHeldRead = false
            context.read()
        }
    }

    private func start(_ request: IncomingRequest, _ number: UInt64) {
        let responder = Responder(connection: self, number: number)
        guard isObserved else { return handler.handle(request, responder) }
        let (api, version) = (request.header.apiKey, request.header.apiVersion)
        inWork.append(
            RequestInWork(
                api: api, version: version, bytes: request.byteCount, received: request.receivedAt, started: .now()))
        handler.handle(request, responder)
        // Finishing is this method's caller's, so the request is still the last.
        if !inWork.isEmpty { inWork[inWork.count - 1].returned = .now() }
    }

    private func observe(_ answer: OutgoingAnswer, bytes: Int) {
        guard let observer = shared.observer, let request = inWork.popFirst() else { return }
        let sent = answer.parts == nil ? NIODeadline.now() : lastActivity
        observer.finished(request.finished(answer, bytes: bytes, sent: sent))
    }

    /// Returns how many bytes.
    private func write(_ parts: [WirePart], _ context: ChannelHandlerContext) -> Int {
        lastActivity = .now()
        let count = parts.reduce(0) { $0 + $1.readableBytes }
        shared.statistics.sent(bytes: count)
        if let whole = AnswerParts.gathered(parts, count: count, context.channel.allocator) {
            context.write(wrapOutboundOut(.byteBuffer(whole)), promise: nil)
            return count
        }
        for part in parts {
            switch part {
            case .bytes(let bytes):
                context.write(wrapOutboundOut(.byteBuffer(bytes)), promise: nil)
            case .file(let region):
                isHeldTogether = isHeldTogether || count <= AnswerParts.mostHeld
                context.write(wrapOutboundOut(.fileRegion(region)), promise: nil)
            }
        }
        return count
    }

    /// Sends what was written. Head, regions and tail of an answer take a call each: they are held together, so that none
    /// of them travels in a packet of its own and wakes the reader for a few bytes.
    private func flush(_ context: ChannelHandlerContext) {
        guard isHeldTogether else { return context.flush() }
        isHeldTogether = false
        context.channel.holdTogether(true)
        context.flush()
        context.channel.holdTogether(false)
    }

    private func unmute(after time: Duration) {
        eventLoop.scheduleTask(in: TimeAmount(time)) { [weak self] in
            self?.machine.unmute()
            self?.drive()
        }
    }

    private func closeAfterFlush(_ context: ChannelHandlerContext) {
        let flushed = context.eventLoop.makePromise(of: Void.self)
        let channel = context.channel
        flushed.futureResult.whenComplete { _ in channel.close(promise: nil) }
        context.writeAndFlush(wrapOutboundOut(.byteBuffer(ByteBuffer())), promise: flushed)
    }

    // MARK: Life

    private func begin() {
        scheduleIdleCheck(after: shared.limits.idleTime)
    }

    /// Ends a connection whose first frame does not become whole in time. One that says nothing is merely idle.
    private func watchNewcomer() {
        guard newcomerCheck == nil, receiver.isWithinFrame, context != nil else { return }
        // Strong, as below: the end of the connection cancels it.
        newcomerCheck = eventLoop.scheduleTask(in: TimeAmount(shared.limits.newcomerTime)) { [self] in
            self.newcomerCheck = nil
            guard self.isNewcomer, !self.machine.hasWork, self.receiver.isWithinFrame else { return }
            self.logger.info("closing a connection whose first request did not arrive in time")
            self.context?.close(promise: nil)
        }
    }

    private func becomeTrusted() {
        isNewcomer = false
        newcomerCheck?.cancel()
        newcomerCheck = nil
        receiver.growth = .trusted
        receiver.limit = shared.limits.requestBytes
        // A frame that is being gathered goes over to the other budget.
        shared.newcomerMemory.giveBack(receiver.claimed)
        shared.requestMemory?.takeAnyway(receiver.claimed)
    }

    private func scheduleIdleCheck(after time: Duration?) {
        guard let time, let limit = shared.limits.idleTime else { return }
        // Strong: `end` cancels it. A weak reference would give every connection a side table, and each retain of it would cost
        // a second miss of the cache.
        idleCheck = eventLoop.scheduleTask(in: TimeAmount(time)) { [self] in
            guard let context = self.context else { return }
            if self.machine.hasWork { self.lastActivity = .now() }
            let left = (self.lastActivity + TimeAmount(limit)) - .now()
            if left > .zero {
                self.scheduleIdleCheck(after: .nanoseconds(left.nanoseconds))
            } else {
                self.logger.debug("closing an idle connection")
                context.close(promise: nil)
            }
        }
    }

    private func end() {
        idleCheck?.cancel()
        idleCheck = nil
        newcomerCheck?.cancel()
        newcomerCheck = nil
        giveBackClaim(receiver.claimed)
        receiver.end()
        shared.requestMemory?.giveBack(machine.closed())
    }
}
