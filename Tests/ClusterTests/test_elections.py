# SPDX-License-Identifier: Apache-2.0
"""Elections that somebody asks for, and what `topics --describe` shows of a cluster that is not whole."""

import json
import os
import re
import signal

from cluster import ClusterTestCase, eventually, harness, records, wire
from monitor import value


class UncleanElectionTests(ClusterTestCase):
    def lag_behind(self, cluster, topic):
        """Kills all brokers of a topic but one, which alone has some records then, and that one too. Returns the number
        of the broker that is behind, of the one that has all, and the offset at which they part."""
        leader, follower = cluster.leader(topic), None
        first, follower = [n for n in cluster.partition(topic)["replicas"] if n != leader]
        cluster.kill(first)
        with cluster.brokers[leader].connect() as connection:
            error, base, _ = connection.produce(topic, wire.batch([b"had by two"]))
            self.assertEqual((error, base), (0, 1))
            cluster.kill(follower)
            eventually(lambda: cluster.partition(topic, of=leader)["isr"] == [leader], 20, "the set does not shrink")
            error, base, _ = connection.produce(topic, wire.batch([b"had by one"]))
            self.assertEqual((error, base), (0, 2))
        cluster.kill(leader)
        return first, follower, leader

    def topic_with_one_record(self, cluster, **configs):
        topic = cluster.placed_topic([1, 2, 3], min_insync_replicas=1, **configs)
        with cluster.brokers[cluster.leader(topic)].connect() as connection:
            self.assertEqual(connection.produce(topic, wire.batch([b"had by all"]))[0], 0)
        cluster.wait_for_equal_logs(topic)
        return topic

    def values(self, cluster, number, topic):
        return [value for _, value in records(cluster.log_bytes(number, topic))]

    def test_without_leave_a_partition_waits_for_who_has_all(self):
        cluster = self.cluster()
        topic = self.topic_with_one_record(cluster)
        first, follower, leader = self.lag_behind(cluster, topic)
        cluster.brokers[first].start()
        cluster.brokers[follower].start()
        # Long enough for a controller to have come and decided.
        eventually(lambda: len(cluster.metadata([])["brokers"]) == 2)
        unavailable = cluster.tool("topics", "--describe", "--unavailable-partitions")
        self.assertIn(f"Topic: {topic}\tPartition: 0\tLeader: none", unavailable)
        self.assertEqual(cluster.partition(topic)["leader"], -1)
        cluster.brokers[leader].start()
        cluster.wait_for_in_sync(topic)
        cluster.wait_for_equal_logs(topic)
        self.assertEqual(self.values(cluster, first, topic), [b"had by all", b"had by two", b"had by one"])

    def test_with_leave_only_what_the_new_leader_lacks_is_lost_and_log_and_metric_say_so(self):
        cluster = self.cluster()
        topic = self.topic_with_one_record(cluster, unclean_leader_election_enable="true")
        _, follower, leader = self.lag_behind(cluster, topic)
        cluster.brokers[follower].start()
        eventually(lambda: cluster.leader(topic) == follower, 20, "nobody is elected")
        with cluster.brokers[follower].connect() as connection:
            self.assertEqual(connection.produce(topic, wire.batch([b"after"]))[:2], (0, 2))
        with open(cluster.brokers[follower].log) as file:
            self.assertRegex(file.read(), f"A leader outside the in-sync replicas was elected.*={topic}-0")
        name = "kafka_controller_controllerstats_uncleanleaderelections_total"
        self.assertEqual(value(cluster.brokers[follower].monitor.metrics(), name), 1)
        for number, broker in cluster.brokers.items():
            if broker not in cluster.running:
                broker.start()
        cluster.wait_for_in_sync(topic)
        cluster.wait_for_equal_logs(topic)
        self.assertEqual(self.values(cluster, leader, topic), [b"had by all", b"had by two", b"after"])

    def test_on_demand_by_the_command(self):
        cluster = self.cluster()
        topic = self.topic_with_one_record(cluster)
        first, follower, _ = self.lag_behind(cluster, topic)
        cluster.brokers[first].start()
        eventually(lambda: cluster.partition(topic)["leader"] == -1)
        told = cluster.tool(
            "leader-election", "--election-type", "preferred", "--topic", topic, "--partition", "0", exit=1)
        self.assertIn(f"Error completing leader election (PREFERRED) for partition: {topic}-0: ", told)
        told = cluster.tool("leader-election", "--election-type", "unclean", "--topic", topic, "--partition", "0")
        self.assertEqual(told, f"Successfully completed leader election (UNCLEAN) for partitions {topic}-0\n")
        self.assertEqual(cluster.leader(topic), first)
        told = cluster.tool("leader-election", "--election-type", "unclean", "--topic", topic, "--partition", "0")
        self.assertEqual(told, f"Valid replica already elected for partitions {topic}-0\n")
        for broker in cluster.brokers.values():
            if broker not in cluster.running:
                broker.start()
        cluster.wait_for_in_sync(topic)
        cluster.wait_for_equal_logs(topic)
        self.assertEqual(self.values(cluster, follower, topic), [b"had by all"])


