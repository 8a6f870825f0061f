// SPDX-License-Identifier: Apache-2.0

import GoldenFixtures

/// Words for what a simulation draws: the same draws for the same seed.
package struct Chance: RandomNumberGenerator {
    private var source: SeededRandom

    package init(seed: UInt64) { source = SeededRandom(seed: seed) }

    package mutating func next() -> UInt64 { source.next() }

    /// True once in so many times.
    package mutating func oneIn(_ count: Int) -> Bool { Int.random(in: 0..<count, using: &self) == 0 }

    package mutating func within(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &self) }

    package mutating func milliseconds(_ range: ClosedRange<Int64>) -> Int64 { Int64.random(in: range, using: &self) }

    package mutating func pick<Element>(_ elements: [Element]) -> Element? { elements.randomElement(using: &self) }
}

/// A rule that did not hold.
package struct Violation: Error, CustomStringConvertible {
    package var description: String

    package init(_ description: String) { self.description = description }
}
