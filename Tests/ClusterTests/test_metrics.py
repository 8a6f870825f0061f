# SPDX-License-Identifier: Apache-2.0
"""What the metrics of three brokers say of partitions that lose replicas and get them back."""

import signal

from cluster import ClusterTestCase, eventually, wire
from monitor import value

MANAGER = "kafka_server_replicamanager_"
TOPICS = "kafka_server_brokertopicmetrics_"


class ClusterMetricsTests(ClusterTestCase):
    def metric(self, broker, name, **labels):
        return value(broker.monitor.latest(), name, **labels)

    def produce(self, cluster, topic, count, acks=-1):
        with cluster.brokers[cluster.leader(topic)].connect() as connection:
            for _ in range(count):
                self.assertEqual(connection.produce(topic, wire.batch([b"x" * 1000] * 10), acks=acks)[0], wire.NONE)

    def test_missing_replicas_are_counted_until_they_are_back(self):
        # A session that outlives the time after which the leader counts a follower out, on a busy machine too.
        cluster = self.cluster(zookeeper_session_timeout_ms=30000)
        # The leader is the controller: who sleeps must not be the one that the leader has to tell of it.
        first = cluster.controller()
        paused, killed = (n for n in cluster.brokers if n != first)
        topic = cluster.placed_topic([first, paused, killed], min_insync_replicas=2)
        leader = cluster.brokers[first]
        for name in ("underreplicatedpartitions", "underminisrpartitioncount", "atminisrpartitioncount"):
            self.assertEqual(self.metric(leader, MANAGER + name), 0)
        cluster.kill(killed)
        eventually(
            lambda: cluster.partition(topic, of=first)["isr"] == [first, paused], message="the set does not shrink")
        metrics = leader.monitor.metrics()
        self.assertEqual(value(metrics, MANAGER + "underreplicatedpartitions"), 1)
        self.assertEqual(value(metrics, MANAGER + "atminisrpartitioncount"), 1)
        self.assertEqual(value(metrics, MANAGER + "underminisrpartitioncount"), 0)
        # This one the leader finds out itself: the follower lives, as far as ZooKeeper knows, and lacks a record.
        cluster.brokers[paused].process.send_signal(signal.SIGSTOP)
        with leader.connect() as connection:
            self.assertEqual(connection.produce(topic, wire.batch([b"x"]), acks=1)[0], wire.NONE)
        eventually(lambda: self.metric(leader, MANAGER + "isrshrinks_total") >= 1, 30, cluster.logs())
        metrics = leader.monitor.metrics()
        self.assertEqual(value(metrics, MANAGER + "underminisrpartitioncount"), 1)
        cluster.brokers[paused].process.send_signal(signal.SIGCONT)
        cluster.brokers[killed].start()
        cluster.wait_for_in_sync(topic)
        eventually(lambda: self.metric(leader, MANAGER + "isrexpands_total") >= 2, 20, cluster.logs())
        metrics = leader.monitor.metrics()
        for name in ("underreplicatedpartitions", "underminisrpartitioncount", "atminisrpartitioncount"):
            self.assertEqual(value(metrics, MANAGER + name), 0)

    def test_replication_is_counted_at_both_ends(self):
        cluster = self.cluster()
        topic = cluster.placed_topic([2, 1, 3])
        self.produce(cluster, topic, 50)
        cluster.wait_for_equal_logs(topic)
        size = len(cluster.log_bytes(2, topic))
        leader = cluster.brokers[2].monitor.metrics()
        self.assertEqual(value(leader, TOPICS + "bytesin_total", topic=topic), size)
        self.assertEqual(value(leader, TOPICS + "replicationbytesout_total"), 2 * size)
        self.assertEqual(value(leader, TOPICS + "bytesout_total", topic=topic), 0)
        self.assertGreater(
            value(leader, "kafka_network_requestmetrics_totaltimems_count", request="FetchFollower"), 0)
        self.assertGreater(
            value(leader, "kafka_network_requestmetrics_remotetimems_sum", request="Produce"), 0)
        for number in (1, 3):
            follower = cluster.brokers[number].monitor.metrics()
            self.assertEqual(value(follower, TOPICS + "replicationbytesin_total"), size)
            self.assertEqual(value(follower, TOPICS + "messagesin_total"), 0)
            self.assertEqual(value(follower, "kafka_log_log_logendoffset", topic=topic, partition="0"), 500)
            self.assertEqual(value(follower, "kafka_server_replicafetchermanager_maxlag", clientId="Replica"), 0)
            self.assertEqual(
                value(follower, "kafka_server_replicafetchermanager_failedpartitionscount", clientId="Replica"), 0)
            self.assertEqual(
                value(follower, "kafka_server_fetcherlagmetrics_consumerlag", topic=topic, partition="0"), 0)
        controllers = [self.metric(b, "kafka_controller_kafkacontroller_activecontrollercount")
                       for b in cluster.brokers.values()]
        self.assertEqual(sum(controllers), 1)
        controller = cluster.brokers[cluster.controller()].monitor.metrics()
        self.assertEqual(value(controller, "kafka_controller_kafkacontroller_activebrokercount"), 3)
        self.assertEqual(value(controller, "kafka_controller_kafkacontroller_offlinepartitionscount"), 0)
