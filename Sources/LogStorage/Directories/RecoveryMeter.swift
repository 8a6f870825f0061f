// SPDX-License-Identifier: Apache-2.0

/// How far the start of the logs has come, of all directories or of one.
package struct LoadProgress: Hashable, Sendable {
    package var logsLoaded = 0
    package var logsTotal = 0
    /// Segments beyond the recovery points, which are read whole after an unclean stop.
    package var segmentsRecovered = 0
    package var segmentsTotal = 0
    package var bytesScanned: Int64 = 0
    package var bytesTotal: Int64 = 0

    /// Kafka's `remainingLogsToRecover`.
    package var remainingLogs: Int { logsTotal - logsLoaded }
    /// Kafka's `remainingSegmentsToRecover`.
    package var remainingSegments: Int { segmentsTotal - segmentsRecovered }
    package var remainingBytes: Int64 { bytesTotal - bytesScanned }

    /// When everything is loaded, if it goes on as it did so far: by bytes where there are any to scan, else by logs. Nil
    /// while nothing has been done.
    package func timeLeft(after elapsed: Duration) -> Duration? {
        if bytesTotal > 0 {
            return bytesScanned > 0 ? elapsed * (Double(remainingBytes) / Double(bytesScanned)) : nil
        }
        return logsLoaded > 0 ? elapsed * (Double(remainingLogs) / Double(logsLoaded)) : nil
    }

    static func + (left: LoadProgress, right: LoadProgress) -> LoadProgress {
        var sum = left
        sum.logsLoaded += right.logsLoaded
        sum.logsTotal += right.logsTotal
        sum.segmentsRecovered += right.segmentsRecovered
        sum.segmentsTotal += right.segmentsTotal
        sum.bytesScanned += right.bytesScanned
        sum.bytesTotal += right.bytesTotal
        return sum
    }
}

/// Keeps account of a start, and says from time to time how it goes. Owner: the log directories, under a lock.
struct RecoveryMeter: Sendable {
    /// What one log has to scan, as its directory's listing tells before anything is opened.
    struct Plan: Hashable, Sendable {
        var segments = 0
        var bytes: Int64 = 0
    }

    /// How often a line is worth reading.
    static let interval = Duration.seconds(5)

    private(set) var directories: [String: LoadProgress] = [:]
    private var nextLine = Self.interval

    var total: LoadProgress { directories.values.reduce(LoadProgress(), +) }

    mutating func planned(in directory: String, _ plans: [Plan]) {
        directories[directory, default: LoadProgress()].logsTotal += plans.count
        directories[directory]?.segmentsTotal += plans.reduce(0) { $0 + $1.segments }
        directories[directory]?.bytesTotal += plans.reduce(0) { $0 + $1.bytes }
    }

    mutating func scanned(_ bytes: Int64, in directory: String) {
        directories[directory]?.bytesScanned += bytes
    }

    mutating func recoveredSegment(in directory: String) {
        directories[directory]?.segmentsRecovered += 1
    }

    /// A log is there, or will never be. What was planned of it and not done need not be done: it lay behind damage.
    mutating func finished(in directory: String, _ plan: Plan, did: Plan) {
        directories[directory]?.logsLoaded += 1
        directories[directory]?.segmentsTotal += did.segments - plan.segments
        directories[directory]?.bytesTotal += did.bytes - plan.bytes
    }

    /// How it stands, if that has not been said for a while.
    mutating func due(after elapsed: Duration) -> LoadProgress? {
        guard elapsed >= nextLine else { return nil }
        nextLine = elapsed + Self.interval
        return total
    }
}
