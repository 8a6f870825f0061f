// SPDX-License-Identifier: Apache-2.0

import KafkaNetworking
import LogStorage
import ZooKeeperClient
import ZooKeeperStore

/// Why a broker did not start: one line for the operator, and whether another try may go better.
package struct StartError: Error, CustomStringConvertible {
    package let description: String
    /// Whether time may mend it without anybody's hand: an ensemble that is away, or an id, a port or a lock that another
    /// process has. A setting or a directory that is wrong stays wrong.
    package let mayPass: Bool

    package init(_ description: String, mayPass: Bool = false) {
        self.description = description
        self.mayPass = mayPass
    }
}

extension StartError {
    init(_ error: BindError) {
        self.init("\(error)", mayPass: error.mayPass)
    }

    init(_ error: LogDirectoriesError) {
        self.init("\(error)", mayPass: error.mayPass)
    }

    /// - Parameter what: was tried; stands before the error.
    init(_ what: String, _ error: StoreError) {
        self.init("\(what): \(error)", mayPass: error.mayPass)
    }

    /// - Parameter what: was tried; stands before the error.
    init(_ what: String, _ error: ZooKeeperError) {
        self.init("\(what): \(error)", mayPass: error.mayPass)
    }
}

// Whatever is not known to last may pass: the price of a try is a line in the journal, that of none a broker that stays
// down.

extension ZooKeeperError {
    fileprivate var mayPass: Bool {
        switch self {
        case .marshallingError, .unimplemented, .badArguments, .notAuthorised, .noChildrenForEphemerals, .invalidACL,
            .authFailed, .saslRequired, .badConnectString, .tlsNotSupported, .requestTooLarge:
            false
        default: true
        }
    }
}

extension StoreError {
    fileprivate var mayPass: Bool {
        switch self {
        case .zooKeeper(let error, _): error.mayPass
        // The registration may be that of a process that has died, until its session ends.
        case .brokerIDInUse, .endpointInUse, .notController: true
        case .malformed, .controllerIsKRaft: false
        }
    }
}

extension BindError {
    fileprivate var mayPass: Bool {
        switch self {
        // While a machine boots, its addresses and its resolver may come late.
        case .addressInUse, .addressNotAvailable, .unknownHost, .other: true
        case .permissionDenied, .securityProtocolNotServed: false
        }
    }
}

extension LogDirectoriesError {
    fileprivate var mayPass: Bool {
        switch self {
        case .locked: true
        case .sameDirectory, .otherBroker, .otherCluster, .otherMode, .duplicate, .noneUsable: false
        }
    }
}
