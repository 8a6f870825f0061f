// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import KafkaNetworking
import LogStorage
import Testing
import ZooKeeperClient
import ZooKeeperStore

@testable import BrokerServer

@Suite("A start that fails")
struct StartErrorTests {
    @Test("may go better where ZooKeeper is away, and will not where it refuses what we are")
    func zooKeeper() {
        let passing: [ZooKeeperError] = [
            .connectionLoss, .connectionTimeout(servers: "zk:2181", milliseconds: 18000), .sessionExpired, .throttled,
            .operationTimeout, .systemError, .unknown(-999),
        ]
        for error in passing { #expect(StartError("ZooKeeper", error).mayPass, "\(error)") }
        let lasting: [ZooKeeperError] = [
            .badConnectString("zk:"), .notAuthorised, .authFailed, .saslRequired, .tlsNotSupported, .invalidACL,
        ]
        for error in lasting { #expect(!StartError("ZooKeeper", error).mayPass, "\(error)") }
    }

    @Test("may go better once another's registration has gone")
    func registrations() {
        for error in [
            StoreError.brokerIDInUse(1, session: 7), .endpointInUse(host: "a", port: 9092, broker: 2),
            .zooKeeper(.connectionLoss, path: "/brokers"),
        ] { #expect(StartError("registered", error).mayPass, "\(error)") }
        for error in [StoreError.controllerIsKRaft, .zooKeeper(.notAuthorised, path: "/brokers")] {
            #expect(!StartError("registered", error).mayPass, "\(error)")
        }
    }

    @Test("may go better once a port or an address is there, and will not where it is forbidden")
    func ports() {
        for error in [
            BindError.addressInUse(host: "a", port: 1), .addressNotAvailable(host: "a", port: 1), .unknownHost("a"),
        ] { #expect(StartError(error).mayPass, "\(error)") }
        for error in [
            BindError.permissionDenied(host: "a", port: 1), .securityProtocolNotServed(.ssl, listener: "SSL"),
        ] { #expect(!StartError(error).mayPass, "\(error)") }
    }

    @Test("may go better once a directory's lock is free, and will not where the directory is wrong")
    func directories() {
        #expect(StartError(LogDirectoriesError.locked(path: "/data")).mayPass)
        for error in [
            LogDirectoriesError.sameDirectory("/a", "/b"), .otherBroker(path: "/a", found: 1, expected: 2),
            .otherCluster(path: "/a", found: "x", expected: "y"), .otherMode(path: "/a"),
        ] { #expect(!StartError(error).mayPass, "\(error)") }
    }

    @Test("stays as it is where nothing says otherwise: a setting is wrong")
    func settings() {
        let error = StartError("broker.id is not set")
        #expect(!error.mayPass)
        #expect(error.description == "broker.id is not set")
    }
}
