// SPDX-License-Identifier: Apache-2.0

package import Coordination
package import KafkaModel

/// Looking at groups, and deleting them.
extension GroupCoordinator {
    package func describe(_ group: String) -> GroupDescription {
        if let error = error(group, mayBeEmpty: true) { return GroupDescription(error: error, group: group) }
        guard let found = groups[group] else {
            return GroupDescription(group: group, state: GroupState.dead.rawValue)
        }
        // Before everyone has an assignment there is nothing to show of it.
        let isStable = found.state == .stable
        return GroupDescription(
            group: group, state: found.state.rawValue, protocolType: found.protocolType ?? "",
            protocolName: isStable ? found.protocolName ?? "" : "",
            members: found.members.values.map { member in
                GroupDescription.Member(
                    memberID: member.id, instanceID: member.instanceID, clientID: member.clientID,
                    clientHost: member.clientHost,
                    metadata: isStable ? member.metadata(found.protocolName ?? "") : [],
                    assignment: isStable ? member.assignment : [])
            })
    }

    /// All groups, by name. While loading the error is set, and what is known so far is listed all the same.
    package func list() -> (error: ErrorCode, groups: [GroupListing]) {
        let error: ErrorCode =
            switch phase {
            case .loading: .coordinatorLoadInProgress
            case .active: .none
            case .unloaded: .coordinatorNotAvailable
            }
        return (
            error,
            groups.values.map { GroupListing(group: $0.id, protocolType: $0.protocolType ?? "", state: $0.state) }
                .sorted { $0.group < $1.group }
        )
    }

    /// One group of a DeleteGroups request.
    package mutating func deleteGroup(_ group: String, token: RequestToken, now: CoordinatorTime) -> [GroupAction] {
        turn(now) { coordinator, turn in
            func refuse(_ error: ErrorCode) { turn.reply(token, .deleteGroup(error)) }
            if let error = coordinator.error(group, mayBeEmpty: true) { return refuse(error) }
            guard let found = coordinator.groups[group], found.state != .dead else { return refuse(.groupIDNotFound) }
            guard found.state == .empty else { return refuse(.nonEmptyGroup) }
            // Who was given an id for the group will find it gone.
            coordinator.remove(
                [group: Array(found.offsets.keys)], deleting: [group], then: .reply(token, .deleteGroup(.none)), &turn)
        }
    }
}
