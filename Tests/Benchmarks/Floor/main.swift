// SPDX-License-Identifier: Apache-2.0
//
// The least that a broker's work can cost on this machine: bytes go through the same system calls, and nothing else
// is done. Figures are CPU seconds, user and kernel, of the receiving or sending thread alone, per GB (10⁹ bytes).
//
//   floor --echo BYTES      serves many connections instead: a request, an answer of so many bytes
//   floor [--gigabytes 2] [--runs 3] [--frame 1048576] [--directory .] [--only NAME] [--keep 1]
//
// receive           recv of whole frames into one buffer that stays
// receive, sum      and CRC-32C over them
// receive, append   and pwrite to growing files that are kept until the end, as a broker's are: the kernel allocates new
//                   pages. (Pages that were just freed are several times cheaper where a host lends the memory.)
// receive, rewrite  and pwrite over pages that are in its cache already
// send file         sendfile of a cached file in regions of a frame's size, one after the other
// answer with file  the same, each region after a request was received, and behind a header: what a fetch cannot do
//                   without, since a consumer has one fetch at a time on its way
//
// --keep 1 leaves what was appended in the directory.

import BenchmarkKit
import EchoServer
import Glibc
import KafkaRecords
import Synchronization

let options = Options(CommandLine.arguments.dropFirst())
if options["echo"] != nil {
    let (listener, port) = Sockets.listen()
    print(port)
    fflush(nil)
    answerEveryRequest(listener, min(options.integer("echo", default: 14), 4096))
}
let bytes = options.integer("gigabytes", default: 2) * 1_000_000_000
let runs = options.integer("runs", default: 3)
let frame = options.integer("frame", default: 1 << 20)
let directory = options["directory", default: "."]
let only = options["only"]
let keepsFiles = options.integer("keep", default: 0) == 1

enum Work: String, CaseIterable {
    case receive = "receive"
    case sum = "receive, sum"
    case append = "receive, append"
    case rewrite = "receive, rewrite"
}

/// What one run took.
struct Cost: Sendable {
    var cpu = 0.0
    var time = 0.0
}

/// Files without a name, which live until `close`.
struct ScratchFiles {
    private(set) var all: [Int32] = []

    mutating func next(named: Bool = false) -> Int32 {
        let path = "\(directory)/floor-\(getpid())-\(all.count)"
        let descriptor = checked(open(path, O_RDWR | O_CREAT | O_TRUNC, 0o600), "open \(path)")
        if !named { unlink(path) }
        all.append(descriptor)
        return descriptor
    }

    func close() { for file in all { Glibc.close(file) } }
}

/// The server of a produce: receives frames, works, and answers each with a few bytes.
func receive(_ work: Work, _ files: inout ScratchFiles) -> Cost {
    let count = bytes / frame
    let (listener, port) = Sockets.listen()
    let client = startThread { [frame] in
        let socket = Sockets.connect(port: port)
        let content = UnsafeMutableRawBufferPointer.allocate(byteCount: frame, alignment: 4096)
        let answer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64, alignment: 16)
        defer {
            content.deallocate()
            answer.deallocate()
            close(socket)
        }
        for index in content.indices { content[index] = UInt8(truncatingIfNeeded: index &* 31) }
        // Some frames are on their way at any time, as from a producer.
        for index in 0..<count {
            guard Sockets.send(socket, UnsafeRawBufferPointer(content)) else { return }
            if index >= 4 { guard Sockets.receive(socket, answer) else { return } }
        }
        for _ in 0..<min(4, count) { _ = Sockets.receive(socket, answer) }
    }
    let socket = Sockets.accept(listener)
    close(listener)
    let place = UnsafeMutableRawBufferPointer.allocate(byteCount: frame, alignment: 4096)
    for index in place.indices { place[index] = 1 }
    let answer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64, alignment: 16)
    let keeps = keepsFiles && work == .append
    var file = files.next(named: keeps)
    let segment = work == .rewrite ? 64 << 20 : 1 << 30
    if work == .rewrite {
        for offset in stride(from: 0, to: segment + frame, by: frame) { pwrite(file, place.baseAddress, frame, offset) }
    }
    var offset = 0
    let cpu = threadCPU()
    let time = now()
    for _ in 0..<count {
        guard Sockets.receive(socket, place) else { break }
        if work != .receive { blackHole(Checksum.crc32c(UnsafeRawBufferPointer(place))) }
        if work == .append || work == .rewrite {
            checked(pwrite(file, place.baseAddress, frame, offset), "pwrite")
            offset += frame
            if offset >= segment {
                if work == .append { file = files.next(named: keeps) }
                offset = 0
            }
        }
        guard Sockets.send(socket, UnsafeRawBufferPointer(answer)) else { break }
    }
    let cost = Cost(cpu: threadCPU() - cpu, time: now() - time)
    join(client)
    close(socket)
    place.deallocate()
    answer.deallocate()
    return cost
}

