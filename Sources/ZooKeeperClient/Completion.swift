// SPDX-License-Identifier: Apache-2.0

import CZooKeeper
import Glibc

/// A request on its way through C. It is handed over with a reference that C holds, and taken back exactly once: by the
/// callback, by the caller if C refuses the request, or by the session once a close has returned.
final class Completion {
    let core: SessionCore
    let id: UInt64
    /// What C writes the results of a multi into.
    var multi: MultiBuffers?

    init(core: SessionCore, id: UInt64) {
        self.core = core
        self.id = id
    }

    /// What a watch that this request arms is given: the session, which outlives the handle.
    var watchContext: UnsafeMutableRawPointer { Unmanaged.passUnretained(core).toOpaque() }

    func handOver() -> UnsafeMutableRawPointer { Unmanaged.passRetained(self).toOpaque() }

    @discardableResult
    static func takeBack(_ context: UnsafeRawPointer) -> Completion {
        Unmanaged<Completion>.fromOpaque(context).takeRetainedValue()
    }

    /// Drops C's reference: a close has returned and the callback will never come.
    func abandon() {
        Unmanaged.passUnretained(self).release()
    }

    /// On a thread of C: copies what C will free, and hands over.
    fileprivate static func finish(
        _ context: UnsafeRawPointer?, _ code: Int32, _ reply: (Completion) -> ZooKeeperReply?
    ) {
        guard let context else { return }
        let completion = takeBack(context)
        let result: ZooKeeperResult
        if let error = ZooKeeperError(completionCode: code) {
            result = .failure(error)
        } else if let reply = reply(completion) {
            result = .success(reply)
        } else {
            result = .failure(.marshallingError)
        }
        completion.core.arrived(completion.id, result)
    }
}

/// The memory that C reads a multi from and writes its results to.
final class MultiBuffers {
    enum Kind { case create, setData, other }

    let count: Int
    let operations: UnsafeMutablePointer<zoo_op_t>
    let results: UnsafeMutablePointer<zoo_op_result_t>
    let stats: UnsafeMutablePointer<Stat>
    var kinds: [Kind] = []
    private var names: [Int: UnsafeMutablePointer<CChar>] = [:]

    init(count: Int) {
        self.count = count
        operations = .allocate(capacity: count)
        operations.initialize(repeating: zoo_op_t(), count: count)
        results = .allocate(capacity: count)
        results.initialize(repeating: zoo_op_result_t(), count: count)
        stats = .allocate(capacity: count)
        stats.initialize(repeating: Stat(), count: count)
    }

    deinit {
        operations.deallocate()
        results.deallocate()
        stats.deallocate()
        for name in names.values { name.deallocate() }
    }

    /// Room for the path of a created node.
    func name(_ index: Int, _ room: Int) -> UnsafeMutablePointer<CChar> {
        let name = UnsafeMutablePointer<CChar>.allocate(capacity: room)
        name.initialize(repeating: 0, count: room)
        names[index] = name
        return name
    }

    /// What C wrote. Of a refused multi, no operation was applied, so none has more to say than its error.
    func outcome(refused: Bool) -> ZooKeeperMultiOutcome {
        var outcome = ZooKeeperMultiOutcome(results: [])
        for (index, kind) in kinds.enumerated() {
            if let error = ZooKeeperError(code: results[index].err) {
                outcome.results.append(.failure(error))
            } else if kind == .create, !refused, let name = names[index] {
                outcome.results.append(.success(.created(path: String(cString: name))))
            } else if kind == .setData, !refused {
                outcome.results.append(.success(.stat(ZNodeStat(stats[index]))))
            } else {
                outcome.results.append(.success(.done))
            }
        }
        return outcome
    }
}

/// Copies of what a call shows to C, freed when the call has returned.
final class Arena {
    private var allocations: [UnsafeMutableRawPointer] = []

    deinit {
        for allocation in allocations { allocation.deallocate() }
    }

    func string(_ text: String) -> UnsafeMutablePointer<CChar> {
        let bytes = text.utf8CString
        let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
        bytes.withUnsafeBufferPointer { if let base = $0.baseAddress { copy.initialize(from: base, count: $0.count) } }
        allocations.append(UnsafeMutableRawPointer(copy))
        return copy
    }

    /// The path as the server knows it.
    func path(_ path: String, _ chroot: String) -> UnsafeMutablePointer<CChar> {
        if chroot.isEmpty { return string(path) }
        return string(path == "/" ? chroot : chroot + path)
    }

    /// Null data has a length of −1.
    func bytes(_ data: [UInt8]?) -> (UnsafeMutablePointer<CChar>?, Int32) {
        guard let data else { return (nil, -1) }
        let copy = UnsafeMutableRawPointer.allocate(byteCount: max(data.count, 1), alignment: 1)
        data.withUnsafeBytes { copy.copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(copy), byteCount: $0.count) }
        allocations.append(copy)
        return (copy.assumingMemoryBound(to: CChar.self), Int32(clamping: data.count))
    }

    func acl(_ list: [ZNodeACL]) -> UnsafeMutablePointer<ACL_vector> {
        let entries = UnsafeMutablePointer<ACL>.allocate(capacity: max(list.count, 1))
        allocations.append(UnsafeMutableRawPointer(entries))
        for (index, entry) in list.enumerated() {
            (entries + index).initialize(
                to: ACL(
                    perms: entry.permissions.rawValue,
                    id: Id(scheme: string(entry.scheme), id: string(entry.id))))
        }
        let vector = UnsafeMutablePointer<ACL_vector>.allocate(capacity: 1)
        vector.initialize(to: ACL_vector(count: Int32(clamping: list.count), data: entries))
        allocations.append(UnsafeMutableRawPointer(vector))
        return vector
    }
}

