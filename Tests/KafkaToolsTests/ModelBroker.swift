// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import KafkaNetworking
import KafkaProtocol
import KafkaRecords
import Logging
import NIOCore
import NIOPosix
import Synchronization

/// A broker that keeps everything in memory and knows just what clients and commands need: for tests without ZooKeeper.
final class ModelBroker: RequestHandler, Sendable {
    struct State {
        var topics: [String: [[RecordBatch]]] = [:]
        var ends: [KafkaModel.TopicPartition: Int64] = [:]
        var committed: [KafkaModel.TopicPartition: Int64] = [:]
        var port: Int32 = 0
        /// Errors to answer the next Produce requests with.
        var produceErrors: [ErrorCode] = []
        var requests: [ApiKey: Int] = [:]
    }

    let state = Mutex(State())
    private static let served: [ApiKey] = [
        .produce, .fetch, .listOffsets, .metadata, .offsetCommit, .offsetFetch, .findCoordinator, .joinGroup,
        .heartbeat,
        .leaveGroup, .syncGroup, .apiVersions, .createTopics, .deleteTopics, .initProducerId, .describeConfigs,
        .describeProducers,
    ]

    /// Runs a broker on a free port while `body` uses it.
    static func run(_ body: (ModelBroker, String) async throws -> Void) async throws {
        let broker = ModelBroker()
        let configuration = ListenerConfiguration(
            endpoint: Endpoint(listenerName: "PLAINTEXT", host: "127.0.0.1", port: 0, securityProtocol: .plaintext))
        let listener = try await Listener.bind(
            configuration, handler: broker, on: MultiThreadedEventLoopGroup.singleton, logger: .init(label: "model"))
        broker.state.withLock { $0.port = Int32(listener.port) }
        do {
            try await body(broker, "127.0.0.1:\(listener.port)")
        } catch {
            await listener.close()
            throw error
        }
        await listener.close()
    }

    func createTopic(_ name: String, partitions: Int) {
        state.withLock { $0.topics[name] = Array(repeating: [], count: partitions) }
    }

    func serves(_ api: ApiKey, version: Int16) -> Bool { Self.served.contains(api) }

    func handle(_ request: consuming IncomingRequest, _ responder: Responder) {
        let header = request.header
        let body = request.body
        state.withLock { $0.requests[header.apiKey, default: 0] += 1 }
        func answer<Request: RequestMessage>(_: Request.Type, _ make: (Request) -> Request.Response) throws {
            let response = make(try Request(decoding: body, version: header.apiVersion))
            responder.send(
                try Frame.encodeResponse(
                    correlationID: header.correlationID, response, version: header.apiVersion))
        }
        do {
            switch header.apiKey {
            case .apiVersions: try answer(ApiVersionsRequest.self) { _ in self.versions() }
            case .metadata: try answer(MetadataRequest.self) { self.metadata($0) }
            case .createTopics: try answer(CreateTopicsRequest.self) { self.create($0) }
            case .initProducerId:
                try answer(InitProducerIdRequest.self) { _ in .init(producerID: 1000, producerEpoch: 0) }
            case .produce: try answer(ProduceRequest.self) { self.produce($0) }
            case .fetch:
                // Polling consumers would spin otherwise.
                let fetch = try FetchRequest(decoding: body, version: header.apiVersion)
                let response = self.fetch(fetch)
                let frame = try Frame.encodeResponse(
                    correlationID: header.correlationID, response, version: header.apiVersion)
                responder.eventLoop.scheduleTask(in: .milliseconds(5)) { responder.send(frame) }
            case .listOffsets: try answer(ListOffsetsRequest.self) { self.offsets($0) }
            case .describeConfigs:
                try answer(DescribeConfigsRequest.self) { request in
                    .init(
                        results: request.resources.map {
                            .init(resourceType: $0.resourceType, resourceName: $0.resourceName, configs: [])
                        })
                }
            case .describeProducers:
                try answer(DescribeProducersRequest.self) { request in
                    .init(
                        topics: request.topics.map { topic in
                            .init(
                                name: topic.name,
                                partitions: topic.partitionIndexes.map { .init(partitionIndex: $0) })
                        })
                }
            case .findCoordinator:
                let port = state.withLock { $0.port }
                try answer(FindCoordinatorRequest.self) { request in
                    request.coordinatorKeys.isEmpty
                        ? .init(nodeID: 1, host: "127.0.0.1", port: port)
                        : .init(
                            coordinators: request.coordinatorKeys.map {
                                .init(key: $0, nodeID: 1, host: "127.0.0.1", port: port)
                            })
                }
            case .joinGroup: try answer(JoinGroupRequest.self) { self.join($0) }
            case .syncGroup:
                try answer(SyncGroupRequest.self) {
                    .init(
                        protocolType: "consumer", protocolName: $0.protocolName,
                        assignment: $0.assignments.first?.assignment ?? [])
                }
            case .heartbeat: try answer(HeartbeatRequest.self) { _ in .init() }
            case .leaveGroup: try answer(LeaveGroupRequest.self) { _ in .init() }
            case .offsetCommit: try answer(OffsetCommitRequest.self) { self.commit($0) }
            case .offsetFetch: try answer(OffsetFetchRequest.self) { self.committed($0) }
            default: responder.closeConnection()
            }
        } catch {
            responder.closeConnection()
        }
    }

    private func versions() -> ApiVersionsResponse {
        .init(
            apiKeys: Self.served.map {
                let range = AnyMessage.type($0, .request).versions
                return .init(apiKey: $0.rawValue, minVersion: range.lowerBound, maxVersion: range.upperBound)
            })
    }

