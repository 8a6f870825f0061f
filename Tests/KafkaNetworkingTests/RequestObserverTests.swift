// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import KafkaProtocol
import NIOCore
import Synchronization
import Testing

@testable import KafkaNetworking

/// What an observer hears of the requests of real connections.
struct RequestObserverTests {
    private final class Recorder: RequestObserver {
        private let requests = Mutex<[FinishedRequest]>([])

        func finished(_ request: FinishedRequest) { requests.withLock { $0.append(request) } }

        /// The first so many, as soon as they are there.
        func first(_ count: Int) async throws -> [FinishedRequest] {
            while true {
                let found = requests.withLock { $0 }
                if found.count >= count { return found }
                try await Task.sleep(for: .milliseconds(1))
            }
        }
    }

    private func milliseconds(_ amount: TimeAmount) -> Double { Double(amount.nanoseconds) / 1e6 }

    @Test func timeIsDividedAmongWhomeverItWasSpentBy() async throws {
        let recorder = Recorder()
        let handler = ClosureHandler { request, responder in
            let answer = request.echo
            // 20 ms of work on another thread, then 40 ms of waiting for others.
            responder.eventLoop.scheduleTask(in: .milliseconds(20)) {
                let notes = AnswerNotes(processed: .now(), isFromFollower: request.header.correlationID == 1)
                responder.eventLoop.scheduleTask(in: .milliseconds(40)) { responder.send(answer, notes: notes) }
            }
        }
        try await withListener(handler, observer: recorder) { listener in
            let client = try RawClient(port: listener.port)
            try await client.send(request(0, version: 2, body: 10) + request(1, body: 20))
            for _ in 0..<2 { _ = try await client.response() }
        }
        let requests = try await recorder.first(2)
        #expect(requests.map(\.api) == [.heartbeat, .heartbeat])
        #expect(requests.map(\.version) == [2, 0])
        #expect(requests.map(\.requestBytes) == [20, 30])
        #expect(requests.map(\.responseBytes) == [18, 28])
        #expect(requests.map(\.isFromFollower) == [false, true])
        for request in requests {
            #expect(milliseconds(request.processed - request.started) >= 20)
            #expect(milliseconds(request.answered - request.processed) >= 40)
            #expect(request.sent >= request.answered)
        }
        // The second has waited for the first.
        #expect(milliseconds(requests[1].started - requests[1].received) >= 59)
        #expect(milliseconds(requests[0].started - requests[0].received) < 59)
    }

    @Test func whatTheHandlerDoesNotSayIsItsOwnWorkUntilItReturns() async throws {
        let recorder = Recorder()
        let handler = ClosureHandler { request, responder in
            let answer = request.echo
            responder.eventLoop.scheduleTask(in: .milliseconds(30)) { responder.send(answer) }
        }
        try await withListener(handler, observer: recorder) { listener in
            let client = try RawClient(port: listener.port)
            try await client.send(request(0))
            _ = try await client.response()
        }
        let finished = try await recorder.first(1)[0]
        #expect(milliseconds(finished.answered - finished.processed) >= 25)
    }

    @Test func answersThatOvertakeKeepTheirOwnTimes() async throws {
        let recorder = Recorder()
        let handler = ClosureHandler { request, responder in
            responder.started()
            let answer = request.echo
            // The first is answered last.
            let wait: Int64 = request.header.correlationID == 0 ? 60 : 5
            responder.eventLoop.scheduleTask(in: .milliseconds(wait)) { responder.send(answer) }
        }
        try await withListener(handler, observer: recorder) { listener in
            let client = try RawClient(port: listener.port)
            try await client.send(request(0, body: 1) + request(1, body: 2))
            for _ in 0..<2 { _ = try await client.response() }
        }
        let requests = try await recorder.first(2)
        #expect(requests.map(\.requestBytes) == [11, 12])
        #expect(milliseconds(requests[0].answered - requests[0].started) >= 60)
        // Answered early, held back by the first.
        #expect(milliseconds(requests[1].sent - requests[1].answered) >= 40)
    }

    @Test func requestsWithoutAnAnswerAreHeardOfToo() async throws {
        let recorder = Recorder()
        let handler = ClosureHandler { request, responder in
            if request.header.correlationID == 0 { responder.sendNothing() } else { responder.send(request.echo) }
        }
        try await withListener(handler, observer: recorder) { listener in
            let client = try RawClient(port: listener.port)
            try await client.send(request(0) + request(1))
            _ = try await client.response()
        }
        let requests = try await recorder.first(2)
        #expect(requests.map(\.responseBytes) == [0, 8])
        #expect(requests.allSatisfy { $0.sent >= $0.answered && $0.answered >= $0.processed })
    }
}
