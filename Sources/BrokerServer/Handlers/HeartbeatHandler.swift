// SPDX-License-Identifier: Apache-2.0

import GroupCoordination
import KafkaModel
import KafkaProtocol

/// Heartbeat, 0–4: a member is alive, and learns of rebalances.
///
/// v3 adds instance ids (KIP-345), v4 is flexible.
struct HeartbeatHandler: ApiHandler {
    typealias Request = HeartbeatRequest

    let groups: GroupCoordinationService

    func handle(_ request: HeartbeatRequest, _ context: RequestContext<HeartbeatResponse>) {
        if request.groupInstanceID != nil, !groups.allowsStaticMembers {
            return context.answer(HeartbeatResponse(errorCode: .unsupportedVersion))
        }
        let heartbeat = Heartbeat(
            group: request.groupID, memberID: request.memberID, instanceID: request.groupInstanceID,
            generation: request.generationID)
        context.answer(HeartbeatResponse(errorCode: groups.heartbeat(heartbeat)))
    }
}

/// LeaveGroup, 0–5: members leave, or are made to.
///
/// v3 names several members (KIP-345), v4 is flexible, v5 takes a reason (KIP-800).
struct LeaveGroupHandler: ApiHandler {
    typealias Request = LeaveGroupRequest

    let groups: GroupCoordinationService

    func handle(_ request: LeaveGroupRequest, _ context: RequestContext<LeaveGroupResponse>) {
        let version = context.version
        let leave = LeaveGroup(request, version: version)
        groups.request(leave.group) { reply in
            guard case .leave(let answer) = reply else {
                return context.answer(LeaveGroupResponse(LeaveAnswer(error: .unknownServerError), version: version))
            }
            context.answer(LeaveGroupResponse(answer, version: version))
        } _: {
            $0.leave(leave, token: $1, now: $2)
        }
    }
}

extension LeaveGroup {
    init(_ request: LeaveGroupRequest, version: Int16) {
        self.init(
            group: request.groupID,
            members: version < 3
                ? [Member(memberID: request.memberID)]
                : request.members.map { Member(memberID: $0.memberID, instanceID: $0.groupInstanceID) })
    }
}

extension LeaveGroupResponse {
    init(_ answer: LeaveAnswer, version: Int16) {
        self.init()
        guard version >= 3 else {
            errorCode = answer.error.isNone ? answer.members.first?.error ?? .none : answer.error
            return
        }
        errorCode = answer.error
        members = answer.members.map { member in
            var wire = MemberResponse()
            wire.memberID = member.memberID
            wire.groupInstanceID = member.instanceID
            wire.errorCode = member.error
            return wire
        }
    }
}
