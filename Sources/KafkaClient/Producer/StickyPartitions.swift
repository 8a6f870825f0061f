// SPDX-License-Identifier: Apache-2.0

/// Chooses partitions for records without keys (KIP-480, KIP-794): one partition until a batch's worth of bytes has gone
/// there, then another, so that batches fill instead of trickling into all partitions at once.
///
/// A partition is drawn uniformly from those with a leader; without any, from all.
struct StickyPartitions {
    private struct Choice {
        var partition: Int32
        var bytes = 0
    }

    private let batchSize: Int
    private var choices: [String: Choice] = [:]

    /// - Parameter batchSize: the bytes after which another partition is chosen (`batch.size`).
    init(batchSize: Int) {
        self.batchSize = max(batchSize, 1)
    }

    /// The partition for a record of `bytes` bytes.
    mutating func partition(
        for topic: String, bytes: Int, count: Int32, available: [Int32],
        using generator: inout some RandomNumberGenerator
    ) -> Int32 {
        if var choice = choices[topic], choice.partition < count, choice.bytes < batchSize {
            choice.bytes += bytes
            choices[topic] = choice
            return choice.partition
        }
        let partition =
            available.isEmpty
            ? Int32.random(in: 0..<max(count, 1), using: &generator)
            : available[Int.random(in: 0..<available.count, using: &generator)]
        choices[topic] = Choice(partition: partition, bytes: bytes)
        return partition
    }
}
