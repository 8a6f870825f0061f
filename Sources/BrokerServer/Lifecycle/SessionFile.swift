// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
import Glibc
#endif

/// The runtime file that keeps a broker's ZooKeeper session: who knows that the process is dead may resume the session
/// and close it, so that its ephemeral nodes do not outlive it by the session timeout.
///
/// The file lies in a log directory, whose lock a living broker holds: taking that lock is how one knows. A copy
/// of the directory has a lock of its own, which says nothing of the broker, so the file names the machine and the
/// directory in which it was written, and is not believed elsewhere. Its mode is 0600, for the password lets anyone act as
/// the session.
struct SessionFile: Sendable {
    static let name = ".martlet-zookeeper-session"

    struct Content: Equatable, Sendable {
        var sessionID: Int64
        var password: [UInt8]
        /// The connect string that the session belongs to; another ensemble knows nothing of it.
        var connect: String
    }

    let path: String
    let directory: String

    init(directory: String) {
        self.directory = directory
        path = directory + "/" + Self.name
    }

    /// What the file says; nil when there is none, it is not readable as one, or it was written elsewhere.
    func read() -> Content? {
        guard let file = fopen(path, "re") else { return nil }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = fread(&bytes, 1, bytes.count, file)
        return Self.parse(String(decoding: bytes.prefix(count), as: UTF8.self), at: place)
    }

    /// When it was written; nil when there is none.
    var written: (seconds: Int, nanoseconds: Int)? {
        var information = stat()
        guard stat(path, &information) == 0 else { return nil }
        return (information.st_mtim.tv_sec, information.st_mtim.tv_nsec)
    }

    /// Replaces the file. False when it could not be written, which costs only the quick hand-over.
    @discardableResult
    func write(_ content: Content) -> Bool {
        let temporary = path + ".tmp"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return false }
        let text = Array(Self.text(content, at: place).utf8)
        let written = Glibc.write(descriptor, text, text.count)
        close(descriptor)
        guard written == text.count, rename(temporary, path) == 0 else {
            unlink(temporary)
            return false
        }
        return true
    }

    /// Removes the file, once the ensemble has said that the session is no more.
    func remove() { unlink(path) }

    /// This machine and the directory in it, by the number that no copy shares with it.
    private var place: String {
        var information = stat()
        return "\(Self.machine)/\(stat(directory, &information) == 0 ? information.st_ino : 0)"
    }

    /// The machine's id where it has one (machine-id(5)), else its name.
    private static let machine: String = {
        var bytes = [UInt8](repeating: 0, count: 64)
        if let file = fopen("/etc/machine-id", "re") {
            defer { fclose(file) }
            let id = String(decoding: bytes.prefix(fread(&bytes, 1, 32, file)), as: UTF8.self)
            if id.utf8.count == 32 { return id }
        }
        var name = utsname()
        guard uname(&name) == 0 else { return "" }
        return withUnsafeBytes(of: name.nodename) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }()

    static func text(_ content: Content, at place: String) -> String {
        let password = content.password.map { byte in
            let digits = String(byte, radix: 16)
            return byte < 16 ? "0" + digits : digits
        }.joined()
        return
            "version=1\nplace=\(place)\nsession=\(content.sessionID)\npassword=\(password)\nconnect=\(content.connect)\n"
    }

    static func parse(_ text: String, at place: String) -> Content? {
        var values: [Substring: Substring] = [:]
        for line in text.split(separator: "\n") {
            guard let separator = line.firstIndex(of: "=") else { return nil }
            values[line[..<separator]] = line[line.index(after: separator)...]
        }
        guard values["version"] == "1", values["place"].map(String.init) == place,
            let session = values["session"].flatMap({ Int64($0) }),
            let connect = values["connect"], let digits = values["password"], digits.utf8.count % 2 == 0
        else { return nil }
        var password: [UInt8] = []
        var rest = digits
        while !rest.isEmpty {
            guard let byte = UInt8(rest.prefix(2), radix: 16) else { return nil }
            password.append(byte)
            rest = rest.dropFirst(2)
        }
        return Content(sessionID: session, password: password, connect: String(connect))
    }
}
