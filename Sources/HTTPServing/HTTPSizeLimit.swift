// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// Stands before the decoder, which would gather heads of any length, and closes connections that send more than a few
/// requests' worth of bytes without completing one.
///
/// Owned by the channel's event loop.
final class HTTPSizeLimit: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let limit: Int
    private var count = 0

    init(bytes: Int) { limit = bytes }

    /// A request is complete.
    func reset() { count = 0 }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        count += unwrapInboundIn(data).readableBytes
        if count > limit {
            context.close(promise: nil)
        } else {
            context.fireChannelRead(data)
        }
    }
}