/// The server of a fetch: sends regions of a file that is in the page cache.
func sendFile(onRequest: Bool) -> Cost {
    var files = ScratchFiles()
    let file = files.next()
    defer { files.close() }
    let size = 256 << 20
    let place = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4096)
    for index in place.indices { place[index] = UInt8(truncatingIfNeeded: index) }
    for offset in stride(from: 0, to: size, by: 1 << 20) { pwrite(file, place.baseAddress, 1 << 20, offset) }
    place.deallocate()
    let count = bytes / frame
    let header = onRequest ? 72 : 0
    let (listener, port) = Sockets.listen()
    let client = startThread { [frame] in
        let socket = Sockets.connect(port: port)
        let place = UnsafeMutableRawBufferPointer.allocate(byteCount: header + frame, alignment: 4096)
        defer {
            place.deallocate()
            close(socket)
        }
        for _ in 0..<count {
            if onRequest {
                guard Sockets.send(socket, UnsafeRawBufferPointer(rebasing: place[..<92])) else { return }
            }
            guard Sockets.receive(socket, place) else { return }
        }
    }
    let socket = Sockets.accept(listener)
    close(listener)
    let exchange = UnsafeMutableRawBufferPointer.allocate(byteCount: 92, alignment: 16)
    defer { exchange.deallocate() }
    let cpu = threadCPU()
    let time = now()
    var position = 0
    for _ in 0..<count {
        if onRequest {
            guard Sockets.receive(socket, exchange),
                Sockets.send(socket, UnsafeRawBufferPointer(rebasing: exchange[..<header]))
            else { break }
        }
        if position + frame > size { position = 0 }
        var offset = off_t(position)
        let end = position + frame
        while offset < end {
            checked(sendfile(socket, file, &offset, end - Int(offset)), "sendfile")
        }
        position = end
    }
    let cost = Cost(cpu: threadCPU() - cpu, time: now() - time)
    join(client)
    close(socket)
    return cost
}

/// Keeps the compiler from dropping what is computed for nothing.
@inline(never) func blackHole<Value>(_ value: Value) {}

func report(_ name: String, _ costs: [Cost]) {
    let gigabytes = Double(bytes / frame * frame) / 1e9
    let cpu = costs.map { $0.cpu / gigabytes }.median
    let rate = costs.map { gigabytes * 1000 / $0.time }.median
    let padded = name + String(repeating: " ", count: max(0, 18 - name.count))
    print("\(padded) \(number(cpu)) CPU s/GB  \(number(rate, digits: 0)) MB/s")
    fflush(nil)
}

print("floor: frames of \(frame) bytes, medians of \(runs) runs of \(number(Double(bytes) / 1e9, digits: 1)) GB")
for work in Work.allCases where only ?? work.rawValue == work.rawValue {
    var files = ScratchFiles()
    report(work.rawValue, (0..<runs).map { _ in receive(work, &files) })
    files.close()
}
for (name, onRequest) in [("send file", false), ("answer with file", true)] where only ?? name == name {
    report(name, (0..<runs).map { _ in sendFile(onRequest: onRequest) })
}
