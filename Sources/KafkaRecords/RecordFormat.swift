// SPDX-License-Identifier: Apache-2.0

/// Where the fields lie, in bytes from the start of a batch or message. The drawing is in KafkaRecords.docc.
enum RecordFormat {
    /// `baseOffset` and `batchLength` stand before what the length counts. The same in all formats.
    static let logOverhead = 12
    static let sizeOffset = 8
    static let magicOffset = 16
    /// As many bytes tell the size and the format of what follows.
    static let bytesUpToMagic = 17
    static let newestMagic: Int8 = 2

    /// Batches of version 2 (KIP-98).
    enum V2 {
        static let leaderEpochOffset = 12
        static let crcOffset = 17
        /// The checksum covers everything from here to the end.
        static let attributesOffset = 21
        static let lastOffsetDeltaOffset = 23
        static let baseTimestampOffset = 27
        static let maxTimestampOffset = 35
        static let producerIDOffset = 43
        static let producerEpochOffset = 51
        static let baseSequenceOffset = 53
        static let recordCountOffset = 57
        static let headerSize = 61
    }

    /// Messages of versions 0 and 1 (KIP-31, KIP-32).
    enum Legacy {
        static let crcOffset = 12
        /// The checksum covers everything from here to the end.
        static let checksummedOffset = 16
        static let attributesOffset = 17
        /// Version 1 only.
        static let timestampOffset = 18
        static let keyOffsetV0 = 18
        static let keyOffsetV1 = 26
        /// What the size field counts at least: everything after it of a message without key and value.
        static let smallestSizeV0 = 14
        static let smallestSizeV1 = 22
    }
}

extension UnsafeRawBufferPointer {
    /// The big-endian number at `index`; the caller has checked that it lies inside.
    @inline(__always)
    func number<Number: FixedWidthInteger & BitwiseCopyable>(at index: Int, as type: Number.Type = Number.self)
        -> Number
    {
        Number(bigEndian: loadUnaligned(fromByteOffset: index, as: Number.self))
    }
}
