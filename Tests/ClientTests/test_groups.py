# SPDX-License-Identifier: Apache-2.0
"""Consumer groups: members that come, go, are killed and return, what is kept of them, and Kafka's recorded answers."""

import glob
import gzip
import json
import multiprocessing
import os
import re
import signal
import socket
import struct
import time
import unittest

import confluent_kafka
import confluent_kafka.admin
import wire
from harness import Broker, SharedBrokerTestCase, cases, eventually, expand, unique


def settings(bootstrap, group, **more):
    return {"bootstrap.servers": bootstrap, "group.id": group, "auto.offset.reset": "earliest",
            "enable.auto.commit": False, "session.timeout.ms": 6000, "heartbeat.interval.ms": 300, **more}


class Members:
    """Consumers of one group, polled from here; knows who has which partitions."""

    def __init__(self, test, topic, group, **more):
        self.test, self.topic, self.group, self.more, self.all = test, topic, group, more, []
        self.assignments, self.errors = [], []

    def join(self, count=1, **more):
        for _ in range(count):
            consumer = confluent_kafka.Consumer(settings(self.test.bootstrap, self.group, **self.more, **more))
            consumer.subscribe([self.topic], on_assign=lambda consumer, _: self.assignments.append(consumer))
            self.all.append(consumer)
        return self.all[-1]

    def leave(self, consumer):
        self.all.remove(consumer)
        consumer.close()

    def close(self):
        for consumer in self.all:
            consumer.close()

    def poll(self):
        for consumer in self.all:
            try:
                message = consumer.poll(0.02)
            except confluent_kafka.KafkaException as error:
                self.errors.append(str(error))
                continue
            if message is not None and message.error() is not None:
                self.errors.append(str(message.error()))

    def share(self, partitions):
        """Every partition has exactly one owner, and nobody has more than their part."""
        self.poll()
        owned = [{p.partition for p in consumer.assignment()} for consumer in self.all]
        if sorted(p for some in owned for p in some) != list(range(partitions)):
            return False
        least = partitions // len(self.all)
        return all(least <= len(some) <= least + 1 for some in owned)

    def wait(self, partitions, seconds=40):
        eventually(lambda: self.share(partitions), seconds, "the partitions are not shared")


def consume_for_ever(bootstrap, topic, group, more):
    consumer = confluent_kafka.Consumer(settings(bootstrap, group, **more))
    consumer.subscribe([topic])
    while True:
        consumer.poll(0.1)


@expand
class MembershipTests(SharedBrokerTestCase):
    @cases("range", "roundrobin", "cooperative-sticky")
    def test_members_come_and_go(self, strategy):
        topic = self.topic("membership", partitions=8)
        members = Members(self, topic, unique("group"), **{"partition.assignment.strategy": strategy})
        self.addCleanup(members.close)
        first = members.join()
        members.wait(8)
        members.join(3)
        members.wait(8)
        members.leave(first)
        members.wait(8)

    def test_many_members(self):
        topic = self.topic("many", partitions=30)
        members = Members(self, topic, unique("group"))
        self.addCleanup(members.close)
        members.join(15)
        members.wait(30, 60)

    def test_a_killed_members_partitions_go_to_the_others(self):
        topic, group = self.topic("killed", partitions=4), unique("group")
        members = Members(self, topic, group)
        self.addCleanup(members.close)
        members.join()
        members.wait(4)
        other = multiprocessing.get_context("spawn").Process(
            target=consume_for_ever, args=(self.bootstrap, topic, group, {}))
        other.start()
        self.addCleanup(lambda: other.is_alive() and other.kill())

        def shared():
            members.poll()
            return len(members.all[0].assignment()) == 2

        eventually(shared, 40, "the other member does not come in")
        os.kill(other.pid, signal.SIGKILL)
        members.wait(4)

    def test_a_static_member_returns_without_a_rebalance(self):
        topic, group = self.topic("static", partitions=4), unique("group")
        members = Members(self, topic, group, **{"session.timeout.ms": 30000})
        self.addCleanup(members.close)
        members.join(**{"group.instance.id": "one"})
        two = members.join(**{"group.instance.id": "two"})
        members.wait(4)
        owned = sorted(p.partition for p in two.assignment())
        members.assignments.clear()
        members.leave(two)
        two = members.join(**{"group.instance.id": "two"})
        members.wait(4)
        self.assertEqual(sorted(p.partition for p in two.assignment()), owned)
        self.assertEqual(members.assignments, [two])

    def test_a_static_member_fences_its_predecessor(self):
        members = Members(self, self.topic("fenced"), unique("group"), **{"group.instance.id": "one"})
        self.addCleanup(members.close)
        members.join()
        members.wait(1)
        members.join()

        def fenced():
            members.poll()
            return any("fenced" in error for error in members.errors)

        eventually(fenced, 10, "the predecessor does not learn that it is fenced")


