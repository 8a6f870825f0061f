// SPDX-License-Identifier: Apache-2.0
//
// What the hot paths take, in instructions: figures that do not depend on what else the machine does. Each operation
// runs within `operate`, so that callgrind can collect there and nowhere else:
//
//   valgrind --tool=callgrind --collect-atstart=no '--toggle-collect=*12instructions7operate*' instructions NAME [COUNT]
//
// and what it says to be collected, divided by COUNT (100), is the price of one. (Of a program without debugging
// information: valgrind of Debian 12 does not understand what Swift writes there.) Names:
//
// decode     a Produce request with one batch of 128 KiB, 1 KiB records
// validate   that batch: header, checksum and records
// append     the validated batch, to a log
// fetch      the look-up of 1 MiB in that log, and the answer up to the bytes for the socket

import BenchmarkKit
import Glibc
import KafkaModel
import KafkaProtocol
import KafkaRecords
import LogStorage
import Logging
import NIOCore

final class Operation {
    let body: () throws -> Void

    init(_ body: @escaping () throws -> Void) { self.body = body }
}

@inline(never)
func operate(_ context: UnsafeRawPointer) {
    do {
        try Unmanaged<Operation>.fromOpaque(context).takeUnretainedValue().body()
    } catch {
        fail("\(error)")
    }
}

/// Keeps the compiler from dropping what is computed for nothing.
@inline(never) func blackHole<Value>(_ value: Value) {}

let arguments = CommandLine.arguments.dropFirst()
let name = arguments.first ?? ""
let count = arguments.dropFirst().first.flatMap { Int($0) } ?? 100
let partition = TopicPartition("instructions", 0)
var time = timespec()
clock_gettime(CLOCK_REALTIME, &time)
let timestamp = Int64(time.tv_sec) * 1000

var builder = RecordBatchBuilder(capacity: 131_072)
let value = ByteBuffer(repeating: 7, count: 1024)
repeat {
    builder.append(timestamp: timestamp, key: nil, value: value)
} while builder.sizeInBytes + 1036 <= 131_072
let batch = builder.finish()

func run(_ body: @escaping () throws -> Void) {
    let operation = Operation(body)
    let context = Unmanaged.passUnretained(operation).toOpaque()
    withExtendedLifetime(operation) { for _ in 0..<count { operate(context) } }
}

/// A log in a new directory, which `body` may use.
func withLog(_ body: (PartitionLog) throws -> Void) throws {
    var template = Array("/var/tmp/martlet-instructions.XXXXXX".utf8CString)
    guard let made = mkdtemp(&template) else { fail("no directory") }
    let path = String(cString: made)
    let configuration = LogDirectoriesConfiguration(paths: [path], brokerID: 0, clusterID: "instructions")
    let directories = try LogDirectories.open(configuration, now: timestamp, logger: Logger(label: "instructions")) {
        _ in
    }
    let log = try directories.getOrCreateLog(partition, topicID: nil, configuration: LogConfiguration(), now: timestamp)
    try body(log)
    try directories.deleteLog(partition, now: timestamp)
    directories.removeDoomed(now: .max)
    directories.close(now: timestamp)
    for file in ["/meta.properties", "/.lock"] { unlink(path + file) }
    rmdir(path)
}

let validator = ProduceValidator(.init(partition: partition))
do {
    switch name {
    case "decode":
        var data = ProduceRequest.PartitionProduceData()
        data.records = .bytes(batch)
        var topic = ProduceRequest.TopicProduceData()
        topic.name = partition.topic
        topic.partitionData = [data]
        var request = ProduceRequest()
        request.acks = 1
        request.topicData = [topic]
        let header = RequestHeader(apiKey: .produce, apiVersion: 9, correlationID: 1, clientID: "producer-1")
        var frame = try Frame.encodeRequest(header, request)
        frame.moveReaderIndex(forwardBy: 4)
        run {
            var body = frame
            let header = try RequestHeader(from: &body)
            blackHole(try ProduceRequest(decoding: body, version: header.apiVersion))
        }
    case "validate":
        run { blackHole(try validator.validate(batch, produceVersion: 9, now: timestamp)) }
    case "append":
        try withLog { log in
            let batches = try validator.validate(batch, produceVersion: 9, now: timestamp)
            run {
                var batches = batches
                blackHole(try log.append(&batches, leaderEpoch: 0, now: timestamp, flush: .byCaller))
            }
        }
    case "fetch":
        try withLog { log in
            for _ in 0..<100 {
                var batches = try validator.validate(batch, produceVersion: 9, now: timestamp)
                _ = try log.append(&batches, leaderEpoch: 0, now: timestamp)
            }
            log.updateHighWatermark(log.offsets.logEnd)
            run {
                let read = try log.read(from: 640, maxBytes: 1 << 20, upTo: .highWatermark, atLeastOneBatch: true)
                var data = FetchResponse.PartitionData()
                data.highWatermark = read.offsets.highWatermark
                if case .region(let region) = read.records { data.records = .regions([region]) }
                var topic = FetchResponse.FetchableTopicResponse()
                topic.topic = partition.topic
                topic.partitions = [data]
                var response = FetchResponse()
                response.responses = [topic]
                blackHole(try Frame.encodeResponse(correlationID: 1, response, version: 11))
            }
        }
    default: fail("usage: instructions decode|validate|append|fetch [count]")
    }
} catch {
    fail("\(error)")
}
