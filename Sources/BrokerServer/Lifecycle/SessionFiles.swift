// SPDX-License-Identifier: Apache-2.0

/// The session files of all log directories, since any of them may be the one that fails. They say the same, but for one
/// in a directory that has come back after a repair: so the newest counts.
struct SessionFiles: Sendable {
    private let files: [SessionFile]

    init(directories: [String]) {
        files = directories.map { SessionFile(directory: $0) }
    }

    /// The newest file that says something; nil when none does.
    var newest: (file: SessionFile, content: SessionFile.Content)? {
        let known = files.compactMap { file in
            file.read().flatMap { content in file.written.map { (file: file, content: content, time: $0) } }
        }
        return known.max { $0.time < $1.time }.map { ($0.file, $0.content) }
    }

    func read() -> SessionFile.Content? { newest?.content }

    /// Replaces all. False when none could be written, which costs only the quick hand-over.
    @discardableResult
    func write(_ content: SessionFile.Content) -> Bool {
        files.count { $0.write(content) } > 0
    }

    /// Removes all, once the ensemble has said that the session is no more.
    func remove() {
        for file in files { file.remove() }
    }
}
