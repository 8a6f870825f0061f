// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import BrokerSettings

struct SampleFileTests {
    private let file = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("config/server.properties")

    /// `make generate` sets MARTLET_GENERATE, which makes this test write the file it checks.
    @Test func theSampleIsInStepWithTheTable() throws {
        if ProcessInfo.processInfo.environment["MARTLET_GENERATE"] != nil {
            try SampleFile.render().write(to: file, atomically: true, encoding: .utf8)
        }
        #expect(try String(contentsOf: file, encoding: .utf8) == SampleFile.render(), "run make generate")
    }

    @Test func theSampleLeavesOutWhatNothingGoesBy() {
        let sample = SampleFile.render()
        #expect(sample.contains("#num.io.threads="))
        #expect(!sample.contains("queued.max.requests"))
        #expect(!sample.contains("#quota.window.num"))
    }

    @Test func theSampleStartsABrokerWithoutWarnings() throws {
        let properties = try PropertiesFile.parse(SampleFile.render())
        let (configuration, warnings) = try BrokerConfiguration.parse(properties: properties)
        #expect(warnings == [])
        #expect(configuration.brokerID == 0)
        #expect(configuration.offsets.topicReplicationFactor == 1)
    }

    @Test func whatIsCommentedOutIsAllowedToo() throws {
        let text = SampleFile.render().split(separator: "\n").filter { $0.hasPrefix("#") && !$0.hasPrefix("# ") }
            .map { $0.dropFirst() }.filter { $0.contains("=") && !$0.hasSuffix("=") }.joined(separator: "\n")
        var properties = try PropertiesFile.parse(text)
        #expect(properties.count > 100)
        properties["zookeeper.connect"] = "localhost:2181"
        let (_, warnings) = try BrokerConfiguration.parse(properties: properties)
        #expect(warnings == [])
    }
}
