# SPDX-License-Identifier: Apache-2.0
"""Consumer groups and the administration of topics, through the client libraries."""

import asyncio
import time

import aiokafka
import confluent_kafka
import confluent_kafka.admin
import kafka
import kafka.admin
import wire
from harness import SharedBrokerTestCase, cases, eventually, expand, unique


class GroupTests(SharedBrokerTestCase):
    def fill(self, topic, partitions=1, count=100):
        connection = self.connection()
        for partition in range(partitions):
            connection.produce(topic, wire.batch([b"%d" % i for i in range(count)]), partition=partition)

    def consumer(self, group, **settings):
        consumer = confluent_kafka.Consumer(
            {"bootstrap.servers": self.bootstrap, "group.id": group, "auto.offset.reset": "earliest",
             "enable.auto.commit": False, "session.timeout.ms": 6000, "heartbeat.interval.ms": 500, **settings})
        return consumer

    def read(self, consumer, count, seconds=40):
        read, deadline = [], time.monotonic() + seconds
        while len(read) < count and time.monotonic() < deadline:
            message = consumer.poll(0.5)
            if message is not None:
                self.assertIsNone(message.error())
                read.append(message)
        self.assertEqual(len(read), count)
        return read

    def test_a_group_reads_all_and_goes_on_where_it_was(self):
        topic, group = self.topic("group", partitions=3), unique("group")
        self.fill(topic, 3)
        first = self.consumer(group)
        first.subscribe([topic])
        self.read(first, 300)
        first.commit(asynchronous=False)
        first.close()
        self.fill(topic, 3, count=10)
        second = self.consumer(group)
        second.subscribe([topic])
        self.assertEqual(min(m.offset() for m in self.read(second, 30)), 100)
        second.close()

    def test_two_members_share_the_partitions(self):
        topic, group = self.topic("shared", partitions=4), unique("group")
        members = [self.consumer(group), self.consumer(group)]
        for member in members:
            member.subscribe([topic])
            self.addCleanup(member.close)

        def balanced():
            for member in members:
                member.poll(0.2)
            return [len(member.assignment()) for member in members] == [2, 2]

        eventually(balanced, 40, "the partitions are not shared")

    def test_kafka_python_in_a_group(self):
        topic, group = self.topic("group"), unique("group")
        self.fill(topic)
        for expected in (0, 60):
            consumer = kafka.KafkaConsumer(
                topic, bootstrap_servers=self.bootstrap, group_id=group, auto_offset_reset="earliest",
                enable_auto_commit=False, consumer_timeout_ms=30000)
            message = next(consumer)
            self.assertEqual(message.offset, expected)
            partition = kafka.TopicPartition(topic, 0)
            consumer.commit({partition: kafka.structs.OffsetAndMetadata(60, "here", -1)})
            self.assertEqual(consumer.committed(partition), 60)
            consumer.close()

    def test_aiokafka_in_a_group(self):
        topic, group = self.topic("group"), unique("group")
        self.fill(topic)

        async def run(expected):
            consumer = aiokafka.AIOKafkaConsumer(
                topic, bootstrap_servers=self.bootstrap, group_id=group, auto_offset_reset="earliest",
                enable_auto_commit=False)
            await consumer.start()
            try:
                message = await asyncio.wait_for(consumer.getone(), 30)
                self.assertEqual(message.offset, expected)
                await consumer.commit({aiokafka.TopicPartition(topic, 0): 70})
            finally:
                await consumer.stop()

        asyncio.run(run(0))
        asyncio.run(run(70))

    def test_committed_offsets_without_membership(self):
        topic, group = self.topic("simple"), unique("group")
        consumer = self.consumer(group)
        partition = confluent_kafka.TopicPartition(topic, 0, 42, metadata="note")
        consumer.commit(offsets=[partition], asynchronous=False)
        found = consumer.committed([confluent_kafka.TopicPartition(topic, 0)], timeout=20)
        self.assertEqual(found[0].offset, 42)
        consumer.close()


