// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import KafkaProtocol
import NIOCore
import Testing

@testable import GroupCoordination

@Suite struct OffsetsReaderTests {
    private func record(
        _ group: String, _ topic: String, _ partition: Int32, offset: Int64 = 1, note: String = "", version: Int16 = 3
    ) throws -> (key: ByteBuffer, value: ByteBuffer?) {
        let value = OffsetCommitValue(
            offset: offset, leaderEpoch: version >= 3 ? 7 : -1, metadata: note, commitTimestamp: 1_700_000_000_000,
            expireTimestamp: version == 1 ? 1_800_000_000_000 : -1)
        return try OffsetsRecord.offset(group: group, TopicPartition(topic, partition), value)
            .encoded(valueVersion: version)
    }

    /// Whatever comes before, a record is read as it is by itself.
    @Test func recordsReadTheSameInAnyCompany() throws {
        var old = try record("group", "topic", 5)
        old.key.setInteger(Int16(0), at: old.key.readerIndex)
        var longer = try record("group", "topic", 6)
        longer.value?.writeInteger(UInt8(0))
        let group = try OffsetsRecord.group("group", GroupMetadataValue()).encoded(valueVersion: 3)
        var unknown = group
        unknown.key.setInteger(Int16(9), at: unknown.key.readerIndex)
        let all = [
            try record("group", "topic", 0), try record("group", "topic", 1, offset: .max),
            try record("group", "topic", 1, note: "note"), try record("group", "topic", 1, version: 1),
            try record("group", "topic", 2, version: 2), (try record("group", "topic", 3).key, nil),
            try record("group", "other", 0), try record("grouq", "topic", 0), try record("groupt", "opic", 0),
            try record("gruppe-ä", "topic", 0), try record("gruppe-ä", "topic", 1), old, longer, group, unknown,
        ]
        var reader = OffsetsReader()
        for (first, firstValue) in all {
            for (key, value) in all {
                _ = try? reader.read(key: first, value: firstValue)
                let expected = Result { try OffsetsRecord(key: key, value: value) }
                let read = Result { try reader.read(key: key, value: value) }
                #expect((try? read.get()) == (try? expected.get()))
            }
        }
    }

    @Test(arguments: 0..<24)
    func whatIsTooShortIsAnErrorInAnyCompany(_ length: Int) throws {
        let (key, value) = try record("group", "topic", 0)
        var reader = OffsetsReader()
        _ = try reader.read(key: key, value: value)
        let cut = value?.getSlice(at: 0, length: length)
        #expect(throws: (any Error).self) { try reader.read(key: key, value: cut) }
        #expect(throws: (any Error).self) { try reader.read(key: ByteBuffer(), value: value) }
    }
}
