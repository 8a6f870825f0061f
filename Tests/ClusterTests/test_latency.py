# SPDX-License-Identifier: Apache-2.0
"""Clusters whose links are slow and uneven, or come and go. Clients are near, so that what they feel is the cluster's."""

import random
import time

from cluster import Cluster, ClusterTestCase, ensemble, eventually
from links import Link


class LinkTests(ClusterTestCase):
    def far_apart(self, delay=0.0, jitter=0.0, **settings):
        """Each broker is reached by the others, and reaches ZooKeeper, by links of its own."""
        cluster = Cluster(3, **settings)
        self.addCleanup(cluster.stop)
        self.links = {}
        for number, broker in cluster.brokers.items():
            to_broker = self.link(broker.host, broker.port, delay, jitter)
            to_servers = [self.link(s.address, s.port, delay, jitter) for s in ensemble().servers]
            broker.settings["advertised.listeners"] = f"PLAINTEXT://127.0.0.1:{to_broker.port}"
            servers = ",".join(f"127.0.0.1:{link.port}" for link in to_servers)
            broker.settings["zookeeper.connect"] = f"{servers}/{broker.chroot}"
            self.links[number] = (to_broker, to_servers)
        return cluster.start()

    def link(self, *target):
        link = Link(*target)
        self.addCleanup(link.close)
        return link


class LatencyTests(LinkTests):
    DELAY, JITTER = 0.05, 0.02

    def test_records_reach_all_replicas_and_leaders_change(self):
        cluster = self.far_apart(self.DELAY, self.JITTER)
        topic = cluster.topic()
        load = self.load(cluster, topic, idempotent=True)
        load.wait_for_more(300)
        gaps = sorted(b - a for a, b in zip(load.times, load.times[1:]))
        median = gaps[len(gaps) // 2]
        self.report(f"{median * 1000:.0f} ms for an acknowledgement")
        # A record needs one answer of the leader and the next question: two ways of 50 to 70 ms each.
        self.assertGreater(median, 2 * self.DELAY * 0.9)
        self.assertLess(median, 6 * (self.DELAY + self.JITTER))
        self.assertEqual(sorted(cluster.partition(topic)["isr"]), [1, 2, 3])

        leader = cluster.leader(topic)
        at = time.monotonic()
        cluster.kill(leader)
        load.wait_for_more()
        self.report_silence(load, at - 0.1)
        cluster.brokers[leader].start()
        cluster.wait_for_in_sync(topic)
        self.settle(cluster, load)

    def test_a_controller_decides_over_slow_links(self):
        cluster = self.far_apart(self.DELAY, self.JITTER)
        topic = cluster.topic(partitions=8)
        load = self.load(cluster, topic, idempotent=True)
        controller = cluster.controller()
        cluster.kill(controller)
        load.wait_for_more()
        cluster.brokers[controller].start()
        cluster.wait_for_in_sync(topic, 8)
        cluster.tool("topics", "--delete", "--topic", self.other_topic(cluster))
        self.settle(cluster, load)

    def other_topic(self, cluster):
        name = cluster.topic(partitions=4)
        cluster.wait_for_in_sync(name, 4)
        return name


class FlappingTests(LinkTests):
    def flap(self, links, seconds):
        """The links go down and up again, a few times a second."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for link in links:
                link.set(False)
            time.sleep(random.uniform(0.05, 0.4))
            for link in links:
                link.set(True)
            time.sleep(random.uniform(0.05, 0.4))

    def test_links_between_brokers_flap(self):
        cluster = self.far_apart()
        topic = cluster.topic()
        load = self.load(cluster, topic, idempotent=True)
        self.flap([to_broker for to_broker, _ in self.links.values()], 10)
        load.wait_for_more()
        self.settle(cluster, load)

    def test_links_to_zookeeper_flap(self):
        cluster = self.far_apart(zookeeper_session_timeout_ms=4000)
        topic = cluster.topic()
        load = self.load(cluster, topic, idempotent=True)
        self.flap([link for _, links in self.links.values() for link in links], 10)
        eventually(lambda: all(len(cluster.metadata([], of=n)["brokers"]) == 3 for n in cluster.brokers), 40)
        load.wait_for_more()
        self.settle(cluster, load)
