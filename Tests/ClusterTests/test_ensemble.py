# SPDX-License-Identifier: Apache-2.0
"""What brokers do when ZooKeeper's servers die: what Kafka's would, and then they are whole again by themselves."""

import time

from cluster import ClusterTestCase, ensemble, eventually


class EnsembleTests(ClusterTestCase):
    def setUp(self):
        self.addCleanup(lambda: ensemble().start())

    def fails_over(self, cluster, topic, load):
        """Whether sessions and watches work: another leader takes over, and who was killed comes back."""
        leader = cluster.leader(topic)
        cluster.kill(leader)
        load.wait_for_more()
        eventually(lambda: cluster.leader(topic) != leader, 20, "no other leader is elected")
        cluster.brokers[leader].start()
        cluster.wait_for_in_sync(topic)

    def test_a_dead_leader_of_the_ensemble_is_not_felt(self):
        cluster = self.cluster(zookeeper_session_timeout_ms=4000)
        topic = cluster.topic()
        load = self.load(cluster, topic, idempotent=True)
        for _ in range(2):
            at = time.monotonic()
            server = ensemble().leader()
            server.kill()
            # Longer than the sessions: nobody's may end.
            time.sleep(5)
            load.wait_for_more()
            self.assertLess(load.longest_silence(at), 1)
            self.assertEqual(len(cluster.metadata([])["brokers"]), 3)
            self.fails_over(cluster, topic, load)
            ensemble().start()
        self.settle(cluster, load)

    def test_without_the_ensemble_records_go_on_and_afterwards_everything_does(self):
        cluster = self.cluster(zookeeper_session_timeout_ms=2000)
        topic = cluster.topic(partitions=2)
        loads = [self.load(cluster, topic, partition, idempotent=partition == 0) for partition in range(2)]
        at = time.monotonic()
        ensemble().kill()
        time.sleep(10)
        for load in loads:
            load.wait_for_more()
            # Leaders lead and in-sync replicas replicate without ZooKeeper.
            self.assertLess(load.longest_silence(at), 1)
        ensemble().start()
        eventually(lambda: len(cluster.metadata([])["brokers"]) == 3, 30, "brokers are missing")
        # Topics can be made again, leaders elected.
        self.assertIsNotNone(cluster.topic())
        self.fails_over(cluster, topic, loads[0])
        cluster.wait_for_in_sync(topic, 2)
        self.settle(cluster, *loads)

    def test_a_leader_that_dies_while_the_ensemble_is_gone_is_replaced_afterwards(self):
        cluster = self.cluster(zookeeper_session_timeout_ms=2000)
        topic = cluster.topic()
        load = self.load(cluster, topic, idempotent=True)
        leader = cluster.leader(topic)
        ensemble().kill()
        time.sleep(1)
        cluster.kill(leader, fence=False)
        time.sleep(3)
        ensemble().start()
        load.wait_for_more()
        self.assertNotEqual(cluster.leader(topic), leader)
        cluster.brokers[leader].start()
        cluster.wait_for_in_sync(topic)
        self.settle(cluster, load)
