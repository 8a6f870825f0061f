// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
import Glibc
#endif

/// `kafka-server-start.sh -daemon`: starts the broker in a session of its own, which outlives the terminal, and returns.
///
/// The broker reads nothing, and what it says is appended to `$LOG_DIR/kafkaServer.out`, as Apache's script has it; but that
/// one begins the file anew.
enum DaemonProgram {
    /// Where the packages of Kafka log to.
    static let defaultDirectory = "/var/log/kafka"
    /// `POSIX_SPAWN_SETSID`, which glibc's header keeps for GNU sources.
    private static let setSession: Int16 = 0x80

    /// - Parameter arguments: the command line without the option, beginning with the program's name.
    /// - Returns: the exit code: 0 once the process is there, not once the broker serves.
    static func start(_ arguments: [String]) -> Int32 {
        let chosen = getenv("LOG_DIR").map { String(cString: $0) } ?? ""
        let directory = chosen.isEmpty ? defaultDirectory : chosen
        let output = directory + "/kafkaServer.out"
        makeDirectories(directory)
        // Closed in the new process, but for the copies that are its output.
        let descriptor = open(output, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            Usage.complain(
                "martlet: \(output) cannot be written: \(String(cString: strerror(errno))) "
                    + "(LOG_DIR names another directory)")
            return ExitCode.failure
        }
        defer { close(descriptor) }
        let code = spawn(arguments, output: descriptor)
        guard code == 0 else {
            Usage.complain("martlet: the broker's process cannot be started: \(String(cString: strerror(code)))")
            return ExitCode.failure
        }
        return ExitCode.success
    }

    /// Those that are missing on the way; what becomes of it the opening of the file tells.
    private static func makeDirectories(_ path: String) {
        var made = path.hasPrefix("/") ? "/" : ""
        for part in path.split(separator: "/") {
            made += part + "/"
            mkdir(made, 0o755)
        }
    }

    private static func spawn(_ arguments: [String], output: Int32) -> Int32 {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
        posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setflags(&attributes, setSession)
        var words = arguments.map { strdup($0) }
        defer { for word in words { free(word) } }
        words.append(nil)
        var process: pid_t = 0
        // The name that it was called by may be found in another way than the program itself.
        return posix_spawn(&process, program, &actions, &attributes, words, environ)
    }

    /// The file that this process runs.
    private static var program: String {
        guard let path = realpath("/proc/self/exe", nil) else { return "/proc/self/exe" }
        defer { free(path) }
        return String(cString: path)
    }
}
