// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Text by a C format. Integers are to be given as `Int64` with `%lld`.
func formatted(_ format: String, _ values: any CVarArg...) -> String {
    withVaList(values) { list in
        var buffer = [CChar](repeating: 0, count: 512)
        let count = Int(vsnprintf(&buffer, buffer.count, format, list))
        return String(
            decoding: buffer[..<min(max(count, 0), buffer.count - 1)].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
