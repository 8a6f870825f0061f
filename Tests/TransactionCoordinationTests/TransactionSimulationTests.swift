// SPDX-License-Identifier: Apache-2.0

import CoordinationTestKit
import Testing

/// Transactions under chance: see `TransactionWorld`. `SIMULATION_SEEDS=first-last` names other seeds.
@Suite struct TransactionCoordinatorSimulation {
    @Test(arguments: SimulationSeeds.chosen)
    func theRulesHoldWhateverHappens(_ seed: UInt64) throws {
        try CoordinatorSimulation.transactions.run(seed: seed, steps: 3_000)
    }
}
