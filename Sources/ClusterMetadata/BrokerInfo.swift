// SPDX-License-Identifier: Apache-2.0

import KafkaModel

/// A broker that is alive, as its registration or the controller describes it.
package struct BrokerInfo: Hashable, Sendable {
    package var id: BrokerID
    /// The czxid of the registration; −1 where it is unknown (UpdateMetadata does not carry the epochs of others).
    package var epoch: BrokerEpoch
    package var rack: String?
    package var endpoints: [Endpoint]

    package init(id: BrokerID, epoch: BrokerEpoch = -1, rack: String? = nil, endpoints: [Endpoint]) {
        self.id = id
        self.epoch = epoch
        self.rack = rack
        self.endpoints = endpoints
    }

    /// The endpoint under a listener's name; nil when this broker has no such listener.
    package func endpoint(_ listenerName: String) -> Endpoint? {
        endpoints.first { $0.listenerName == listenerName }
    }
}
