// SPDX-License-Identifier: Apache-2.0

import KafkaModel

/// Who can reach whom, and how fast.
///
/// Brokers have their ids, ZooKeeper is 0, clients are negative. A message that meets a cut is lost, and its sender hears
/// nothing until it gives up; a connection that breaks, or is refused, is noticed at once. A request may be carried out
/// long after its sender has given it up: it waits in some buffer.
struct SimulatedNetwork {
    struct Direction: Hashable {
        let from: BrokerID
        let to: BrokerID
    }

    static let zooKeeper: BrokerID = 0

    private(set) var cuts: [Direction: Int] = [:]
    /// Out of 1000 requests so many meet a connection that breaks.
    var breaks = 0
    /// Out of 1000 messages so many are slow.
    var slow = 5
    var slowest: Int64 = 300

    func isOpen(from: BrokerID, to: BrokerID) -> Bool {
        cuts.isEmpty || cuts[Direction(from: from, to: to)] == nil
    }

    mutating func cut(from: BrokerID, to: BrokerID) { cuts[Direction(from: from, to: to), default: 0] += 1 }

    mutating func mend(from: BrokerID, to: BrokerID) {
        let direction = Direction(from: from, to: to)
        guard let count = cuts[direction] else { return }
        cuts[direction] = count > 1 ? count - 1 : nil
    }

    mutating func heal() {
        cuts = [:]
        breaks = 0
        slow = 0
    }
}

extension Simulation {
    func delay() -> Int64 {
        if network.slow > 0, chance(network.slow, in: 1000) { return draw(1...network.slowest) }
        return draw(0...2)
    }

    /// Asks a broker something and hears the answer, or nil when none came in time.
    ///
    /// - Parameter serve: runs at the broker, and answers once, now or later.
    func call<Answer>(
        from sender: BrokerID, to receiver: SimulatedBroker, timeout: Int64,
        _ serve: @escaping (SimulatedBroker, @escaping (Answer) -> Void) -> Void,
        _ done: @escaping (Answer?) -> Void
    ) {
        var isOver = false
        var limit: EventQueue.Deadline?
        func finish(_ answer: Answer?) {
            guard !isOver else { return }
            isOver = true
            limit?.cancel()
            done(answer)
        }
        limit = deadline(after: timeout) { finish(nil) }
        let breaks = network.breaks > 0 && chance(network.breaks, in: 1000)
        // One in two breaks before the request is carried out.
        let breaksBefore = breaks && chance(1, in: 2)
        guard network.isOpen(from: sender, to: receiver.id) else { return }
        if breaksBefore { return schedule(after: delay()) { finish(nil) } }
        schedule(after: delay()) { [self] in
            guard network.isOpen(from: sender, to: receiver.id) else { return }
            guard receiver.isRunning, secondHosts[receiver.id] == nil else {
                // Nobody listens: refused, if that can be heard.
                if network.isOpen(from: receiver.id, to: sender) { schedule(after: 1) { finish(nil) } }
                return
            }
            receiver.onProcess { [self] in
                let life = receiver.life
                serve(receiver) { [self] answer in
                    guard receiver.life == life, network.isOpen(from: receiver.id, to: sender) else { return }
                    schedule(after: delay()) { [self] in
                        guard network.isOpen(from: receiver.id, to: sender) else { return }
                        finish(breaks ? nil : answer)
                    }
                }
            }
        }
    }
}