class GroupAdministrationTests(SharedBrokerTestCase):
    def setUp(self):
        super().setUp()
        self.admin = confluent_kafka.admin.AdminClient({"bootstrap.servers": self.bootstrap})

    def committed(self, group, topic):
        asked = confluent_kafka.ConsumerGroupTopicPartitions(group)
        found = self.admin.list_consumer_group_offsets([asked])[group].result(20)
        return {p.partition: p.offset for p in found.topic_partitions if p.topic == topic}

    def commit(self, group, topic, offsets):
        consumer = confluent_kafka.Consumer(settings(self.bootstrap, group))
        consumer.commit(
            offsets=[confluent_kafka.TopicPartition(topic, p, o) for p, o in offsets.items()], asynchronous=False)
        consumer.close()

    def test_groups_are_listed_described_and_deleted(self):
        topic, group = self.topic("described", partitions=2), unique("group")
        members = Members(self, topic, group, **{"client.id": "who", "group.instance.id": "static-who"})
        members.join()
        members.wait(2)
        listed = {g.group_id: g for g in self.admin.list_consumer_groups().result(20).valid}
        self.assertEqual(listed[group].state.name, "STABLE")
        self.assertFalse(listed[group].is_simple_consumer_group)
        described = self.admin.describe_consumer_groups([group], include_authorized_operations=True)[group].result(20)
        self.assertEqual(described.state.name, "STABLE")
        self.assertEqual(described.partition_assignor, "range")
        self.assertEqual({o.name for o in described.authorized_operations}, {"READ", "DELETE", "DESCRIBE"})
        member = described.members[0]
        self.assertEqual((member.client_id, member.group_instance_id), ("who", "static-who"))
        self.assertIn("127.0.0.1", member.host)
        self.assertEqual(sorted(p.partition for p in member.assignment.topic_partitions), [0, 1])
        with self.assertRaises(confluent_kafka.KafkaException) as caught:
            self.admin.delete_consumer_groups([group])[group].result(20)
        self.assertEqual(caught.exception.args[0].code(), 68)
        members.close()
        other = unique("group")
        self.commit(other, topic, {0: 1})
        self.admin.delete_consumer_groups([other])[other].result(20)
        with self.assertRaises(confluent_kafka.KafkaException) as caught:
            self.admin.delete_consumer_groups([other])[other].result(20)
        self.assertEqual(caught.exception.args[0].code(), 69)

    def test_positions_are_altered_and_go_with_their_topic(self):
        topic, group = self.topic("altered", partitions=2), unique("group")
        self.commit(group, topic, {0: 5, 1: 6})
        self.assertEqual(self.committed(group, topic), {0: 5, 1: 6})
        change = confluent_kafka.ConsumerGroupTopicPartitions(
            group, [confluent_kafka.TopicPartition(topic, 0, 3)])
        self.admin.alter_consumer_group_offsets([change])[group].result(20)
        self.assertEqual(self.committed(group, topic), {0: 3, 1: 6})
        self.admin.delete_topics([topic])[topic].result(20)
        eventually(lambda: self.committed(group, topic) == {}, message="the positions stay")


