// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A number that only grows, such as bytes received: one relaxed atomic addition where it is counted, nothing else.
///
/// Embed it in the class whose events it counts; whoever renders metrics reads ``value`` at any time.
package struct Counter: ~Copyable, Sendable {
    private let count = Atomic<Int>(0)

    package init() {}

    package var value: Int { count.load(ordering: .relaxed) }

    package func add(_ amount: Int = 1) { count.wrappingAdd(amount, ordering: .relaxed) }
}
