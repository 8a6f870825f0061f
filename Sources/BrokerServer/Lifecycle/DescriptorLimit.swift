// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
import Glibc
#endif

/// How many files and connections the process may have open.
enum DescriptorLimit {
    /// What the logs keep open at most, where the process may have that many twice.
    private static let logs = 8192

    /// Raises the limit as far as the process may by itself, as Java does for Kafka. A shell gives 1024, which a few hundred
    /// partitions use up; the hard limit behind it is a thousand times that.
    static func raise() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0, limit.rlim_cur < limit.rlim_max
        else { return }
        limit.rlim_cur = limit.rlim_max
        _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }

    static var current: Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1024 }
        return Int(clamping: limit.rlim_cur)
    }

    /// How many of them logs may take: never more than half, so that connections find some too.
    static var forLogs: Int { forLogs(of: current) }

    static func forLogs(of limit: Int) -> Int { min(logs, max(8, limit / 2)) }
}
