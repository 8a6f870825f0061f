// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import Replication
import Testing

@Suite struct FetchSessionClientTests {
    private func key(_ partition: Int32) -> FetchPartitionKey { .init(topic: "t", partition: partition) }

    private func request(_ partition: Int32, _ offset: Offset = 0) -> FetchPartition {
        .init(
            key: key(partition), fetchOffset: offset, logStart: 0, maximumBytes: 100, currentLeaderEpoch: 1,
            lastFetchedEpoch: 1)
    }

    private func begun(_ partitions: ClosedRange<Int32>) -> FetchSessionClient {
        var client = FetchSessionClient()
        for partition in partitions { client.want(request(partition)) }
        let first = client.next()
        #expect(first.sessionID == 0 && first.epoch == 0)
        #expect(first.partitions.map(\.key.partition) == Array(partitions))
        #expect(client.answered(error: .none, sessionID: 77) == true)
        return client
    }

    @Test func theFirstFetchIsFullAndTheNextTellsChangesOnly() {
        var client = begun(0...2)
        client.want(request(1, 5))
        client.want(request(2))
        let second = client.next()
        #expect(second.sessionID == 77 && second.epoch == 1)
        #expect(second.partitions.map(\.key.partition) == [1])
        #expect(second.partitions.map(\.fetchOffset) == [5])
        #expect(client.answered(error: .none, sessionID: 77) == true)
        let third = client.next()
        #expect(third.epoch == 2 && third.partitions.isEmpty && third.forgotten.isEmpty)
    }

    @Test func whatIsNoLongerWantedIsForgotten() {
        var client = begun(0...2)
        client.drop(key(1))
        let second = client.next()
        #expect(second.partitions.isEmpty && second.forgotten == [key(1)])
        _ = client.answered(error: .none, sessionID: 77)
        #expect(client.next().forgotten.isEmpty)
    }

    @Test func whatCameAndWentBetweenFetchesIsNotMentioned() {
        var client = begun(0...0)
        client.want(request(5))
        client.drop(key(5))
        client.drop(key(0))
        client.want(request(0, 9))
        let second = client.next()
        #expect(second.forgotten.isEmpty && second.partitions.map(\.fetchOffset) == [9])
    }

    @Test func aLostAnswerEndsTheSession() {
        var client = begun(0...1)
        client.want(request(1, 5))
        _ = client.next()
        client.failed()
        let again = client.next()
        // The old one is named, so that the leader lets go of it.
        #expect(again.sessionID == 77 && again.epoch == 0 && again.partitions.count == 2)
        #expect(client.answered(error: .none, sessionID: 78) == true)
        #expect(client.next().epoch == 1)
    }

    @Test func aSessionThatTheLeaderDoesNotKnowIsBegunAnew() {
        var client = begun(0...1)
        _ = client.next()
        #expect(client.answered(error: .fetchSessionIDNotFound, sessionID: 0) == false)
        let again = client.next()
        #expect(again.sessionID == 0 && again.epoch == 0 && again.partitions.count == 2)
    }

    @Test func anEpochThatTheLeaderDoesNotExpectEndsTheSession() {
        var client = begun(0...1)
        _ = client.next()
        #expect(client.answered(error: .invalidFetchSessionEpoch, sessionID: 0) == false)
        let again = client.next()
        #expect(again.sessionID == 77 && again.epoch == 0 && again.partitions.count == 2)
    }

    @Test func aLeaderWithoutRoomIsAskedInFullEachTime() {
        var client = FetchSessionClient()
        client.want(request(0))
        _ = client.next()
        #expect(client.answered(error: .none, sessionID: 0) == true)
        let second = client.next()
        #expect(second.sessionID == 0 && second.epoch == 0 && second.partitions.count == 1)
    }

    @Test func oldVersionsKnowNoSessions() {
        var client = FetchSessionClient(isSupported: false)
        client.want(request(0))
        let first = client.next()
        #expect(first.sessionID == 0 && first.epoch == -1)
        #expect(client.answered(error: .none, sessionID: 0) == true)
        #expect(client.next().partitions.count == 1)
    }

    @Test func bothHalvesUnderstandEachOther() throws {
        var leader = FetchSessionCache(slots: 1)
        let first = try leader.begin(
            id: 0, epoch: 0, partitions: (0...2).map { request($0) }, forgotten: [], isFollower: true,
            usesTopicIDs: false, now: 0)
        var client = FetchSessionClient()
        for partition in 0...2 { client.want(request(Int32(partition))) }
        _ = client.next()
        #expect(client.answered(error: .none, sessionID: first.sessionID) == true)
        for round in 1...5 {
            client.want(request(Int32(round % 3), Offset(round * 10)))
            if round == 3 { client.drop(key(2)) }
            let fetch = client.next()
            let context = try leader.begin(
                id: fetch.sessionID, epoch: fetch.epoch, partitions: fetch.partitions, forgotten: fetch.forgotten,
                isFollower: true, usesTopicIDs: false, now: 0)
            #expect(!context.partitions.isEmpty && context.isIncremental)
            for remembered in context.partitions { #expect(client.request(for: remembered.key) == remembered) }
            #expect(client.answered(error: .none, sessionID: context.sessionID) == true)
        }
    }
}
