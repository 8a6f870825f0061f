// SPDX-License-Identifier: Apache-2.0

import SimulationKit
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// Whole clusters of the machines that ship, under seeded chance. `MARTLET_SEED=N` repeats one seed alone.
@Suite struct SimulationTests {
    private static let given = getenv("MARTLET_SEED").flatMap { UInt64(String(cString: $0)) }

    private func run(_ seed: UInt64) {
        let outcome = Simulation.run(seed: seed)
        #expect(outcome.violation == nil, "repeat with MARTLET_SEED=\(seed)")
    }

    @Test func aQuietClusterCommitsWhatItIsSent() {
        var plan = SimulationPlan()
        plan.faultInterval = nil
        plan.changeInterval = nil
        plan.duration = 60_000
        let outcome = Simulation.run(seed: 1, plan: plan)
        #expect(outcome.violation == nil)
        #expect(outcome.acknowledgedRecords > 100)
        #expect(outcome.elections == 0)
    }

    @Test func knownSeedsKeepTheirPromises() {
        if let seed = Self.given { return run(seed) }
        for seed in UInt64(1)...8 { run(seed) }
    }

    /// Seeds that nobody has seen, for some seconds.
    @Test func freshSeedsKeepTheirPromises() {
        guard Self.given == nil else { return }
        let clock = ContinuousClock()
        let end = clock.now + .seconds(8)
        while clock.now < end { run(.random(in: 1 << 20..<1 << 48)) }
    }

    @Test func aSeedRepeatsToTheLastStep() {
        let first = Simulation.run(seed: 3)
        let second = Simulation.run(seed: 3)
        #expect(first.fingerprint == second.fingerprint)
        #expect(first.steps == second.steps)
        #expect(Simulation.run(seed: 4).fingerprint != first.fingerprint)
    }
}
