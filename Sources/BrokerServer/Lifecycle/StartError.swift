// SPDX-License-Identifier: Apache-2.0

/// Why a broker did not start: one line for the operator. The process ends with code 1.
package struct StartError: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) {
        self.description = description
    }
}
