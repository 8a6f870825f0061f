// SPDX-License-Identifier: Apache-2.0

// simulate-coordinators groups|transactions|together FIRST-SEED LAST-SEED [STEPS]: runs the simulations of `CoordinationTestKit`
// and ends with the first rule that is broken, and its seed.

import CoordinationTestKit

#if canImport(Glibc)
import Glibc
#endif

let arguments = CommandLine.arguments
guard arguments.count >= 4, let kind = CoordinatorSimulation(rawValue: arguments[1]), let first = UInt64(arguments[2]),
    let last = UInt64(arguments[3]), first <= last
else {
    print("usage: simulate-coordinators groups|transactions|together FIRST-SEED LAST-SEED [STEPS]")
    exit(2)
}
let steps = arguments.count > 4 ? Int(arguments[4]) ?? 3_000 : 3_000
var happened: [Happening: Int] = [:]
for seed in first...last {
    do {
        happened.merge(try kind.run(seed: seed, steps: steps), uniquingKeysWith: +)
    } catch {
        print("seed \(seed), \(steps) steps: \(error)")
        exit(1)
    }
}
for happening in Happening.allCases {
    if let count = happened[happening] { print("\(count) times \(happening.rawValue)") }
}
print("\(last - first + 1) seeds of \(steps) steps: no rule broken")
