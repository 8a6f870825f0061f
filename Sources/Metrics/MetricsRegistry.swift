// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Who has metrics to show. Sources are asked in the order in which they were added, whenever somebody looks.
///
/// Thread-safe. A source is called on the thread of whoever looks, one at a time; it reads counters and takes locks for a
/// moment, as any other reader would.
package final class MetricsRegistry: Sendable {
    package typealias Source = @Sendable (inout MetricsText) -> Void

    private let sources = Mutex<[Source]>([])
    /// One rendering at a time: some sources remember what they showed last.
    private let rendering = Mutex<Void>(())

    package init() {}

    package func add(_ source: @escaping Source) { sources.withLock { $0.append(source) } }

    /// All metrics as text.
    package func render() -> MetricsText {
        rendering.withLock { _ in
            var text = MetricsText()
            for source in sources.withLock({ $0 }) { source(&text) }
            return text
        }
    }
}
