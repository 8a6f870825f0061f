// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import BrokerServer
@testable import LogStorage

/// What systemd hears of a broker.
@Suite struct StartReporterTests {
    /// The socket that systemd would listen at.
    private final class Listener {
        let path = NSTemporaryDirectory() + "n-\(UUID().uuidString.prefix(8))"
        private let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)

        init() throws {
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
            let length = socklen_t(MemoryLayout<sockaddr_un>.size)
            let result = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
            }
            try #require(result == 0)
            var limit = timeval(tv_sec: 20, tv_usec: 0)
            setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        }

        deinit {
            close(descriptor)
            unlink(path)
        }

        /// The next message; empty if none comes.
        func next() -> String {
            var bytes = [UInt8](repeating: 0, count: 1024)
            let count = recv(descriptor, &bytes, bytes.count, 0)
            return String(decoding: bytes[..<max(count, 0)], as: UTF8.self)
        }
    }

    @Test func messagesAreAsSystemdReadsThem() throws {
        let listener = try Listener()
        let notifier = try #require(ServiceNotifier(notifySocket: listener.path))
        notifier.extendTimeout(by: .seconds(300))
        notifier.alive()
        notifier.ready(status: "Broker 1 is serving")
        #expect(listener.next() == "EXTEND_TIMEOUT_USEC=300000000")
        #expect(listener.next() == "WATCHDOG=1")
        #expect(listener.next() == "READY=1\nSTATUS=Broker 1 is serving")
    }

    @Test func aStartTellsHowFarItIs() throws {
        let listener = try Listener()
        let notifier = try #require(ServiceNotifier(notifySocket: listener.path))
        let status = BrokerStatus()
        let reporter = StartReporter(notifier, status, every: .milliseconds(5))
        #expect(listener.next() == "STATUS=connecting to ZooKeeper")
        // No time is asked for while nothing is read.
        #expect(listener.next() == "STATUS=connecting to ZooKeeper")
        status.enter(.recovering)
        var message = "STATUS=connecting to ZooKeeper"
        while message == "STATUS=connecting to ZooKeeper" { message = listener.next() }
        #expect(message == "STATUS=locking the log directories")
        reporter.stop()
        notifier.alive()
        while message == "STATUS=locking the log directories" { message = listener.next() }
        #expect(message == "WATCHDOG=1")
    }

    @Test func onlyWhatAdvancesEarnsTime() {
        var patience = StartPatience()
        var progress = LoadProgress()
        progress.logsTotal = 3
        var earned = patience.isEarned(by: nil)
        #expect(!earned)
        let steps: [(inout LoadProgress) -> Void] = [
            { _ in }, { $0.bytesScanned += 1 }, { $0.segmentsRecovered += 1 }, { $0.logsLoaded += 1 },
        ]
        for step in steps {
            step(&progress)
            earned = patience.isEarned(by: progress)
            #expect(earned)
            earned = patience.isEarned(by: progress)
            #expect(!earned)
        }
    }
}
