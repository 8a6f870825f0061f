// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// What a member of a sticky group was given last, as it tells the group's leader beside its subscription.
///
/// An eager member lets go of everything before it joins again, so what it owns then says nothing. The bytes are those of
/// Java's `StickyAssignor`; a cooperative member tells what it owns in the subscription itself, and here its generation
/// only, for leaders that know no newer subscription.
struct StickyMemory: Hashable {
    var partitions: [TopicPartition]
    /// −1 if unknown.
    var generation: Int32

    init(partitions: [TopicPartition], generation: Int32) {
        self.partitions = partitions
        self.generation = generation
    }

    /// Of an eager member, with or without a generation at the end; nil if the bytes are something else.
    init?(eager bytes: [UInt8]) {
        var buffer = ByteBuffer(bytes: bytes)
        guard let partitions = buffer.readPartitions() else { return nil }
        self.init(partitions: partitions, generation: buffer.readInteger() ?? -1)
    }

    /// As the eager assignor writes it.
    var eagerBytes: [UInt8] {
        var buffer = ByteBuffer()
        buffer.write(partitions)
        buffer.writeInteger(generation)
        return Array(buffer.readableBytesView)
    }

    /// As the cooperative assignor writes it.
    var cooperativeBytes: [UInt8] { Array(ByteBuffer(integer: generation).readableBytesView) }
}

extension ConsumerProtocol.Subscription {
    /// As the leader of a group with this assignor reads it.
    func remembered(by assignor: ClientConfiguration.Assignor?) -> Self {
        var subscription = self
        switch assignor {
        case .sticky:
            let memory = userData.flatMap { StickyMemory(eager: $0) }
            subscription.owned = memory?.partitions ?? []
            subscription.generation = memory?.generation ?? -1
        case .cooperativeSticky where generation < 0:
            subscription.generation = userData.flatMap { ByteBuffer(bytes: $0).getInteger(at: 0) } ?? -1
        case .cooperativeSticky, .range, .roundRobin, nil: break
        }
        return subscription
    }
}
