# SPDX-License-Identifier: Apache-2.0
"""Replication throttles (KIP-73) with brokers at work."""

import json
import os
import time

from cluster import ClusterTestCase, eventually, harness, wire


class ThrottleTests(ClusterTestCase):
    RATE = 1_000_000

    def fill(self, cluster, topic, megabytes):
        """Incompressible enough: nothing here compresses."""
        with wire.Connection(cluster.brokers[cluster.leader(topic)].port, 30) as connection:
            for _ in range(megabytes * 2):
                error, _, _ = connection.produce(topic, wire.batch([b"x" * 500_000]))
                self.assertEqual(error, wire.NONE)

    def move(self, cluster, topic, replicas, throttle, *options):
        path = os.path.join(harness.directory(), f"{topic}.json")
        with open(path, "w") as file:
            json.dump({"version": 1, "partitions": [{"topic": topic, "partition": 0, "replicas": replicas}]}, file)
        cluster.tool(
            "reassign-partitions", "--execute", "--reassignment-json-file", path, "--throttle", str(throttle), *options)

    def size(self, cluster, number, topic):
        return len(cluster.log_bytes(number, topic))

    def test_a_move_keeps_to_its_rate_until_the_rate_is_raised(self):
        cluster = self.cluster(count=2, min_insync_replicas=1, default_replication_factor=1)
        topic = cluster.placed_topic([1])
        self.fill(cluster, topic, 30)
        start = time.monotonic()
        self.move(cluster, topic, [2], self.RATE)
        time.sleep(6)
        size, seconds = self.size(cluster, 2, topic), time.monotonic() - start
        # A fetch more than is allowed, since the last one before the limit is not cut.
        self.assertLess(size, self.RATE * (seconds + 3), "faster than allowed")
        self.assertGreater(size, self.RATE * 2, "much slower than allowed")
        self.move(cluster, topic, [2], 200_000_000, "--additional")
        eventually(lambda: cluster.partition(topic)["replicas"] == [2], 20, "the move does not end")
        # At the first rate it would have taken half a minute.
        self.assertLess(time.monotonic() - start, 25)

    def test_a_replica_in_sync_is_not_held_back(self):
        cluster = self.cluster(count=2, min_insync_replicas=2, default_replication_factor=2)
        topic = cluster.placed_topic([1, 2])
        cluster.tool(
            "configs", "--alter", "--entity-type", "topics", "--entity-name", topic, "--add-config",
            "leader.replication.throttled.replicas=*,follower.replication.throttled.replicas=*")
        for broker in "12":
            cluster.tool(
                "configs", "--alter", "--entity-type", "brokers", "--entity-name", broker, "--add-config",
                "leader.replication.throttled.rate=1,follower.replication.throttled.rate=1")
        load = self.load(cluster, topic)
        load.wait_for_more(300)
        self.settle(cluster, load)
