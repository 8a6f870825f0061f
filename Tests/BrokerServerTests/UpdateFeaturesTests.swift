// SPDX-License-Identifier: Apache-2.0

import ClusterControl
import KafkaModel
import KafkaProtocol
import Testing

@testable import BrokerServer

/// What an update of a feature can mean (KIP-584), in Kafka's words. What the controller makes of the rest is recorded.
@Suite struct UpdateFeaturesTests {
    private func wish(
        _ name: String = "f", level: Int16 = 1, allowDowngrade: Bool = false, type: Int8 = 1, version: Int16 = 1
    ) -> FeatureWish {
        FeatureWish(
            .init(feature: name, maxVersionLevel: level, allowDowngrade: allowDowngrade, upgradeType: type),
            version: version)
    }

    @Test func whatCannotBeMeantIsRefused() {
        #expect(wish("", type: 9).refusal == ControllerError(.invalidRequest, "Feature name can not be empty."))
        for type in [0, 4, -1] as [Int8] {
            #expect(wish(type: type).refusal == ControllerError(.invalidRequest, "Received unknown upgrade type."))
        }
        let message =
            "Can not provide maxVersionLevel: 0 less than 1 for feature: 'f' without setting the allowDowngrade flag "
            + "to true in the request."
        #expect(wish(level: 0).refusal == ControllerError(.invalidRequest, message))
        #expect(wish(level: 0, version: 0).refusal == ControllerError(.invalidRequest, message))
    }

    @Test func theRestIsForTheController() {
        for type in [1, 2, 3] as [Int8] {
            #expect(wish(type: type).refusal == nil)
            #expect(wish(type: type).update.allowsDowngrade == (type != 1))
        }
        // Version 0 has a flag instead of a type.
        #expect(wish(allowDowngrade: true, type: 9, version: 0).update.allowsDowngrade)
        #expect(wish(level: 0, allowDowngrade: true, version: 0).refusal == nil)
        #expect(wish(level: 0, type: 3).refusal == nil)
    }
}
