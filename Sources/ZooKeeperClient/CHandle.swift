// SPDX-License-Identifier: Apache-2.0

import CZooKeeper
import Glibc

/// The C client's handle: the one place where its functions are called.
///
/// Requests are made on the session's queue alone, so their order there is their order on the wire. Of the C client's
/// ways, these shape what is here:
/// - A request that C refuses never completes; one that it accepts completes once, on its completion thread (an
///   authentication on its input thread), but for those that a close overtakes: C forgets them. ``SessionCore`` keeps
///   a list and completes those itself once the close has returned.
/// - The chroot is ours, not C's: inside a multi, C frees a path twice when the session dies and a chroot is set.
/// - `zookeeper_close` waits for the server up to 4.5 s and must not run on C's own threads.
struct CHandle: @unchecked Sendable {
    // The pointer is used by one queue at a time, and by the thread that closes it once that queue has let go of it.
    let raw: OpaquePointer

    /// Makes a handle, which starts to connect at once; nil if no server's name can be resolved. Blocks while the names
    /// are resolved. `core` is told of events until ``close()`` has returned, and must live until then.
    static func open(
        _ configuration: ZooKeeperConfiguration, resuming identity: ZooKeeperSessionIdentity?, core: SessionCore
    ) throws(ZooKeeperError) -> CHandle? {
        ZooKeeperLog.silencedByDefault
        let context = Unmanaged.passUnretained(core).toOpaque()
        let timeout = Int32(clamping: configuration.sessionTimeout.milliseconds)
        var client = clientid_t()
        if let identity {
            client.client_id = identity.id
            withUnsafeMutableBytes(of: &client.passwd) { $0.copyBytes(from: identity.password.prefix($0.count)) }
        }
        let servers = configuration.connect.servers
        let handle: OpaquePointer?
        if let tls = configuration.tls {
            guard let open = tlsFunction else { throw .tlsNotSupported }
            let certificates = [
                tls.certificateAuthorities, tls.clientCertificate, tls.clientKey, tls.keyPassword,
            ].joined(separator: ",")
            handle = withUnsafePointer(to: client) { client in
                open(
                    servers, certificates, sessionWatcher, timeout, identity == nil ? nil : client, context,
                    Self.withoutEnvironment)
            }
            if let handle { zoo_set_log_callback(handle, ZooKeeperLog.callback) }
        } else {
            handle = withUnsafePointer(to: client) { client in
                zookeeper_init2(
                    servers, sessionWatcher, timeout, identity == nil ? nil : client, context,
                    Self.withoutEnvironment, ZooKeeperLog.callback)
            }
        }
        guard let handle else { return nil }
        // Otherwise the names are resolved again at every turn of C's input loop. Without a connection they always are.
        zoo_set_servers_resolution_delay(handle, -1)
        return CHandle(raw: handle)
    }

    /// Closes the session if it is connected, and frees the handle. Blocks.
    func close() {
        zookeeper_close(raw)
    }

    /// Sends a request. Returns why C refused it, if it did; then `completion` is not called.
    func send(_ request: ZooKeeperRequest, chroot: String, _ completion: Completion) -> ZooKeeperError? {
        let arena = Arena()
        let context = completion.handOver()
        let code: Int32
        switch request {
        case .create(let path, let data, let acl, let mode):
            let (bytes, count) = arena.bytes(data)
            let (flags, ttl) = mode.flags
            code = zoo_acreate2_ttl(
                raw, arena.path(path, chroot), bytes, count, arena.acl(acl), flags, ttl, Self.created, context)
        case .delete(let path, let version):
            code = zoo_adelete(raw, arena.path(path, chroot), version, Self.done, context)
        case .exists(let path, let watch):
            code = zoo_awexists(
                raw, arena.path(path, chroot), watch ? Self.pathWatcher : nil, completion.watchContext, Self.stat,
                context)
        case .getData(let path, let watch):
            code = zoo_awget(
                raw, arena.path(path, chroot), watch ? Self.pathWatcher : nil, completion.watchContext, Self.data,
                context)
        case .setData(let path, let data, let version):
            let (bytes, count) = arena.bytes(data)
            code = zoo_aset(raw, arena.path(path, chroot), bytes, count, version, Self.stat, context)
        case .getChildren(let path, let watch):
            code = zoo_awget_children2(
                raw, arena.path(path, chroot), watch ? Self.pathWatcher : nil, completion.watchContext, Self.children,
                context)
        case .getACL(let path):
            code = zoo_aget_acl(raw, arena.path(path, chroot), Self.acl, context)
        case .setACL(let path, let acl, let version):
            code = zoo_aset_acl(raw, arena.path(path, chroot), version, arena.acl(acl), Self.done, context)
        case .sync(let path):
            code = zoo_async(raw, arena.path(path, chroot), Self.synced, context)
        case .multi(let operations):
            code = multi(operations, chroot: chroot, arena, completion, context)
        }
        if code == ZOK.rawValue { return nil }
        Completion.takeBack(context)
        return refusal(code)
    }

