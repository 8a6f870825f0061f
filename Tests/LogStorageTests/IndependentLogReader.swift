// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Reads a partition's directory by the description of the formats alone, with nothing of ours, and notes all that
/// does not fit together.
struct IndependentLogReader {
    struct Batch {
        var segment: Int64
        var position: Int
        var size: Int
        var baseOffset: Int64
        var lastOffset: Int64
        var magic: UInt8
        var maxTimestamp: Int64
        var leaderEpoch: Int32
    }

    private(set) var batches: [Batch] = []
    private(set) var problems: [String] = []
    private(set) var snapshotOffsets: [Int64] = []
    private(set) var epochs: [(Int32, Int64)] = []
    private(set) var indexes: [String: [[Int64]]] = [:]
    var nextOffset: Int64 { batches.last.map { $0.lastOffset + 1 } ?? firstBase }
    private var firstBase: Int64 = 0

    init(_ directory: String) throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
        let bases = names.filter { $0.hasSuffix(".log") }.compactMap { Int64($0.dropLast(4)) }
        firstBase = bases.last ?? 0
        for base in bases { try readSegment(directory, base, isLast: base == bases.last) }
        for name in names where name.hasSuffix(".snapshot") {
            let data = try Self.read(directory, name)
            snapshotOffsets.append(Int64(name.dropLast(9)) ?? -1)
            if data.count < 10 || Self.number(data, 0, 2) != 1 { problems.append("\(name) has no header") }
            let count = Int(Self.number(data, 6, 4))
            if data.count != 10 + count * 46 { problems.append("\(name) has a wrong length") }
            let crc = Self.crc32c(data[6...])
            if Int64(crc) != Self.number(data, 2, 4) & 0xffff_ffff { problems.append("\(name) has a wrong checksum") }
        }
        if names.contains("leader-epoch-checkpoint") {
            let lines = String(decoding: try Self.read(directory, "leader-epoch-checkpoint"), as: UTF8.self)
                .split(separator: "\n")
            if lines.count < 2 || lines[0] != "0" || Int(lines[1]) != lines.count - 2 {
                problems.append("leader-epoch-checkpoint is malformed")
            }
            for line in lines.dropFirst(2) {
                let fields = line.split(separator: " ")
                epochs.append((Int32(fields[0]) ?? -1, Int64(fields[1]) ?? -1))
            }
        }
    }

    private mutating func readSegment(_ directory: String, _ base: Int64, isLast: Bool) throws {
        let digits = String(repeating: "0", count: 20 - String(base).count) + String(base)
        let data = try Self.read(directory, digits + ".log")
        var position = 0
        var starts: [Int: Int64] = [:]
        var next = base
        while position + 17 <= data.count {
            let size = 12 + Int(Self.number(data, position + 8, 4))
            let offset = Self.number(data, position, 8)
            let magic = data[position + 16]
            guard size >= 26, position + size <= data.count, magic <= 2 else { break }
            var batch = Batch(
                segment: base, position: position, size: size, baseOffset: offset, lastOffset: offset, magic: magic,
                maxTimestamp: -1, leaderEpoch: -1)
            if magic == 2 {
                batch.lastOffset = offset + Self.number(data, position + 23, 4)
                batch.maxTimestamp = Self.number(data, position + 35, 8)
                batch.leaderEpoch = Int32(Self.number(data, position + 12, 4))
                let crc = Self.crc32c(data[(position + 21)..<(position + size)])
                if Int64(crc) != Self.number(data, position + 17, 4) & 0xffff_ffff {
                    problems.append("\(digits).log: wrong checksum at \(position)")
                }
            } else if magic == 1 {
                batch.maxTimestamp = Self.number(data, position + 18, 8)
            }
            if batch.lastOffset < next { problems.append("\(digits).log: offset goes back at \(position)") }
            next = batch.lastOffset + 1
            starts[position] = batch.lastOffset
            batches.append(batch)
            position += size
        }
        if position != data.count { problems.append("\(digits).log: bytes behind \(position)") }
        let index = try Self.read(directory, digits + ".index")
        if index.count % 8 != 0 { problems.append("\(digits).index: odd length") }
        var entries: [[Int64]] = []
        for slot in stride(from: 0, to: index.count - index.count % 8, by: 8) {
            let offset = base + Self.number(index, slot, 4)
            let place = Int(Self.number(index, slot + 4, 4))
            if let last = entries.last, last[0] >= offset || last[1] >= Int64(place) {
                problems.append("\(digits).index: entry \(slot / 8) goes back")
            }
            if let last = starts[place] {
                // After compaction an entry may name a later offset than the batch it leads to.
                if last > offset { problems.append("\(digits).index: entry \(slot / 8) leads behind its offset") }
            } else {
                problems.append("\(digits).index: entry \(slot / 8) leads to no batch")
            }
            entries.append([offset, Int64(place)])
        }
        indexes[digits + ".index"] = entries
        let times = try Self.read(directory, digits + ".timeindex")
        if times.count % 12 != 0 { problems.append("\(digits).timeindex: odd length") }
        entries = []
        for slot in stride(from: 0, to: times.count - times.count % 12, by: 12) {
            let time = Self.number(times, slot, 8)
            if let last = entries.last, last[0] >= time { problems.append("\(digits).timeindex goes back") }
            entries.append([time, base + Self.number(times, slot + 8, 4)])
        }
        indexes[digits + ".timeindex"] = entries
        let largest = batches.filter { $0.segment == base }.map(\.maxTimestamp).max() ?? -1
        if largest >= 0, entries.last?[0] != largest {
            problems.append("\(digits).timeindex ends with \(entries.last?[0] ?? -1), the data with \(largest)")
        }
    }

    private static func read(_ directory: String, _ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(fileURLWithPath: directory + "/" + name)))
    }

    private static func number(_ data: [UInt8], _ at: Int, _ count: Int) -> Int64 {
        guard at + count <= data.count else { return -1 }
        var value: UInt64 = 0
        for byte in data[at..<(at + count)] { value = value << 8 | UInt64(byte) }
        let shift = UInt64(64 - count * 8)
        return Int64(bitPattern: value << shift) >> Int64(shift)
    }

    private static let table: [UInt32] = (0..<256).map { index in
        var value = UInt32(index)
        for _ in 0..<8 { value = value & 1 == 1 ? value >> 1 ^ 0x82f6_3b78 : value >> 1 }
        return value
    }

    private static func crc32c(_ data: ArraySlice<UInt8>) -> UInt32 {
        var crc: UInt32 = .max
        for byte in data { crc = table[Int((crc ^ UInt32(byte)) & 0xff)] ^ crc >> 8 }
        return ~crc
    }
}
