// SPDX-License-Identifier: Apache-2.0

import BenchmarkKit
import Glibc
import KafkaProtocol
import NIOCore
import Synchronization

private var topic: String { options["topic", default: "bench"] }
private var port: Int { options.integer("port", default: 9092) }
/// The brokers whose costs are added up.
private var processes: [Int] { options["pid", default: ""].split(separator: ",").compactMap { Int($0) } }
private var runs: Int { options.integer("runs", default: 3) }
private var bytesWanted: Int { Int((Double(options["gigabytes", default: "1"]) ?? 1) * 1e9) }
private var acks: Int16 { Int16(options.integer("acks", default: 1)) }

/// One line of results, and where the broker's memory stands.
private func report(_ name: String, cpuPerGB: [Double], userPerGB: [Double], rates: [Double]) {
    let memory = ProcessReading(of: processes)
    print(
        name, "\(number(cpuPerGB.median)) CPU s/GB (user \(number(userPerGB.median)))",
        "\(number(rates.median, digits: 0)) MB/s",
        "RSS \(memory.residentBytes >> 20) MiB, peak \(memory.peakResidentBytes >> 20) MiB", separator: "\t")
}

/// Runs the load several times, each until it has moved enough bytes. The body moves some and tells how many.
private func measure(_ name: String, _ move: () -> Int) {
    var cpu: [Double] = []
    var user: [Double] = []
    var rates: [Double] = []
    for _ in 0..<runs {
        let before = ProcessReading(of: processes)
        let start = now()
        var moved = 0
        while moved < bytesWanted { moved += move() }
        let time = now() - start
        let after = ProcessReading(of: processes)
        let gigabytes = Double(moved) / 1e9
        cpu.append((after.cpuSeconds - before.cpuSeconds) / gigabytes)
        user.append((after.userSeconds - before.userSeconds) / gigabytes)
        rates.append(gigabytes * 1000 / time)
    }
    report(name, cpuPerGB: cpu, userPerGB: user, rates: rates)
}

/// Produces until the broker has heard that it leads the partition.
private func awaitLeader(_ frame: ByteBuffer, on socket: BrokerSocket) {
    let begin = now()
    var answer = ByteBuffer()
    guard acks != 0 else { return }
    while true {
        socket.send(frame)
        socket.receive(into: &answer)
        let response: ProduceResponse = decode(answer, version: 9)
        let error = response.responses.first?.partitionResponses.first?.errorCode
        let mayCome = error == .notLeaderOrFollower || error == .unknownTopicOrPartition
        guard mayCome, now() - begin < 10 else { return check(response) }
        usleep(10_000)
    }
}

func produce() {
    let record = options.integer("record", default: 1024)
    let size = options.integer("batch", default: 131_072)
    let inFlight = options.integer("in-flight", default: 5)
    let records = batch(recordBytes: record, batchBytes: size)
    let frame = produceFrame(topic: topic, batch: records, acks: acks)
    let socket = BrokerSocket(port: port)
    awaitLeader(frame, on: socket)
    var answer = ByteBuffer()
    var waiting = 0
    measure("produce \(record) B in \(size) B, acks=\(acks)") {
        socket.send(frame)
        if acks == 0 { return records.readableBytes }
        waiting += 1
        if waiting >= inFlight {
            socket.receive(into: &answer)
            check(decode(answer, version: 9))
            waiting -= 1
        }
        return records.readableBytes
    }
}

/// Producers that have one record on the way each.
func latency() {
    let record = options.integer("record", default: 100)
    let count = options.integer("count", default: 20_000)
    let connections = options.integer("connections", default: 1)
    let frame = produceFrame(topic: topic, batch: batch(recordBytes: record, batchBytes: 0), acks: acks)
    let sockets = (0..<connections).map { _ in BrokerSocket(port: port) }
    if let socket = sockets.first { awaitLeader(frame, on: socket) }
    var percentiles: [[Double]] = [[], [], []]
    var cpu: [Double] = []
    var rates: [Double] = []
    for _ in 0..<runs {
        let before = ProcessReading(of: processes)
        let start = now()
        let gathered = Mutex<[Double]>([])
        let threads = sockets.map { socket in
            startThread {
                let latencies = exchanges(of: frame, on: socket, count: count / connections)
                gathered.withLock { $0 += latencies }
            }
        }
        for thread in threads { join(thread) }
        let latencies = gathered.withLock { $0 }
        rates.append(Double(latencies.count) / (now() - start))
        for (index, percent) in [50, 99, 99.9].enumerated() { percentiles[index].append(latencies.percentile(percent)) }
        cpu.append((ProcessReading(of: processes).cpuSeconds - before.cpuSeconds) * 1e6 / Double(latencies.count))
    }
    print(
        "latency of one \(record) B record, acks=\(acks), \(connections) at a time",
        "p50 \(number(percentiles[0].median)) ms", "p99 \(number(percentiles[1].median)) ms",
        "p99.9 \(number(percentiles[2].median)) ms", "\(number(rates.median, digits: 0)) /s",
        "\(number(cpu.median, digits: 1)) CPU us each", separator: "\t")
}

