// SPDX-License-Identifier: Apache-2.0

import CoordinationTestKit
import Testing

/// Groups under chance: see `GroupWorld`. `SIMULATION_SEEDS=first-last` names other seeds.
@Suite struct GroupCoordinatorSimulation {
    @Test(arguments: SimulationSeeds.chosen)
    func theRulesHoldWhateverHappens(_ seed: UInt64) throws {
        try CoordinatorSimulation.groups.run(seed: seed, steps: 3_000)
    }
}
