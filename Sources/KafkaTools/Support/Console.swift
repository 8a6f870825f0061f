// SPDX-License-Identifier: Apache-2.0

import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Where a command prints and reads: the process's three streams, or memory in tests.
///
/// Standard output is buffered and must be flushed before the process ends; errors leave at once. Owner: the lock inside.
package final class Console: Sendable {
    private struct State {
        var out: [UInt8] = []
        var captured: (out: [UInt8], error: [UInt8]) = ([], [])
        var input: [UInt8] = []
        var position = 0
        var ended = false
    }

    private let state: Mutex<State>
    private let inMemory: Bool
    private static let bufferSize = 64 << 10

    private init(inMemory: Bool, input: [UInt8]) {
        self.inMemory = inMemory
        state = Mutex(State(input: input, ended: inMemory))
    }

    /// The process's own streams.
    package static let standard = Console(inMemory: false, input: [])

    /// A console that reads the given text and keeps what is printed.
    package static func memory(input: String = "") -> Console {
        Console(inMemory: true, input: Array(input.utf8))
    }

    /// Whether somebody types at standard input, so that a prompt makes sense.
    package var isInteractive: Bool { !inMemory && isatty(STDIN_FILENO) == 1 }

    /// What was printed to standard output so far (memory only).
    package var output: String { String(decoding: state.withLock { $0.captured.out }, as: UTF8.self) }

    /// What was printed to standard error so far (memory only).
    package var errorOutput: String { String(decoding: state.withLock { $0.captured.error }, as: UTF8.self) }

    /// Prints a line to standard output.
    package func print(_ line: String) { write((line + "\n").utf8) }

    /// Prints bytes to standard output as they are.
    package func write(_ bytes: some Collection<UInt8>) {
        state.withLock { state in
            if inMemory {
                state.captured.out.append(contentsOf: bytes)
            } else {
                state.out.append(contentsOf: bytes)
                if state.out.count >= Self.bufferSize { Self.flush(&state) }
            }
        }
    }

    /// Prints a line to standard error, after what was printed to standard output before it.
    package func error(_ line: String) {
        state.withLock { state in
            if inMemory {
                state.captured.error.append(contentsOf: (line + "\n").utf8)
            } else {
                Self.flush(&state)
                Self.writeAll(STDERR_FILENO, Array((line + "\n").utf8)[...])
            }
        }
    }

    /// Hands buffered output to the system.
    package func flush() {
        if !inMemory { state.withLock { Self.flush(&$0) } }
    }

    /// The next line of standard input without its end (`\n` or `\r\n`), or nil at the end. Blocks its thread.
    package func readLine() -> [UInt8]? {
        state.withLock { state in
            var searched = state.position
            while true {
                if let end = state.input[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                    var line = state.input[state.position..<end]
                    if line.last == UInt8(ascii: "\r") { line.removeLast() }
                    state.position = end + 1
                    return Array(line)
                }
                searched = state.input.count
                guard !state.ended else {
                    guard state.position < state.input.count else { return nil }
                    defer { state.position = state.input.count }
                    return Array(state.input[state.position...])
                }
                if state.position > 0 {
                    state.input.removeFirst(state.position)
                    searched -= state.position
                    state.position = 0
                }
                Self.flush(&state)
                let count = withUnsafeTemporaryAllocation(byteCount: Self.bufferSize, alignment: 1) { buffer in
                    let count = retrying { read(STDIN_FILENO, buffer.baseAddress, buffer.count) }
                    if count > 0 { state.input.append(contentsOf: buffer[..<count]) }
                    return count
                }
                if count <= 0 { state.ended = true }
            }
        }
    }

    /// The next line, and all further ones that are here already, at most 1,000; none at the end. Blocks its thread.
    package func readLines() -> [[UInt8]] {
        guard let first = readLine() else { return [] }
        var lines = [first]
        while lines.count < 1000, hasLine, let line = readLine() { lines.append(line) }
        return lines
    }

    private var hasLine: Bool {
        state.withLock { $0.input[$0.position...].contains(UInt8(ascii: "\n")) }
    }

    private static func flush(_ state: inout State) {
        guard !state.out.isEmpty else { return }
        writeAll(STDOUT_FILENO, state.out[...])
        state.out.removeAll(keepingCapacity: true)
    }

    private static func writeAll(_ descriptor: Int32, _ bytes: ArraySlice<UInt8>) {
        var rest = bytes
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { part in
                retrying { Glibc.write(descriptor, part.baseAddress, part.count) }
            }
            // A reader that went away (a closed pipe) is not this command's failure.
            guard count > 0 else { return }
            rest.removeFirst(count)
        }
    }
}

private func retrying(_ call: () -> Int) -> Int {
    while true {
        let result = call()
        if result >= 0 || errno != EINTR { return result }
    }
}
