// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
import Glibc
#endif

/// What the kernel says of this process, read when somebody looks. What cannot be read is nil.
struct ProcessFacts {
    var cpuSeconds: Double?
    var residentBytes: Int?
    var virtualBytes: Int?
    var openFiles: Int?
    var maxOpenFiles: Int?
    var threads: Int?
    /// Seconds since 1970.
    var startTime: Double?

    init() {
        var usage = rusage()
        if getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 {
            cpuSeconds = Self.seconds(usage.ru_utime) + Self.seconds(usage.ru_stime)
        }
        let pages = Self.words("/proc/self/statm").compactMap { Int($0) }
        if pages.count > 1 {
            let size = Int(sysconf(Int32(_SC_PAGESIZE)))
            virtualBytes = pages[0] * size
            residentBytes = pages[1] * size
        }
        var limit = rlimit()
        if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
            maxOpenFiles = Int(clamping: limit.rlim_cur)
        }
        openFiles = Self.countOpenFiles()
        // The fields behind the name, which may hold anything and ends with the last parenthesis.
        let text = Self.text("/proc/self/stat")
        guard let end = text.lastIndex(of: ")") else { return }
        let fields = text[text.index(after: end)...].split(separator: " ")
        guard fields.count > 19 else { return }
        threads = Int(fields[17])
        if let ticks = Double(fields[19]), let boot = Self.bootTime {
            startTime = boot + ticks / Double(sysconf(Int32(_SC_CLK_TCK)))
        }
    }

    private static func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }

    private static var bootTime: Double? {
        for line in text("/proc/stat").split(separator: "\n") where line.hasPrefix("btime ") {
            return Double(line.dropFirst("btime ".count))
        }
        return nil
    }

    /// Newer kernels say how many there are; older ones have them counted.
    private static func countOpenFiles() -> Int? {
        var status = stat()
        if stat("/proc/self/fd", &status) == 0, status.st_size > 0 { return Int(status.st_size) }
        guard let directory = opendir("/proc/self/fd") else { return nil }
        defer { closedir(directory) }
        // ".", "..", and the descriptor that looks.
        var count = -3
        while readdir(directory) != nil { count += 1 }
        return max(0, count)
    }

    private static func words(_ path: String) -> [Substring] { text(path).split(whereSeparator: \.isWhitespace) }

    private static func text(_ path: String) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var content: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return String(decoding: content, as: UTF8.self) }
            content += chunk[..<count]
        }
    }
}
