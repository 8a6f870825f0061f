// SPDX-License-Identifier: Apache-2.0

import KafkaModel

extension Endpoint {
    var isIPv6: Bool { host.contains(":") }
    var isIPv4: Bool {
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.allSatisfy { UInt8($0) != nil }
    }
}

extension Endpoint {
    /// Reads a list of listeners.
    /// - Throws: `SettingsError.contradiction` in Kafka's words when an element cannot be read, when a name has no
    ///   security protocol, or when names, or with `distinctPorts` ports, occur twice.
    static func list(
        _ text: String, protocols: [String: SecurityProtocol], distinctPorts: Bool
    ) throws(SettingsError) -> [Endpoint] {
        func refuse(_ reason: String) -> SettingsError {
            .contradiction("Error creating broker listeners from '\(text)': \(reason)")
        }
        var endpoints: [Endpoint] = []
        for element in text.splittingList where !element.isEmpty {
            guard let (name, host, port) = parts(of: element) else {
                throw refuse("Unable to parse \(element) to a broker endpoint")
            }
            guard let security = protocols[name] else {
                throw refuse("No security protocol defined for listener \(name)")
            }
            endpoints.append(Endpoint(listenerName: name, host: host, port: port, securityProtocol: security))
        }
        if Set(endpoints.map(\.listenerName)).count != endpoints.count {
            throw refuse("Each listener must have a different name, listeners: \(text)")
        }
        if distinctPorts {
            for (port, sharing) in Dictionary(grouping: endpoints.filter { $0.port != 0 }, by: \.port)
            where sharing.count > 1 {
                // One port may serve an IPv4 and an IPv6 address (KIP-797).
                let isDual =
                    sharing.count == 2 && sharing.contains(where: \.isIPv4) && sharing.contains(where: \.isIPv6)
                guard isDual else {
                    throw refuse("Each listener must have a different port (\(port)), listeners: \(text)")
                }
            }
        }
        return endpoints
    }

    private static func parts(of text: String) -> (name: String, host: String, port: Int32)? {
        guard let mark = text.firstRange(ofCharacters: "://") else { return nil }
        let name = text[..<mark.lowerBound].uppercased()
        let address = text[mark.upperBound...]
        guard !name.isEmpty, let colon = address.lastIndex(of: ":") else { return nil }
        var host = address[..<colon]
        guard let port = Int32(address[address.index(after: colon)...]), (0...65535).contains(port) else { return nil }
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        let allowed = host.unicodeScalars.allSatisfy {
            $0.isASCII && ($0.properties.isAlphabetic || "0123456789-%._:".unicodeScalars.contains($0))
        }
        return allowed ? (name, String(host), port) : nil
    }
}

extension String {
    /// The first place of `pattern`, without Foundation.
    fileprivate func firstRange(ofCharacters pattern: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(pattern) { return start..<index(start, offsetBy: pattern.count) }
            start = index(after: start)
        }
        return nil
    }
}