extension ZNodeStat {
    fileprivate init(_ stat: Stat) {
        self.init(
            creationTransaction: stat.czxid, modificationTransaction: stat.mzxid, creationTime: stat.ctime,
            modificationTime: stat.mtime, version: stat.version, childVersion: stat.cversion,
            aclVersion: stat.aversion, ephemeralOwner: stat.ephemeralOwner, dataLength: stat.dataLength,
            childCount: stat.numChildren, childTransaction: stat.pzxid)
    }
}

// MARK: - What runs on C's threads

extension CHandle {
    static let created: string_stat_completion_t = { code, path, stat, context in
        Completion.finish(context, code) { _ in
            guard let path, let stat else { return nil }
            return .created(path: String(cString: path), stat: ZNodeStat(stat.pointee))
        }
    }
    static let done: void_completion_t = { code, context in
        Completion.finish(context, code) { _ in .done }
    }
    static let synced: string_completion_t = { code, _, context in
        Completion.finish(context, code) { _ in .done }
    }
    static let stat: stat_completion_t = { code, stat, context in
        Completion.finish(context, code) { _ in stat.map { .stat(ZNodeStat($0.pointee)) } }
    }
    static let data: data_completion_t = { code, value, count, stat, context in
        Completion.finish(context, code) { _ in
            guard let stat else { return nil }
            var bytes: [UInt8]?
            if count >= 0 {
                bytes = value.map { Array(UnsafeRawBufferPointer(start: $0, count: Int(count))) } ?? []
            }
            return .data(bytes, stat: ZNodeStat(stat.pointee))
        }
    }
    static let children: strings_stat_completion_t = { code, strings, stat, context in
        Completion.finish(context, code) { _ in
            guard let strings = strings?.pointee, let stat else { return nil }
            var names: [String] = []
            names.reserveCapacity(Int(strings.count))
            for index in 0..<Int(strings.count) {
                if let name = strings.data?[index] { names.append(String(cString: name)) }
            }
            return .children(names, stat: ZNodeStat(stat.pointee))
        }
    }
    static let acl: acl_completion_t = { code, list, stat, context in
        Completion.finish(context, code) { _ in
            guard let list = list?.pointee, let stat else { return nil }
            var entries: [ZNodeACL] = []
            for index in 0..<Int(list.count) {
                guard let entry = list.data?[index] else { continue }
                entries.append(
                    ZNodeACL(
                        .init(rawValue: entry.perms), scheme: entry.id.scheme.map { String(cString: $0) } ?? "",
                        id: entry.id.id.map { String(cString: $0) } ?? ""))
            }
            return .acl(entries, stat: ZNodeStat(stat.pointee))
        }
    }
    /// A refused multi has a result for each operation, so it is an answer, unless all failed with the connection.
    static let multiDone: void_completion_t = { code, context in
        guard let context else { return }
        let completion = Completion.takeBack(context)
        let error = ZooKeeperError(completionCode: code)
        if let multi = completion.multi, error?.isOfConnection != true {
            completion.core.arrived(completion.id, .success(.multi(multi.outcome(refused: error != nil))))
        } else {
            completion.core.arrived(completion.id, .failure(error ?? .marshallingError))
        }
    }

    /// Told of the session's changes.
    static let sessionWatcher: watcher_fn = { handle, type, state, _, context in
        guard type == ZOO_SESSION_EVENT, let context, let handle else { return }
        let core = Unmanaged<SessionCore>.fromOpaque(context).takeUnretainedValue()
        var identity: ZooKeeperSessionIdentity?
        if state == ZOO_CONNECTED_STATE, var client = zoo_client_id(handle)?.pointee {
            let password = withUnsafeBytes(of: &client.passwd) { Array($0) }
            identity = ZooKeeperSessionIdentity(id: client.client_id, password: password)
        }
        core.sessionChanged(state, identity, timeout: zoo_recv_timeout(handle))
    }

    /// Told of watched nodes, and of the session's changes again, which it leaves to ``sessionWatcher``.
    static let pathWatcher: watcher_fn = { _, type, _, path, context in
        guard type != ZOO_SESSION_EVENT, let path, let context else { return }
        let kind: ZooKeeperEvent.WatchKind
        switch type {
        case ZOO_CREATED_EVENT: kind = .created
        case ZOO_DELETED_EVENT: kind = .deleted
        case ZOO_CHANGED_EVENT: kind = .dataChanged
        case ZOO_CHILD_EVENT: kind = .childrenChanged
        default: return
        }
        Unmanaged<SessionCore>.fromOpaque(context).takeUnretainedValue().watchFired(String(cString: path), kind)
    }
}

extension ZooKeeperError {
    /// The meaning of a completion's code. C has several codes for a connection given up with requests under way (a
    /// server that does not answer, an answer out of order, no socket); for the caller they are one: nobody knows
    /// whether the request was applied.
    fileprivate init?(completionCode code: Int32) {
        switch ZooKeeperError(code: code) {
        case .operationTimeout, .runtimeInconsistency, .systemError: self = .connectionLoss
        case .some(let error): self = error
        case nil: return nil
        }
    }

    /// Whether it tells of the connection or session rather than of the request.
    fileprivate var isOfConnection: Bool {
        switch self {
        case .connectionLoss, .sessionExpired, .closing, .authFailed, .sessionMoved, .invalidState, .marshallingError,
            .throttled, .saslRequired:
            true
        default: false
        }
    }
}
