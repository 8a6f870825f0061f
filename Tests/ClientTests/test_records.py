# SPDX-License-Identifier: Apache-2.0
"""Sizes, times, offsets; and records that must be refused, each with its own error."""

import struct

import confluent_kafka
import kafka

import wire
from harness import SharedBrokerTestCase, cases, expand, unique

MAX = 1_048_588  # message.max.bytes by default


@expand
class RecordTests(SharedBrokerTestCase):
    @cases(1, 10, 1000, 16_000, 100_000, 999_000)
    def test_a_value_of_this_size(self, size):
        topic = self.topic("size")
        value = bytes(i * 31 % 251 for i in range(size))
        producer = confluent_kafka.Producer({"bootstrap.servers": self.bootstrap, "message.max.bytes": 1_100_000})
        producer.produce(topic, value)
        self.assertEqual(producer.flush(30), 0)
        consumer = kafka.KafkaConsumer(bootstrap_servers=self.bootstrap, consumer_timeout_ms=20000)
        self.addCleanup(consumer.close)
        consumer.assign([kafka.TopicPartition(topic, 0)])
        consumer.seek_to_beginning()
        self.assertEqual(next(consumer).value, value)

    def test_a_batch_of_exactly_the_largest_size_is_accepted(self):
        topic, connection = self.topic("largest"), self.connection()
        made = wire.batch_of_size(MAX)
        self.assertEqual(connection.produce(topic, made)[:2], (wire.NONE, 0))
        error, mark, records = connection.fetch(topic, 0, max_bytes=10)
        self.assertEqual((error, mark, len(records)), (wire.NONE, 1, MAX))
        self.assertEqual(records[61:], made[61:])

    def test_a_batch_one_byte_larger_is_refused(self):
        topic, connection = self.topic("larger"), self.connection()
        self.assertEqual(connection.produce(topic, wire.batch_of_size(MAX + 1))[0], wire.MESSAGE_TOO_LARGE)
        self.assertEqual(connection.produce(topic, wire.batch([b"next"]))[:2], (wire.NONE, 0))

    def test_a_topics_own_bound_holds(self):
        topic, connection = self.topic("bound", max_message_bytes=500), self.connection()
        self.assertEqual(connection.produce(topic, wire.batch_of_size(500))[0], wire.NONE)
        self.assertEqual(connection.produce(topic, wire.batch_of_size(501))[0], wire.MESSAGE_TOO_LARGE)

    def test_a_client_is_told_that_its_record_is_too_large(self):
        topic = self.topic("told", max_message_bytes=1000)
        producer = kafka.KafkaProducer(bootstrap_servers=self.bootstrap)
        self.addCleanup(producer.close)
        with self.assertRaises(kafka.errors.MessageSizeTooLargeError):
            producer.send(topic, b"x" * 2000).get(20)

    def refused(self, expected, batch, acks=-1, version=3, topic=None):
        topic, connection = topic or self.topic("refused"), self.connection()
        self.assertEqual(connection.produce(topic, batch, acks=acks, version=version)[:2], (expected, -1))
        # Nothing was written, and the connection still serves.
        self.assertEqual(connection.produce(topic, wire.batch([b"good"]))[:2], (wire.NONE, 0))

    def test_a_corrupt_batch_is_refused(self):
        self.refused(wire.CORRUPT_MESSAGE, wire.batch([b"a"], corrupt=True))

    def test_a_flipped_bit_is_found(self):
        made = bytearray(wire.batch([b"a" * 100]))
        made[-10] ^= 4
        self.refused(wire.CORRUPT_MESSAGE, bytes(made))

    def test_two_batches_in_one_are_refused(self):
        self.refused(wire.INVALID_RECORD, wire.batch([b"a"]) + wire.batch([b"b"]))

    def test_a_count_that_is_not_true_is_refused(self):
        self.refused(wire.INVALID_RECORD, wire.batch([], payload=wire.record(0, b"a"), count=2))

    def test_records_that_are_no_gzip_are_refused(self):
        error = self.connection().produce(
            self.topic("nogzip"), wire.batch([], payload=b"this is not gzip", count=1, attributes=1))[0]
        self.assertIn(error, (wire.CORRUPT_MESSAGE, wire.INVALID_RECORD))

    def test_an_unknown_codec_is_refused(self):
        topic, connection = self.topic("codec"), self.connection()
        error = connection.produce(topic, wire.batch([b"a"], attributes=7))[0]
        self.assertNotEqual(error, wire.NONE)
        self.assertEqual(connection.produce(topic, wire.batch([b"good"]))[:2], (wire.NONE, 0))

    def test_zstd_needs_a_newer_request(self):
        self.refused(wire.UNSUPPORTED_COMPRESSION_TYPE, wire.batch([b"a"], attributes=4), version=3)

    @cases(-2, 2, 100)
    def test_unknown_acks_are_refused(self, acks):
        topic, connection = self.topic("acks"), self.connection()
        self.assertEqual(connection.produce(topic, wire.batch([b"a"]), acks=acks)[0], wire.INVALID_REQUIRED_ACKS)

    def test_a_partition_that_does_not_exist(self):
        topic, connection = self.topic("missing"), self.connection()
        batch = wire.batch([b"a"])
        self.assertEqual(connection.produce(topic, batch, partition=1)[0], wire.UNKNOWN_TOPIC_OR_PARTITION)
        self.assertEqual(connection.produce(unique("none"), batch)[0], wire.UNKNOWN_TOPIC_OR_PARTITION)

    def test_an_error_without_acknowledgement_closes_the_connection(self):
        connection = self.connection()
        connection.produce(unique("none"), wire.batch([b"a"]), acks=0)
        self.assertTrue(connection.is_closed_by_broker())

    def test_a_partition_named_twice_is_answered_twice(self):
        topic, connection = self.topic("twice"), self.connection()
        entries = [struct.pack(">ii", 0, len(b)) + b for b in (wire.batch([b"a", b"b"]), wire.batch([b"c"]))]
        connection.send(
            wire.PRODUCE, 3, wire.string(None) + struct.pack(">hii", -1, 60000, 1) + wire.string(topic)
            + struct.pack(">i", len(entries)) + b"".join(entries))
        answer = wire.Reader(connection.receive_frame())
        answer.int("i")
        answered = answer.array(lambda: (answer.string(), answer.array(lambda: answer.unpack("ihqq")[1:3])))
        self.assertEqual(answered, [(topic, [(wire.NONE, 0), (wire.NONE, 2)])])

    def test_sequence_numbers(self):
        topic, connection = self.topic("sequence"), self.connection()
        producer, epoch = connection.init_producer_id()

        def send(sequence, values=(b"a", b"b")):
            made = wire.batch(list(values), timestamp=5, producer=producer, epoch=epoch, sequence=sequence)
            return connection.produce(topic, made)[:2]

        self.assertEqual(send(0), (wire.NONE, 0))
        self.assertEqual(send(2), (wire.NONE, 2))
        self.assertEqual(send(0), (wire.NONE, 0), "a duplicate is answered with its first offset")
        self.assertEqual(send(6)[0], wire.OUT_OF_ORDER_SEQUENCE_NUMBER)
        self.assertEqual(send(4), (wire.NONE, 4))
        self.assertEqual(connection.list_offset(topic, -1), (wire.NONE, -1, 6))

    def test_offsets_for_times(self):
        topic, connection = self.topic("times"), self.connection()
        for time in (1000, 2000, 3000):
            self.assertEqual(connection.produce(topic, wire.batch([b"a", b"b"], timestamp=time))[0], wire.NONE)
        self.assertEqual(connection.list_offset(topic, 0), (wire.NONE, 1000, 0))
        self.assertEqual(connection.list_offset(topic, 1001), (wire.NONE, 2000, 2))
        self.assertEqual(connection.list_offset(topic, 3000), (wire.NONE, 3000, 4))
        self.assertEqual(connection.list_offset(topic, 3001), (wire.NONE, -1, -1))
        self.assertEqual(connection.list_offset(topic, -2), (wire.NONE, -1, 0))
        self.assertEqual(connection.list_offset(topic, -1), (wire.NONE, -1, 6))
        consumer = kafka.KafkaConsumer(bootstrap_servers=self.bootstrap)
        self.addCleanup(consumer.close)
        partition = kafka.TopicPartition(topic, 0)
        self.assertEqual(consumer.offsets_for_times({partition: 1500})[partition].offset, 2)
        self.assertEqual(consumer.beginning_offsets([partition]), {partition: 0})
        self.assertEqual(consumer.end_offsets([partition]), {partition: 6})
        other = confluent_kafka.Consumer({"bootstrap.servers": self.bootstrap, "group.id": unique("group")})
        self.addCleanup(other.close)
        found = other.offsets_for_times([confluent_kafka.TopicPartition(topic, 0, 2500)], timeout=20)
        self.assertEqual(found[0].offset, 4)
        self.assertEqual(other.get_watermark_offsets(confluent_kafka.TopicPartition(topic, 0), timeout=20), (0, 6))

    @cases(-5, 7, 1 << 40)
    def test_an_offset_out_of_range_is_told(self, offset):
        topic, connection = self.topic("range"), self.connection()
        connection.produce(topic, wire.batch([b"a"] * 5))
        self.assertEqual(connection.fetch(topic, offset)[0], wire.OFFSET_OUT_OF_RANGE)
        self.assertEqual(connection.fetch(topic, 5), (wire.NONE, 5, b""))

    @cases(("earliest", 0), ("latest", 5))
    def test_a_consumer_out_of_range_starts_where_it_is_told(self, reset, first):
        topic, connection = self.topic("reset"), self.connection()
        connection.produce(topic, wire.batch([b"%d" % i for i in range(5)]))
        consumer = confluent_kafka.Consumer(
            {"bootstrap.servers": self.bootstrap, "group.id": unique("group"), "auto.offset.reset": reset})
        self.addCleanup(consumer.close)
        consumer.assign([confluent_kafka.TopicPartition(topic, 0, 1000)])
        message = None
        for attempt in range(40):
            message = consumer.poll(0.5)
            if message is not None:
                break
            # With "latest" there is nothing to read until something new is written.
            if reset == "latest" and attempt >= 3:
                connection.produce(topic, wire.batch([b"new"]))
        self.assertIsNotNone(message)
        self.assertIsNone(message.error())
        self.assertGreaterEqual(message.offset(), first)
        if reset == "earliest":
            self.assertEqual(message.offset(), 0)

    def test_a_fetch_waits_for_what_comes(self):
        topic, connection, writer = self.topic("wait"), self.connection(), self.connection()
        correlation = connection.send(
            wire.FETCH, 4, wire.struct.pack(">iiiibi", -1, 10000, 1, 1 << 20, 0, 1) + wire.string(topic)
            + wire.struct.pack(">iiqi", 1, 0, 0, 1 << 20))
        writer.produce(topic, wire.batch([b"now"]))
        started = wire.time.monotonic()
        answer = wire.Reader(connection.receive_frame())
        self.assertEqual(answer.int("i"), correlation)
        self.assertIn(b"now", answer.data)
        self.assertLess(wire.time.monotonic() - started, 5)

    def test_answers_come_in_the_order_of_the_requests(self):
        topic, connection = self.topic("pipeline"), self.connection()
        for index in range(50):
            connection.send(wire.PRODUCE, 3, connection.produce_body(topic, wire.batch([b"%d" % index])))
        offsets = [connection.produce_answer()[:2] for _ in range(50)]
        self.assertEqual(offsets, [(wire.NONE, index) for index in range(50)])
