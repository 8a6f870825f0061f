// SPDX-License-Identifier: Apache-2.0

import ZooKeeperClient

/// Many checked writes of one batch, gathered into few multis.
///
/// Kafka sends a multi for each write: the check of the controller's epoch, then the write. A server spends most of its
/// time on what surrounds a multi, so that ten thousand of them are what a failover waits for. One multi with a check and
/// many writes says the same, in the same order and under the same versions. Only, it is done whole or not at all: where
/// one write is refused, those beside it travel again, each in a multi of its own.
///
/// Few writes travel as Kafka's do from the start.
struct GatheredWrites {
    /// So many writes go into one multi: with states some tens of kilobytes.
    static let limit = 64
    /// So many bytes at most, far below the megabyte that servers accept: the node of a large topic travels alone.
    static let byteLimit = 256 << 10

    /// What is sent, each with the positions of the requests that it carries.
    private(set) var requests: [ZooKeeperRequest] = []
    private var positions: [Range<Int>] = []
    private let original: [ZooKeeperRequest]

    init(_ original: [ZooKeeperRequest]) {
        self.original = original
        var start = 0
        while start < original.count {
            let end = Self.endOfRun(in: original, from: start)
            let limit = end - start > Self.limit ? Self.limit : 1
            while start < end {
                let last = Self.endOfGroup(in: original, from: start, atMost: min(start + limit, end))
                add(start..<last)
                start = last
            }
        }
    }

    /// The results of the original requests as far as those of ``requests`` tell, and the positions of those that are to
    /// be sent again one by one: they were not carried out, since another of their multi was refused.
    func spread(_ results: [ZooKeeperResult]) -> (results: [ZooKeeperResult], again: [Int]) {
        var spread: [ZooKeeperResult] = Array(repeating: .failure(.marshallingError), count: original.count)
        var again: [Int] = []
        for (range, result) in zip(positions, results) {
            guard range.count > 1, case .success(.multi(let outcome)) = result else {
                for position in range { spread[position] = result }
                continue
            }
            if let failure = outcome.failure {
                // Nobody may write any more: the same for all.
                if failure.index == 0 { for position in range { spread[position] = result } } else { again += range }
                continue
            }
            guard outcome.results.count == range.count + 1 else { continue }
            for (index, position) in range.enumerated() {
                spread[position] = .success(
                    .multi(ZooKeeperMultiOutcome(results: [outcome.results[0], outcome.results[index + 1]])))
            }
        }
        return (spread, again)
    }

    private mutating func add(_ range: Range<Int>) {
        positions.append(range)
        guard range.count > 1, let (check, _) = Self.parts(original[range.lowerBound]) else {
            requests.append(original[range.lowerBound])
            return
        }
        requests.append(.multi([check] + original[range].compactMap { Self.parts($0)?.write }))
    }

    /// Where the checked writes of a state that begin here end; the next position if there is none here.
    private static func endOfRun(in requests: [ZooKeeperRequest], from start: Int) -> Int {
        guard let first = parts(requests[start]) else { return start + 1 }
        var end = start + 1
        while end < requests.count, let next = parts(requests[end]), next.check == first.check { end += 1 }
        return end
    }

    /// How far writes fit into one multi; at least one is taken.
    private static func endOfGroup(in requests: [ZooKeeperRequest], from start: Int, atMost end: Int) -> Int {
        var bytes = 0
        for position in start..<end {
            switch parts(requests[position])?.write {
            case .create(let path, let data, _, _), .setData(let path, let data, _):
                bytes += path.utf8.count + (data?.count ?? 0)
            default: break
            }
            if bytes > byteLimit, position > start { return position }
        }
        return end
    }

    /// A check and the one creation or change of data behind it.
    private static func parts(
        _ request: ZooKeeperRequest
    ) -> (check: ZooKeeperMultiOperation, write: ZooKeeperMultiOperation)? {
        guard case .multi(let operations) = request, operations.count == 2, case .check = operations[0] else {
            return nil
        }
        switch operations[1] {
        case .create(_, _, _, .persistent), .setData: return (operations[0], operations[1])
        default: return nil
        }
    }
}
