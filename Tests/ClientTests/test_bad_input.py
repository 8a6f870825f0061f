# SPDX-License-Identifier: Apache-2.0
"""Any bytes on the port: an error where the protocol has one, else the end of that connection, and nothing more."""

import random
import socket
import struct
import time

import wire
from coordination import varint
from harness import SharedBrokerTestCase, cases, expand

SEED = 20240607
MIB = 1 << 20


@expand
class BadInputTests(SharedBrokerTestCase):
    kind = "bad input"

    def raw(self):
        connection = socket.create_connection(("127.0.0.1", self.broker.port), 20)
        connection.settimeout(20)
        self.addCleanup(connection.close)
        return connection

    def throw(self, data, wait=False):
        """Sends bytes and forgets them. Returns what came back when `wait`."""
        with socket.create_connection(("127.0.0.1", self.broker.port), 20) as connection:
            connection.settimeout(5)
            try:
                connection.sendall(data)
                connection.shutdown(socket.SHUT_WR)
                return connection.recv(1 << 16) if wait else b""
            except OSError:
                return b""

    def works(self):
        topic, connection = self.topic("works"), self.connection()
        self.assertEqual(connection.produce(topic, wire.batch([b"still here"]))[:2], (wire.NONE, 0))
        self.assertIn(b"still here", connection.fetch(topic, 0)[2])

    @cases(-1, -(1 << 31), (1 << 31) - 1, 104857601, 0, 1, 7)
    def test_a_frame_of_impossible_length_ends_the_connection(self, length):
        connection = self.raw()
        connection.sendall(struct.pack(">i", length) + b"\0" * max(0, min(length, 7)))
        try:
            self.assertEqual(connection.recv(1), b"")
        except ConnectionError:
            pass
        self.works()

    def test_a_version_not_served_ends_the_connection(self):
        connection = self.connection()
        connection.send(wire.METADATA, 999, b"")
        self.assertTrue(connection.is_closed_by_broker())

    def test_a_key_not_served_ends_the_connection(self):
        connection = self.connection()
        connection.send(999, 0, b"")
        self.assertTrue(connection.is_closed_by_broker())

    def test_an_apiversions_of_the_future_is_told_what_is_served(self):
        connection = self.connection()
        correlation = connection.send(wire.API_VERSIONS, 120, b"\0\1\1\0")
        answer = wire.Reader(connection.receive_frame())
        self.assertEqual(answer.int("i"), correlation)
        self.assertEqual(answer.int("h"), wire.UNSUPPORTED_VERSION)
        served = {key for key, *_ in answer.array(lambda: answer.unpack("hhh"))}
        self.assertIn(wire.API_VERSIONS, served)
        # The connection goes on at version 0.
        self.assertIn(wire.PRODUCE, connection.api_versions())

    def test_counts_larger_than_the_frame_cost_nothing(self):
        before = self.broker.resident_bytes()
        for key, version, body in [
            (wire.METADATA, 1, struct.pack(">i", 0x7FFFFFFF)),
            (wire.METADATA, 12, b"\0\xff\xff\xff\xff\x07"),
            (wire.PRODUCE, 3, wire.string(None) + struct.pack(">hii", 1, 1000, 0x7FFFFFFF)),
            (wire.FETCH, 4, struct.pack(">iiiibi", -1, 0, 0, 1 << 20, 0, 0x7FFFFFFF)),
            (wire.CREATE_TOPICS, 1, struct.pack(">i", 0x7FFFFFF0) + wire.string("x")),
            (wire.LIST_OFFSETS, 1, struct.pack(">ii", -1, -2)),
        ]:
            connection = self.connection()
            connection.send(key, version, body)
            self.assertTrue(connection.is_closed_by_broker(), f"key {key} version {version}")
        self.assertLess(self.broker.resident_bytes() - before, 64 * MIB)
        self.works()

    def test_topics_larger_than_zookeeper_takes_are_refused_before_they_are_placed(self):
        topic, connection = self.topic("small"), self.connection()
        before = self.broker.resident_bytes()
        # The last is what no count tells: 90,000 partitions of a digit would fit.
        for count in (0x7FFFFFFF, 200_000, 90_000):
            for validate_only in (1, 0):
                end = struct.pack(">ib", 15000, validate_only)
                body = struct.pack(">i", 1) + wire.string("large") + struct.pack(">ihii", count, 1, 0, 0) + end
                answer = connection.request(wire.CREATE_TOPICS, 1, body)
                self.assertEqual(
                    answer.array(lambda: (answer.string(), answer.int("h"), bool(answer.string()))),
                    [("large", wire.INVALID_PARTITIONS, True)], count)
                body = struct.pack(">i", 1) + wire.string(topic) + struct.pack(">ii", count, -1) + end
                answer = connection.request(wire.CREATE_PARTITIONS, 0, body)
                answer.int("i")
                self.assertEqual(
                    answer.array(lambda: (answer.string(), answer.int("h"), bool(answer.string()))),
                    [(topic, wire.INVALID_PARTITIONS, True)], count)
        self.assertLess(self.broker.resident_bytes() - before, 96 * MIB)
        self.works()

    def test_an_id_named_again_and_again_is_described_once(self):
        topic, connection = self.topic("described"), self.connection()

        def described(topics):
            body = b"\0" + bytes([len(topics) + 1]) + b"".join(topics) + b"\0\0\0"
            connection.send(wire.METADATA, 12, body)
            return connection.receive_frame()

        name = bytes([len(topic) + 1]) + topic.encode()
        by_name = described([bytes(16) + name + b"\0"])
        start = by_name.index(name) + len(name)
        identifier = by_name[start:start + 16]
        self.assertEqual(described([identifier + b"\0\0"] * 100).count(name + identifier), 1)

    def test_a_resource_named_again_and_again_is_described_once(self):
        connection = self.connection()

        def described(times):
            # This broker, with all keys, their synonyms and their documentation.
            connection.send(32, 4, b"\0" + varint(times + 1) + b"\4\0021\0\0" * times + b"\1\1\0")
            return connection.receive_frame()[4:]

        once = described(1)
        self.assertGreater(len(once), 10000)
        before = self.broker.resident_bytes()
        self.assertEqual(described(5000), once)
        self.assertLess(self.broker.resident_bytes() - before, 64 * MIB)

    def test_a_group_or_transaction_named_again_and_again_is_described_once(self):
        connection = self.connection()

        def answers(key, version, body):
            connection.send(key, version, b"\0" + body)
            return connection.receive_frame().count(b"somebody")

        names = varint(1001) + (varint(9) + b"somebody") * 1000
        for key, version, body in [
            (15, 5, names + b"\0\0"),  # DescribeGroups
            (65, 0, names + b"\0"),  # DescribeTransactions
            (10, 4, b"\0" + names + b"\0"),  # FindCoordinator
            (9, 8, varint(1001) + (varint(9) + b"somebody" + b"\0\0") * 1000 + b"\0\0"),  # OffsetFetch
        ]:
            self.assertEqual(answers(key, version, body), 1, (key, version))

    def test_a_fetch_of_one_partition_many_times_holds_up_nobody(self):
        topic, fetcher, producer = self.topic("fetched"), self.connection(), self.connection()
        self.assertEqual(producer.produce(topic, wire.batch([b"a"]))[:2], (wire.NONE, 0))
        # Not a byte of any of them is wanted, but two in all: it waits, and looks at all each time that something comes.
        body = struct.pack(">iiiibi", -1, 4000, 2, 1 << 20, 0, 1) + wire.string(topic)
        fetcher.send(wire.FETCH, 4, body + struct.pack(">i", 20000) + struct.pack(">iqi", 0, 1, 0) * 20000)
        time.sleep(0.5)
        begin = time.monotonic()
        self.assertEqual(producer.produce(topic, wire.batch([b"b"]))[:2], (wire.NONE, 1))
        self.assertLess(time.monotonic() - begin, 2)
        answer = wire.Reader(fetcher.receive_frame())
        answer.unpack("ii")

        def partition():
            index, error, *_ = answer.unpack("ihqq")
            answer.array(lambda: answer.unpack("qq"))
            answer.bytes()
            return index, error

        self.assertEqual(answer.array(lambda: (answer.string(), answer.array(partition))), [(topic, [(0, wire.NONE)])])

    def test_huge_announced_frames_cost_no_memory(self):
        before = self.broker.resident_bytes()
        connections = [self.raw() for _ in range(100)]
        for connection in connections:
            connection.sendall(struct.pack(">i", 100 * MIB) + b"\0" * 100)
        self.works()
        self.assertLess(self.broker.resident_bytes() - before, 64 * MIB)

    def test_a_controller_that_nobody_elected_is_not_obeyed(self):
        connection = self.connection()
        for epoch in (2 ** 31 - 1, 1000):
            # StopReplica, which names no partition: it would teach the broker an epoch that no controller reaches.
            connection.send(5, 0, struct.pack(">iibi", 999, epoch, 0, 0))
            self.assertEqual(wire.Reader(connection.receive_frame()).unpack("ih")[1], 11)
        self.works()

    def test_half_a_frame_disturbs_nobody(self):
        connection = self.raw()
        connection.sendall(struct.pack(">ihhi", 100, wire.METADATA, 1, 1))
        self.works()
        connection.close()
        self.works()

    def test_a_frame_byte_by_byte_is_answered(self):
        connection = self.connection()
        payload = struct.pack(">hhi", wire.API_VERSIONS, 0, 7) + wire.string("slow")
        for byte in struct.pack(">i", len(payload)) + payload:
            connection.socket.sendall(bytes([byte]))
        self.assertEqual(wire.Reader(connection.receive_frame()).int("i"), 7)

    def test_seeded_garbage(self):
        chance = random.Random(SEED)
        before = self.broker.resident_bytes()
        for _ in range(300):
            self.throw(chance.randbytes(chance.choice([1, 3, 4, 5, 20, 300, 5000])))
        # Garbage behind a true length and header reaches the decoders.
        served = self.connection().api_versions()
        for _ in range(1500):
            key = chance.choice(sorted(served))
            version = chance.randint(*served[key])
            body = struct.pack(">hhi", key, version, 1) + wire.string("chaos")
            body += chance.randbytes(chance.choice([0, 1, 8, 40, 200]))
            self.throw(struct.pack(">i", len(body)) + body)
        self.works()
        self.assertLess(self.broker.resident_bytes() - before, 96 * MIB)

    def test_seeded_damage_to_good_requests(self):
        chance = random.Random(SEED + 1)
        topic = self.topic("damaged")
        good = []
        for key, version, body in [
            (wire.METADATA, 1, struct.pack(">i", 1) + wire.string(topic)),
            (wire.PRODUCE, 3, wire.Connection.produce_body(topic, wire.batch([b"a" * 50, b"b"]))),
            (wire.FETCH, 4, struct.pack(">iiiibi", -1, 0, 0, 1 << 20, 0, 1) + wire.string(topic)
             + struct.pack(">iiqi", 1, 0, 0, 1 << 20)),
            (wire.LIST_OFFSETS, 1, struct.pack(">ii", -1, 1) + wire.string(topic) + struct.pack(">iiq", 1, 0, -1)),
        ]:
            good.append(struct.pack(">hhi", key, version, 1) + wire.string("chaos") + body)
        for _ in range(1500):
            frame = bytearray(chance.choice(good))
            for _ in range(chance.randint(1, 4)):
                frame[chance.randrange(8, len(frame))] = chance.randrange(256)
            cut = frame[:chance.randint(8, len(frame))] if chance.random() < 0.3 else frame
            length = len(cut) if chance.random() < 0.9 else len(frame)
            self.throw(struct.pack(">i", length) + bytes(cut))
        self.works()
