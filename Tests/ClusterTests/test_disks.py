# SPDX-License-Identifier: Apache-2.0
"""Three brokers, of which one loses a disk, or has a full one."""

import os
import sys

from cluster import Cluster, ClusterTestCase, eventually, harness, wire

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../ClientTests"))

from disks import Disk, log_dirs  # noqa: E402


class DiskTests(ClusterTestCase):
    def cluster_with_disk(self, number, megabytes=64, other=True, **settings):
        """A cluster in which one broker's first log directory is a disk of its own."""
        disk = Disk(self, megabytes)
        cluster = Cluster(replica_high_watermark_checkpoint_interval_ms=500, **settings)
        broker = cluster.brokers[number]
        broker.settings["log.dirs"] = broker.log_dirs = ",".join(
            [disk.at("data"), os.path.join(harness.directory(), "other")][:2 if other else 1])
        self.addCleanup(cluster.stop)
        return disk, cluster.start()

    def test_leaders_leave_a_broker_that_loses_a_disk_and_only_those_on_it(self):
        disk, cluster = self.cluster_with_disk(1)
        # In which directory a replica is made is drawn among those with the fewest: until some that broker 1 leads lie
        # on the disk, and some do not.
        for _ in range(20):
            topic = cluster.topic(partitions=9)
            names = [name for name in os.listdir(disk.at("data")) if name.startswith(f"{topic}-")]
            on_disk = {int(name.rsplit("-", 1)[1]) for name in names}
            led = {p["index"] for p in cluster.metadata([topic])["topics"][0]["partitions"] if p["leader"] == 1}
            lost, kept = led & on_disk, led - on_disk
            if lost and kept:
                break
        self.assertTrue(lost and kept, f"{led} led, {on_disk} on the disk")
        loads = [self.load(cluster, topic, partition, idempotent=True) for partition in (min(lost), min(kept))]
        disk.unmount()
        eventually(lambda: all(cluster.leader(topic, partition) > 1 for partition in lost), 30,
                   f"still led: {cluster.describe(topic)}{cluster.logs()}")
        for load in loads:
            load.wait_for_more()
        self.assertEqual({cluster.leader(topic, partition) for partition in kept}, {1})
        eventually(lambda: all(1 not in cluster.partition(topic, partition)["isr"] for partition in on_disk))
        self.assertTrue(log_dirs(cluster.brokers[1])[disk.at("data")]["error"].endswith("KafkaStorageException"))
        # A new disk is put in: what was on the old one is copied from the others.
        self.assertEqual(cluster.brokers[1].terminate(60), 0)
        cluster.brokers[1].start(seconds=60)
        for load in loads:
            load.wait_for_more()
            load.finish()
        cluster.wait_for_in_sync(topic, 9, seconds=60)
        with wire.Connection(cluster.brokers[1].port) as connection:
            self.assertEqual(connection.metadata([topic])["topics"][0]["error"], wire.NONE)
        for load in loads:
            contents = []
            for path in cluster.brokers[1].log_dirs.split(","):
                cluster.brokers[1].log_dirs, before = path, cluster.brokers[1].log_dirs
                contents.append(cluster.log_bytes(1, topic, load.partition))
                cluster.brokers[1].log_dirs = before
            self.assertIn(cluster.log_bytes(2, topic, load.partition), contents)

    def test_a_follower_with_a_full_disk_leaves_the_in_sync_set_and_returns(self):
        disk, cluster = self.cluster_with_disk(1, 24, other=False, log_segment_bytes=1 << 20)
        topic = cluster.topic()
        if cluster.leader(topic) == 1:
            cluster.kill(1)
            cluster.brokers[1].start()
            cluster.wait_for_in_sync(topic)
        load = self.load(cluster, topic, idempotent=True)
        make_room = disk.ballast()
        eventually(lambda: 1 not in cluster.partition(topic)["isr"], 30, f"still in sync: {cluster.describe(topic)}")
        load.wait_for_more()
        self.assertIsNone(log_dirs(cluster.brokers[1])[disk.at("data")]["error"])
        make_room()
        cluster.wait_for_in_sync(topic)
        self.settle(cluster, load)
