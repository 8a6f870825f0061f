// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
import Glibc
#endif

/// What this machine is called.
enum LocalHost {
    /// The canonical name of this host, or its plain name when the resolver knows none.
    static var name: String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return "localhost" }
        let plain = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        var hints = addrinfo()
        hints.ai_flags = AI_CANONNAME
        hints.ai_family = AF_UNSPEC
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(plain, nil, &hints, &list) == 0, let found = list else { return plain }
        defer { freeaddrinfo(found) }
        return found.pointee.ai_canonname.map { String(cString: $0) } ?? plain
    }
}
