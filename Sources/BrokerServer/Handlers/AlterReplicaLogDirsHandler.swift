// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import KafkaProtocol
import OrderedCollections

/// AlterReplicaLogDirs, 0–2: moves replicas of this broker to other log directories (KIP-113).
///
/// The answer comes when the moves have begun. DescribeLogDirs tells of their progress: the copy is there as a future
/// replica until it takes the other's place.
struct AlterReplicaLogDirsHandler: WaitingApiHandler {
    typealias Request = AlterReplicaLogDirsRequest

    let replicas: ReplicaManager

    func answer(
        _ request: AlterReplicaLogDirsRequest, _ context: RequestContext<AlterReplicaLogDirsResponse>
    ) async -> AlterReplicaLogDirsResponse {
        let wishes = Self.wishes(request)
        // The control queue serves the controller: nothing is done there that can be done elsewhere.
        let errors = await replicas.onControlQueue { [replicas] in
            wishes.map { id, path in (id, replicas.move(id, to: path)) }
        }
        var response = AlterReplicaLogDirsResponse()
        // A topic may be named under several directories, and is answered once.
        response.results = errors.grouped(by: \.0.topic).map { topic, partitions in
            var result = AlterReplicaLogDirsResponse.AlterReplicaLogDirTopicResult()
            result.topicName = topic
            result.partitions = partitions.map { id, error in
                var answer = AlterReplicaLogDirsResponse.AlterReplicaLogDirPartitionResult()
                answer.partitionIndex = id.partition
                answer.errorCode = error
                return answer
            }
            return result
        }
        return response
    }

    /// Where each replica is to be. A map in Kafka: of a replica that is named again the last directory counts, and none is
    /// begun for the others.
    static func wishes(_ request: AlterReplicaLogDirsRequest) -> [(TopicPartition, path: String)] {
        var paths: OrderedDictionary<TopicPartition, String> = [:]
        for directory in request.dirs {
            for topic in directory.topics {
                for index in topic.partitions { paths[TopicPartition(topic.name, index)] = directory.path }
            }
        }
        return paths.map { ($0.key, $0.value) }
    }
}
