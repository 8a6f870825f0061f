// SPDX-License-Identifier: Apache-2.0

extension String {
    /// As `%-Ns` prints it: padded with spaces on the right to at least `width`.
    func padded(_ width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
