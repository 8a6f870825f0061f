// SPDX-License-Identifier: Apache-2.0

import KafkaModel

extension SecurityProtocol {
    /// Whether this build can serve it. `Listener.bind` refuses the others rather than serve them unprotected.
    package var isServed: Bool { self == .plaintext }
}
