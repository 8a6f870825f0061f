// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Contexts of a compression library that are not in use.
///
/// Making one costs more than a small batch: memory of 100 KiB and more to get, clear and give back. As many are kept
/// as threads were ever busy at once, up to a limit.
final class ContextPool<Context: AnyObject & Sendable>: Sendable {
    private static var mostIdle: Int { 16 }

    private let idle = Mutex<[Context]>([])
    private let make: @Sendable () -> Context

    init(_ make: @escaping @Sendable () -> Context) {
        self.make = make
    }

    func take() -> Context {
        idle.withLock { $0.popLast() } ?? make()
    }

    func giveBack(_ context: Context) {
        idle.withLock { idle in
            if idle.count < Self.mostIdle { idle.append(context) }
        }
    }
}
