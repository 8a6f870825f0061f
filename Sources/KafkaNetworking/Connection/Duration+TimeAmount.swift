// SPDX-License-Identifier: Apache-2.0

import NIOCore

extension TimeAmount {
    /// Rounded towards zero to nanoseconds, and limited to what fits into them (292 years).
    init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        let (whole, isTooLarge) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, isSumTooLarge) = whole.addingReportingOverflow(attoseconds / 1_000_000_000)
        self = .nanoseconds(isTooLarge || isSumTooLarge ? (seconds < 0 ? .min : .max) : sum)
    }
}
