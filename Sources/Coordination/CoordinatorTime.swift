// SPDX-License-Identifier: Apache-2.0

package import KafkaModel

/// When something happens to a coordinator, by two clocks.
///
/// Sessions, rebalances and retries are measured by the clock that only goes forward: should the wall clock be set, no
/// member is taken for dead and none for alive. What is written down (commits, the starts of transactions) and what is
/// measured from it (retention, transaction timeouts) is of the wall clock, which another broker can read too.
package struct CoordinatorTime: Hashable, Sendable {
    /// Milliseconds since some moment of this process's past.
    package var uptime: Int64
    /// Milliseconds since 1970.
    package var wallClock: Timestamp

    package init(uptime: Int64, wallClock: Timestamp) {
        self.uptime = uptime
        self.wallClock = wallClock
    }
}
