// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import KafkaProtocol
import Synchronization
import TransactionCoordination

/// Hands out producer ids from blocks that the controller gives (KIP-730). A block is asked for when nine tenths of the
/// last are used, so that producers need not wait.
final class ProducerIDs: Sendable {
    private struct State {
        var current: Range<ProducerID> = 0..<0
        var next: Range<ProducerID>?
        var isAsking = false
        /// The id at which the next block is asked for.
        var askAt: ProducerID = 0
    }

    private let state = Mutex(State())
    /// Asks the controller for a block; nil when it cannot be reached now.
    private let allocate: @Sendable () async -> Range<ProducerID>?

    init(allocate: @escaping @Sendable () async -> Range<ProducerID>?) {
        self.allocate = allocate
    }

    /// Who gives a broker its blocks: the controller (KIP-730), below inter-broker protocol 3.0 ZooKeeper itself, since a
    /// controller of that time knows no such request.
    static func source(_ services: BrokerServices) -> @Sendable () async -> Range<ProducerID>? {
        let identity = services.identity
        guard services.configuration().interBrokerProtocol >= .v3_0_IV0 else {
            return { [store = services.store] in
                (try? await store.allocateProducerIDs(identity.id)).flatMap {
                    block(from: $0.first, count: $0.last - $0.first + 1)
                }
            }
        }
        return { [channel = services.channel] in
            let answer = try? await channel.send { _ in
                var request = AllocateProducerIdsRequest()
                request.brokerID = identity.id
                request.brokerEpoch = identity.epoch
                return request
            }
            guard let response = answer?.response, response.errorCode.isNone else { return nil }
            return block(from: response.producerIDStart, count: Int64(response.producerIDLen))
        }
    }

    /// The ids of a block; nil where it is none.
    static func block(from first: ProducerID, count: Int64) -> Range<ProducerID>? {
        let (end, overflow) = first.addingReportingOverflow(count)
        return first >= 0 && count > 0 && !overflow ? first..<end : nil
    }

    /// A fresh id; nil when none is at hand, which the client is told with COORDINATOR_LOAD_IN_PROGRESS.
    func take() async -> ProducerID? {
        if let id = takeAtHand() { return id }
        // Wait for a block once; a client retries anyway.
        await ask()
        return takeAtHand()
    }

    private func takeAtHand() -> ProducerID? {
        let (id, mustAsk) = state.withLock { state -> (ProducerID?, Bool) in
            if state.current.isEmpty, let next = state.next {
                state.current = next
                state.askAt = next.lowerBound + Int64(next.count) * 9 / 10
                state.next = nil
            }
            guard let id = state.current.first else { return (nil, false) }
            state.current = id + 1..<state.current.upperBound
            return (id, id + 1 >= state.askAt && state.next == nil && !state.isAsking)
        }
        // A bare task: it only fetches the next block.
        if mustAsk { Task { await ask() } }
        return id
    }

    private func ask() async {
        let mustAsk = state.withLock { state in
            guard !state.isAsking, state.next == nil else { return false }
            state.isAsking = true
            return true
        }
        guard mustAsk else {
            // Another asks already: give it a moment.
            for _ in 0..<100 where state.withLock({ $0.isAsking }) { try? await Task.sleep(for: .milliseconds(5)) }
            return
        }
        let block = await allocate()
        state.withLock { state in
            state.isAsking = false
            if let block { state.next = block }
        }
    }
}

/// InitProducerId, 0–5: an id for an idempotent or transactional producer (KIP-98).
///
/// v2 is flexible, v3 lets a producer name the id it has (KIP-360), v4 knows PRODUCER_FENCED (KIP-588), v5 belongs to
/// KIP-890.
struct InitProducerIdHandler: WaitingApiHandler {
    typealias Request = InitProducerIdRequest

    let producerIDs: ProducerIDs
    let transactions: TransactionCoordinationService

    func answer(
        _ request: InitProducerIdRequest, _ context: RequestContext<InitProducerIdResponse>
    ) async -> InitProducerIdResponse {
        // A producer that comes back names both what it had, or neither.
        guard (request.producerID == -1) == (request.producerEpoch == -1) else {
            return InitProducerIdResponse(InitProducerIDAnswer(error: .invalidRequest))
        }
        guard let transactionalID = request.transactionalID else {
            guard let id = await producerIDs.take() else {
                return InitProducerIdResponse(InitProducerIDAnswer(error: .coordinatorLoadInProgress))
            }
            return InitProducerIdResponse(InitProducerIDAnswer(producer: ProducerIdentity(id: id, epoch: 0)))
        }
        var asked = InitProducerID(
            transactionalID: transactionalID, timeout: request.transactionTimeoutMs,
            expected: request.producerID == -1
                ? nil : ProducerIdentity(id: request.producerID, epoch: request.producerEpoch))
        if transactions.needsProducerID(asked) { asked.freshProducerID = await producerIDs.take() }
        let ready = asked
        let reply = await withCheckedContinuation { continuation in
            transactions.request(transactionalID) {
                continuation.resume(returning: $0)
            } _: {
                $0.initProducerID(ready, token: $1, now: $2)
            }
        }
        guard case .initialized(var answer) = reply else {
            return InitProducerIdResponse(InitProducerIDAnswer(error: .unknownServerError))
        }
        if context.version < 4 { answer.error = answer.error.withoutProducerFenced }
        return InitProducerIdResponse(answer)
    }
}

extension InitProducerIdResponse {
    fileprivate init(_ answer: InitProducerIDAnswer) {
        self.init()
        errorCode = answer.error
        producerID = answer.producer.id
        producerEpoch = answer.producer.epoch
    }
}
