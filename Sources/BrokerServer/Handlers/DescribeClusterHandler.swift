// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import KafkaProtocol

/// DescribeCluster, 0–1 (KIP-700); v1 asks for a type of endpoint (KIP-919), of which a broker knows its own.
struct DescribeClusterHandler: ApiHandler {
    typealias Request = DescribeClusterRequest

    private static let brokers: Int8 = 1
    private static let controllers: Int8 = 2

    let metadata: MetadataCache

    func handle(_ request: DescribeClusterRequest, _ context: RequestContext<DescribeClusterResponse>) {
        var response = DescribeClusterResponse()
        guard request.endpointType == Self.brokers else {
            if request.endpointType == Self.controllers {
                response.errorCode = .mismatchedEndpointType
                response.errorMessage =
                    "The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER"
            } else {
                response.errorCode = .unsupportedEndpointType
                response.errorMessage = "Unsupported endpoint type \(request.endpointType)"
            }
            return context.answer(response)
        }
        let image = metadata.current
        response.clusterID = image.clusterID
        response.controllerID = image.controllerID ?? -1
        response.brokers = image.aliveBrokers(listener: context.connection.listenerName).map { broker, endpoint in
            var wire = DescribeClusterResponse.DescribeClusterBroker()
            wire.brokerID = broker.id
            wire.host = endpoint.host
            wire.port = endpoint.port
            wire.rack = broker.rack
            return wire
        }
        if request.includeClusterAuthorizedOperations {
            response.clusterAuthorizedOperations = AuthorizedOperations.all(of: .cluster)
        }
        context.answer(response)
    }
}
