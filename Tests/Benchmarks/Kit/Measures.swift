// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Seconds on a clock that only goes forward.
package func now() -> Double { seconds(CLOCK_MONOTONIC) }

/// CPU seconds, in user and kernel mode, of the calling thread.
package func threadCPU() -> Double { seconds(CLOCK_THREAD_CPUTIME_ID) }

/// CPU seconds of this process.
package func processCPU() -> Double { seconds(CLOCK_PROCESS_CPUTIME_ID) }

private func seconds(_ clock: clockid_t) -> Double {
    var time = timespec()
    clock_gettime(clock, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

/// What the kernel tells about another process.
package struct ProcessReading {
    /// Since its start, with the resolution of the clock tick (10 ms).
    package var userSeconds = 0.0
    package var systemSeconds = 0.0
    package var residentBytes = 0
    package var peakResidentBytes = 0

    package var cpuSeconds: Double { userSeconds + systemSeconds }

    /// Of several processes together.
    package init(of processes: [Int]) {
        for process in processes {
            let one = ProcessReading(of: process)
            userSeconds += one.userSeconds
            systemSeconds += one.systemSeconds
            residentBytes += one.residentBytes
            peakResidentBytes += one.peakResidentBytes
        }
    }

    package init(of process: Int) {
        // The name in parentheses may hold spaces; what counts comes after it.
        let stat = readFile("/proc/\(process)/stat").split(separator: ")").last?.split(separator: " ") ?? []
        let tick = Double(sysconf(Int32(_SC_CLK_TCK)))
        if stat.count > 21 {
            userSeconds = (Double(stat[11]) ?? 0) / tick
            systemSeconds = (Double(stat[12]) ?? 0) / tick
            residentBytes = (Int(stat[21]) ?? 0) * sysconf(Int32(_SC_PAGESIZE))
        }
        for line in readFile("/proc/\(process)/status").split(separator: "\n") where line.hasPrefix("VmHWM:") {
            let number = line.split(separator: " ").dropFirst().first ?? line.split(separator: "\t").last ?? "0"
            peakResidentBytes = (Int(number) ?? 0) * 1024
        }
    }
}

private func readFile(_ path: String) -> String {
    let descriptor = open(path, O_RDONLY)
    guard descriptor >= 0 else { return "" }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 8192)
    let count = read(descriptor, &bytes, bytes.count)
    return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
}

extension [Double] {
    package var median: Double { percentile(50) }

    /// The value that `percent` of all values are not above.
    package func percentile(_ percent: Double) -> Double {
        guard !isEmpty else { return .nan }
        let index = (Double(count) * percent / 100).rounded(.up) - 1
        return sorted()[Swift.min(Swift.max(0, Int(index)), count - 1)]
    }
}

/// With three digits after the point.
package func number(_ value: Double, digits: Int = 3) -> String {
    guard value.isFinite else { return "-" }
    var scale = 1.0
    for _ in 0..<digits { scale *= 10 }
    let scaled = (value * scale).rounded()
    let whole = Int(scaled / scale)
    let rest = String(Int(abs(scaled)) % Int(scale))
    if digits == 0 { return "\(whole)" }
    return "\(whole)." + String(repeating: "0", count: digits - rest.count) + rest
}
