// SPDX-License-Identifier: Apache-2.0

// Feeds damaged input to decoders. A trap is a failure, and so is input that is read but does not survive being
// written and read again.
//
//     swift run -c release Fuzz <decoder> [--iterations N] [--seed S]

import Foundation

/// One decoder under attack.
struct FuzzTarget {
    var name: String
    /// Runs that many inputs from a seed, and returns a line of counts.
    var run: (_ iterations: Int, _ seed: UInt64) throws -> String
}

let targets = [
    FuzzTarget(name: "log", run: LogFuzz.run),
    FuzzTarget(name: "log-directory", run: LogDirectoryFuzz.run),
    FuzzTarget(name: "protocol", run: ProtocolFuzz.run),
    FuzzTarget(name: "recorded-log", run: RecordedLogFuzz.run),
    FuzzTarget(name: "records", run: RecordFuzz.run),
]

@MainActor func usage() -> Never {
    let names = targets.map(\.name).joined(separator: " | ")
    FileHandle.standardError.write(Data("usage: Fuzz \(names) [--iterations N] [--seed S]\n".utf8))
    exit(2)
}

var arguments = CommandLine.arguments.dropFirst()
guard let name = arguments.popFirst(), let target = targets.first(where: { $0.name == name }) else { usage() }
var iterations = 1_000_000
var seed: UInt64 = 1
while let option = arguments.popFirst() {
    guard let value = arguments.popFirst() else { usage() }
    switch option {
    case "--iterations": iterations = Int(value) ?? iterations
    case "--seed": seed = UInt64(value) ?? seed
    default: usage()
    }
}
let clock = ContinuousClock()
let start = clock.now
let counts = try target.run(iterations, seed)
let seconds = Double((clock.now - start) / .milliseconds(1)) / 1000
var resources = rusage()
getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &resources)
let rate = Int(Double(iterations) / max(seconds, 0.001))
print(
    "\(name): seed \(seed), \(iterations) inputs in \(seconds) s, \(rate)/s, peak memory \(resources.ru_maxrss / 1024) MiB"
)
print(counts)
