// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Whether a log directory can be trusted: shared by all logs in it. Once offline it stays so until the process ends,
/// since nobody knows what a failed write or sync has left (KIP-112).
package final class DirectoryHealth: Sendable {
    package let path: String
    private let failed = Atomic(false)
    private let onFailure: @Sendable (LogError) -> Void

    /// - Parameter onFailure: called once, on the thread that met the failure, which may hold a log's locks: hand over,
    ///   do not call back.
    package init(_ path: String, onFailure: @escaping @Sendable (LogError) -> Void) {
        self.path = path
        self.onFailure = onFailure
    }

    package var isOffline: Bool { failed.load(ordering: .acquiring) }

    func check() throws(LogError) {
        if isOffline { throw .directoryOffline(path: path) }
    }

    /// Takes the directory offline if `error` is one that does.
    package func report(_ error: LogError) {
        if error.condemnsDirectory { fail(error) }
    }

    func fail(_ error: LogError) {
        if !failed.exchange(true, ordering: .acquiringAndReleasing) { onFailure(error) }
    }

    /// Runs disk work of a log in this directory.
    func watching<Result: ~Copyable>(_ body: () throws(LogError) -> Result) throws(LogError) -> Result {
        try check()
        do throws(LogError) {
            return try body()
        } catch {
            report(error)
            throw error
        }
    }
}
