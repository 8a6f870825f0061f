// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import KafkaNetworking
import Metrics
import NIOCore
import Synchronization

/// How many requests of each API there were, how long each part of serving them took, and what errors they met.
///
/// Everything is made beforehand, so that a request costs some twenty atomic additions and nothing else.
final class RequestMetrics: RequestObserver {
    /// The parts of a request's time, under Kafka's names.
    enum Phase: Int, CaseIterable, Sendable {
        case total, queue, local, remote, response
    }

    /// One API, or one of the two kinds of fetches.
    final class Kind: Sendable {
        /// No API has a version beyond.
        static let versionCount = 32
        /// Codes from −1 to 127, and all others together.
        static let errorCount = 130

        private let times = Phase.allCases.map { _ in Histogram() }
        let requestBytes = Counter()
        let responseBytes = Counter()
        private let versions = InlineArray<32, Atomic<Int>> { _ in Atomic(0) }
        private let errors = InlineArray<130, Atomic<Int>> { _ in Atomic(0) }

        func time(_ phase: Phase) -> Histogram.Snapshot { times[phase.rawValue].snapshot }

        /// How many requests came in each version, where there were any.
        var requestsByVersion: [(version: Int16, count: Int)] {
            (0..<Self.versionCount).compactMap { index in
                let count = versions[index].load(ordering: .relaxed)
                return count == 0 ? nil : (Int16(index), count)
            }
        }

        /// How often each error was told, where it was; nil for codes that are not Kafka's.
        var errorsByCode: [(code: ErrorCode?, count: Int)] {
            (0..<Self.errorCount).compactMap { index in
                let count = errors[index].load(ordering: .relaxed)
                if count == 0 { return nil }
                return (index == Self.errorCount - 1 ? nil : ErrorCode(rawValue: Int16(index) - 1), count)
            }
        }

        fileprivate func finished(_ request: FinishedRequest) {
            versions[min(max(0, Int(request.version)), Self.versionCount - 1)].wrappingAdd(1, ordering: .relaxed)
            requestBytes.add(request.requestBytes)
            responseBytes.add(request.responseBytes)
            times[Phase.total.rawValue].record(nanoseconds: (request.sent - request.received).nanoseconds)
            times[Phase.queue.rawValue].record(nanoseconds: (request.started - request.received).nanoseconds)
            times[Phase.local.rawValue].record(nanoseconds: (request.processed - request.started).nanoseconds)
            times[Phase.remote.rawValue].record(nanoseconds: (request.answered - request.processed).nanoseconds)
            times[Phase.response.rawValue].record(nanoseconds: (request.sent - request.answered).nanoseconds)
        }

        fileprivate func told(_ error: ErrorCode) {
            let index = Int(error.rawValue) + 1
            errors[(0..<Self.errorCount - 1).contains(index) ? index : Self.errorCount - 1]
                .wrappingAdd(1, ordering: .relaxed)
        }
    }

    /// By the API's number; empty places belong to no API.
    private let apis: [Kind?]
    private let followerFetches = Kind()

    init() {
        var apis = [Kind?](repeating: nil, count: ApiKey.allCases.map { Int($0.rawValue) }.max().map { $0 + 1 } ?? 0)
        for api in ApiKey.allCases { apis[Int(api.rawValue)] = Kind() }
        self.apis = apis
    }

    func finished(_ request: FinishedRequest) {
        kind(request.api, isFromFollower: request.isFromFollower).finished(request)
    }

    /// An answer tells of errors.
    func told(_ errors: [ErrorCode], in api: ApiKey) {
        let kind = kind(api, isFromFollower: false)
        for error in errors { kind.told(error) }
    }

    /// All kinds by name. Kafka counts a fetch twice: as a fetch, and as one of consumers or of followers.
    var kinds: [(name: String, parts: [Kind])] {
        var kinds: [(name: String, parts: [Kind])] = []
        for api in ApiKey.allCases {
            let kind = kind(api, isFromFollower: false)
            guard api == .fetch else {
                kinds.append(("\(api)", [kind]))
                continue
            }
            kinds.append(("Fetch", [kind, followerFetches]))
            kinds.append(("FetchConsumer", [kind]))
            kinds.append(("FetchFollower", [followerFetches]))
        }
        return kinds
    }

    private func kind(_ api: ApiKey, isFromFollower: Bool) -> Kind {
        if api == .fetch, isFromFollower { return followerFetches }
        // Every API has a place, see init.
        return apis[Int(api.rawValue)] ?? followerFetches
    }
}
