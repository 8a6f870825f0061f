// SPDX-License-Identifier: Apache-2.0

import KafkaModel

// MARK: What a death leaves on disk

extension SimulatedBroker {
    /// A log as the next process will find it.
    func reopen(_ stored: StoredLog, of partition: TopicPartition, isPowerFailure: Bool) {
        guard isPowerFailure || disks[stored.directory].hasDroppedWrites else {
            stored.log.reopen()
            return world.judge.reopened(partition, self)
        }
        let end = stored.log.logEnd
        losePower(stored)
        if stored.log.logEnd < end {
            world.trace("broker \(id): loses \(partition) from \(stored.log.logEnd) to \(end)")
            world.judge.lost(partition, from: stored.log.logEnd, self)
        }
        world.judge.reopened(partition, self)
    }

    /// The same for copies, of which nobody has been told.
    func reopenCopies(isPowerFailure: Bool) {
        for copies in [futures, unusable, superseded] {
            for (_, stored) in copies.sorted(by: { $0.key < $1.key }) {
                if isPowerFailure || disks[stored.directory].hasDroppedWrites {
                    losePower(stored)
                } else {
                    stored.log.reopen()
                }
            }
        }
    }

    private func losePower(_ stored: StoredLog) {
        let unflushed = Int64(stored.log.unflushedCount)
        let isAllLost = world.chance(1, in: 2)
        stored.log.reopen(
            after: .init(
                survivingUnflushed: isAllLost ? 0 : Int(world.draw(0...unflushed)), undoesCut: world.chance(1, in: 3)))
    }
}

extension Simulation {
    /// Several machines hang on the same supply: some of the cluster, or all of it.
    func failPowerOfSeveral() {
        let isEverywhere = chance(1, in: 2)
        let (quick, slow) = (draw(10...2000), draw(2000...40_000))
        for broker in brokers where isEverywhere || chance(1, in: 2) {
            let isRunning = broker.isRunning
            broker.kill(isPowerFailure: true)
            // Who was down already has somebody who starts it.
            guard isRunning else { continue }
            schedule(after: chance(1, in: 2) ? draw(10...10 + quick) : draw(10...10 + slow)) { broker.start() }
        }
    }
}
