// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
import Glibc
#endif
import KafkaProtocol
import NIOCore

/// How an answer of several parts goes to the socket.
enum AnswerParts {
    /// Up to so many bytes it is cheaper to copy a region than to have the kernel move it.
    static let mostCopied = 16 << 10
    /// Beside so many bytes a head of its own does not count, and holding it back costs more than it saves.
    static let mostHeld = 128 << 10

    /// A small answer with regions in one piece, these read; nil where it should go out as it is: parts in memory take one
    /// call anyway.
    static func gathered(_ parts: [WirePart], count: Int, _ allocator: ByteBufferAllocator) -> ByteBuffer? {
        guard count <= mostCopied, parts.contains(where: \.isFile) else { return nil }
        var whole = allocator.buffer(capacity: count)
        for part in parts {
            switch part {
            case .bytes(let bytes): whole.writeImmutableBuffer(bytes)
            case .file(let region):
                // What cannot be read is left to `sendfile`, which ends the connection.
                guard region.read(into: &whole) else { return nil }
            }
        }
        return whole
    }
}

extension WirePart {
    fileprivate var isFile: Bool { if case .file = self { true } else { false } }
}

extension FileRegion {
    /// Appends the whole region; false if it could not be read, or not wholly.
    fileprivate func read(into buffer: inout ByteBuffer) -> Bool {
        let read = try? fileHandle.withUnsafeFileDescriptor { descriptor in
            buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: readableBytes) { room in
                max(0, pread(descriptor, room.baseAddress, readableBytes, off_t(readerIndex)))
            }
        }
        return read == readableBytes
    }
}

extension Channel {
    /// Keeps back packets that are not full until it is called with false (`TCP_CORK`). Where that cannot be had, they
    /// merely travel alone.
    func holdTogether(_ holds: Bool) {
        let cork = ChannelOptions.Types.SocketOption(level: .tcp, name: NIOBSDSocket.Option(rawValue: TCP_CORK))
        try? syncOptions?.setOption(cork, value: holds ? 1 : 0)
    }
}
