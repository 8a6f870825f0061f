// SPDX-License-Identifier: Apache-2.0

/// Which paths may reach the C client.
///
/// The C client frees memory twice when it refuses a path inside a multi, so none that it would refuse is shown to it.
package enum ZNodePath {
    /// Whether ZooKeeper accepts the path: absolute, no empty, `.` or `..` element, no control characters, and no slash
    /// at the end unless the mode is sequential.
    package static func isValid(_ path: String, mode: CreateMode) -> Bool {
        guard path.utf8.first == UInt8(ascii: "/") else { return false }
        if path.utf8.count == 1 { return true }
        let sequential =
            switch mode {
            case .persistentSequential, .ephemeralSequential, .persistentSequentialWithTTL: true
            case .persistent, .ephemeral, .container, .persistentWithTTL: false
            }
        guard path.utf8.allSatisfy({ $0 > 0x1f && $0 != 0x7f }) else { return false }
        let elements = path.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        for (index, element) in elements.enumerated() {
            let isLast = index == elements.count - 1
            if isLast && sequential { continue }
            if element.isEmpty || element.elementsEqual(".".utf8) || element.elementsEqual("..".utf8) { return false }
        }
        return true
    }
}
