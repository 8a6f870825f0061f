// SPDX-License-Identifier: Apache-2.0

import GroupCoordination
import KafkaModel
import KafkaProtocol

/// JoinGroup, 0–9: enters a group, or its next generation; answered when all members are there.
///
/// v1 adds the rebalance timeout (KIP-62), v4 wants a known member id (KIP-394), v5 adds instance ids (KIP-345), v6 is
/// flexible, v7 tells the protocol's type (KIP-559), v8 takes a reason (KIP-800), v9 lets the leader skip the assignment
/// (KIP-814).
struct JoinGroupHandler: ApiHandler {
    typealias Request = JoinGroupRequest

    let groups: GroupCoordinationService

    func handle(_ request: JoinGroupRequest, _ context: RequestContext<JoinGroupResponse>) {
        let version = context.version
        if request.groupInstanceID != nil, !groups.allowsStaticMembers {
            return context.answer(JoinGroupResponse(JoinAnswer(error: .unsupportedVersion), version: version))
        }
        let join = JoinGroup(
            request, version: version, clientID: context.header.clientID ?? "",
            clientHost: "/" + context.connection.remoteHost, freshUUID: KafkaUUID.random().hyphenated)
        groups.request(join.group) { reply in
            guard case .join(let answer) = reply else {
                return context.answer(JoinGroupResponse(.defect, version: version))
            }
            context.answer(JoinGroupResponse(answer, version: version))
        } _: {
            $0.join(join, token: $1, now: $2)
        }
        // The machine has seen it: what follows on this connection comes after it.
        context.started()
    }
}

extension JoinGroup {
    init(_ request: JoinGroupRequest, version: Int16, clientID: String, clientHost: String, freshUUID: String) {
        self.init(
            group: request.groupID, sessionTimeout: request.sessionTimeoutMs,
            rebalanceTimeout: version == 0 ? request.sessionTimeoutMs : request.rebalanceTimeoutMs,
            protocolType: request.protocolType,
            protocols: request.protocols.map { GroupProtocol(name: $0.name, metadata: $0.metadata) },
            freshUUID: freshUUID)
        memberID = request.memberID
        instanceID = request.groupInstanceID
        self.clientID = clientID
        self.clientHost = clientHost
        requiresKnownMemberID = version >= 4 && request.groupInstanceID == nil
        supportsSkippingAssignment = version >= 9
    }
}

extension JoinAnswer {
    /// A reply of another kind than the request's would be a defect of the broker.
    fileprivate static var defect: JoinAnswer { JoinAnswer(error: .unknownServerError) }
}

extension JoinGroupResponse {
    init(_ answer: JoinAnswer, version: Int16) {
        self.init()
        errorCode = answer.error
        generationID = answer.generation
        // Older versions have no null there.
        protocolName = version >= 7 ? answer.protocolName : answer.protocolName ?? ""
        if version >= 7 { protocolType = answer.protocolType }
        leader = answer.leader
        if version >= 9 { skipAssignment = answer.skipAssignment }
        memberID = answer.memberID
        members = answer.members.map { member in
            var wire = JoinGroupResponseMember()
            wire.memberID = member.memberID
            if version >= 5 { wire.groupInstanceID = member.instanceID }
            wire.metadata = member.metadata
            return wire
        }
    }
}

extension KafkaUUID {
    /// As Java writes a UUID: 32 hexadecimal digits with hyphens.
    var hyphenated: String {
        var text: [UInt8] = []
        text.reserveCapacity(36)
        for (index, word) in [high, low].enumerated() {
            for digit in 0..<16 {
                if index == 0 ? digit == 8 || digit == 12 : digit == 0 || digit == 4 { text.append(UInt8(ascii: "-")) }
                let value = UInt8(truncatingIfNeeded: word >> UInt64(60 - 4 * digit)) & 0xf
                text.append(value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10)
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}
