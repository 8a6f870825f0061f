// SPDX-License-Identifier: Apache-2.0

import KafkaModel

/// Fences control requests: of controllers that have been replaced, and of those meant for an earlier life of this
/// broker. All three control requests share one.
package struct ControlFence: Hashable, Sendable {
    /// The largest epoch seen in a control request.
    package private(set) var controllerEpoch: ControllerEpoch = 0

    package init() {}

    /// Why a request is refused whole; nil when its sender is the controller and means this life of the broker.
    ///
    /// A *larger* broker epoch is accepted: the controller may learn of a registration before the broker does.
    ///
    /// - Parameters:
    ///   - brokerEpoch: what the request says; −1 where its version cannot.
    ///   - own: this broker's, −1 before it is registered.
    package mutating func refusal(
        controllerEpoch: ControllerEpoch, brokerEpoch: BrokerEpoch, own: BrokerEpoch
    ) -> ErrorCode? {
        if brokerEpoch != -1, brokerEpoch < own { return .staleBrokerEpoch }
        guard controllerEpoch >= self.controllerEpoch else { return .staleControllerEpoch }
        self.controllerEpoch = controllerEpoch
        return nil
    }
}
