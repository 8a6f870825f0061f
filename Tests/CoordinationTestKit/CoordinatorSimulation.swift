// SPDX-License-Identifier: Apache-2.0

internal import Foundation

/// The simulations, by name.
package enum CoordinatorSimulation: String {
    case groups
    case transactions

    /// Throws the first ``Violation``.
    package func run(seed: UInt64, steps: Int) throws {
        switch self {
        case .groups: try GroupWorld(seed: seed).run(steps: steps)
        case .transactions: try TransactionWorld(seed: seed).run(steps: steps)
        }
    }
}

/// The seeds that tests run: a failing one is the argument that the report names.
package enum SimulationSeeds {
    package static var chosen: [UInt64] {
        let parts = (ProcessInfo.processInfo.environment["SIMULATION_SEEDS"] ?? "").split(separator: "-")
        guard let first = parts.first.flatMap({ UInt64($0) }) else { return Array(1...40) }
        return Array(first...max(first, parts.last.flatMap { UInt64($0) } ?? first))
    }
}
