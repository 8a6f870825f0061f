# SPDX-License-Identifier: Apache-2.0
"""What each client library sends, each of them reads back."""

import asyncio
import subprocess
import unittest

import aiokafka
import confluent_kafka
import kafka
from harness import SharedBrokerTestCase, cases, expand, unique

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")

# Keys, values, headers: bytes, empty, null.
RECORDS = [
    (b"key", b"value", [("a", b"1"), ("a", b"2"), ("empty", b"")]),
    (None, b"no key", []),
    (b"deleted", None, []),
    (b"", b"", [("bytes", bytes(range(256)))]),
    ("Schlüssel".encode(), bytes(range(256)) * 40, []),
] + [(b"k%d" % i, b"compressible " * 20, []) for i in range(200)]


def with_confluent(bootstrap, topic, codec, acks="all", **settings):
    producer = confluent_kafka.Producer(
        {"bootstrap.servers": bootstrap, "compression.type": codec, "acks": acks, "linger.ms": 20, **settings})
    errors = []
    for index, (key, value, headers) in enumerate(RECORDS):
        producer.produce(topic, value, key, partition=0, timestamp=1000 + index, headers=headers,
                         on_delivery=lambda error, _: errors.append(error) if error else None)
    left = producer.flush(30)
    if left or errors:
        raise AssertionError(f"{left} records not sent, errors {errors[:3]}")


def with_kafka_python(bootstrap, topic, codec, acks="all"):
    producer = kafka.KafkaProducer(
        bootstrap_servers=bootstrap, compression_type=None if codec == "none" else codec, acks=acks, linger_ms=20)
    try:
        sent = [producer.send(topic, value, key, headers=headers, partition=0, timestamp_ms=1000 + index)
                for index, (key, value, headers) in enumerate(RECORDS)]
        producer.flush(30)
        for future in sent:
            future.get(30)
    finally:
        producer.close(10)


def with_aiokafka(bootstrap, topic, codec, acks="all"):
    async def run():
        producer = aiokafka.AIOKafkaProducer(
            bootstrap_servers=bootstrap, compression_type=None if codec == "none" else codec, acks=acks, linger_ms=20)
        await producer.start()
        try:
            sent = [await producer.send(topic, value, key, headers=headers, partition=0, timestamp_ms=1000 + index)
                    for index, (key, value, headers) in enumerate(RECORDS)]
            await asyncio.gather(*sent)
        finally:
            await producer.stop()

    asyncio.run(run())


def read_with_confluent(bootstrap, topic, count):
    consumer = confluent_kafka.Consumer(
        {"bootstrap.servers": bootstrap, "group.id": unique("group"), "enable.auto.commit": False,
         "auto.offset.reset": "earliest"})
    try:
        consumer.assign([confluent_kafka.TopicPartition(topic, 0, 0)])
        read = []
        while len(read) < count:
            message = consumer.poll(20)
            if message is None or message.error():
                raise AssertionError(f"after {len(read)} records: {message and message.error()}")
            read.append((message.offset(), message.timestamp()[1], message.key(), message.value(),
                         message.headers() or []))
        return read
    finally:
        consumer.close()


def read_with_kafka_python(bootstrap, topic, count):
    consumer = kafka.KafkaConsumer(
        bootstrap_servers=bootstrap, auto_offset_reset="earliest", consumer_timeout_ms=20000, enable_auto_commit=False)
    try:
        consumer.assign([kafka.TopicPartition(topic, 0)])
        consumer.seek_to_beginning()
        read = []
        for message in consumer:
            read.append((message.offset, message.timestamp, message.key, message.value, list(message.headers)))
            if len(read) == count:
                break
        return read
    finally:
        consumer.close()


def read_with_aiokafka(bootstrap, topic, count):
    async def run():
        consumer = aiokafka.AIOKafkaConsumer(
            bootstrap_servers=bootstrap, auto_offset_reset="earliest", enable_auto_commit=False)
        await consumer.start()
        try:
            consumer.assign([aiokafka.TopicPartition(topic, 0)])
            await consumer.seek_to_beginning()
            read = []
            while len(read) < count:
                message = await asyncio.wait_for(consumer.getone(), 20)
                read.append((message.offset, message.timestamp, message.key, message.value, list(message.headers)))
            return read
        finally:
            await consumer.stop()

    return asyncio.run(run())


WRITERS = {"confluent": with_confluent, "kafka-python": with_kafka_python, "aiokafka": with_aiokafka}
READERS = {"confluent": read_with_confluent, "kafka-python": read_with_kafka_python, "aiokafka": read_with_aiokafka}


