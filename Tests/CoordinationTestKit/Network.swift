// SPDX-License-Identifier: Apache-2.0

/// Messages on their way: late, out of order, twice, or never there.
package struct Network {
    private var underway: [(at: Int64, number: Int, deliver: () -> Void)] = []
    private var sent = 0
    package var isFaulty = true

    package init() {}

    /// Puts a message on its way; it may come more than once or not at all.
    ///
    /// - Returns: whether it will come.
    /// - Parameters:
    ///   - late: one in so many lies about for long, at most 15 s.
    ///   - twice: one in so many comes more than once; none does if it is 0.
    @discardableResult
    package mutating func send(
        now: Int64, late: Int = 40, twice: Int = 20, _ chance: inout Chance, _ deliver: @escaping () -> Void
    ) -> Bool {
        if isFaulty, chance.oneIn(25) { return false }
        for _ in 0..<(isFaulty && twice > 0 && chance.oneIn(twice) ? 2 : 1) {
            sent += 1
            // Most are quick, some are overtaken, a few lie about for long.
            let delay: Int64 =
                if !isFaulty {
                    1
                } else if chance.oneIn(late) {
                    chance.milliseconds(1_000...15_000)
                } else {
                    chance.milliseconds(0...80)
                }
            underway.append((now + delay, sent, deliver))
        }
        return true
    }

    /// Takes the message that is due first, if any is.
    package mutating func next(now: Int64) -> (() -> Void)? {
        guard
            let index = underway.indices.min(by: {
                (underway[$0].at, underway[$0].number) < (underway[$1].at, underway[$1].number)
            }), underway[index].at <= now
        else { return nil }
        return underway.remove(at: index).deliver
    }
}
