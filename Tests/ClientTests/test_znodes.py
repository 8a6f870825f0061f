# SPDX-License-Identifier: Apache-2.0
"""Znodes that somebody has edited by hand, or that are gone: a broker says where and why, and serves what it can."""

import unittest

import harness
import wire
from harness import Broker, eventually, tail
from test_lifecycle import BrokerTestCase
from znodes import ZNodes


class HandEditedTests(BrokerTestCase):
    def setUp(self):
        self.broker = self.started(Broker())
        self.znodes = ZNodes(harness.zookeeper().port, self.broker.chroot)
        self.addCleanup(self.znodes.socket.close)

    def says(self, *words):
        """Some line of the log has all the words."""
        def said():
            lines = tail(self.broker.log, 400).splitlines()
            return any(all(word in line for word in words) for line in lines)
        eventually(said, message=f"nothing says {words}: {tail(self.broker.log)}")

    def topic(self, name, partitions=1):
        with self.broker.connect() as connection:
            connection.create_topic(name, partitions)
            eventually(lambda: connection.leads_all(name, partitions), message=f"{name} has no leaders")

    def works(self, topic):
        with self.broker.connect() as connection:
            # A broker that has just begun may not have been told yet what it leads.
            eventually(lambda: connection.produce(topic, wire.batch([b"x"]))[0] == wire.NONE, message=f"{topic} is not led")

    def test_a_topic_that_cannot_be_read_is_named_and_stops_no_other(self):
        self.znodes.create("/brokers/topics/bad", b'{"version":3,"partitions":{"0":["one"]}}')
        self.says("A znode cannot be read", "/brokers/topics/bad")
        self.topic("good")
        self.works("good")

    def test_a_state_that_cannot_be_read_is_named_and_stops_no_other(self):
        self.topic("bad")
        self.topic("good")
        path = "/brokers/topics/bad/partitions/0/state"
        self.znodes.set(path, b"{")
        # The next controller reads it.
        self.broker.kill()
        self.broker.start()
        self.says("A znode cannot be read", path)
        self.works("good")

    def test_a_state_that_is_gone_stops_no_other(self):
        self.topic("bad", 2)
        self.topic("good")
        self.znodes.delete_all("/brokers/topics/bad/partitions/0")
        self.broker.kill()
        self.broker.start()
        # A partition without a state is new: it is made again, with its parent.
        eventually(lambda: self.znodes.get("/brokers/topics/bad/partitions/0/state"))
        self.works("bad")
        self.works("good")

    def test_a_parent_that_is_deleted_is_named_and_made_anew(self):
        self.topic("good")
        self.topic("gone")
        self.znodes.delete("/admin/delete_topics")
        self.says("A znode that brokers depend on was deleted", "/admin/delete_topics")
        eventually(lambda: "delete_topics" in self.znodes.children("/admin"))
        # Its watch is there again: somebody hears of what is asked there.
        self.znodes.create("/admin/delete_topics/gone")
        eventually(lambda: "gone" not in self.znodes.children("/brokers/topics"))
        self.works("good")

    def test_settings_that_cannot_be_read_are_named(self):
        self.topic("good")
        self.znodes.set("/config/topics/good", b'{"version":1,"config":[]}')
        self.znodes.create("/config/changes/config_change_0000000007", b'{"version":2,"entity_path":"topics/good"}')
        self.says("/config/topics/good")
        self.works("good")

    def test_another_clusters_id_is_refused_with_both(self):
        self.broker.terminate()
        self.znodes.set("/cluster/id", b'{"version":"1","id":"AAAAAAAAAAAAAAAAAAAAAA"}')
        said = self.refuses(self.broker, "belongs to cluster")
        self.assertIn("AAAAAAAAAAAAAAAAAAAAAA", said)
        self.assertIn(self.broker.log_dirs, said)

    def test_a_clusters_id_that_cannot_be_read_is_named(self):
        self.broker.terminate()
        self.znodes.set("/cluster/id", b"nonsense")
        self.refuses(self.broker, "/cluster/id")

    def test_a_chroot_that_is_gone_is_another_cluster(self):
        self.topic("kept")
        self.works("kept")
        self.broker.terminate()
        self.znodes.delete_all("")
        # Kafka makes the chroot anew, and with it another cluster, which these logs are not of.
        self.refuses(self.broker, "belongs to cluster")

    def test_a_chroot_that_goes_while_it_serves_takes_no_record_along(self):
        self.topic("kept")
        self.works("kept")
        self.znodes.delete_all("")
        # Of a directory that was losing its children its watch may be gone; this one has none, and is watched by all.
        self.says("A znode that brokers depend on was deleted", "/config/changes")
        self.works("kept")
        self.broker.kill()
        self.refuses(self.broker, "belongs to cluster")


class FeatureTests(BrokerTestCase):
    FINALIZED = b'{"features":{"metadata.version":{"max_version_level":17}},"status":1,"version":2}'

    def test_a_feature_that_is_not_supported_is_refused_at_the_start(self):
        broker = self.started(Broker())
        broker.terminate()
        with ZNodes(harness.zookeeper().port, broker.chroot) as znodes:
            znodes.set("/feature", self.FINALIZED)
        said = self.refuses(broker, "/feature")
        self.assertIn("metadata.version", said)

    def test_a_feature_that_is_not_supported_ends_a_running_broker(self):
        broker = self.started(Broker())
        with ZNodes(harness.zookeeper().port, broker.chroot) as znodes:
            znodes.set("/feature", self.FINALIZED)
        self.assertEqual(broker.process.wait(30), 1)
        self.assertIn("/feature finalizes metadata.version", tail(broker.log))

    def test_features_that_are_disabled_end_nobody(self):
        broker = self.started(Broker())
        with ZNodes(harness.zookeeper().port, broker.chroot) as znodes:
            znodes.set("/feature", self.FINALIZED.replace(b'"status":1', b'"status":0'))
        with broker.connect() as connection:
            connection.create_topic("t", 1)
            eventually(lambda: connection.leads_all("t", 1))
        self.assertIsNone(broker.process.poll())


if __name__ == "__main__":
    unittest.main()
