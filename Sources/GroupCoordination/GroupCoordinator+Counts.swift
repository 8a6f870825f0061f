// SPDX-License-Identifier: Apache-2.0

/// How much a coordinator looks after, for metrics.
package struct GroupCounts: Hashable, Sendable {
    package var offsets = 0
    package var groups: [GroupState: Int] = [:]

    package init() {}

    package static func += (left: inout GroupCounts, right: GroupCounts) {
        left.offsets += right.offsets
        left.groups.merge(right.groups, uniquingKeysWith: +)
    }
}

extension GroupCoordinator {
    package var counts: GroupCounts {
        var counts = GroupCounts()
        for group in groups.values {
            counts.offsets += group.offsets.count
            counts.groups[group.state, default: 0] += 1
        }
        return counts
    }
}
