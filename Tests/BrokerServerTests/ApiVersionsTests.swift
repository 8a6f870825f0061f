// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import BrokerServer

@Suite struct ApiVersionsTests {
    @Test(arguments: [
        ("kcat", true), ("apache-kafka-java", true), ("3.9.0", true), ("a", true), ("", false), ("-a", false),
        ("a-", false), ("a b", false), (".", false),
    ])
    func softwareNamesAreWhatKIP511Says(name: String, isLegal: Bool) {
        #expect(ApiVersionsHandler.isSoftwareName(name) == isLegal)
    }
}
