# SPDX-License-Identifier: Apache-2.0
"""What brokers do when ZooKeeper's servers die: what Kafka's would, and then they are whole again by themselves."""

import time

from cluster import Cluster, ClusterTestCase, ensemble, eventually, wire
from ensemble import Ensemble, Server
from harness import tail
from znodes import ZNodes


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

    def test_a_rolling_restart_of_its_servers_is_not_felt(self):
        # Kafka's default. A server is back long before that.
        cluster = self.cluster(zookeeper_session_timeout_ms=18000)
        topic = cluster.topic()
        load = self.load(cluster, topic, idempotent=True)
        before, controller = self.registrations(cluster), cluster.controller()
        at = time.monotonic()
        # As one does it: the leader at last.
        for server in sorted(ensemble().servers, key=lambda server: server.mode() == "leader"):
            server.terminate()
            load.wait_for_more()
            # A topic can be made as long as two serve.
            self.assertIsNotNone(cluster.topic())
            ensemble().start()
            load.wait_for_more()
        self.report_silence(load, at)
        # Nobody's session has ended.
        self.assertEqual(self.registrations(cluster), before)
        self.assertEqual(cluster.controller(), controller)
        self.fails_over(cluster, topic, load)
        self.settle(cluster, load)

    def test_it_grows_from_three_servers_to_five(self):
        # One of its own, which ends with the test.
        growing = Ensemble(3).start()
        self.addCleanup(growing.kill)
        # Brokers know the first three.
        cluster = Cluster(servers=growing, zookeeper_session_timeout_ms=18000)
        self.addCleanup(cluster.stop)
        cluster.start()
        topic = cluster.topic()
        load = self.load(cluster, topic, idempotent=True)
        before = self.registrations(cluster, growing)
        old = sorted(growing.servers, key=lambda server: server.mode() == "leader")
        growing.servers = growing.servers + [Server(4), Server(5)]
        for server in growing.servers[3:]:
            server.start(growing.servers)
        for server in old:
            server.terminate()
            load.wait_for_more()
            server.start(growing.servers)
            eventually(server.mode, 60, f"it does not serve: {tail(server.log)}")
            load.wait_for_more()
        growing.start()
        # Three are enough now, and none of them has to be one of the first; brokers know one that lives.
        for server in old[:2]:
            server.kill()
        self.assertIsNotNone(cluster.topic())
        self.assertEqual(self.registrations(cluster, growing, growing.servers[4]), before)
        self.fails_over(cluster, topic, load)
        self.settle(cluster, load)

    def registrations(self, cluster, servers=None, server=None):
        """The epochs of all brokers."""
        server, chroot = server or (servers or ensemble()).servers[0], cluster.brokers[1].chroot
        with ZNodes(server.port, chroot, server.address) as znodes:
            return {number: znodes.created(f"/brokers/ids/{number}") for number in cluster.brokers}

    def test_without_the_ensemble_records_go_on_and_afterwards_everything_does(self):
        cluster = self.cluster(zookeeper_session_timeout_ms=2000)
        topic = cluster.topic(partitions=2)
        loads = [self.load(cluster, topic, partition, idempotent=partition == 0) for partition in range(2)]
        self.visit_group(cluster, topic, "group")
        leader = cluster.brokers[cluster.leader(topic)]
        with leader.connect() as connection:
            connection.init_producer_id()
        at = time.monotonic()
        ensemble().kill()
        # Longer than the sessions.
        time.sleep(8)
        # Readers, groups, and producers that are new.
        with leader.connect() as connection:
            end = connection.list_offset(topic, -1)[2]
            error, mark, content = connection.fetch(topic, end - 10)
            self.assertEqual((error, mark >= end, content != b""), (wire.NONE, True, True))
            self.assertGreaterEqual(connection.init_producer_id()[0], 0)
        self.visit_group(cluster, topic, "group")
        self.visit_group(cluster, topic, "new-group")
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
