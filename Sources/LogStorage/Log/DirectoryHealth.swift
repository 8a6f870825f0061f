// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Whether a log directory can be trusted: shared by all logs in it. Once offline it stays so until the process ends,
/// since nobody knows what a failed write or sync has left (KIP-112).
package final class DirectoryHealth: Sendable {
    package let path: String
    private let failed = Atomic(false)
    private let onFailure: @Sendable (LogError) -> Void
    private let onDamage: @Sendable (MalformedFile) -> Void
    /// What damage has been told of.
    private let damage = Mutex<Set<KnownDamage>>([])

    private struct KnownDamage: Hashable {
        var path: String
        var place: MalformedFile.Place
    }

    /// Readers may meet the same damage again and again. What is beyond this number of places is no news.
    private static let mostDamage = 1000

    /// - Parameters:
    ///   - onFailure: called once, on the thread that met the failure, which may hold a log's locks: hand over, do not call
    ///     back.
    ///   - onDamage: called for each damaged place in a file of records, once; on any thread, likewise.
    package init(
        _ path: String, onDamage: @escaping @Sendable (MalformedFile) -> Void = { _ in },
        onFailure: @escaping @Sendable (LogError) -> Void
    ) {
        self.path = path
        self.onFailure = onFailure
        self.onDamage = onDamage
    }

    /// Places in files of records that were found damaged since the start.
    package var damagedPlaces: Int { damage.withLock { $0.count } }

    /// A reader has met damaged records. The directory is none the worse for it.
    func found(_ file: MalformedFile) {
        let isNews = damage.withLock {
            $0.count < Self.mostDamage && $0.insert(KnownDamage(path: file.path, place: file.place)).inserted
        }
        if isNews { onDamage(file) }
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
