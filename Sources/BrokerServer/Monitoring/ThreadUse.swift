// SPDX-License-Identifier: Apache-2.0

import Metrics
import NIOCore
import Synchronization

#if canImport(Glibc)
import Glibc
#endif

/// How busy event loops are: the CPU time of their threads, which the kernel counts anyway, so that loops do nothing for
/// it. A loop waits in one place only, for its sockets.
final class LoopUse: Sendable {
    private let clocks = Mutex<[Int: clockid_t]>([:])

    init(_ loops: [any EventLoop]) {
        for (index, loop) in loops.enumerated() {
            loop.execute { [self] in
                var clock = clockid_t()
                if pthread_getcpuclockid(pthread_self(), &clock) == 0 { clocks.withLock { $0[index] = clock } }
            }
        }
    }

    /// CPU time so far in nanoseconds, by the loops' numbers; without those whose threads have ended.
    var nanoseconds: [Int: Int64] {
        clocks.withLock { $0 }.compactMapValues { clock in
            var time = timespec()
            guard clock_gettime(clock, &time) == 0 else { return nil }
            return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
        }
    }
}
