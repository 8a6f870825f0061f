// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// For how long a silent producer is remembered: `producer.id.expiration.ms`, which may change while the broker runs. One
/// for all logs of a broker. Safe from any thread.
final class ProducerExpiration: Sendable {
    private let value: Atomic<Int64>

    init(milliseconds: Int64) { value = Atomic(milliseconds) }

    var milliseconds: Int64 {
        get { value.load(ordering: .relaxed) }
        set { value.store(newValue, ordering: .relaxed) }
    }
}
