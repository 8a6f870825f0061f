// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import Testing

@testable import BrokerServer

/// What a producer is told when its transaction was not confirmed (KIP-890, part one).
@Suite struct VerificationErrorTests {
    @Test(arguments: [
        ErrorCode.concurrentTransactions, .networkException, .coordinatorLoadInProgress, .coordinatorNotAvailable,
        .notCoordinator,
    ])
    func whatPassesMakesProducersTryAgain(_ error: ErrorCode) {
        for version: Int16 in [3, 9, 11] {
            let refusal = ProduceRefusal(unverified: error, version: version)
            #expect(refusal.code == .notEnoughReplicas)
            #expect(
                refusal.message
                    == "Unable to verify the partition has been added to the transaction. Underlying error: \(error)")
            #expect(refusal.showsMessage)
        }
    }

    @Test(arguments: [
        (ErrorCode.transactionAbortable, Int16(11), ErrorCode.transactionAbortable),
        (.transactionAbortable, 10, .invalidTxnState), (.transactionAbortable, 3, .invalidTxnState),
        (.invalidTxnState, 11, .invalidTxnState), (.invalidProducerEpoch, 11, .invalidProducerEpoch),
        (.invalidProducerIDMapping, 9, .invalidProducerIDMapping), (.unknownServerError, 9, .unknownServerError),
    ])
    func whatStaysIsTold(_ error: ErrorCode, _ version: Int16, _ told: ErrorCode) {
        #expect(ProduceRefusal(unverified: error, version: version).code == told)
    }
}
