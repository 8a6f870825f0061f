// SPDX-License-Identifier: Apache-2.0

import Glibc

/// `--name value` pairs of a command line.
package struct Options {
    private var values: [String: String] = [:]

    package init(_ arguments: some Sequence<String>) {
        var name: String?
        for argument in arguments {
            if let pending = name {
                values[pending] = argument
                name = nil
            } else {
                name = argument.hasPrefix("--") ? String(argument.dropFirst(2)) : argument
            }
        }
    }

    package subscript(name: String, default value: String) -> String { values[name] ?? value }

    package subscript(name: String) -> String? { values[name] }

    package func integer(_ name: String, default value: Int) -> Int { values[name].flatMap { Int($0) } ?? value }
}

/// Ends the program with a message.
package func fail(_ message: String) -> Never {
    let line = message + "\n"
    _ = line.utf8CString.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count - 1) }
    exit(1)
}

/// Passes a system call's result on, or ends the program.
@discardableResult
package func checked<Value: SignedInteger>(_ result: Value, _ call: String) -> Value {
    if result < 0 { fail("\(call): \(String(cString: strerror(errno)))") }
    return result
}
