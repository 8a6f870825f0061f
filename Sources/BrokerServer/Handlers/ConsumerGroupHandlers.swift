// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import KafkaProtocol

/// ConsumerGroupHeartbeat, 0: the newer group protocol (KIP-848), which a broker of a ZooKeeper ensemble advertises and
/// refuses; clients then fall back to the classic one.
struct ConsumerGroupHeartbeatHandler: ApiHandler {
    typealias Request = ConsumerGroupHeartbeatRequest

    func handle(
        _ request: ConsumerGroupHeartbeatRequest, _ context: RequestContext<ConsumerGroupHeartbeatResponse>
    ) {
        context.answer(ConsumerGroupHeartbeatResponse(errorCode: .unsupportedVersion))
    }
}

/// ConsumerGroupDescribe, 0: refused for the same reason, group by group; administrators then ask with DescribeGroups.
struct ConsumerGroupDescribeHandler: ApiHandler {
    typealias Request = ConsumerGroupDescribeRequest

    func handle(
        _ request: ConsumerGroupDescribeRequest, _ context: RequestContext<ConsumerGroupDescribeResponse>
    ) {
        var response = ConsumerGroupDescribeResponse()
        response.groups = request.groupIDs.map { group in
            var wire = ConsumerGroupDescribeResponse.DescribedGroup()
            wire.errorCode = .unsupportedVersion
            wire.groupID = group
            return wire
        }
        context.answer(response)
    }
}
