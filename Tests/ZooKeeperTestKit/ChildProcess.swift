// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization

/// A program that ends with this process at the latest, and whose directory is then removed.
///
/// A shell stands between: it waits for a word on a pipe and kills the program when the word or the pipe's end comes, so
/// a crashed test run leaves nothing behind.
final class ChildProcess: Sendable {
    /// The program's own process, not the shell's.
    let processID: pid_t
    private let shell: pid_t
    private let pipe: Mutex<Int32?>

    private static let script = """
        directory=$1; shift
        "$@" >>"$directory/log" 2>&1 </dev/null &
        child=$!
        echo $child
        exec >&-
        read word
        kill -9 $child 2>/dev/null
        wait $child 2>/dev/null
        [ "$word" = keep ] || rm -rf "$directory"
        """

    /// Starts `arguments`; what it prints goes to `directory/log`.
    init(_ arguments: [String], directory: String) throws {
        let input = try Posix.pipe()
        let output = try Posix.pipe()
        defer {
            close(input.read)
            close(output.read)
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, input.read, 0)
        posix_spawn_file_actions_adddup2(&actions, output.write, 1)
        // No lock, pipe or socket of this process lives on in the program.
        Posix.addCloseFrom(&actions, 3)
        // In a process group of its own, an interrupt from the terminal does not reach the program before the pipe's end.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // Signals that the spawning thread blocks must reach the shell, or it would wait for its child for ever.
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK))
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        posix_spawnattr_setpgroup(&attributes, 0)

        let launch: [String] = ["/bin/sh", "-c", Self.script, "sh", directory] + arguments
        let words: [UnsafeMutablePointer<CChar>?] = launch.map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var shell = pid_t()
        let code = posix_spawn(&shell, "/bin/sh", &actions, &attributes, words, environ)
        close(output.write)
        guard code == 0 else {
            close(input.write)
            throw TestKitError("cannot start \(arguments.first ?? ""): \(code)")
        }
        var line: [UInt8] = []
        while line.last != UInt8(ascii: "\n") {
            var byte: UInt8 = 0
            guard Glibc.read(output.read, &byte, 1) == 1 else { break }
            line.append(byte)
        }
        guard let processID = pid_t(String(decoding: line.dropLast(), as: UTF8.self)) else {
            close(input.write)
            throw TestKitError("the shell did not say which process it started")
        }
        self.processID = processID
        self.shell = shell
        pipe = Mutex(input.write)
    }

    deinit {
        end(keepingDirectory: false)
    }

    /// Sends the program a signal, unless it has been ended.
    func signal(_ signal: Int32) {
        pipe.withLock { if $0 != nil { kill(processID, signal) } }
    }

    /// Whether the program runs, or is stopped, but is not gone.
    var isRunning: Bool {
        guard pipe.withLock({ $0 != nil }) else { return false }
        let stat = Posix.read("/proc/\(processID)/stat")
        guard let end = stat.lastIndex(of: ")") else { return false }
        return !stat[end...].dropFirst(2).hasPrefix("Z")
    }

    /// Kills the program if it still runs, and waits until it is gone.
    func end(keepingDirectory: Bool) {
        pipe.withLock { pipe in
            guard let descriptor = pipe else { return }
            pipe = nil
            if keepingDirectory { _ = "keep\n".withCString { Glibc.write(descriptor, $0, 5) } }
            close(descriptor)
            var status: Int32 = 0
            while waitpid(shell, &status, 0) < 0 && errno == EINTR {}
        }
    }
}
