// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import BrokerSettings

struct MonitoringTests {
    private func parse(_ value: String?) throws -> BrokerConfiguration {
        var properties = ["zookeeper.connect": "localhost:2181"]
        properties["monitoring.http.listener"] = value
        let (configuration, warnings) = try BrokerConfiguration.parse(properties: properties)
        #expect(warnings == [])
        return configuration
    }

    @Test func nothingListensUnlessItIsSet() throws {
        #expect(try parse(nil).monitoring.http == nil)
        #expect(try parse("").monitoring.http == nil)
    }

    @Test(arguments: [
        ("127.0.0.1:7071", "127.0.0.1", 7071), (":9404", "", 9404), ("[::1]:0", "::1", 0), ("node-1:80", "node-1", 80),
    ])
    func anAddressIsHostAndPort(_ text: String, _ host: String, _ port: Int) throws {
        let address = try #require(try parse(text).monitoring.http)
        #expect(address.host == host)
        #expect(address.port == port)
    }

    @Test(arguments: ["7071", "localhost:", "localhost:x", "localhost:65536", "::1:80", "http://localhost:80", "a b:1"])
    func anythingElseIsRefusedByName(_ text: String) {
        #expect {
            try parse(text)
        } throws: {
            "\($0)".contains("monitoring.http.listener") && "\($0)".contains(text)
        }
    }

    @Test func itIsDescribedWhereItIsSet() throws {
        let name = "monitoring.http.listener"
        let shown = try #require(try parse(":1").description(keys: [name]).first)
        #expect(shown.value == ":1")
        #expect(shown.source == .staticBroker)
        #expect(!shown.isSensitive)
        #expect(shown.isReadOnly)
        #expect(try parse(nil).description(keys: [name]).isEmpty)
    }
}
