// SPDX-License-Identifier: Apache-2.0

import GoldenFixtures
import KafkaModel
import LogStorage

/// Damages the small files of a log directory. What is read must not trap; what is refused is refused with a name.
enum LogFuzz {
    private struct Sample {
        var name: String
        var bytes: [UInt8]
        var read: ([UInt8]) throws -> Void
    }

    static func run(iterations: Int, seed: UInt64) throws -> String {
        var random = SeededRandom(seed: seed)
        let samples = samples()
        var counts: [String: Int] = [:]
        for _ in 0..<iterations {
            let sample = samples[Int.random(in: 0..<samples.count, using: &random)]
            do {
                try sample.read(random.mutated(sample.bytes))
                counts["\(sample.name) read", default: 0] += 1
            } catch is MalformedFile {
                counts["\(sample.name) refused", default: 0] += 1
            }
        }
        return counts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
    }

    private static func samples() -> [Sample] {
        let checkpoint = CheckpointText("checkpoint", advice: "none")
        return [
            Sample(name: "checkpoint", bytes: Array("0\n2\ntopic-a 0 1234\ntopic-b 31 99\n".utf8)) { bytes in
                _ = try checkpoint.parse(bytes, fields: 3) { (fields, _) in fields.count }
            },
            Sample(
                name: "meta.properties",
                bytes: Array("#\n#Sat Nov 21\nbroker.id=1\nversion=0\ncluster.id=an4pjopFT2KI7k5or_wAvQ\n".utf8)
            ) { bytes in _ = try MetaProperties.parse(bytes, path: "meta.properties") },
            Sample(name: "snapshot", bytes: ProducerSnapshot.encode([ProducerState(1), ProducerState(7)])) { bytes in
                _ = try ProducerSnapshot.decode(bytes, path: "snapshot")
            },
            Sample(name: "file name", bytes: Array("00000000000000000085.timeindex.swap".utf8)) { bytes in
                _ = SegmentFileName(String(decoding: bytes, as: UTF8.self))
            },
            Sample(name: "directory name", bytes: Array("t-1.f844cc332dd8414f9eb10fb479922406-future".utf8)) { bytes in
                _ = PartitionDirectoryName(String(decoding: bytes, as: UTF8.self))?.name
            },
        ]
    }
}
