// SPDX-License-Identifier: Apache-2.0

import ClusterMetadata
import GroupCoordination
import KafkaModel
import KafkaProtocol
import OrderedCollections
import Synchronization

/// DescribeGroups, 0–5: the state of groups and their members.
///
/// v3 can tell what the caller may do (KIP-430), v4 adds instance ids (KIP-345), v5 is flexible.
struct DescribeGroupsHandler: ApiHandler {
    typealias Request = DescribeGroupsRequest

    let groups: GroupCoordinationService

    func handle(_ request: DescribeGroupsRequest, _ context: RequestContext<DescribeGroupsResponse>) {
        var response = DescribeGroupsResponse()
        // Each once: a group may have thousands of members.
        response.groups = OrderedSet(request.groups).map { group in
            DescribeGroupsResponse.DescribedGroup(
                groups.describe(group), version: context.version,
                includesOperations: request.includeAuthorizedOperations)
        }
        context.answer(response)
    }
}

extension DescribeGroupsResponse.DescribedGroup {
    init(_ description: GroupDescription, version: Int16, includesOperations: Bool) {
        self.init()
        errorCode = description.error
        groupID = description.group
        groupState = description.state
        protocolType = description.protocolType
        protocolData = description.protocolName
        members = description.members.map { member in
            var wire = DescribeGroupsResponse.DescribedGroupMember()
            wire.memberID = member.memberID
            if version >= 4 { wire.groupInstanceID = member.instanceID }
            wire.clientID = member.clientID
            wire.clientHost = member.clientHost
            wire.memberMetadata = member.metadata
            wire.memberAssignment = member.assignment
            return wire
        }
        if version >= 3, includesOperations, description.error.isNone {
            authorizedOperations = AuthorizedOperations.all(of: .group)
        }
    }
}

/// ListGroups, 0–5: the groups of this broker.
///
/// v3 is flexible, v4 filters by state (KIP-518), v5 by type (KIP-848): all groups here are classic.
struct ListGroupsHandler: ApiHandler {
    typealias Request = ListGroupsRequest

    let groups: GroupCoordinationService

    func handle(_ request: ListGroupsRequest, _ context: RequestContext<ListGroupsResponse>) {
        let (error, listed) = groups.list()
        context.answer(ListGroupsResponse(error, listed, request, version: context.version))
    }
}

extension ListGroupsResponse {
    private static let classic = "classic"

    init(_ error: ErrorCode, _ listed: [GroupListing], _ request: ListGroupsRequest, version: Int16) {
        self.init()
        errorCode = error
        let states = Set(request.statesFilter.map { $0.lowercased() })
        let types = Set(request.typesFilter.map { $0.lowercased() })
        guard types.isEmpty || types.contains(Self.classic) else { return }
        groups = listed.filter { states.isEmpty || states.contains($0.state.rawValue.lowercased()) }.map { group in
            var wire = ListedGroup()
            wire.groupID = group.group
            wire.protocolType = group.protocolType
            if version >= 4 { wire.groupState = group.state.rawValue }
            if version >= 5 { wire.groupType = Self.classic }
            return wire
        }
    }
}

/// DeleteGroups, 0–2: removes groups that have no members, with all their positions (KIP-229). v2 is flexible.
struct DeleteGroupsHandler: ApiHandler {
    typealias Request = DeleteGroupsRequest

    let groups: GroupCoordinationService

    func handle(_ request: DeleteGroupsRequest, _ context: RequestContext<DeleteGroupsResponse>) {
        // Asked twice for the same, the second would not find it.
        let names = Array(OrderedSet(request.groupsNames))
        guard !names.isEmpty else { return context.answer(DeleteGroupsResponse()) }
        let gathered = Gathered(count: names.count)
        for (index, name) in names.enumerated() {
            groups.request(name) { reply in
                let error: ErrorCode = if case .deleteGroup(let error) = reply { error } else { .unknownServerError }
                guard let errors = gathered.add(error, at: index) else { return }
                var response = DeleteGroupsResponse()
                response.results = zip(names, errors).map { name, error in
                    var wire = DeleteGroupsResponse.DeletableGroupResult()
                    wire.groupID = name
                    wire.errorCode = error
                    return wire
                }
                context.answer(response)
            } _: {
                $0.deleteGroup(name, token: $1, now: $2)
            }
        }
    }

    /// The results of several requests to coordinators. Owner: its lock.
    private final class Gathered: Sendable {
        private let state: Mutex<(errors: [ErrorCode], missing: Int)>

        init(count: Int) {
            state = Mutex((Array(repeating: .unknownServerError, count: count), count))
        }

        /// All results, with the last one.
        func add(_ error: ErrorCode, at index: Int) -> [ErrorCode]? {
            state.withLock { state in
                state.errors[index] = error
                state.missing -= 1
                return state.missing == 0 ? state.errors : nil
            }
        }
    }
}

/// OffsetDelete, 0: removes positions of partitions that the group does not read (KIP-496).
struct OffsetDeleteHandler: ApiHandler {
    typealias Request = OffsetDeleteRequest

    let groups: GroupCoordinationService
    let metadata: MetadataCache

    func handle(_ request: OffsetDeleteRequest, _ context: RequestContext<OffsetDeleteResponse>) {
        let image = metadata.current
        var refused: [PartitionError] = []
        var known: [TopicPartition] = []
        for topic in request.topics {
            for partition in topic.partitions {
                let id = TopicPartition(topic.name, partition.partitionIndex)
                if image.partition(id) == nil {
                    refused.append(PartitionError(id, .unknownTopicOrPartition))
                } else {
                    known.append(id)
                }
            }
        }
        guard !known.isEmpty else {
            return context.answer(OffsetDeleteResponse(OffsetDeleteAnswer(), refused: refused))
        }
        let (errors, partitions) = (refused, known)
        groups.request(request.groupID) { reply in
            guard case .deleteOffsets(let answer) = reply else {
                return context.answer(OffsetDeleteResponse(OffsetDeleteAnswer(error: .unknownServerError), refused: []))
            }
            context.answer(OffsetDeleteResponse(answer, refused: errors))
        } _: {
            $0.deleteOffsets(group: request.groupID, partitions: partitions, token: $1, now: $2)
        }
    }
}

extension OffsetDeleteResponse {
    init(_ answer: OffsetDeleteAnswer, refused: [PartitionError]) {
        self.init()
        errorCode = answer.error
        // An error for all leaves no room for others.
        guard answer.error.isNone else { return }
        topics = (refused + answer.partitions).grouped(by: \.partition.topic).map { topic, errors in
            var wire = OffsetDeleteResponseTopic()
            wire.name = topic
            wire.partitions = errors.map { error in
                var wire = OffsetDeleteResponsePartition()
                wire.partitionIndex = error.partition.partition
                wire.errorCode = error.error
                return wire
            }
            return wire
        }
    }
}
