// SPDX-License-Identifier: Apache-2.0

import GroupCoordination
import KafkaModel
import KafkaProtocol

/// SyncGroup, 0–5: the leader brings the assignment, every member takes its own; answered when it is on the log.
///
/// v3 adds instance ids (KIP-345), v4 is flexible, v5 names the protocol, which must be the group's (KIP-559).
struct SyncGroupHandler: ApiHandler {
    typealias Request = SyncGroupRequest

    let groups: GroupCoordinationService

    func handle(_ request: SyncGroupRequest, _ context: RequestContext<SyncGroupResponse>) {
        let version = context.version
        if let refusal = refusal(of: request, version: version) {
            return context.answer(SyncGroupResponse(SyncAnswer(error: refusal), version: version))
        }
        let sync = SyncGroup(request, version: version)
        groups.request(sync.group) { reply in
            guard case .sync(let answer) = reply else {
                return context.answer(SyncGroupResponse(SyncAnswer(error: .unknownServerError), version: version))
            }
            context.answer(SyncGroupResponse(answer, version: version))
        } _: {
            $0.sync(sync, token: $1, now: $2)
        }
        // The machine has seen it: what follows on this connection comes after it.
        context.started()
    }

    private func refusal(of request: SyncGroupRequest, version: Int16) -> ErrorCode? {
        if request.groupInstanceID != nil, !groups.allowsStaticMembers { return .unsupportedVersion }
        if version >= 5, request.protocolType == nil || request.protocolName == nil {
            return .inconsistentGroupProtocol
        }
        return nil
    }
}

extension SyncGroup {
    init(_ request: SyncGroupRequest, version: Int16) {
        self.init(group: request.groupID, memberID: request.memberID, generation: request.generationID)
        instanceID = request.groupInstanceID
        protocolType = request.protocolType
        protocolName = request.protocolName
        // Of two for one member, the later counts.
        assignments = Dictionary(request.assignments.map { ($0.memberID, $0.assignment) }) { $1 }
    }
}

extension SyncGroupResponse {
    init(_ answer: SyncAnswer, version: Int16) {
        self.init()
        errorCode = answer.error
        if version >= 5 {
            protocolType = answer.protocolType
            protocolName = answer.protocolName
        }
        assignment = answer.assignment
    }
}
