// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// The record data of a Produce or Fetch: opaque here.
package enum RecordsPayload: Hashable, Sendable {
    /// What reading gives: a slice of the buffer that was read from.
    case bytes(ByteBuffer)
    /// Parts of files, for writing: they reach the socket without passing through memory.
    case regions([FileRegion])

    package var readableBytes: Int {
        switch self {
        case .bytes(let bytes): bytes.readableBytes
        case .regions(let regions): regions.reduce(0) { $0 + $1.readableBytes }
        }
    }

    package func hash(into hasher: inout Hasher) {
        switch self {
        case .bytes(let bytes): hasher.combine(bytes)
        case .regions(let regions):
            for region in regions {
                hasher.combine(ObjectIdentifier(region.fileHandle))
                hasher.combine(region.readerIndex)
                hasher.combine(region.endIndex)
            }
        }
    }
}

extension RecordsPayload: WireNullable {
    package static var minimumSize: Int { 1 }

    package init(from reader: inout WireReader) throws(WireError) {
        guard let records = try Self.readNullable(from: &reader) else { throw .unexpectedNull }
        self = records
    }

    package static func readNullable(from reader: inout WireReader) throws(WireError) -> RecordsPayload? {
        guard let length = try reader.readLength() else { return nil }
        return .bytes(try reader.readSlice(length: length))
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.writeLength(readableBytes)
        switch self {
        case .bytes(let bytes): writer.writeBuffer(bytes)
        case .regions(let regions): for region in regions { writer.writeRegion(region) }
        }
    }

    package static func writeNullable(_ records: RecordsPayload?, to writer: inout WireWriter) throws(WireError) {
        if let records { try records.write(to: &writer) } else { try writer.writeLength(nil) }
    }
}
