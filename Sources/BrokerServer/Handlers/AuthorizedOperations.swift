// SPDX-License-Identifier: Apache-2.0

/// The bit fields of `…AuthorizedOperations`: bit n is set when the caller may perform the operation with code n
/// (KIP-430). Without an authorizer everything is allowed.
enum AuthorizedOperations {
    enum Resource {
        case topic
        case group
        case cluster
    }

    /// In place of a field: it was not asked for.
    static let notRequested = Int32.min

    /// All operations that a resource of the type knows.
    static func all(of resource: Resource) -> Int32 {
        let codes: [Int32]
        switch resource {
        case .topic: codes = [3, 4, 5, 6, 7, 8, 10, 11]
        case .group: codes = [3, 6, 8]
        case .cluster: codes = [5, 7, 8, 9, 10, 11, 12]
        }
        return codes.reduce(0) { $0 | 1 << $1 }
    }
}