    private func metadata(_ request: MetadataRequest) -> MetadataResponse {
        state.withLock { state in
            let names = request.topics?.compactMap(\.name) ?? state.topics.keys.sorted()
            return .init(
                brokers: [.init(nodeID: 1, host: "127.0.0.1", port: state.port)], clusterID: "model", controllerID: 1,
                topics: names.map { name in
                    guard let partitions = state.topics[name] else {
                        return .init(errorCode: .unknownTopicOrPartition, name: name)
                    }
                    return .init(
                        name: name,
                        topicID: KafkaUUID(high: 1, low: UInt64(name.utf8.reduce(0) { $0 &* 31 &+ Int($1) })),
                        partitions: partitions.indices.map {
                            .init(
                                partitionIndex: Int32($0), leaderID: 1, leaderEpoch: 0, replicaNodes: [1], isrNodes: [1]
                            )
                        })
                })
        }
    }

    private func create(_ request: CreateTopicsRequest) -> CreateTopicsResponse {
        state.withLock { state in
            .init(
                topics: request.topics.map { topic in
                    if state.topics[topic.name] != nil {
                        return .init(
                            name: topic.name, errorCode: .topicAlreadyExists,
                            errorMessage: "Topic '\(topic.name)' already exists.")
                    }
                    state.topics[topic.name] = Array(repeating: [], count: Int(max(topic.numPartitions, 1)))
                    return .init(name: topic.name)
                })
        }
    }

    private func produce(_ request: ProduceRequest) -> ProduceResponse {
        state.withLock { state in
            let failure = state.produceErrors.isEmpty ? ErrorCode.none : state.produceErrors.removeFirst()
            return .init(
                responses: request.topicData.map { topic in
                    .init(
                        name: topic.name,
                        partitionResponses: topic.partitionData.map { data in
                            guard failure.isNone else {
                                return .init(index: data.index, errorCode: failure, baseOffset: -1)
                            }
                            guard case .bytes(let bytes)? = data.records,
                                let batch = try? RecordBatches(bytes).all().first,
                                batch.hasValidChecksum
                            else { return .init(index: data.index, errorCode: .corruptMessage, baseOffset: -1) }
                            let name = KafkaModel.TopicPartition(topic.name, data.index)
                            let base = state.ends[name] ?? 0
                            var placed = batch.bytes
                            placed.setInteger(base, at: placed.readerIndex)
                            if let stored = try? RecordBatches(placed).all().first {
                                state.topics[topic.name]?[Int(data.index)].append(stored)
                            }
                            state.ends[name] = base + Int64(batch.header.recordCount)
                            return .init(index: data.index, baseOffset: base)
                        })
                })
        }
    }

    private func fetch(_ request: FetchRequest) -> FetchResponse {
        state.withLock { state in
            let ids = Dictionary(
                state.topics.keys.map { name in
                    (KafkaUUID(high: 1, low: UInt64(name.utf8.reduce(0) { $0 &* 31 &+ Int($1) })), name)
                }, uniquingKeysWith: { first, _ in first })
            return .init(
                responses: request.topics.map { topic in
                    let name = topic.topic.isEmpty ? ids[topic.topicID] ?? "" : topic.topic
                    return .init(
                        topic: topic.topic, topicID: topic.topicID,
                        partitions: topic.partitions.map { partition in
                            var bytes = ByteBuffer()
                            for batch in state.topics[name]?[Int(partition.partition)] ?? []
                            where batch.header.lastOffset >= partition.fetchOffset {
                                bytes.writeImmutableBuffer(batch.bytes)
                            }
                            let end = state.ends[KafkaModel.TopicPartition(name, partition.partition)] ?? 0
                            return .init(
                                partitionIndex: partition.partition, highWatermark: end, lastStableOffset: end,
                                logStartOffset: 0, abortedTransactions: nil, records: .bytes(bytes))
                        })
                })
        }
    }

    private func offsets(_ request: ListOffsetsRequest) -> ListOffsetsResponse {
        state.withLock { state in
            .init(
                topics: request.topics.map { topic in
                    .init(
                        name: topic.name,
                        partitions: topic.partitions.map { partition in
                            let end = state.ends[KafkaModel.TopicPartition(topic.name, partition.partitionIndex)] ?? 0
                            return .init(
                                partitionIndex: partition.partitionIndex, timestamp: -1,
                                offset: partition.timestamp == -2 ? 0 : end, leaderEpoch: 0)
                        })
                })
        }
    }

    private func join(_ request: JoinGroupRequest) -> JoinGroupResponse {
        guard !request.memberID.isEmpty else { return .init(errorCode: .memberIDRequired, memberID: "member-1") }
        return .init(
            generationID: 1, protocolType: "consumer", protocolName: request.protocols.first?.name,
            leader: request.memberID, memberID: request.memberID,
            members: [.init(memberID: request.memberID, metadata: request.protocols.first?.metadata ?? [])])
    }

    private func commit(_ request: OffsetCommitRequest) -> OffsetCommitResponse {
        state.withLock { state in
            .init(
                topics: request.topics.map { topic in
                    .init(
                        name: topic.name,
                        partitions: topic.partitions.map { partition in
                            state.committed[KafkaModel.TopicPartition(topic.name, partition.partitionIndex)] =
                                partition.committedOffset
                            return .init(partitionIndex: partition.partitionIndex)
                        })
                })
        }
    }

    private func committed(_ request: OffsetFetchRequest) -> OffsetFetchResponse {
        state.withLock { state in
            .init(
                topics: (request.topics ?? []).map { topic in
                    .init(
                        name: topic.name,
                        partitions: topic.partitionIndexes.map { index in
                            .init(
                                partitionIndex: index,
                                committedOffset: state.committed[KafkaModel.TopicPartition(topic.name, index)] ?? -1)
                        })
                })
        }
    }
}
