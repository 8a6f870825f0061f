// SPDX-License-Identifier: Apache-2.0

import SimulationKit
import Synchronization

#if canImport(Glibc)
import Glibc
#endif

/// `Simulate [--seconds N] [--first SEED] [--count N] [--until-failure]`: clusters under seeded chance, on all cores, until
/// the time is up or so many seeds have been run. `MARTLET_SEED=N Simulate` repeats one, `MARTLET_TRACE=1` shows it.
@main struct Simulate {
    static func main() async {
        if let seed = variable("MARTLET_SEED").flatMap(UInt64.init) {
            exit(Self.repeatSeed(seed))
        }
        let first = option("--first").flatMap(UInt64.init) ?? UInt64.random(in: 1 << 20..<1 << 48)
        let count = option("--count").flatMap(UInt64.init) ?? .max
        let seconds = option("--seconds").flatMap(Int.init) ?? 60
        let campaign = Campaign(
            first: first, count: count, endsWithFailure: CommandLine.arguments.contains("--until-failure"))
        let clock = ContinuousClock()
        let start = clock.now
        let end = start + .seconds(seconds)
        let workers = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<workers {
                group.addTask {
                    while clock.now < end, let seed = campaign.next() { campaign.add(Simulation.run(seed: seed)) }
                }
            }
        }
        let elapsed = (clock.now - start) / .seconds(1)
        exit(campaign.report(seconds: elapsed, cores: workers))
    }

    private static func repeatSeed(_ seed: UInt64) -> Int32 {
        let traces = variable("MARTLET_TRACE") != nil
        let outcome = Simulation.run(seed: seed, trace: traces ? { print($0) } : nil)
        print("seed \(seed): \(outcome.violation ?? "every promise kept")")
        print("\(outcome.steps) steps, \(outcome.simulatedTime) ms, fingerprint \(outcome.fingerprint)")
        return outcome.violation == nil ? 0 : 1
    }

    private static func option(_ name: String) -> String? {
        let arguments = CommandLine.arguments
        guard let index = arguments.firstIndex(of: name), index + 1 < arguments.count else { return nil }
        return arguments[index + 1]
    }

    private static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
}

/// Gives out seeds and adds up what became of them. Owner of the sums: the lock.
private final class Campaign: Sendable {
    private struct Sums {
        var next: UInt64
        var left: UInt64
        var seeds = 0
        var steps = 0
        var simulated: Int64 = 0
        var committed = 0
        var elections = 0
        var excused = 0
        var avoidable = 0
        var staleJoins = 0
        var failures = 0
    }

    private let sums: Mutex<Sums>
    private let endsWithFailure: Bool

    init(first: UInt64, count: UInt64, endsWithFailure: Bool) {
        sums = Mutex(Sums(next: first, left: count))
        self.endsWithFailure = endsWithFailure
    }

    func next() -> UInt64? {
        sums.withLock { sums in
            guard sums.left > 0, sums.failures == 0 || !endsWithFailure else { return nil }
            sums.left -= 1
            sums.next += 1
            return sums.next - 1
        }
    }

    func add(_ outcome: SimulationOutcome) {
        sums.withLock { sums in
            sums.seeds += 1
            sums.steps += outcome.steps
            sums.simulated += outcome.simulatedTime
            sums.committed += outcome.committedRecords
            sums.elections += outcome.elections
            sums.excused += outcome.excusedLosses
            sums.avoidable += outcome.avoidableLosses
            sums.staleJoins += outcome.staleJoins
            if outcome.violation != nil { sums.failures += 1 }
        }
        if let violation = outcome.violation {
            print("MARTLET_SEED=\(outcome.seed): \(violation)")
            fflush(nil)
        }
    }

    /// Prints the sums and returns the exit code.
    func report(seconds: Double, cores: Int) -> Int32 {
        sums.withLock { sums in
            let hours = Double(sums.simulated) / 3_600_000
            print(
                "\(sums.seeds) seeds, \(sums.failures) failed: \(Int(hours)) simulated hours, "
                    + "\(Int(hours / seconds * 60)) a minute; \(sums.steps) steps, \(Int(Double(sums.steps) / seconds)) a "
                    + "second on \(cores) cores; \(sums.committed) records committed, \(sums.elections) elections, "
                    + "\(sums.excused) of them of brokers without their disks, "
                    + "\(sums.avoidable) while another could have been elected, after \(sums.staleJoins) late joins"
            )
            return sums.failures == 0 ? 0 : 1
        }
    }
}
