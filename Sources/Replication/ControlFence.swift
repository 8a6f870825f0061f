// SPDX-License-Identifier: Apache-2.0

import KafkaModel

/// Fences control requests: of controllers that have been replaced, of those meant for an earlier life of this broker, and
/// of those that their own controller has given up. All three control requests share one.
package struct ControlFence: Hashable, Sendable {
    package enum Refusal: Hashable, Sendable {
        /// Answer with this error.
        case error(ErrorCode)
        /// Close the connection.
        case hangUp
    }

    /// The largest epoch seen in a control request.
    package private(set) var controllerEpoch: ControllerEpoch = 0
    /// The youngest connection over which that controller has spoken.
    private var connection = Int.min

    package init() {}

    /// Why a request is refused whole; nil when its sender is the controller and means this life of the broker.
    ///
    /// A *larger* broker epoch is accepted: the controller may learn of a registration before the broker does.
    ///
    /// A controller speaks over one connection at a time, and sends a request again over the next one when no answer came.
    /// What it had sent over the one before may arrive long after that, when the network has healed and others of its
    /// requests have been carried out: an UpdateMetadata, which carries no order, would then bring back a past state for
    /// good. So whatever comes over an older connection of the same controllership is not carried out. Should connections
    /// have been numbered in another order than they were opened, the controller opens the next one and sends again.
    ///
    /// - Parameters:
    ///   - brokerEpoch: what the request says; −1 where its version cannot.
    ///   - own: this broker's, −1 before it is registered.
    ///   - connection: larger for each connection that was accepted.
    package mutating func refusal(
        controllerEpoch: ControllerEpoch, brokerEpoch: BrokerEpoch, own: BrokerEpoch, connection: Int
    ) -> Refusal? {
        if brokerEpoch != -1, brokerEpoch < own { return .error(.staleBrokerEpoch) }
        guard controllerEpoch >= self.controllerEpoch else { return .error(.staleControllerEpoch) }
        if controllerEpoch == self.controllerEpoch, connection < self.connection { return .hangUp }
        self.controllerEpoch = controllerEpoch
        self.connection = connection
        return nil
    }
}
