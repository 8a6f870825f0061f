// SPDX-License-Identifier: Apache-2.0

import CoordinationTestKit
import Testing

/// Groups and transactions together under chance: see `JointWorld`. `SIMULATION_SEEDS=first-last` names other seeds.
@Suite struct JointCoordinatorSimulation {
    @Test func recordsAreTransformedExactlyOnceWhateverHappens() {
        var happened: [Happening: Int] = [:]
        let seeds = SimulationSeeds.chosenTogether
        for seed in seeds {
            do {
                let met = try CoordinatorSimulation.together.run(seed: seed, steps: 6_000)
                happened.merge(met, uniquingKeysWith: +)
            } catch {
                Issue.record("seed \(seed): \(error)")
            }
        }
        guard seeds.count >= 24 else { return }
        for happening in Happening.allCases {
            #expect(happened[happening, default: 0] > 0, "it did not happen that \(happening.rawValue)")
        }
    }
}
