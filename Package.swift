// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
//
// The targets from the bottom up. A target is an area of knowledge; dependencies point one way, towards the words.
// `make check` builds with `--explicit-target-dependency-import-check error`, which keeps this table true.

import PackageDescription

let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioHTTP: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let deque: Target.Dependency = .product(name: "DequeModule", package: "swift-collections")
let heap: Target.Dependency = .product(name: "HeapModule", package: "swift-collections")
let nioConcurrency: Target.Dependency = .product(name: "NIOConcurrencyHelpers", package: "swift-nio")
let ordered: Target.Dependency = .product(name: "OrderedCollections", package: "swift-collections")
let hashTrees: Target.Dependency = .product(name: "HashTreeCollections", package: "swift-collections")

let package = Package(
    name: "martlet",
    products: [
        .executable(name: "martlet", targets: ["martlet"]),
        .library(name: "KafkaClient", targets: ["KafkaClient"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    ],
    targets: [
        // MARK: C: system libraries, and shims for what Swift cannot call.
        .systemLibrary(
            name: "CZooKeeper", path: "Sources/CZooKeeper", providers: [.apt(["libzookeeper-mt-dev"])]),
        .systemLibrary(name: "CFileSystem"),
        .systemLibrary(
            name: "CCompression", path: "Sources/CCompression",
            providers: [.apt(["libisal-dev", "zlib1g-dev", "liblz4-dev", "libzstd-dev", "libsnappy-dev"])]),

        // MARK: Words: the vocabulary.
        .target(name: "KafkaModel"),
        .target(name: "Metrics"),

        // MARK: Bytes: records and messages.
        .target(name: "KafkaRecords", dependencies: ["KafkaModel", "CCompression", nioCore]),
        .target(name: "KafkaProtocol", dependencies: ["KafkaModel", nioCore], exclude: ["Schema"]),
        .executableTarget(name: "ProtocolGenerator"),

        // MARK: Engines: no sockets, no ZooKeeper.
        .target(
            name: "LogStorage", dependencies: ["CFileSystem", "KafkaModel", "KafkaRecords", nioCore, logging, deque]),
        .target(name: "Replication", dependencies: ["KafkaModel", ordered]),
        .target(name: "ClusterMetadata", dependencies: ["KafkaModel", hashTrees]),
        .target(name: "ClusterControl", dependencies: ["KafkaModel", "ClusterMetadata", ordered, deque]),
        .target(name: "Coordination", dependencies: ["KafkaModel", "KafkaRecords", nioCore, deque]),
        .target(
            name: "GroupCoordination",
            dependencies: ["Coordination", "KafkaModel", "KafkaProtocol", "KafkaRecords", nioCore, ordered, heap]),
        .target(
            name: "TransactionCoordination",
            dependencies: ["Coordination", "KafkaModel", "KafkaProtocol", "KafkaRecords", nioCore, ordered, deque]),
        .target(name: "BrokerSettings", dependencies: ["KafkaModel"]),

        // MARK: Rim: ZooKeeper and sockets.
        .target(name: "ZooKeeperClient", dependencies: ["CZooKeeper", "Metrics", deque]),
        .target(
            name: "ZooKeeperStore",
            dependencies: ["ZooKeeperClient", "KafkaModel", "ClusterMetadata", "ClusterControl"]),
        .target(
            name: "KafkaNetworking", dependencies: ["KafkaModel", "KafkaProtocol", nioCore, nioPosix, logging, deque]),
        .target(name: "HTTPServing", dependencies: [nioCore, nioPosix, nioHTTP, logging]),

        // MARK: The whole.
        .target(
            name: "KafkaClient",
            dependencies: [
                "KafkaModel", "KafkaProtocol", "KafkaRecords", "KafkaNetworking", nioCore, nioPosix, deque,
            ]),
        .target(
            name: "BrokerServer",
            dependencies: [
                "KafkaModel", "KafkaRecords", "KafkaProtocol", "LogStorage", "Replication", "ClusterMetadata",
                "ClusterControl", "Coordination", "GroupCoordination", "TransactionCoordination", "BrokerSettings",
                "ZooKeeperClient", "ZooKeeperStore", "KafkaNetworking", "HTTPServing", "Metrics", nioCore, nioPosix,
                nioConcurrency, logging, deque, ordered,
            ]),
        .target(
            name: "KafkaTools",
            dependencies: [
                "KafkaModel", "KafkaProtocol", "KafkaRecords", "KafkaClient", "LogStorage", "ClusterControl",
                "KafkaNetworking", nioCore, nioPosix, logging,
            ]),

        // MARK: The program.
        .executableTarget(
            name: "martlet",
            dependencies: ["BrokerServer", "BrokerSettings", "KafkaTools", logging]),

        // MARK: Tests.
        .target(name: "ZooKeeperTestKit", path: "Tests/ZooKeeperTestKit"),
        .target(name: "GoldenFixtures", dependencies: ["CCompression"], path: "Tests/GoldenFixtures"),
        .executableTarget(
            name: "Fuzz",
            dependencies: [
                "KafkaProtocol", "KafkaRecords", "LogStorage", "KafkaModel", "GoldenFixtures", nioCore, logging,
            ],
            path: "Tests/Fuzz"),
        .testTarget(name: "KafkaModelTests", dependencies: ["KafkaModel"]),
        .testTarget(name: "MetricsTests", dependencies: ["Metrics"]),
        .testTarget(name: "HTTPServingTests", dependencies: ["HTTPServing", nioCore, nioPosix, logging]),
        .testTarget(
            name: "KafkaRecordsTests", dependencies: ["KafkaRecords", "KafkaModel", "GoldenFixtures", nioCore]),
        .testTarget(
            name: "KafkaProtocolTests",
            dependencies: ["KafkaProtocol", "KafkaModel", "ProtocolGenerator", "GoldenFixtures", nioCore]),
        .testTarget(
            name: "LogStorageTests",
            dependencies: ["LogStorage", "KafkaRecords", "KafkaModel", "GoldenFixtures", nioCore, logging]),
        .testTarget(name: "ReplicationTests", dependencies: ["Replication", "KafkaModel"]),
        .testTarget(name: "ClusterMetadataTests", dependencies: ["ClusterMetadata", "KafkaModel"]),
        .target(
            name: "SimulationKit",
            dependencies: [
                "KafkaModel", "ClusterMetadata", "ClusterControl", "Replication", "LogStorage", "ZooKeeperStore",
                "ZooKeeperClient", "GoldenFixtures", deque,
            ],
            path: "Tests/SimulationKit"),
        .executableTarget(name: "Simulate", dependencies: ["SimulationKit"], path: "Tests/Simulate"),
        .testTarget(
            name: "SimulationTests", dependencies: ["SimulationKit"], exclude: ["mutations", "mutate.sh"]),
        .testTarget(
            name: "ClusterControlTests",
            dependencies: ["ClusterControl", "ClusterMetadata", "KafkaModel", "SimulationKit", "GoldenFixtures"]),
        .testTarget(
            name: "ControllerGoldenTests",
            dependencies: [
                "BrokerServer", "BrokerSettings", "ClusterControl", "ClusterMetadata", "ZooKeeperStore",
                "ZooKeeperClient", "KafkaProtocol", "KafkaModel", "GoldenFixtures", nioCore, nioPosix, logging,
            ]),
        .target(
            name: "CoordinationTestKit",
            dependencies: [
                "Coordination", "GroupCoordination", "TransactionCoordination", "LogStorage", "KafkaRecords",
                "KafkaModel", "GoldenFixtures", nioCore, ordered,
            ],
            path: "Tests/CoordinationTestKit"),
        .executableTarget(
            name: "simulate-coordinators", dependencies: ["CoordinationTestKit"], path: "Tests/CoordinatorSimulation",
            exclude: ["mutants.py"]),
        .testTarget(
            name: "GroupCoordinationTests",
            dependencies: [
                "GroupCoordination", "Coordination", "CoordinationTestKit", "KafkaProtocol", "KafkaRecords",
                "KafkaModel", "GoldenFixtures", nioCore,
            ]),
        .testTarget(
            name: "TransactionCoordinationTests",
            dependencies: [
                "TransactionCoordination", "Coordination", "CoordinationTestKit", "KafkaProtocol", "KafkaRecords",
                "KafkaModel", "GoldenFixtures", nioCore,
            ]),
        .testTarget(name: "BrokerSettingsTests", dependencies: ["BrokerSettings", "KafkaModel", "GoldenFixtures"]),
        .testTarget(name: "ZooKeeperClientTests", dependencies: ["ZooKeeperClient", "ZooKeeperTestKit"]),
        .testTarget(
            name: "ZooKeeperStoreTests",
            dependencies: [
                "ZooKeeperStore", "ZooKeeperClient", "ZooKeeperTestKit", "ClusterMetadata", "ClusterControl",
                "KafkaModel",
                "GoldenFixtures",
            ]),
        .testTarget(
            name: "KafkaNetworkingTests",
            dependencies: ["KafkaNetworking", "KafkaProtocol", "KafkaModel", nioCore, nioPosix, logging]),
        .testTarget(
            name: "KafkaClientTests",
            dependencies: [
                "KafkaClient", "KafkaProtocol", "KafkaRecords", "KafkaModel", "ZooKeeperTestKit", nioCore,
            ]),
        .testTarget(
            name: "KafkaToolsTests",
            dependencies: [
                "KafkaTools", "KafkaClient", "ClusterControl", "KafkaNetworking", "KafkaProtocol", "KafkaRecords",
                "KafkaModel", "GoldenFixtures", nioCore, nioPosix, logging,
            ]),
        .testTarget(
            name: "BrokerServerTests",
            dependencies: [
                "BrokerServer", "KafkaProtocol", "KafkaRecords", "KafkaModel", "LogStorage", "ClusterMetadata",
                "ZooKeeperClient", "ZooKeeperStore", "ClusterControl", "BrokerSettings", "Coordination",
                "GroupCoordination", "Replication", "KafkaNetworking", "Metrics", nioCore, nioPosix, logging,
            ]),

        // MARK: Benchmarks, run by `make bench`.
        .target(name: "BenchmarkKit", path: "Tests/Benchmarks/Kit"),
        .executableTarget(
            name: "floor", dependencies: ["BenchmarkKit", "EchoServer", "KafkaRecords"], path: "Tests/Benchmarks/Floor"),
        .target(name: "EchoServer", path: "Tests/Benchmarks/EchoServer"),
        .executableTarget(
            name: "hop", dependencies: ["BenchmarkKit", nioCore, nioPosix], path: "Tests/Benchmarks/Hop"),
        .executableTarget(
            name: "instructions",
            dependencies: [
                "BenchmarkKit", "KafkaModel", "KafkaRecords", "KafkaProtocol", "LogStorage", nioCore, logging,
            ],
            path: "Tests/Benchmarks/Instructions"),
        .executableTarget(
            name: "storage",
            dependencies: [
                "AllocationCounter", "BenchmarkKit", "KafkaModel", "KafkaRecords", "LogStorage", nioCore, logging,
            ],
            path: "Tests/Benchmarks/Storage"),
        .target(name: "AllocationCounter", path: "Tests/Benchmarks/AllocationCounter"),
        .executableTarget(
            name: "failover",
            dependencies: [
                "BenchmarkKit", "KafkaModel", "ClusterMetadata", "ClusterControl", "ZooKeeperStore", "ZooKeeperClient",
                "ZooKeeperTestKit",
            ],
            path: "Tests/Benchmarks/Failover"),
        .executableTarget(
            name: "loadgen",
            dependencies: [
                "BenchmarkKit", "KafkaModel", "KafkaRecords", "KafkaProtocol", "KafkaNetworking", nioCore, nioPosix,
                logging,
            ],
            path: "Tests/Benchmarks/LoadGenerator"),
    ],
    swiftLanguageModes: [.v6]
)

// `make` sets this: our own warnings are errors in our own builds, and nobody else's build stops at a warning of a
// newer compiler.
if Context.environment["MARTLET_STRICT"] != nil {
    for target in package.targets where target.type != .system {
        target.swiftSettings = (target.swiftSettings ?? []) + [.treatAllWarnings(as: .error)]
    }
}
