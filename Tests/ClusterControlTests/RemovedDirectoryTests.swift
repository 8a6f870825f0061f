// SPDX-License-Identifier: Apache-2.0

import ClusterControl
import ClusterMetadata
import KafkaModel
import SimulationKit
import Testing

/// Directories of requests and notifications that somebody removes while the cluster runs.
@Suite struct RemovedDirectoryTests {
    private let partition = TopicPartition("t", 0)

    private func makeCluster() -> Cluster {
        let cluster = Cluster(1, 2)
        cluster.createTopic("t", [[1, 2]])
        return cluster
    }

    @Test func aTopicIsDeletedAlsoAfterTheDirectoryOfDeletionsWasRemoved() {
        let cluster = makeCluster()
        cluster.write(.delete("/admin/delete_topics"), .delete("/admin"))
        #expect(cluster.world.zooKeeper.node("/admin/delete_topics")?.content == .null)
        cluster.deleteTopic("t")
        #expect(cluster.world.zooKeeper.node("/brokers/topics/t") == nil)
        #expect(cluster.world.zooKeeper.node("/admin/delete_topics/t") == nil)
    }

    @Test(arguments: ["isr_change", "log_dir_event"])
    func notificationsAreReadAlsoAfterTheirDirectoryWasRemoved(kind: String) {
        let cluster = makeCluster()
        let directory = "/\(kind)_notification"
        cluster.write(.delete(directory))
        #expect(cluster.world.zooKeeper.node(directory)?.content == .null)
        cluster.controller.forget()
        let content: ModelZooKeeper.Content =
            kind == "isr_change" ? .partitions([partition]) : .logDirectoryEvent(2)
        cluster.write(.create("\(directory)/\(kind)_0000000000", content))
        #expect(cluster.world.zooKeeper.children(directory) == [])
        #expect(!cluster.controller.sent.isEmpty)
    }

    @Test func aNewControllerMakesWhatIsMissing() {
        let cluster = makeCluster()
        cluster.world.zooKeeper.remove("/admin")
        cluster.world.zooKeeper.remove("/isr_change_notification")
        cluster.world.zooKeeper.remove("/log_dir_event_notification")
        cluster.kill(cluster.controller.id)
        for path in ["/admin/delete_topics", "/isr_change_notification", "/log_dir_event_notification"] {
            #expect(cluster.world.zooKeeper.node(path)?.content == .null)
        }
        cluster.deleteTopic("t")
        // One of its replicas is dead; asked it was.
        #expect(
            cluster.controller.notices.contains { if case .topicDeletionHalted("t", _) = $0 { true } else { false } })
    }
}
