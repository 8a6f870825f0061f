// SPDX-License-Identifier: Apache-2.0

import ClusterControl
import Testing

@Suite struct PartitionAssignmentTests {
    @Test func aReassignmentListsTheTargetFirst() {
        let assignment = PartitionAssignment([1, 2]).reassigned(to: [3, 2])
        #expect(assignment == PartitionAssignment([3, 2, 1], adding: [3], removing: [1]))
        #expect(assignment.target == [3, 2])
        #expect(assignment.origin == [2, 1])
    }

    @Test func aReassignmentOnTopOfAnotherKeepsTheOrigin() {
        let first = PartitionAssignment([1, 2]).reassigned(to: [3, 4])
        #expect(first == PartitionAssignment([3, 4, 1, 2], adding: [3, 4], removing: [1, 2]))
        #expect(first.reassigned(to: [5, 1]) == PartitionAssignment([5, 1, 2], adding: [5], removing: [2]))
        #expect(first.reassigned(to: first.origin) == PartitionAssignment([1, 2]))
    }
}
