// SPDX-License-Identifier: Apache-2.0
//
// Where should a log be appended to: on the event loop of the connection that brought the batch, or on a thread of
// its own? Measures the way from the connection's loop to the file and back, in three shapes:
//
// inline   pwrite on the connection's loop
// thread   a queue under a mutex, a condition variable, a thread that drains what has gathered; one hop back per drain
// loop     another event loop's queue, and back
//
//   hop [--operations 20000] [--directory .]

import BenchmarkKit
import Glibc
import NIOCore
import NIOPosix
import Synchronization

let options = Options(CommandLine.arguments.dropFirst())
let operations = options.integer("operations", default: 20_000)
let directory = options["directory", default: "."]

/// A file whose 64 MiB are written over and over, all in the page cache, so that the shapes differ in the hop only.
final class Log: @unchecked Sendable {
    // Used by one thread at a time: the one whose shape is measured.
    private let file: Int32
    private let bytes: UnsafeMutableRawBufferPointer
    private var offset = 0

    init(size: Int) {
        let path = "\(directory)/hop-\(getpid())"
        file = checked(open(path, O_RDWR | O_CREAT | O_TRUNC, 0o600), "open \(path)")
        unlink(path)
        bytes = .allocate(byteCount: size, alignment: 4096)
        for index in bytes.indices { bytes[index] = UInt8(truncatingIfNeeded: index) }
        let filler = [UInt8](repeating: 1, count: 1 << 20)
        for position in 0..<65 { checked(pwrite(file, filler, filler.count, position << 20), "pwrite") }
    }

    deinit {
        close(file)
        bytes.deallocate()
    }

    func append() {
        checked(pwrite(file, bytes.baseAddress, bytes.count, offset), "pwrite")
        offset += bytes.count
        if offset > 64 << 20 { offset = 0 }
    }
}

/// A thread that drains a queue, in the shape of a log thread.
final class Worker: @unchecked Sendable {
    // `queue` and `isStopped` are guarded by `mutex`.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var queue: [Double] = []
    private var isStopped = false

    init() {
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, nil)
    }

    func submit(_ start: Double) {
        pthread_mutex_lock(mutex)
        queue.append(start)
        if queue.count == 1 { pthread_cond_signal(condition) }
        pthread_mutex_unlock(mutex)
    }

    func stop() {
        pthread_mutex_lock(mutex)
        isStopped = true
        pthread_cond_signal(condition)
        pthread_mutex_unlock(mutex)
    }

    /// What has gathered; nil when stopped.
    func next() -> [Double]? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while queue.isEmpty {
            if isStopped { return nil }
            pthread_cond_wait(condition, mutex)
        }
        defer { queue = [] }
        return queue
    }
}

/// Keeps `inFlight` operations going until all are done, and measures each from its start on the connection's loop to
/// its end there.
final class Run: @unchecked Sendable {
    // Used on the connection's loop only.
    private var latencies: [Double] = []
    private var started = 0
    private let finished: EventLoopPromise<[Double]>
    let begin: @Sendable (Double, Run) -> Void

    init(on loop: any EventLoop, begin: @escaping @Sendable (Double, Run) -> Void) {
        finished = loop.makePromise()
        self.begin = begin
        latencies.reserveCapacity(operations)
    }

    var result: EventLoopFuture<[Double]> { finished.futureResult }

    func start(_ count: Int) {
        for _ in 0..<count where started < operations {
            started += 1
            begin(now(), self)
        }
    }

    func ended(_ starts: [Double]) {
        let end = now()
        for start in starts { latencies.append((end - start) * 1e6) }
        if latencies.count == operations { finished.succeed(latencies) } else { start(starts.count) }
    }
}

func measure(_ name: String, size: Int, inFlight: Int, _ begin: @escaping @Sendable (Double, Run) -> Void) {
    let cpu = processCPU()
    let time = now()
    let run = Run(on: connectionLoop, begin: begin)
    connectionLoop.execute { run.start(inFlight) }
    guard let latencies = try? run.result.wait() else { return }
    let perOperation = 1e6 / Double(operations)
    print(
        "\(name)\tsize \(size)\tin flight \(inFlight)\tp50 \(number(latencies.median, digits: 1)) us",
        "p99 \(number(latencies.percentile(99), digits: 1)) us",
        "CPU \(number((processCPU() - cpu) * perOperation, digits: 2)) us/op",
        "time \(number((now() - time) * perOperation, digits: 2)) us/op", separator: "\t")
}

let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
let connectionLoop = group.next()
let logLoop = group.next()

for size in [100, 1024, 16_384, 131_072] {
    for inFlight in [1, 16] {
        let log = Log(size: size)
        measure("inline", size: size, inFlight: inFlight) { start, run in
            log.append()
            // As an answer leaves: after what else is to be done on this loop.
            connectionLoop.execute { run.ended([start]) }
        }
        let worker = Worker()
        let runBox = Mutex<Run?>(nil)
        let thread = startThread {
            while let starts = worker.next() {
                for _ in starts { log.append() }
                connectionLoop.execute { runBox.withLock { $0 }?.ended(starts) }
            }
        }
        measure("thread", size: size, inFlight: inFlight) { start, run in
            runBox.withLock { $0 = run }
            worker.submit(start)
        }
        worker.stop()
        join(thread)
        measure("loop", size: size, inFlight: inFlight) { start, run in
            logLoop.execute {
                log.append()
                connectionLoop.execute { run.ended([start]) }
            }
        }
    }
}
try? group.syncShutdownGracefully()