class EndedBrokerTests(unittest.TestCase):
    def setUp(self):
        self.broker = Broker(log_flush_scheduler_interval_ms=100)
        self.addCleanup(lambda: self.broker.process and self.broker.process.poll() is None and self.broker.kill())
        self.broker.start()
        self.bootstrap = self.broker.bootstrap
        with wire.Connection(self.broker.port) as connection:
            connection.create_topic("topic", 4)
            eventually(lambda: connection.leads_all("topic", 4))

    def check(self, end):
        partitions = [confluent_kafka.TopicPartition("topic", p, 100 + p, metadata=f"at {p}") for p in range(4)]
        for group in ("one", "two", "three"):
            consumer = confluent_kafka.Consumer(settings(self.bootstrap, group))
            consumer.commit(offsets=partitions, asynchronous=False)
            consumer.close()
        members = Members(self, "topic", "live", **{"session.timeout.ms": 20000})
        self.addCleanup(members.close)
        members.join(2)
        members.wait(4)
        end()
        self.broker.start()
        for group in ("one", "two", "three"):
            consumer = confluent_kafka.Consumer(settings(self.bootstrap, group))
            found = consumer.committed([confluent_kafka.TopicPartition("topic", p) for p in range(4)], timeout=30)
            self.assertEqual([(p.offset, p.metadata) for p in found], [(100 + p, f"at {p}") for p in range(4)])
            consumer.close()
        members.wait(4)
        time.sleep(1)
        members.wait(4)

    def test_a_killed_broker_keeps_groups_and_positions(self):
        self.check(self.broker.kill)

    def test_a_stopped_broker_keeps_groups_and_positions(self):
        self.check(lambda: self.assertEqual(self.broker.terminate(), 0))


class GoldenGroupTests(unittest.TestCase):
    """Plays recorded requests and compares the answers byte by byte; the ids of members, which are random, are
    exchanged for those that this broker gives."""

    APIS = {8, 9, 11, 12, 13, 14, 15, 42, 47, 68, 69}
    UUID = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
    # Groups of transactions, which this broker does not coordinate yet.
    OTHERS = re.compile(rb"tx")

    def test_answers_are_kafkas(self):
        golden = os.environ.get("MARTLET_GOLDEN", os.path.join(os.path.dirname(__file__), "../Fixtures/golden"))
        files = sorted(glob.glob(os.path.join(golden, "wire", "raw-single-broker*.client.jsonl.gz")))
        if not files:
            self.skipTest("no recorded requests of a single broker")
        for name in files:
            with self.subTest(name):
                self.play([json.loads(line) for line in gzip.open(name, "rt")])

    def play(self, frames):
        broker = Broker().start()
        self.addCleanup(broker.kill)
        with wire.Connection(broker.port) as connection:
            connection.create_topic("orders", 3)
            eventually(lambda: connection.leads_all("orders", 3))
        consumer = confluent_kafka.Consumer(settings(broker.bootstrap, "first"))
        consumer.committed([confluent_kafka.TopicPartition("orders", 0)], timeout=30)
        consumer.close()
        connections, ids, compared = {}, {}, 0

        def exchange(data):
            return self.UUID.sub(lambda match: ids.get(match[0], match[0]), data)

        skipped = set()
        for frame in frames:
            key = (frame["connection"], frame["correlation_id"])
            if frame["api_key"] not in self.APIS or key in skipped:
                continue
            data = bytes.fromhex(frame["hex"])
            if frame["connection"] not in connections:
                connections[frame["connection"]] = socket.create_connection(("127.0.0.1", broker.port), 60)
                self.addCleanup(connections[frame["connection"]].close)
            stream = connections[frame["connection"]]
            if frame["direction"] == "request":
                if self.OTHERS.search(data):
                    skipped.add(key)
                    continue
                data = exchange(data)
                stream.sendall(struct.pack(">i", len(data)) + data)
                continue
            answer = self.read(stream, struct.unpack(">i", self.read(stream, 4))[0])
            for theirs, ours in zip(self.UUID.findall(data), self.UUID.findall(answer)):
                ids.setdefault(theirs, ours)
            label = f"answer {frame['seq']} to API {frame['api_key']} version {frame['api_version']}"
            self.assertEqual(exchange(data), answer, label)
            compared += 1
        self.assertGreater(compared, 0)

    @staticmethod
    def read(stream, count):
        data = b""
        while len(data) < count:
            part = stream.recv(count - len(data))
            if not part:
                raise EOFError("the broker closed the connection")
            data += part
        return data
