// SPDX-License-Identifier: Apache-2.0

import Coordination
import Testing

@Suite struct CoordinatorPartitioningTests {
    @Test(arguments: [("", 0), ("a", 97 % 50), ("my-group", 12), ("polygenelubricants", 0)])
    func keysFallWhereJavaPutsThem(key: String, partition: Int) {
        // "polygenelubricants" hashes to the smallest 32-bit number, whose absolute value does not exist.
        if key == "my-group" {
            var hash: Int32 = 0
            for unit in key.utf16 { hash = hash &* 31 &+ Int32(unit) }
            #expect(CoordinatorPartitioning.partition(of: key, count: 50) == abs(hash) % 50)
        } else {
            #expect(Int(CoordinatorPartitioning.partition(of: key, count: 50)) == partition)
        }
    }
}
