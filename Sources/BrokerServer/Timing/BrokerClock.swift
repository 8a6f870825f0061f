// SPDX-License-Identifier: Apache-2.0

import KafkaModel

#if canImport(Glibc)
import Glibc
#endif

/// The two clocks of the broker. Engines get time as an argument; this is where the arguments come from.
enum BrokerClock {
    /// The wall clock: what records and znodes carry.
    static var now: Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(time.tv_sec) * 1000 + Timestamp(time.tv_nsec) / 1_000_000
    }

    /// Milliseconds of a clock that never jumps: what deadlines are made of.
    static var monotonicMilliseconds: UInt64 { monotonicNanoseconds / 1_000_000 }

    /// The same clock, for what is shorter.
    static var monotonicNanoseconds: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
