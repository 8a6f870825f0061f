// SPDX-License-Identifier: Apache-2.0

import GroupCoordination
import KafkaModel
import Testing

/// Operators, NTP and suspended machines set the wall clock: sessions and rebalances must not notice.
@Suite struct ClockTests {
    private static let hour: Int64 = 3_600_000

    @Test(arguments: [10 * hour, -10 * hour])
    func noMemberIsTakenForDeadWhenTheClockIsSet(_ jump: Int64) throws {
        let scene = GroupScene()
        let members = try scene.stableGroup(2)
        scene.jump = jump
        scene.perform(scene.coordinator.advance(to: scene.time))
        scene.wait(9_999)
        for member in members { #expect(scene.heartbeat(member, 1) == ErrorCode.none) }
        // And back again.
        scene.jump = 0
        scene.wait(9_999)
        for member in members { #expect(scene.heartbeat(member, 1) == ErrorCode.none) }
        #expect(scene.coordinator.describe("g").members.count == 2)
    }

    @Test(arguments: [10 * hour, -10 * hour])
    func theDeadAreMissedOnTime(_ jump: Int64) throws {
        let scene = GroupScene()
        let members = try scene.stableGroup(2)
        scene.jump = jump
        scene.wait(5_000)
        #expect(scene.heartbeat(members[0], 1) == ErrorCode.none)
        scene.jump = -jump
        scene.wait(5_000)
        #expect(scene.coordinator.describe("g").state == "PreparingRebalance")
        #expect(scene.coordinator.describe("g").members.map(\.memberID) == [members[0]])
    }

    @Test func aRebalanceTakesItsTimeAndNoMore() throws {
        let scene = GroupScene()
        let members = try scene.stableGroup(2)
        let rejoined = scene.join(members[0])
        scene.jump = Self.hour
        scene.wait(9_000)
        #expect(scene.joined(rejoined) == nil)
        // The other member's session goes on while the group waits for it.
        #expect(scene.heartbeat(members[1], 1) == .rebalanceInProgress)
        scene.jump = -Self.hour
        scene.wait(9_000)
        #expect(scene.joined(rejoined) == nil)
        scene.wait(1_000)
        #expect(scene.joined(rejoined)?.generation == 2)
    }

    @Test func retentionGoesByTheWallClock() throws {
        let scene = GroupScene { $0.offsetRetention = Self.hour }
        _ = scene.commitOffset(4)
        scene.commit()
        scene.wait(2 * Self.hour)
        scene.jump = -2 * Self.hour
        scene.perform(scene.coordinator.expireOffsets(now: scene.time))
        #expect(scene.fetched()?.offset == 4)
        scene.jump = 0
        scene.perform(scene.coordinator.expireOffsets(now: scene.time))
        scene.commit()
        #expect(scene.fetched()?.offset == -1)
    }
}
