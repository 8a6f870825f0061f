// SPDX-License-Identifier: Apache-2.0

import KafkaModel

import KafkaModel

/// Why a listener cannot be had.
package enum BindError: Error, Hashable, CustomStringConvertible {
    /// Another process, or another listener, has the port.
    case addressInUse(host: String, port: Int)
    /// No interface of this machine has the address.
    case addressNotAvailable(host: String, port: Int)
    /// The port is privileged, or a policy forbids it.
    case permissionDenied(host: String, port: Int)
    case unknownHost(String)
    /// TLS and SASL are not served yet.
    case securityProtocolNotServed(SecurityProtocol, listener: String)
    case other(host: String, port: Int, reason: String)

    package var description: String {
        switch self {
        case .addressInUse(let host, let port):
            "cannot listen on \(display(host, port)): the address is already in use"
        case .addressNotAvailable(let host, let port):
            "cannot listen on \(display(host, port)): no interface of this machine has this address"
        case .permissionDenied(let host, let port):
            "cannot listen on \(display(host, port)): permission denied"
        case .unknownHost(let host):
            "cannot listen on \(host): the name does not resolve to an address"
        case .securityProtocolNotServed(let securityProtocol, let listener):
            "listener \(listener): the security protocol \(securityProtocol.name) is not supported yet"
        case .other(let host, let port, let reason):
            "cannot listen on \(display(host, port)): \(reason)"
        }
    }
}

/// Why a request to a broker has no response.
package enum ConnectionError: Error, Hashable {
    case unknownHost(String)
    /// Refused, unreachable, and the like.
    case cannotConnect(host: String, port: Int, reason: String)
    case connectTimedOut(host: String, port: Int)
    /// The connection ended while the request was on its way: the broker may have acted on it, or not.
    case disconnected
    /// The connection had ended, or was closed, before the request was sent: the broker has not seen it.
    case notSent
    /// The broker took longer than the request's timeout. The connection is closed, for a late response would be taken
    /// for the next one's.
    case timedOut
    /// Too many requests wait for their turn on this connection.
    case tooManyRequests
    /// The response does not belong to the oldest request. The connection is closed.
    case unexpectedCorrelation(expected: Int32, actual: Int32)
    /// The request cannot be written in this version, or the response not be read.
    case wire(String)
    /// The response's frame is longer than allowed, or not a frame.
    case frame(FrameError)
}

private func display(_ host: String, _ port: Int) -> String {
    switch host {
    case "": "*:\(port)"
    case let host where host.contains(":"): "[\(host)]:\(port)"
    default: "\(host):\(port)"
    }
}
