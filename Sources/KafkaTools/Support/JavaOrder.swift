// SPDX-License-Identifier: Apache-2.0

/// The order in which Java's `HashMap` lists its keys. Apache's tools print some lists in it, and scripts compare them.
enum JavaOrder {
    /// Keys in the order of a map to which they were added one by one. `isSized` if the map was made for as many.
    static func hashMap<Key>(_ keys: [Key], isSized: Bool = false, hash: (Key) -> Int32) -> [Key] {
        var capacity = isSized ? 1 : 16
        while isSized, capacity < keys.count { capacity *= 2 }
        while keys.count * 4 > capacity * 3 { capacity *= 2 }
        var buckets: [Int: [Key]] = [:]
        for key in keys {
            let code = UInt32(bitPattern: hash(key))
            buckets[Int(code ^ (code >> 16)) & (capacity - 1), default: []].append(key)
        }
        return buckets.keys.sorted().flatMap { buckets[$0] ?? [] }
    }

    static func strings(_ keys: [String], isSized: Bool = false) -> [String] {
        hashMap(keys, isSized: isSized, hash: hash)
    }

    /// Options as a set of joptsimple's specifications lists them: each is a list of its one name.
    static func options(_ names: [String]) -> [String] { hashMap(names) { 31 &+ hash($0) } }

    static func partitions(_ keys: [TopicPartition]) -> [TopicPartition] { hashMap(keys, hash: hash) }

    /// `String.hashCode()`.
    static func hash(_ text: String) -> Int32 { text.utf16.reduce(0) { $0 &* 31 &+ Int32($1) } }

    /// `TopicPartition.hashCode()`.
    static func hash(_ partition: TopicPartition) -> Int32 {
        (31 &+ partition.partition) &* 31 &+ hash(partition.topic)
    }
}
