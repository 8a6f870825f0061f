# SPDX-License-Identifier: Apache-2.0
"""Compacted topics of a broker whose cleaner does not wait long."""

import glob
import os
import unittest

import confluent_kafka
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewTopic
from harness import Broker, eventually, unique

SETTINGS = {
    "log_cleaner_backoff_ms": 100,
    "log_cleaner_min_cleanable_ratio": 0.01,
    "offsets_topic_segment_bytes": 4096,
    "transaction_state_log_segment_bytes": 4096,
    "offsets_topic_num_partitions": 1,
    "transaction_state_log_num_partitions": 1,
}


def read_all(bootstrap, topic, isolation="read_committed"):
    """The records of partition 0 from its start to its end, as (key, value)."""
    consumer = confluent_kafka.Consumer({
        "bootstrap.servers": bootstrap, "group.id": unique("reader"), "enable.auto.commit": False,
        "isolation.level": isolation, "enable.partition.eof": True})
    consumer.assign([confluent_kafka.TopicPartition(topic, 0, confluent_kafka.OFFSET_BEGINNING)])
    records = []
    try:
        while True:
            message = consumer.poll(20)
            if message is None:
                raise AssertionError("no end of the partition")
            if message.error():
                return records
            records.append((message.key(), message.value()))
    finally:
        consumer.close()


def produce(bootstrap, topic, pairs, **settings):
    producer = confluent_kafka.Producer({"bootstrap.servers": bootstrap, "linger.ms": 0, **settings})
    for key, value in pairs:
        producer.produce(topic, key=key, value=value, partition=0)
        producer.poll(0)
    assert producer.flush(30) == 0


class CompactionTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.broker = Broker(**SETTINGS).start()
        cls.admin = AdminClient({"bootstrap.servers": cls.broker.bootstrap})

    @classmethod
    def tearDownClass(cls):
        cls.broker.terminate()

    def topic(self, **configs):
        name = unique("compacted")
        configs = {key.replace("_", "."): str(value) for key, value in configs.items()}
        self.admin.create_topics([NewTopic(name, 1, 1, config=configs)])[name].result(20)
        return name

    def segments(self, topic, partition=0):
        return sorted(glob.glob(os.path.join(self.broker.log_dirs, f"{topic}-{partition}", "*.log")))

    def bytes(self, topic, partition=0):
        return sum(os.path.getsize(path) for path in self.segments(topic, partition))

    def test_the_last_value_of_each_key_is_left(self):
        topic = self.topic(cleanup_policy="compact", segment_bytes=16384)
        updates = [(f"key {n % 20}", f"value {n}".ljust(100)) for n in range(4000)]
        produce(self.broker.bootstrap, topic, updates, **{"batch.size": 4096})
        last = {key.encode(): value.encode() for key, value in updates}

        def is_compact():
            records = read_all(self.broker.bootstrap, topic)
            self.assertEqual(dict(records), last)
            return len(records) < 400

        eventually(is_compact, 30)

    def test_a_topic_that_becomes_compacted_is_so_at_once(self):
        topic = self.topic(cleanup_policy="delete", segment_bytes=16384)
        produce(self.broker.bootstrap, topic, [(f"key {n % 5}", "x" * 200) for n in range(2000)],
                **{"batch.size": 4096})
        before = self.bytes(topic)
        self.assertGreater(before, 300_000)
        change = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=[
            ConfigEntry("cleanup.policy", "compact", incremental_operation=AlterConfigOpType.SET)])
        self.admin.incremental_alter_configs([change])[change].result(20)
        # Old files are removed file.delete.delay.ms later, under another name.
        eventually(lambda: self.bytes(topic) < before / 5, 30)

    def test_aborted_transactions_go_and_committed_ones_stay(self):
        topic = self.topic(cleanup_policy="compact", segment_bytes=8192)
        producer = confluent_kafka.Producer({
            "bootstrap.servers": self.broker.bootstrap, "transactional.id": unique("tx")})
        producer.init_transactions(20)
        for number in range(60):
            producer.begin_transaction()
            for key in range(4):
                producer.produce(topic, key=f"key {key}", value=f"{number}".ljust(100), partition=0)
            producer.flush(20)
            if number % 3 == 0:
                producer.abort_transaction(20)
            else:
                producer.commit_transaction(20)
        expected = {f"key {key}".encode(): b"59".ljust(100) for key in range(4)}

        def is_compact():
            self.assertEqual(dict(read_all(self.broker.bootstrap, topic)), expected)
            return len(read_all(self.broker.bootstrap, topic, "read_uncommitted")) < 100

        eventually(is_compact, 30)

    def test_the_coordinators_own_topics_do_not_grow(self):
        group, topic = unique("group"), self.topic()
        produce(self.broker.bootstrap, topic, [("k", "v")] * 2)
        consumer = confluent_kafka.Consumer({
            "bootstrap.servers": self.broker.bootstrap, "group.id": group, "enable.auto.commit": False})
        for number in range(600):
            consumer.commit(
                offsets=[confluent_kafka.TopicPartition(topic, 0, number % 2)], asynchronous=False)
        consumer.commit(offsets=[confluent_kafka.TopicPartition(topic, 0, 2)], asynchronous=False)
        for number in range(60):
            producer = confluent_kafka.Producer({
                "bootstrap.servers": self.broker.bootstrap, "transactional.id": "the same each time"})
            producer.init_transactions(20)
            producer.begin_transaction()
            producer.produce(topic, key="k", value="v", partition=0)
            producer.commit_transaction(20)
        for log in ("__consumer_offsets", "__transaction_state"):
            eventually(lambda: self.bytes(log) < 16384, 30, f"{log} has {self.bytes(log)} bytes")
        self.broker.kill()
        self.broker.start()
        committed = consumer.committed([confluent_kafka.TopicPartition(topic, 0)], timeout=30)
        self.assertEqual(committed[0].offset, 2)
        consumer.close()
        # And once more after a stop in order, of which the cleaner's checkpoint is a part.
        self.assertEqual(self.broker.terminate(), 0)
        with open(os.path.join(self.broker.log_dirs, "cleaner-offset-checkpoint")) as file:
            lines = file.read().splitlines()
        self.assertEqual(lines[0], "0")
        self.assertEqual(int(lines[1]), len(lines) - 2)
        self.assertIn("__consumer_offsets", {line.split()[0] for line in lines[2:]})
        self.broker.start()

    def test_the_settings_of_the_cleaner_change_while_it_runs(self):
        topic = self.topic(cleanup_policy="compact", segment_bytes=16384)
        change = ConfigResource(ConfigResource.Type.BROKER, "1", incremental_configs=[
            ConfigEntry("log.cleaner.threads", "2", incremental_operation=AlterConfigOpType.SET),
            ConfigEntry("log.cleaner.io.max.bytes.per.second", "1e9", incremental_operation=AlterConfigOpType.SET)])
        self.admin.incremental_alter_configs([change])[change].result(20)
        produce(self.broker.bootstrap, topic, [("k", "x" * 200)] * 2000, **{"batch.size": 4096})
        eventually(lambda: self.bytes(topic) < 100_000, 30)
