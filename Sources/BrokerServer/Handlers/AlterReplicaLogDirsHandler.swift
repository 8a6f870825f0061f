// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import KafkaProtocol

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
        await replicas.onControlQueue { [replicas] in
            var results: [(topic: String, partitions: [AlterReplicaLogDirsResponse.AlterReplicaLogDirPartitionResult])]
            results = []
            for directory in request.dirs {
                for topic in directory.topics {
                    let answers = topic.partitions.map { index in
                        var answer = AlterReplicaLogDirsResponse.AlterReplicaLogDirPartitionResult()
                        answer.partitionIndex = index
                        answer.errorCode = replicas.move(TopicPartition(topic.name, index), to: directory.path)
                        return answer
                    }
                    // A topic may be named under several directories, and is answered once.
                    if let known = results.firstIndex(where: { $0.topic == topic.name }) {
                        results[known].partitions += answers
                    } else {
                        results.append((topic.name, answers))
                    }
                }
            }
            var response = AlterReplicaLogDirsResponse()
            response.results = results.map { topic, partitions in
                var result = AlterReplicaLogDirsResponse.AlterReplicaLogDirTopicResult()
                result.topicName = topic
                result.partitions = partitions
                return result
            }
            return response
        }
    }
}
