// SPDX-License-Identifier: Apache-2.0

import BenchmarkKit
import Glibc
import KafkaProtocol
import KafkaRecords
import NIOCore

/// A blocking connection to the broker under load.
struct BrokerSocket {
    let descriptor: Int32

    init(port: Int) { descriptor = Sockets.connect(port: port) }

    func send(_ frame: ByteBuffer) {
        if !frame.withUnsafeReadableBytes({ Sockets.send(descriptor, $0) }) { fail("the broker closed the connection") }
    }

    /// The next response's frame, in the given buffer.
    func receive(into buffer: inout ByteBuffer) {
        var length: UInt32 = 0
        guard withUnsafeMutableBytes(of: &length, { Sockets.receive(descriptor, $0) }) else {
            fail("the broker closed the connection")
        }
        let count = Int(UInt32(bigEndian: length))
        buffer.clear(minimumCapacity: count)
        let isWhole = buffer.withUnsafeMutableWritableBytes { place in
            Sockets.receive(descriptor, UnsafeMutableRawBufferPointer(rebasing: place[..<count]))
        }
        if !isWhole { fail("the broker closed the connection") }
        buffer.moveWriterIndex(to: count)
    }

    func exchange<Request: RequestMessage>(_ request: Request, version: Int16) -> Request.Response {
        var buffer = ByteBuffer()
        send(frame(request, version: version))
        receive(into: &buffer)
        return decode(buffer, version: version)
    }
}

func frame<Request: RequestMessage>(_ request: Request, version: Int16) -> ByteBuffer {
    do {
        let header = RequestHeader(
            apiKey: Request.apiKey, apiVersion: version, correlationID: 7, clientID: "loadgen")
        return try Frame.encodeRequest(header, request)
    } catch {
        fail("cannot write a \(Request.apiKey) request: \(error)")
    }
}

func decode<Response: ResponseMessage>(_ buffer: ByteBuffer, version: Int16) -> Response {
    do {
        return try Frame.decodeResponse(Response.self, buffer, version: version).message
    } catch {
        fail("cannot read a \(Response.apiKey) response: \(error)")
    }
}

/// A batch of as many records of that size as fit.
func batch(recordBytes: Int, batchBytes: Int) -> ByteBuffer {
    var builder = RecordBatchBuilder(capacity: batchBytes + recordBytes)
    let value = ByteBuffer(bytes: (0..<max(0, recordBytes)).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ 13) })
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    repeat {
        builder.append(timestamp: Int64(time.tv_sec) * 1000, key: nil, value: value)
    } while builder.sizeInBytes + recordBytes + 12 <= batchBytes
    return builder.finish()
}

/// A Produce request of version 9 with one batch for partition 0.
func produceFrame(topic: String, batch: ByteBuffer, acks: Int16) -> ByteBuffer {
    var partition = ProduceRequest.PartitionProduceData()
    partition.records = .bytes(batch)
    var data = ProduceRequest.TopicProduceData()
    data.name = topic
    data.partitionData = [partition]
    var request = ProduceRequest()
    request.acks = acks
    request.timeoutMs = 30_000
    request.topicData = [data]
    return frame(request, version: 9)
}

func check(_ response: ProduceResponse) {
    guard let partition = response.responses.first?.partitionResponses.first else { fail("empty produce response") }
    if partition.errorCode != .none { fail("produce: \(partition.errorCode)") }
}
