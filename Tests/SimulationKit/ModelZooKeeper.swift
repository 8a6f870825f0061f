// SPDX-License-Identifier: Apache-2.0

import ClusterControl
import ClusterMetadata
import KafkaModel

/// An ensemble as one value in memory: a tree with versions, ephemerals, multis, sessions and one-shot watches.
///
/// Nodes hold what they mean instead of JSON, since the codecs have tests of their own. Every change is kept in
/// ``log``, so that a test can compare what was written with what Kafka wrote.
package struct ModelZooKeeper {
    package typealias Session = Int64

    package enum Content: Hashable, Sendable {
        case null
        case text(String)
        case controller(BrokerID)
        case epoch(ControllerEpoch)
        case broker(RegisteredBroker)
        case topic(TopicAssignment)
        case state(PartitionState)
        case configuration([String: String])
        case features(FeatureNode)
        case partitions([TopicPartition])
        case reassignments([TopicPartition: [BrokerID]])
        case logDirectoryEvent(BrokerID)
        case producerIDs(ProducerIDBlock)
        /// Something that no reader understands.
        case garbage
    }

    package struct Node: Hashable, Sendable {
        package var content: Content
        package var version: Int32 = 0
        package var czxid: Int64
        /// Of the last write.
        package var mzxid: Int64
        package var owner: Session?
        package var nextSequence: Int32 = 0
    }

    package enum Change: Hashable, Sendable {
        case create(String, Content, ephemeral: Bool = false)
        case set(String, Content, expected: Int32 = -1)
        case delete(String, expected: Int32 = -1)
        case check(String, Int32)

        package var path: String {
            switch self {
            case .create(let path, _, _), .set(let path, _, _), .delete(let path, _), .check(let path, _): path
            }
        }
    }

    package enum Failure: Error, Hashable, Sendable {
        case noNode
        case nodeExists
        case badVersion
        case notEmpty
        case noSession
    }

    package struct Entry: Hashable, Sendable {
        package var session: Session
        package var changes: [Change]
        /// Whether the first part was a check of `/controller_epoch`.
        package var isControllersWrite: Bool {
            if case .check("/controller_epoch", _)? = changes.first { true } else { false }
        }
    }

    package enum Event: Hashable, Sendable {
        case created(String)
        case changed(String)
        case deleted(String)
        case children(String)
    }

    package private(set) var nodes: [String: Node] = [:]
    package private(set) var zxid: Int64 = 0
    package private(set) var sessions: Set<Session> = []
    /// Every change that succeeded, in order; whoever reads it may empty it.
    package var log: [Entry] = []
    private var childNames: [String: Set<String>] = [:]
    private var nodeWatches: [String: Set<Session>] = [:]
    private var childWatches: [String: Set<Session>] = [:]
    private var events: [Session: [Event]] = [:]
    private var nextSession: Session = 1

    /// With the nodes that every broker makes sure of.
    package init() {
        for path in [
            "/consumers", "/brokers", "/brokers/ids", "/brokers/topics", "/brokers/seqid", "/config",
            "/config/changes", "/config/topics", "/config/clients", "/config/users", "/config/brokers", "/config/ips",
            "/admin", "/admin/delete_topics", "/isr_change_notification", "/latest_producer_id_block",
            "/log_dir_event_notification",
        ] { put(path, .null) }
    }

    /// Puts a node there without session, watch or log: how a test or a snapshot sets the scene.
    package mutating func put(
        _ path: String, _ content: Content, version: Int32 = 0, czxid: Int64? = nil, owner: Session? = nil
    ) {
        zxid += 1
        nodes[path] = Node(
            content: content, version: version, czxid: czxid ?? zxid, mzxid: czxid ?? zxid, owner: owner)
        zxid = max(zxid, czxid ?? 0)
        if let owner { sessions.insert(owner) }
        childNames[Self.parent(path), default: []].insert(path)
    }

    package mutating func remove(_ path: String) {
        for child in childNames[path] ?? [] { remove(child) }
        nodes[path] = nil
        childNames[path] = nil
        childNames[Self.parent(path)]?.remove(path)
    }
}

// MARK: Sessions

extension ModelZooKeeper {
    package mutating func openSession() -> Session {
        while sessions.contains(nextSession) { nextSession += 1 }
        sessions.insert(nextSession)
        defer { nextSession += 1 }
        return nextSession
    }

    /// Ends a session: its ephemerals vanish, its watches too.
    package mutating func closeSession(_ session: Session) {
        sessions.remove(session)
        for path in nodeWatches.keys { nodeWatches[path]?.remove(session) }
        for path in childWatches.keys { childWatches[path]?.remove(session) }
        zxid += 1
        for path in nodes.lazy.filter({ $0.value.owner == session }).map(\.key).sorted() { erase(path) }
        events[session] = nil
    }

    package var hasEvents: Bool { !events.isEmpty }

    /// The sessions for which watch events have fired, in order.
    package var sessionsWithEvents: [Session] { events.keys.sorted() }

