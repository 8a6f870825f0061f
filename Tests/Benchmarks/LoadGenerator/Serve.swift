// SPDX-License-Identifier: Apache-2.0

import BenchmarkKit
import Glibc
import KafkaModel
import KafkaNetworking
import KafkaProtocol
import KafkaRecords
import Logging
import NIOCore
import NIOPosix

/// What of a broker's cost is the network's: the listener and the messages, with a handler that does next to nothing.
struct TrivialHandler: RequestHandler {
    enum Work: String { case none, sum, append }

    let work: Work
    let file: Int32
    let region: FileRegion
    private let position = AppendPosition()

    func serves(_ api: ApiKey, version: Int16) -> Bool { api == .produce || api == .fetch || api == .apiVersions }

    func handle(_ request: consuming IncomingRequest, _ responder: Responder) {
        let header = request.header
        do {
            switch header.apiKey {
            case .produce:
                let message = try ProduceRequest(decoding: request.body, version: header.apiVersion)
                answer(header, answered(message), responder)
            case .fetch:
                answer(header, try fetched(request), responder)
            default:
                answer(header, ApiVersionsResponse(), responder)
            }
        } catch {
            responder.closeConnection()
        }
    }

    private func answered(_ message: ProduceRequest) -> ProduceResponse {
        var response = ProduceResponse()
        for topic in message.topicData {
            var result = ProduceResponse.TopicProduceResponse()
            result.name = topic.name
            for partition in topic.partitionData {
                if case .bytes(let records) = partition.records { perform(records) }
                var done = ProduceResponse.PartitionProduceResponse()
                done.index = partition.index
                result.partitionResponses.append(done)
            }
            response.responses.append(result)
        }
        return response
    }

    private func perform(_ records: ByteBuffer) {
        if work != .none { blackHole(Checksum.crc32c(records)) }
        if work == .append {
            let offset = position.advance(by: records.readableBytes)
            _ = records.withUnsafeReadableBytes { pwrite(file, $0.baseAddress, $0.count, offset) }
        }
    }

    private func fetched(_ request: IncomingRequest) throws -> FetchResponse {
        let message = try FetchRequest(decoding: request.body, version: request.header.apiVersion)
        var response = FetchResponse()
        for topic in message.topics {
            var result = FetchResponse.FetchableTopicResponse()
            result.topic = topic.topic
            for partition in topic.partitions {
                var data = FetchResponse.PartitionData()
                data.partitionIndex = partition.partition
                data.records = .regions([region])
                result.partitions.append(data)
            }
            response.responses.append(result)
        }
        return response
    }

    private func answer(_ header: RequestHeader, _ message: some ResponseMessage, _ responder: Responder) {
        guard
            let parts = try? Frame.encodeResponse(
                correlationID: header.correlationID, message, version: header.apiVersion)
        else { return responder.closeConnection() }
        responder.send(parts)
    }
}

/// Where the next append goes: up to 1 GiB, then from the start in an emptied file.
final class AppendPosition: @unchecked Sendable {
    // One connection appends at a time, on its loop.
    private var position = 0

    func advance(by count: Int) -> Int {
        defer { position = position + count > 1 << 30 ? 0 : position + count }
        return position
    }
}

@inline(never) func blackHole<Value>(_ value: Value) {}

func serve() async {
    let directory = options["directory", default: "/tmp"]
    let path = "\(directory)/loadgen-\(getpid())"
    let file = checked(open(path, O_RDWR | O_CREAT | O_TRUNC, 0o600), "open \(path)")
    let records = batch(recordBytes: 1024, batchBytes: 1 << 20)
    _ = records.withUnsafeReadableBytes { pwrite(file, $0.baseAddress, $0.count, 0) }
    let fetched = NIOFileHandle(_deprecatedTakingOwnershipOfDescriptor: checked(open(path, O_RDONLY), "open"))
    unlink(path)
    let handler = TrivialHandler(
        work: .init(rawValue: options["work", default: "none"]) ?? .none,
        file: checked(open("\(directory)/loadgen-log-\(getpid())", O_RDWR | O_CREAT | O_TRUNC, 0o600), "open"),
        region: FileRegion(fileHandle: fetched, readerIndex: 0, endIndex: records.readableBytes))
    unlink("\(directory)/loadgen-log-\(getpid())")
    var sockets = SocketOptions()
    let receive = options.integer("receive-buffer", default: 0)
    let send = options.integer("send-buffer", default: 0)
    sockets.receiveBufferBytes = receive > 0 ? receive : nil
    sockets.sendBufferBytes = send > 0 ? send : nil
    if options.integer("keep-memory", default: 1) == 1 { AllocatorTuning.keepFreedMemory(bytes: 32 << 20) }
    let endpoint = Endpoint(
        listenerName: "PLAINTEXT", host: "127.0.0.1", port: Int32(options.integer("port", default: 0)),
        securityProtocol: .plaintext)
    do {
        let listener = try await Listener.bind(
            ListenerConfiguration(endpoint: endpoint, sockets: sockets), handler: handler,
            on: MultiThreadedEventLoopGroup.singleton, logger: Logger(label: "loadgen"))
        print("\(listener.port)")
        fflush(nil)
        while true { try await Task.sleep(for: .seconds(3600)) }
    } catch {
        fail("\(error)")
    }
}
