// SPDX-License-Identifier: Apache-2.0

extension BrokerConfiguration {
    /// How the broker lets itself be watched.
    package struct Monitoring: Hashable, Sendable {
        /// An empty host means all interfaces, port 0 any that is free.
        package struct Address: Hashable, Sendable {
            package let host: String
            package let port: Int
        }

        /// Where HTTP is spoken; nil for nowhere.
        package let http: Address?

        init(_ values: SettingValues) throws(SettingsError) {
            let name = "monitoring.http.listener"
            guard let text = values.string(name), !text.isEmpty else {
                http = nil
                return
            }
            guard let address = Self.address(text) else {
                throw .invalidValue(name: name, value: text, reason: "Must be host:port")
            }
            http = address
        }

        /// IPv6 addresses stand in brackets, since their colons would hide that of the port.
        private static func address(_ text: String) -> Address? {
            guard let colon = text.lastIndex(of: ":") else { return nil }
            guard let port = Int(text[text.index(after: colon)...]), (0...65535).contains(port) else { return nil }
            var host = text[..<colon]
            if host.hasPrefix("["), host.hasSuffix("]") {
                host = host.dropFirst().dropLast()
            } else if host.contains(":") {
                return nil
            }
            guard host.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "/") }) else { return nil }
            return Address(host: String(host), port: port)
        }
    }
}