    /// What a session is told, once it is connected again, of an event that it has missed: the client names what it watches
    /// and what it has seen last, and the server compares. Nil where nothing is left to tell; the watch stays.
    package mutating func asSeenNow(_ event: Event, by session: Session) -> Event? {
        switch event {
        case .created(let path):
            if nodes[path] != nil { return event }
            watch(path, by: session)
            return nil
        case .changed(let path), .children(let path): return nodes[path] == nil ? .deleted(path) : event
        case .deleted(let path):
            guard let node = nodes[path] else { return event }
            // What has no data is watched for its children.
            return node.content == .null ? .children(path) : .changed(path)
        }
    }

    /// The watch events that fired for a session since the last call, in order.
    package mutating func takeEvents(of session: Session) -> [Event] {
        events.removeValue(forKey: session) ?? []
    }
}

// MARK: Reads

extension ModelZooKeeper {
    package func node(_ path: String) -> Node? { nodes[path] }

    package func children(_ path: String) -> [String] {
        (childNames[path] ?? []).map { String($0.dropFirst(path.count + 1)) }.sorted()
    }

    package mutating func watch(_ path: String, by session: Session) { nodeWatches[path, default: []].insert(session) }

    package mutating func watchChildren(_ path: String, by session: Session) {
        childWatches[path, default: []].insert(session)
    }
}

// MARK: Writes

extension ModelZooKeeper {
    /// One transaction: all changes or none. Answers the data version after each.
    @discardableResult
    package mutating func commit(_ changes: [Change], by session: Session) throws(Failure) -> [Int32] {
        guard sessions.contains(session) else { throw .noSession }
        zxid += 1
        // What the changes so far have made of nodes; nil for one that is gone.
        var pending: [String: Node?] = [:]
        var versions: [Int32] = []
        for change in changes { versions.append(try prepare(change, session, &pending)) }
        for change in changes { carryOut(change, pending[change.path] ?? nil) }
        log.append(Entry(session: session, changes: changes))
        return versions
    }

    /// Creates a sequential node and answers its path.
    package mutating func createSequential(
        _ prefix: String, _ content: Content, by session: Session
    ) throws(Failure) -> String {
        let parent = Self.parent(prefix)
        guard let sequence = nodes[parent]?.nextSequence else { throw .noNode }
        let digits = String(sequence)
        let path = prefix + String(repeating: "0", count: 10 - digits.count) + digits
        try commit([.create(path, content)], by: session)
        nodes[parent]?.nextSequence += 1
        return path
    }

    /// Whether a change may be made after those before it, and the node's version then. Changes nothing.
    private func prepare(
        _ change: Change, _ session: Session, _ pending: inout [String: Node?]
    ) throws(Failure) -> Int32 {
        let path = change.path
        let current = pending[path] ?? nodes[path]
        switch change {
        case .create(_, let content, let ephemeral):
            guard current == nil else { throw .nodeExists }
            let parent = Self.parent(path)
            guard parent == "" || (pending[parent] ?? nodes[parent]) != nil else { throw .noNode }
            pending[path] = Node(
                content: content, czxid: zxid, mzxid: zxid, owner: ephemeral ? session : nil)
            return 0
        case .set(_, let content, let expected):
            guard var node = current else { throw .noNode }
            guard expected == -1 || expected == node.version else { throw .badVersion }
            node.content = content
            node.version += 1
            node.mzxid = zxid
            pending[path] = node
            return node.version
        case .delete(_, let expected):
            guard let node = current else { throw .noNode }
            guard expected == -1 || expected == node.version else { throw .badVersion }
            guard childNames[path]?.isEmpty ?? true else { throw .notEmpty }
            pending.updateValue(nil, forKey: path)
            return -1
        case .check(_, let expected):
            guard let node = current else { throw .noNode }
            guard expected == node.version else { throw .badVersion }
            return node.version
        }
    }

    private mutating func carryOut(_ change: Change, _ final: Node?) {
        let path = change.path
        switch change {
        case .create:
            let parent = Self.parent(path)
            nodes[path] = final
            childNames[parent, default: []].insert(path)
            fire(\.nodeWatches, path, .created(path))
            fire(\.childWatches, parent, .children(parent))
        case .set:
            nodes[path] = final
            fire(\.nodeWatches, path, .changed(path))
        case .delete: erase(path)
        case .check: break
        }
    }

    private mutating func erase(_ path: String) {
        let parent = Self.parent(path)
        nodes[path] = nil
        childNames[path] = nil
        childNames[parent]?.remove(path)
        fire(\.nodeWatches, path, .deleted(path))
        fire(\.childWatches, path, .deleted(path))
        fire(\.childWatches, parent, .children(parent))
    }

    private mutating func fire(
        _ watches: WritableKeyPath<ModelZooKeeper, [String: Set<Session>]>, _ path: String, _ event: Event
    ) {
        for session in (self[keyPath: watches].removeValue(forKey: path) ?? []).sorted() {
            events[session, default: []].append(event)
        }
    }

    static func parent(_ path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "" }
        return String(path[..<slash])
    }
}