class PreferredElectionTests(ClusterTestCase):
    def test_by_partition_by_file_and_for_all(self):
        cluster = self.cluster(auto_leader_rebalance_enable="false")
        topic = cluster.placed_topic([1, 2, 3], [2, 3, 1], [3, 1, 2], [1, 3, 2])
        load = self.load(cluster, topic, idempotent=True)

        def leaders():
            return [cluster.leader(topic, partition) for partition in range(4)]

        def displace():
            """Broker 1 leads nothing any more."""
            self.assertEqual(cluster.brokers[1].terminate(), 0)
            cluster.brokers[1].start()
            cluster.wait_for_in_sync(topic, 4)
            eventually(lambda: 1 not in leaders())

        def elect(*scope):
            return cluster.tool("leader-election", "--election-type", "PREFERRED", *scope)

        displace()
        told = elect("--topic", topic, "--partition", "0")
        self.assertEqual(told, f"Successfully completed leader election (PREFERRED) for partitions {topic}-0\n")
        eventually(lambda: leaders()[0] == 1)
        self.assertNotEqual(leaders()[3], 1)
        path = os.path.join(harness.directory(), "elect.json")
        with open(path, "w") as file:
            json.dump({"partitions": [{"topic": topic, "partition": n} for n in (0, 3)]}, file)
        told = elect("--path-to-json-file", path)
        self.assertEqual(
            told, f"Successfully completed leader election (PREFERRED) for partitions {topic}-3\n"
            f"Valid replica already elected for partitions {topic}-0\n")
        displace()
        told = elect("--all-topic-partitions")
        self.assertEqual(sorted(re.findall(rf"{topic}-\d", told)), [f"{topic}-0", f"{topic}-3"])
        eventually(lambda: leaders() == [1, 2, 3, 1])
        load.wait_for_more()
        self.report_silence(load)
        self.settle(cluster, load)


class DescriptionTests(ClusterTestCase):
    def test_filters_show_what_a_degraded_cluster_lacks(self):
        cluster = self.cluster()
        whole = cluster.placed_topic([1, 2], min_insync_replicas=1)
        strict = cluster.placed_topic([1, 2, 3], min_insync_replicas=3)
        exact = cluster.placed_topic([2, 3, 1], min_insync_replicas=2)
        alone = cluster.placed_topic([3], min_insync_replicas=1)

        def shown(filter):
            told = cluster.tool("topics", "--describe", f"--{filter}")
            return re.findall(r"^\tTopic: (\S+)\tPartition: 0\t", told, re.MULTILINE)

        filters = ("under-replicated-partitions", "under-min-isr-partitions", "at-min-isr-partitions",
                   "unavailable-partitions")
        self.assertEqual(
            [sorted(shown(f)) for f in filters], [[], [], sorted([strict, alone]), []])
        cluster.kill(3)
        eventually(lambda: len(cluster.partition(strict)["isr"]) == 2)
        # A partition without leader keeps its last in-sync replica in the set, and is under its minimum all the same.
        expected = [[strict, exact], [strict, alone], [exact, alone], [alone]]
        eventually(
            lambda: [sorted(shown(f)) for f in filters] == [sorted(names) for names in expected], 20,
            f"{whole}, {strict}, {exact}, {alone} are shown wrongly: {[shown(f) for f in filters]}")
        with cluster.brokers[cluster.leader(strict)].connect() as connection:
            self.assertEqual(connection.produce(strict, wire.batch([b"x"]))[0], 19)
        cluster.brokers[3].start()
        cluster.wait_for_in_sync(strict)
        eventually(lambda: [shown(f) for f in filters][0] == [], 20)

    def test_a_paused_replica_counts_as_under_replicated(self):
        cluster = self.cluster()
        topic = cluster.placed_topic([1, 2, 3])
        load = self.load(cluster, topic)
        victim = next(n for n in (3, 2) if n != cluster.controller())
        process = cluster.brokers[victim].process
        process.send_signal(signal.SIGSTOP)
        broker = cluster.brokers.pop(victim)
        try:
            eventually(
                lambda: topic in cluster.tool("topics", "--describe", "--under-replicated-partitions"), 20)
        finally:
            process.send_signal(signal.SIGCONT)
            cluster.brokers[victim] = broker
        cluster.wait_for_in_sync(topic)
        self.settle(cluster, load)
