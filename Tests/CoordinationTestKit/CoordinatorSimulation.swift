// SPDX-License-Identifier: Apache-2.0

internal import Foundation

/// The simulations, by name.
package enum CoordinatorSimulation: String {
    case groups
    case transactions
    case together

    /// Throws the first ``Violation``. Returns what has happened of that which a simulation of both should meet.
    @discardableResult
    package func run(seed: UInt64, steps: Int) throws -> [Happening: Int] {
        switch self {
        case .groups: try GroupWorld(seed: seed).run(steps: steps)
        case .transactions: try TransactionWorld(seed: seed).run(steps: steps)
        case .together:
            let world = JointWorld(seed: seed)
            try world.run(steps: steps)
            return world.happened
        }
        return [:]
    }
}

/// The seeds that tests run: a failing one is the argument that the report names.
package enum SimulationSeeds {
    /// `SIMULATION_SEEDS=first-last`, or `first` alone; nil if nobody has chosen.
    private static var asked: ClosedRange<UInt64>? {
        let parts = (ProcessInfo.processInfo.environment["SIMULATION_SEEDS"] ?? "").split(separator: "-")
        guard let first = parts.first.flatMap({ UInt64($0) }) else { return nil }
        return first...max(first, parts.last.flatMap { UInt64($0) } ?? first)
    }

    package static var chosen: [UInt64] { Array(asked ?? 1...40) }

    /// Of the simulation of both, which takes longer.
    package static var chosenTogether: [UInt64] { Array(asked ?? 1...24) }
}