    /// Presents credentials. Returns why C refused, if it did; then `completion` is not called.
    func authenticate(_ credentials: ZooKeeperCredentials, _ completion: Completion) -> ZooKeeperError? {
        let context = completion.handOver()
        let code = credentials.secret.withUnsafeBytes { secret in
            zoo_add_auth(
                raw, credentials.scheme, secret.bindMemory(to: CChar.self).baseAddress, Int32(clamping: secret.count),
                Self.done, context)
        }
        if code == ZOK.rawValue { return nil }
        Completion.takeBack(context)
        return refusal(code)
    }

    private func multi(
        _ operations: [ZooKeeperMultiOperation], chroot: String, _ arena: Arena, _ completion: Completion,
        _ context: UnsafeMutableRawPointer
    ) -> Int32 {
        let buffers = MultiBuffers(count: operations.count)
        completion.multi = buffers
        for (index, operation) in operations.enumerated() {
            let slot = buffers.operations + index
            switch operation {
            case .create(let path, let data, let acl, let mode):
                let (bytes, count) = arena.bytes(data)
                // The digits of a sequential name, a sign and the closing zero.
                let room = chroot.utf8.count + path.utf8.count + 16
                zoo_create_op_init(
                    slot, arena.path(path, chroot), bytes, count, arena.acl(acl), mode.flags.flags,
                    buffers.name(index, room), Int32(clamping: room))
                buffers.kinds.append(.create)
            case .delete(let path, let version):
                zoo_delete_op_init(slot, arena.path(path, chroot), version)
                buffers.kinds.append(.other)
            case .setData(let path, let data, let version):
                let (bytes, count) = arena.bytes(data)
                zoo_set_op_init(slot, arena.path(path, chroot), bytes, count, version, buffers.stats + index)
                buffers.kinds.append(.setData)
            case .check(let path, let version):
                zoo_check_op_init(slot, arena.path(path, chroot), version)
                buffers.kinds.append(.other)
            }
        }
        return czookeeper_multi(
            raw, Int32(clamping: operations.count), buffers.operations, buffers.results, Self.multiDone, context)
    }

    /// What a refusal means: when the session is dead, C answers with codes that do not say so.
    private func refusal(_ code: Int32) -> ZooKeeperError {
        switch zoo_state(raw) {
        case ZOO_EXPIRED_SESSION_STATE: .sessionExpired
        case ZOO_AUTH_FAILED_STATE: .authFailed
        default: ZooKeeperError(code: code) ?? .invalidState
        }
    }

    /// ZOO_NO_LOG_CLIENTENV: the environment is not written to the log.
    private static let withoutEnvironment: Int32 = 2

    typealias TLSFunction =
        @convention(c) (
            UnsafePointer<CChar>?, UnsafePointer<CChar>?, watcher_fn?, Int32, UnsafePointer<clientid_t>?,
            UnsafeMutableRawPointer?, Int32
        ) -> OpaquePointer?

    /// `zookeeper_init_ssl`, where the library has it.
    static var tlsFunction: TLSFunction? {
        guard let symbol = dlsym(nil, "zookeeper_init_ssl") else { return nil }
        return unsafeBitCast(symbol, to: TLSFunction.self)
    }
}

extension CreateMode {
    /// What C calls the mode, and the time to live, −1 for none.
    fileprivate var flags: (flags: Int32, ttl: Int64) {
        switch self {
        case .persistent: (ZOO_PERSISTENT, -1)
        case .persistentSequential: (ZOO_PERSISTENT_SEQUENTIAL, -1)
        case .ephemeral: (ZOO_EPHEMERAL, -1)
        case .ephemeralSequential: (ZOO_EPHEMERAL_SEQUENTIAL, -1)
        case .container: (ZOO_CONTAINER, -1)
        case .persistentWithTTL(let milliseconds): (ZOO_PERSISTENT_WITH_TTL, milliseconds)
        case .persistentSequentialWithTTL(let milliseconds): (ZOO_PERSISTENT_SEQUENTIAL_WITH_TTL, milliseconds)
        }
    }
}
