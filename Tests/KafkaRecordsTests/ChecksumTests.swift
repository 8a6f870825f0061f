// SPDX-License-Identifier: Apache-2.0

import KafkaRecords
import NIOCore
import Testing

@Suite struct ChecksumTests {
    @Test func theCheckValuesOfBothPolynomialsCome() {
        let digits = ByteBuffer(string: "123456789")
        #expect(Checksum.crc32c(digits) == 0xE306_9283)
        #expect(digits.withUnsafeReadableBytes { Checksum.crc32($0) } == 0xCBF4_3926)
    }

    @Test func nothingHasChecksumZero() {
        #expect(Checksum.crc32c(ByteBuffer()) == 0)
        #expect(Checksum.crc32(UnsafeRawBufferPointer(start: nil, count: 0)) == 0)
    }

    @Test func aChecksumContinuesWhereTheFirstPartEnded() {
        let first = ByteBuffer(string: "12345").withUnsafeReadableBytes { Checksum.crc32c($0) }
        let both = ByteBuffer(string: "6789").withUnsafeReadableBytes { Checksum.crc32c($0, continuing: first) }
        #expect(both == 0xE306_9283)
    }
}