@expand
class AdminTests(SharedBrokerTestCase):
    def setUp(self):
        super().setUp()
        self.admin = confluent_kafka.admin.AdminClient({"bootstrap.servers": self.bootstrap})

    @staticmethod
    def each(futures, seconds=30):
        return {name: future.result(seconds) for name, future in futures.items()}

    def test_topics_come_and_go(self):
        name = unique("admin")
        self.each(self.admin.create_topics(
            [confluent_kafka.admin.NewTopic(name, 3, 1, config={"retention.ms": "60000"})]))
        self.assertEqual(len(self.admin.list_topics(name, timeout=20).topics[name].partitions), 3)
        with self.assertRaises(confluent_kafka.KafkaException) as caught:
            self.each(self.admin.create_topics([confluent_kafka.admin.NewTopic(name, 3, 1)]))
        self.assertEqual(caught.exception.args[0].code(), wire.TOPIC_ALREADY_EXISTS)
        self.each(self.admin.create_partitions([confluent_kafka.admin.NewPartitions(name, 5)]))
        eventually(lambda: len(self.admin.list_topics(name, timeout=20).topics[name].partitions) == 5)
        self.each(self.admin.delete_topics([name]))
        eventually(lambda: name not in self.admin.list_topics(timeout=20).topics, message="the topic stays")

    def test_a_deleted_topic_can_be_created_again_and_is_empty(self):
        name = self.topic("again")
        connection = self.connection()
        connection.produce(name, wire.batch([b"old"]))
        self.each(self.admin.delete_topics([name]))
        eventually(lambda: name not in self.admin.list_topics(timeout=20).topics)

        def created():
            # Brokers forget the topic before ZooKeeper does; until then the name is taken.
            try:
                connection.create_topic(name)
                return True
            except AssertionError as error:
                self.assertIn(f"error {wire.TOPIC_ALREADY_EXISTS}", str(error))

        eventually(created)
        eventually(lambda: connection.leads_all(name, 1))
        self.assertEqual(eventually(lambda: connection.list_offset(name, -1)[0] == wire.NONE and
                                    connection.list_offset(name, -1)), (wire.NONE, -1, 0))

    @cases("bad/name", "", "..", "x" * 250)
    def test_a_bad_name_is_refused(self, name):
        with self.assertRaises(AssertionError) as caught:
            self.connection().create_topic(name)
        self.assertIn(f"error {wire.INVALID_TOPIC}", str(caught.exception))

    @cases(("no.such.config", "1", "Unknown topic config name: no.such.config"),
           ("segment.bytes", "x", "Invalid value x for configuration segment.bytes: Not a number of type INT"))
    def test_a_bad_setting_is_refused(self, setting, value, message):
        with self.assertRaises(AssertionError) as caught:
            self.connection().create_topic(unique("bad"), 1, {setting: value})
        self.assertIn(f"error {wire.INVALID_CONFIG}, {message}", str(caught.exception))

    def test_settings_of_a_topic_are_described(self):
        name = self.topic("described", retention_ms=12345)
        resource = confluent_kafka.admin.ConfigResource("topic", name)
        found = self.each(self.admin.describe_configs([resource]))[resource]
        self.assertEqual(found["retention.ms"].value, "12345")
        self.assertFalse(found["retention.ms"].is_default)
        self.assertEqual(found["cleanup.policy"].value, "delete")
        self.assertTrue(found["cleanup.policy"].is_default)
        self.assertEqual(len(found), 36)

    def test_settings_of_the_broker_are_described(self):
        resource = confluent_kafka.admin.ConfigResource("broker", "1")
        found = self.each(self.admin.describe_configs([resource]))[resource]
        self.assertEqual(found["listeners"].value, f"PLAINTEXT://{self.bootstrap}")
        self.assertTrue(found["log.dirs"].is_read_only)
        self.assertGreater(len(found), 250)

    def test_settings_of_a_topic_are_altered(self):
        name = self.topic("altered")
        change = confluent_kafka.admin.ConfigEntry(
            "retention.ms", "777", incremental_operation=confluent_kafka.admin.AlterConfigOpType.SET)
        resource = confluent_kafka.admin.ConfigResource("topic", name, incremental_configs=[change])
        self.each(self.admin.incremental_alter_configs([resource]))
        plain = confluent_kafka.admin.ConfigResource("topic", name)
        eventually(lambda: self.each(self.admin.describe_configs([plain]))[plain]["retention.ms"].value == "777")

    def test_the_cluster_is_described(self):
        described = self.admin.describe_cluster(request_timeout=20).result(20)
        self.assertEqual([node.id for node in described.nodes], [1])
        self.assertEqual(described.controller.id, 1)
        self.assertEqual(len(described.cluster_id), 22)

    def test_kafka_pythons_administration(self):
        name = unique("admin")
        admin = kafka.admin.KafkaAdminClient(bootstrap_servers=self.bootstrap)
        self.addCleanup(admin.close)
        admin.create_topics([kafka.admin.NewTopic(name, 2, 1)])
        eventually(lambda: name in admin.list_topics())
        self.assertEqual(len(admin.describe_topics([name])[0]["partitions"]), 2)
        directories = admin.describe_log_dirs()
        self.assertIn(name, str(directories))
        admin.delete_topics([name])
        eventually(lambda: name not in admin.list_topics())
