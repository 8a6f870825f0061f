// SPDX-License-Identifier: Apache-2.0

import KafkaModel

// MARK: What goes wrong with disks, each log directory for itself

extension Simulation {
    var anyDirectory: Int { Int(draw(0...Int64(SimulatedBroker.directoryCount - 1))) }

    /// EIO, the next time that something is read, written or flushed; more often where it has consequences.
    func failDisk(of broker: SimulatedBroker) {
        broker.disks[anyDirectory].failing = [.read, .write, .write, .flush, .flush].randomElement(using: &random)
    }

    func fillDisk(of broker: SimulatedBroker) {
        // Often both lie on one file system.
        let directories = chance(1, in: 2) ? Array(broker.disks.indices) : [anyDirectory]
        trace("broker \(broker.id): log directories \(directories) are full")
        for directory in directories { broker.disks[directory].isFull = true }
        schedule(after: draw(500...40_000)) {
            for directory in directories { broker.disks[directory].isFull = false }
        }
    }

    func slowDisk(of broker: SimulatedBroker) {
        let directory = anyDirectory
        let slowest = [20, 500, 3000, 12_000].randomElement(using: &random) ?? 20
        trace("broker \(broker.id): log directory \(directory) takes up to \(slowest) ms")
        broker.disks[directory].latency = 1...Int64(slowest)
        schedule(after: draw(1000...40_000)) { broker.disks[directory].latency = nil }
    }

    func mendDisks(of broker: SimulatedBroker) {
        for directory in broker.disks.indices {
            broker.disks[directory].isFull = false
            broker.disks[directory].latency = nil
            broker.disks[directory].failing = nil
        }
    }
}
