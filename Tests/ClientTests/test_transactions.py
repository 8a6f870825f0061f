# SPDX-License-Identifier: Apache-2.0
"""Transactions of real clients: all or nothing, for records and for committed offsets, and one producer per id."""

import confluent_kafka
import confluent_kafka.admin
from harness import SharedBrokerTestCase, eventually, unique


class TransactionTests(SharedBrokerTestCase):
    def producer(self, transactional_id, **more):
        producer = confluent_kafka.Producer(
            {"bootstrap.servers": self.bootstrap, "transactional.id": transactional_id, "linger.ms": 5, **more})
        producer.init_transactions(60)
        return producer

    def send(self, producer, topic, values, partitions=2):
        for index, value in enumerate(values):
            producer.produce(topic, value, partition=index % partitions)

    def read(self, topic, isolation, partitions=2):
        """All values up to the end that a consumer of this isolation sees."""
        consumer = confluent_kafka.Consumer(
            {"bootstrap.servers": self.bootstrap, "group.id": unique("group"), "enable.auto.commit": False,
             "auto.offset.reset": "earliest", "isolation.level": isolation, "enable.partition.eof": True})
        try:
            consumer.assign([confluent_kafka.TopicPartition(topic, p, 0) for p in range(partitions)])
            values, ended = [], set()
            while len(ended) < partitions:
                message = consumer.poll(20)
                self.assertIsNotNone(message)
                if message.error() is None:
                    values.append(message.value())
                else:
                    self.assertEqual(message.error().code(), confluent_kafka.KafkaError._PARTITION_EOF)
                    ended.add(message.partition())
            return sorted(values)
        finally:
            consumer.close()

    def test_only_committed_records_are_seen(self):
        topic = self.topic("transactions", partitions=2)
        producer = self.producer(unique("id"))
        producer.begin_transaction()
        self.send(producer, topic, [b"a1", b"a2"])
        producer.flush(30)
        self.assertEqual(self.read(topic, "read_committed"), [])
        self.assertEqual(self.read(topic, "read_uncommitted"), [b"a1", b"a2"])
        producer.commit_transaction(30)
        eventually(lambda: self.read(topic, "read_committed") == [b"a1", b"a2"])
        producer.begin_transaction()
        self.send(producer, topic, [b"b1", b"b2"])
        producer.flush(30)
        producer.abort_transaction(30)
        producer.begin_transaction()
        self.send(producer, topic, [b"c1", b"c2"])
        producer.commit_transaction(30)
        eventually(lambda: self.read(topic, "read_committed") == [b"a1", b"a2", b"c1", b"c2"])
        self.assertEqual(len(self.read(topic, "read_uncommitted")), 6)

    def test_many_transactions_in_a_row(self):
        topic = self.topic("row", partitions=2)
        producer = self.producer(unique("id"))
        for round in range(50):
            producer.begin_transaction()
            self.send(producer, topic, [b"%03d-%d" % (round, i) for i in range(4)])
            # An abort before the partitions are registered would meet the transaction before this one, which has ended.
            producer.flush(30)
            producer.commit_transaction(30) if round % 2 == 0 else producer.abort_transaction(30)
        expected = sorted(b"%03d-%d" % (round, i) for round in range(0, 50, 2) for i in range(4))
        eventually(lambda: self.read(topic, "read_committed") == expected)

    def test_a_second_producer_fences_the_first_and_ends_its_transaction(self):
        topic, name = self.topic("fence", partitions=2), unique("id")
        first = self.producer(name)
        first.begin_transaction()
        self.send(first, topic, [b"lost1", b"lost2"])
        first.flush(30)
        second = self.producer(name)
        with self.assertRaises(confluent_kafka.KafkaException) as caught:
            first.commit_transaction(30)
        self.assertTrue(caught.exception.args[0].fatal())
        second.begin_transaction()
        self.send(second, topic, [b"kept1", b"kept2"])
        second.commit_transaction(30)
        eventually(lambda: self.read(topic, "read_committed") == [b"kept1", b"kept2"])

    def test_positions_are_committed_with_the_records(self):
        source, target, group = self.topic("source"), self.topic("target", partitions=2), unique("group")
        plain = confluent_kafka.Producer({"bootstrap.servers": self.bootstrap})
        self.send(plain, source, [b"%d" % i for i in range(10)], partitions=1)
        self.assertEqual(plain.flush(30), 0)
        consumer = confluent_kafka.Consumer(
            {"bootstrap.servers": self.bootstrap, "group.id": group, "enable.auto.commit": False,
             "auto.offset.reset": "earliest", "isolation.level": "read_committed", "session.timeout.ms": 6000})
        self.addCleanup(consumer.close)
        consumer.subscribe([source])
        producer = self.producer(unique("id"))
        partition = [confluent_kafka.TopicPartition(source, 0)]

        def transform(count):
            producer.begin_transaction()
            read = []
            while len(read) < count:
                message = consumer.poll(20)
                self.assertIsNotNone(message)
                self.assertIsNone(message.error())
                read.append(message)
            self.send(producer, target, [b"t" + message.value() for message in read])
            producer.send_offsets_to_transaction(
                consumer.position(partition), consumer.consumer_group_metadata(), 30)

        transform(4)
        producer.commit_transaction(30)
        eventually(lambda: consumer.committed(partition, 20)[0].offset == 4)
        transform(3)
        producer.abort_transaction(30)
        self.assertEqual(consumer.committed(partition, 20)[0].offset, 4)
        eventually(lambda: len(self.read(target, "read_committed")) == 4)

    def test_a_transaction_that_takes_too_long_is_aborted(self):
        topic = self.topic("slow", partitions=2)
        producer = self.producer(unique("id"), **{"transaction.timeout.ms": 1500})
        producer.begin_transaction()
        self.send(producer, topic, [b"slow1", b"slow2"])
        producer.flush(30)

        def is_over():
            other = self.producer(unique("id"))
            other.begin_transaction()
            self.send(other, topic, [b"kept"])
            other.commit_transaction(30)
            return b"kept" in self.read(topic, "read_committed")

        eventually(is_over, 40, "the open transaction holds readers back")
        self.assertNotIn(b"slow1", self.read(topic, "read_committed"))
        with self.assertRaises(confluent_kafka.KafkaException):
            producer.commit_transaction(30)
