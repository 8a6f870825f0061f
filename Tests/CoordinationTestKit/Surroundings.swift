// SPDX-License-Identifier: Apache-2.0

/// What the parts of a world share: chance, the network, and a count of the rare things that have happened.
final class Surroundings {
    var chance: Chance
    var network = Network()
    private(set) var happened: [Happening: Int] = [:]

    init(seed: UInt64) { chance = Chance(seed: seed) }

    func note(_ happening: Happening) { happened[happening, default: 0] += 1 }
}

/// What a simulation of groups and transactions together must have met, or it has shown little.
package enum Happening: String, CaseIterable, Sendable {
    case committed = "a transaction was committed"
    case aborted = "a producer aborted its transaction"
    case fencedProducer = "a producer learned that it has a successor"
    case pastGeneration = "a zombie's positions were refused for its generation or its instance"
    case unstable = "positions were asked for that a transaction was about to change"
    case positionsMetLoading = "positions of a transaction met a group coordinator that was loading"
    case fetchMetLoading = "a fetch of positions met a group coordinator that was loading"
    case verificationMetLoading = "a verification met a transaction coordinator that was loading"
    case verificationMetFormer = "a verification met a coordinator that had been replaced"
    case groupMovedDuringVerification = "the group's coordinator moved while its question was on the way"
    case markerLost = "the leader of the group's partition was lost with a marker on the way"
}