@expand
class ProduceConsumeTests(SharedBrokerTestCase):
    @cases(*[(writer, codec) for writer in WRITERS for codec in CODECS])
    def test_what_is_written_is_read_by_every_client(self, writer, codec):
        topic = self.topic(codec)
        WRITERS[writer](self.bootstrap, topic, codec)
        expected = [(i, 1000 + i, key, value, headers) for i, (key, value, headers) in enumerate(RECORDS)]
        for name, read in READERS.items():
            self.assertEqual(read(self.bootstrap, topic, len(RECORDS)), expected, name)

    @cases(*[(writer, acks) for writer in WRITERS for acks in (0, 1, "all")])
    def test_every_level_of_acknowledgement(self, writer, acks):
        topic = self.topic("acks")
        WRITERS[writer](self.bootstrap, topic, "none", acks=acks)
        self.assertEqual(len(read_with_confluent(self.bootstrap, topic, len(RECORDS))), len(RECORDS))

    @cases(*CODECS)
    def test_an_idempotent_producer(self, codec):
        topic = self.topic("idempotent")
        with_confluent(self.bootstrap, topic, codec, **{"enable.idempotence": True})
        self.assertEqual(len(read_with_kafka_python(self.bootstrap, topic, len(RECORDS))), len(RECORDS))

    @cases(*[codec for codec in CODECS])
    def test_a_topic_of_its_own_codec(self, codec):
        topic = self.topic("recompressed", compression_type="uncompressed" if codec == "none" else codec)
        with_confluent(self.bootstrap, topic, "gzip" if codec != "gzip" else "lz4")
        values = [value for _, _, _, value, _ in read_with_aiokafka(self.bootstrap, topic, len(RECORDS))]
        self.assertEqual(values, [value for _, value, _ in RECORDS])

    @cases(*CODECS)
    def test_kcat(self, codec):
        topic = self.topic("kcat")
        lines = "".join(f"key{i}:line {i}\n" for i in range(500))
        subprocess.run(["kcat", "-b", self.bootstrap, "-P", "-t", topic, "-K:", "-z", codec], input=lines.encode(),
                       check=True, timeout=30)
        read = subprocess.run(["kcat", "-b", self.bootstrap, "-C", "-t", topic, "-K:", "-e", "-q"],
                              stdout=subprocess.PIPE, check=True, timeout=30)
        self.assertEqual(read.stdout.decode(), lines)

    def test_kcat_lists_the_cluster(self):
        topic = self.topic("listed", partitions=3)
        listed = subprocess.run(["kcat", "-b", self.bootstrap, "-L"], stdout=subprocess.PIPE, check=True, timeout=30)
        self.assertIn(f'topic "{topic}" with 3 partitions', listed.stdout.decode())
        self.assertIn(f"broker 1 at {self.bootstrap} (controller)", listed.stdout.decode())

    def test_a_header_without_a_value(self):
        # kafka-python cannot write one, all can read it.
        topic = self.topic("header")
        producer = confluent_kafka.Producer({"bootstrap.servers": self.bootstrap})
        producer.produce(topic, b"value", headers=[("null", None), ("empty", b"")])
        self.assertEqual(producer.flush(30), 0)
        for name, read in READERS.items():
            self.assertEqual(read(self.bootstrap, topic, 1)[0][4], [("null", None), ("empty", b"")], name)

    def test_log_append_time(self):
        topic = self.topic("appendtime", message_timestamp_type="LogAppendTime")
        with_confluent(self.bootstrap, topic, "gzip")
        for read in READERS.values():
            times = [time for _, time, _, _, _ in read(self.bootstrap, topic, len(RECORDS))]
            self.assertGreater(min(times), 1_600_000_000_000)

    def test_a_topic_is_created_when_first_written_to(self):
        topic = unique("created")
        producer = confluent_kafka.Producer({"bootstrap.servers": self.bootstrap})
        producer.produce(topic, b"first")
        self.assertEqual(producer.flush(30), 0)
        self.assertEqual(read_with_confluent(self.bootstrap, topic, 1)[0][3], b"first")

    def test_records_are_spread_over_partitions_by_key_as_java_does(self):
        topic = self.topic("spread", partitions=7)
        producer = kafka.KafkaProducer(bootstrap_servers=self.bootstrap)
        sent = {b"key%d" % i: producer.send(topic, b"", b"key%d" % i).get(20).partition for i in range(50)}
        producer.close()
        other = confluent_kafka.Producer({"bootstrap.servers": self.bootstrap, "partitioner": "murmur2"})
        found = {}
        for key in sent:
            other.produce(topic, b"", key, on_delivery=lambda e, m: found.update({m.key(): m.partition()}))
        self.assertEqual(other.flush(30), 0)
        self.assertEqual(found, sent)

    def test_many_partitions_and_consumers_at_once(self):
        topic = self.topic("many", partitions=12)
        producer = confluent_kafka.Producer({"bootstrap.servers": self.bootstrap, "linger.ms": 5})
        for i in range(12000):
            producer.produce(topic, b"%d" % i, partition=i % 12)
        self.assertEqual(producer.flush(60), 0)
        consumer = confluent_kafka.Consumer({"bootstrap.servers": self.bootstrap, "group.id": unique("group")})
        self.addCleanup(consumer.close)
        consumer.assign([confluent_kafka.TopicPartition(topic, p, 0) for p in range(12)])
        seen = [[] for _ in range(12)]
        for _ in range(12000):
            message = consumer.poll(20)
            self.assertIsNotNone(message)
            self.assertIsNone(message.error())
            seen[message.partition()].append(int(message.value()))
        for partition, values in enumerate(seen):
            self.assertEqual(values, list(range(partition, 12000, 12)))


if __name__ == "__main__":
    unittest.main()
