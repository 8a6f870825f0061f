// SPDX-License-Identifier: Apache-2.0

import CZooKeeper
import Synchronization

/// What the C client says of itself. It is silent unless a handler is set, and never writes to standard error.
///
/// The C client has one level and one handler for the whole process, so this is for the program to set, once.
package enum ZooKeeperLog {
    package enum Level: UInt32, Comparable, Sendable {
        case silent = 0
        case error = 1
        case warning = 2
        case info = 3
        case debug = 4

        package static func < (left: Level, right: Level) -> Bool { left.rawValue < right.rawValue }
    }

    /// Receives a line with its level, on a thread of the C client: it must be quick and must not call ZooKeeper.
    package typealias Handler = @Sendable (_ level: Level, _ message: String) -> Void

    private static let handler = Mutex<Handler?>(nil)

    /// Sets what is said, and to whom. Lines above `level` are not even formatted.
    package static func set(level: Level, handler: Handler?) {
        self.handler.withLock { $0 = handler }
        zoo_set_debug_level(ZooLogLevel(rawValue: handler == nil ? 0 : level.rawValue))
    }

    /// Before the first handle: nothing is said until someone asks.
    static let silencedByDefault: Void = {
        if handler.withLock({ $0 == nil }) { zoo_set_debug_level(ZooLogLevel(rawValue: 0)) }
    }()

    /// What every handle is given as its log callback.
    static let callback: @convention(c) (UnsafePointer<CChar>?) -> Void = { message in
        guard let message, let handler = handler.withLock({ $0 }) else { return }
        let (level, text) = parse(String(cString: message))
        handler(level, text)
    }

    /// Splits `2026-01-01 00:00:00,000:12(0x7f):ZOO_INFO@function@123: text`.
    static func parse(_ line: String) -> (Level, String) {
        let marks: [(String, Level)] = [
            (":ZOO_ERROR@", .error), (":ZOO_WARN@", .warning), (":ZOO_INFO@", .info), (":ZOO_DEBUG@", .debug),
        ]
        for (mark, level) in marks {
            guard let range = line.firstRange(of: mark) else { continue }
            let rest = line[range.upperBound...]
            guard let end = rest.firstRange(of: ": ") else { return (level, String(rest)) }
            return (level, String(rest[end.upperBound...]))
        }
        return (.info, line)
    }
}
