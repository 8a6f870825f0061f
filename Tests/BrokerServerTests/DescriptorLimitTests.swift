// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import BrokerServer

@Suite struct DescriptorLimitTests {
    @Test func logsLeaveHalfToConnections() {
        #expect(DescriptorLimit.forLogs(of: 1_000_000) == 8192)
        #expect(DescriptorLimit.forLogs(of: 1024) == 512)
        #expect(DescriptorLimit.forLogs(of: 4) == 8)
    }
}