/// Sends the frame again and again, each time after the answer; returns the milliseconds that each took.
private func exchanges(of frame: ByteBuffer, on socket: BrokerSocket, count: Int) -> [Double] {
    var answer = ByteBuffer()
    var latencies: [Double] = []
    latencies.reserveCapacity(count)
    for _ in 0..<count {
        let start = now()
        socket.send(frame)
        socket.receive(into: &answer)
        latencies.append((now() - start) * 1000)
        check(decode(answer, version: 9))
    }
    return latencies
}

func fetch() {
    let socket = BrokerSocket(port: port)
    let partitionBytes = Int32(options.integer("partition-bytes", default: 1 << 20))
    var offset: Int64 = 0
    var answer = ByteBuffer()
    measure("fetch, \(partitionBytes) B per partition") {
        var partition = FetchRequest.FetchPartition()
        partition.fetchOffset = offset
        partition.partitionMaxBytes = partitionBytes
        var entry = FetchRequest.FetchTopic()
        entry.topic = topic
        entry.partitions = [partition]
        var request = FetchRequest()
        request.maxWaitMs = 500
        request.minBytes = 1
        request.maxBytes = 52_428_800
        request.topics = [entry]
        socket.send(frame(request, version: 11))
        socket.receive(into: &answer)
        let response: FetchResponse = decode(answer, version: 11)
        guard let data = response.responses.first?.partitions.first else { fail("empty fetch response") }
        if data.errorCode != .none { fail("fetch at \(offset): \(data.errorCode)") }
        guard case .bytes(let records) = data.records, let next = nextOffset(after: records) else {
            // The end: once more from the start.
            if offset == 0 { fail("nothing to fetch in \(topic)") }
            offset = 0
            return 0
        }
        offset = next
        return records.readableBytes
    }
}

/// The offset after the last whole batch; nil when there is none.
private func nextOffset(after records: ByteBuffer) -> Int64? {
    var records = records
    var next: Int64?
    while let base: Int64 = records.getInteger(at: records.readerIndex),
        let length: Int32 = records.getInteger(at: records.readerIndex + 8),
        let lastDelta: Int32 = records.getInteger(at: records.readerIndex + 23),
        records.readableBytes >= 12 + Int(length)
    {
        next = base + Int64(lastDelta) + 1
        records.moveReaderIndex(forwardBy: 12 + Int(length))
    }
    return next
}

/// A connection to the controller, or to any broker while there is none.
private func controllerSocket() -> BrokerSocket {
    let socket = BrokerSocket(port: port)
    var request = MetadataRequest()
    request.topics = []
    let cluster = socket.exchange(request, version: 5)
    let controller = cluster.brokers.first { $0.nodeID == cluster.controllerID && $0.port != Int32(port) }
    return controller.map { BrokerSocket(port: Int($0.port)) } ?? socket
}

func createTopic() {
    var creatable = CreateTopicsRequest.CreatableTopic()
    creatable.name = topic
    creatable.numPartitions = Int32(options.integer("partitions", default: 1))
    creatable.replicationFactor = 1
    if let replicas = options["replicas"] {
        var assignment = CreateTopicsRequest.CreatableReplicaAssignment()
        assignment.brokerIDs = replicas.split(separator: ",").compactMap { Int32($0) }
        creatable.assignments = [assignment]
        creatable.numPartitions = -1
        creatable.replicationFactor = -1
    }
    if let messages = options["flush-messages"] {
        var setting = CreateTopicsRequest.CreatableTopicConfig()
        setting.name = "flush.messages"
        setting.value = messages
        creatable.configs = [setting]
    }
    var request = CreateTopicsRequest()
    request.topics = [creatable]
    request.timeoutMs = 30_000
    let begin = now()
    while true {
        let response = controllerSocket().exchange(request, version: 5)
        guard let result = response.topics.first else { fail("empty response") }
        switch result.errorCode {
        case .none: return
        // A broker answers before the first controller is in office, and that before it has told who is alive.
        case .notController where now() - begin < 30: usleep(10_000)
        case .invalidReplicationFactor where now() - begin < 30: usleep(10_000)
        case .invalidReplicaAssignment where now() - begin < 30: usleep(10_000)
        default: fail("create \(topic): \(result.errorCode)")
        }
    }
}

/// Asks until somebody answers: a broker listens before it serves, and ends the connections that come too early.
func awaitBroker() {
    let begin = now()
    let request = frame(ApiVersionsRequest(), version: 0)
    var isServing = false
    while !isServing, now() - begin < 60 {
        if let socket = Sockets.tryConnect(port: port) {
            var length: UInt32 = 0
            isServing =
                request.withUnsafeReadableBytes { Sockets.send(socket, $0) }
                && withUnsafeMutableBytes(of: &length) { Sockets.receive(socket, $0) }
            close(socket)
        }
        if !isServing { usleep(500) }
    }
    guard isServing else { fail("no broker on port \(port)") }
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    let since = options.integer("since", default: 0)
    if since > 0 {
        let milliseconds = Double(time.tv_sec * 1_000_000_000 + time.tv_nsec - since) / 1e6
        print("first ApiVersions answer after \(number(milliseconds, digits: 1)) ms")
    }
}
