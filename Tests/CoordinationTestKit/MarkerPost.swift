// SPDX-License-Identifier: Apache-2.0

internal import KafkaModel
internal import TransactionCoordination

/// Brings a coordinator's markers to their partitions, and what became of them back.
final class MarkerPost {
    /// When a marker that came to a leader which was lost is taken for lost itself, in milliseconds: by then it does not
    /// come any more. Of a connection that is lost one hears sooner.
    private static let patience: Int64 = 16_000
    private static let disconnection: Int64 = 1_000

    private final class Letter {
        var isAnswered = false
        /// Whether an answer may yet come.
        var isHeld: () -> Bool = { false }
    }

    private let producers: TransactionProducers
    private let surroundings: Surroundings
    private var letters: [(due: Int64, letter: Letter, lost: () -> Void)] = []
    /// Takes a marker for a partition that is none of the producers' own, calls back at most once, and says whether it
    /// still may.
    var writeElsewhere: (TransactionMarkers, @escaping (ErrorCode) -> Void) -> () -> Bool = { _, _ in { false } }

    init(_ producers: TransactionProducers, _ surroundings: Surroundings) {
        self.producers = producers
        self.surroundings = surroundings
        producers.coordinator.perform = { [unowned self] in carry($0) }
    }

    private func carry(_ markers: TransactionMarkers) {
        let coordinator = producers.coordinator
        let life = coordinator.life
        do {
            try producers.ledger.follow(coordinator.committedEntries)
            try producers.ledger.marks(markers)
        } catch {
            coordinator.violation = coordinator.violation ?? error as? Violation
        }
        for id in markers.partitions {
            let letter = Letter()
            let answer = { [unowned self] (error: ErrorCode) in
                letter.isAnswered = true
                // A lost answer is one that says that the connection was lost.
                let isLost = surroundings.chance.oneIn(20)
                tell(markers, id, isLost ? .networkException : error, life)
            }
            // One that came again behind its own answer would end the producer's next transaction: what keeps it from that
            // is the connection's order.
            let comes = producers.carry(twice: 0) { [unowned self] in
                guard let partition = producers.partitions.first(where: { $0.id == id }) else {
                    letter.isHeld = writeElsewhere(markers, answer)
                    return
                }
                answer(
                    partition.mark(
                        markers.producer.id, markers.producer.epoch, isCommit: markers.isCommit,
                        coordinatorEpoch: markers.coordinatorEpoch))
            }
            letters.append(
                (
                    coordinator.uptime + (comes ? Self.patience : Self.disconnection), letter,
                    { [unowned self] in tell(markers, id, .networkException, life) }
                ))
        }
    }

    private func tell(_ markers: TransactionMarkers, _ partition: TopicPartition, _ error: ErrorCode, _ life: Int) {
        let coordinator = producers.coordinator
        guard coordinator.life == life else { return }
        coordinator.notify { $0.markersWritten(markers, outcomes: [(partition, error)], now: $1) }
    }

    /// Tells of those that are lost.
    func advance() {
        let now = producers.coordinator.uptime
        let due = letters.filter { $0.due <= now && !$0.letter.isHeld() }
        letters.removeAll { $0.letter.isAnswered || $0.due <= now && !$0.letter.isHeld() }
        for entry in due where !entry.letter.isAnswered { entry.lost() }
    }
}
