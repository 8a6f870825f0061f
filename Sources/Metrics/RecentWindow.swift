// SPDX-License-Identifier: Apache-2.0

/// Shows a quantity of the last while instead of since the start: keeps two earlier readings and subtracts the older one.
///
/// What is shown covers between one and two intervals, however often and by how many it is looked at. A value; whoever
/// owns it sees to it that one thread at a time looks.
package struct RecentWindow<Reading> {
    private let interval: Int64
    private var older: (at: Int64, reading: Reading)
    private var newer: (at: Int64, reading: Reading)

    /// - Parameters:
    ///   - interval: in the unit of the times that are given.
    ///   - reading: how it stands now.
    package init(interval: Int64, now: Int64, _ reading: Reading) {
        self.interval = interval
        older = (now, reading)
        newer = older
    }

    /// Takes the present reading, and returns the one to compare it with, and how long ago that was.
    package mutating func advance(now: Int64, _ reading: Reading) -> (earlier: Reading, elapsed: Int64) {
        if now - newer.at >= interval {
            older = newer
            newer = (now, reading)
        }
        return (older.reading, max(0, now - older.at))
    }
}
