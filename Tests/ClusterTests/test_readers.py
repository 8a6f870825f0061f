# SPDX-License-Identifier: Apache-2.0
"""What consumers are told of replicas and leaderships: the replica in their rack (KIP-392), fenced epochs (KIP-320),
and where a leader has gone (KIP-951)."""

import base64
import os
import struct

from cluster import Cluster, ClusterTestCase, eventually, wire
from coordination import varint

FENCED_LEADER_EPOCH, UNKNOWN_LEADER_EPOCH, NOT_LEADER = 74, 75, 6
OFFSETS_FOR_LEADER_EPOCH = 23


def compact(data):
    return varint(len(data) + 1) + data


class FlexibleReader(wire.Reader):
    """Compact lengths and tagged fields."""

    def unsigned(self):
        value = shift = 0
        while True:
            byte = self.int("B")
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def bytes(self):
        length = self.unsigned() - 1
        return None if length < 0 else self.take(length)

    def string(self):
        data = self.bytes()
        return None if data is None else data.decode()

    def array(self, element):
        return [element() for _ in range(max(0, self.unsigned() - 1))]

    def tags(self):
        fields = {}
        for _ in range(self.unsigned()):
            tag = self.unsigned()
            fields[tag] = FlexibleReader(self.take(self.unsigned()))
        return fields


def flexible(connection, key, version, body):
    correlation = connection.send(key, version, b"\0" + body)
    answer = FlexibleReader(connection.receive_frame())
    assert answer.int("i") == correlation
    answer.tags()
    return answer


def endpoints(tags):
    """The brokers that an answer names beside its partitions, by id."""
    if 0 not in tags:
        return {}
    reader = tags[0]

    def node():
        number, host, port, rack, _ = reader.int("i"), reader.string(), reader.int("i"), reader.string(), reader.tags()
        return number, (host, port, rack)

    return dict(reader.array(node))


class ReaderTests(ClusterTestCase):
    def racks(self, **settings):
        """A cluster whose brokers stand in racks of their own."""
        cluster = Cluster(3, **settings)
        self.addCleanup(cluster.stop)
        for number, broker in cluster.brokers.items():
            broker.settings["broker.rack"] = f"rack-{number}"
        return cluster.start()

    def fetch(self, cluster, number, topic, offset, rack="", epoch=-1):
        """Version 11. Answers (error, high watermark, preferred replica, records)."""
        body = (struct.pack(">iiiibii", -1, 0, 0, 1 << 24, 0, 0, -1)
                + struct.pack(">i", 1) + wire.string(topic) + struct.pack(">i", 1)
                + struct.pack(">iiqqi", 0, epoch, offset, -1, 1 << 20)
                + struct.pack(">i", 0) + wire.string(rack))
        with wire.Connection(cluster.brokers[number].port) as connection:
            answer = connection.request(wire.FETCH, 11, body)
        answer.unpack("ihi")

        def partition():
            _, error, mark, _, _ = answer.unpack("ihqqq")
            aborted = answer.int("i")
            assert aborted <= 0
            return error, mark, answer.int("i"), answer.bytes()

        return answer.array(lambda: (answer.string(), answer.array(partition)))[0][1][0]

    def test_a_consumer_is_sent_to_the_replica_in_its_rack(self):
        cluster = self.racks(
            **{"replica.selector.class": "org.apache.kafka.common.replica.RackAwareReplicaSelector"})
        topic = cluster.placed_topic([1, 2, 3])
        with wire.Connection(cluster.brokers[1].port) as connection:
            for _ in range(3):
                connection.produce(topic, wire.batch([b"one", b"two"]))
        error, _, preferred, records = self.fetch(cluster, 1, topic, 0, "rack-3")
        self.assertEqual((error, preferred, records), (wire.NONE, 3, b""))
        # In the leader's own rack, in none, or in one without a replica: the leader it is.
        for rack in ["rack-1", "", "elsewhere"]:
            error, _, preferred, records = self.fetch(cluster, 1, topic, 0, rack)
            self.assertEqual((error, preferred), (wire.NONE, -1))
            self.assertTrue(records)
        # A replica serves what it knows to be committed, and the same bytes.
        self.assertEqual(
            eventually(lambda: (found := self.fetch(cluster, 3, topic, 0, "rack-3")[3]) == records and found), records)
        self.assertEqual(self.fetch(cluster, 3, topic, 99)[0], wire.OFFSET_OUT_OF_RANGE)

    def test_a_replica_that_was_moved_to_another_rack_is_found_there(self):
        cluster = self.racks(
            **{"replica.selector.class": "org.apache.kafka.common.replica.RackAwareReplicaSelector"})
        topic = cluster.placed_topic([1, 2, 3])
        load = self.load(cluster, topic, idempotent=True)

        def preferred(rack):
            return self.fetch(cluster, 1, topic, 0, rack)[2]

        self.assertEqual([preferred("rack-3"), preferred("new")], [3, -1])
        moved = cluster.brokers[3]
        self.assertEqual(moved.terminate(), 0)
        moved.settings["broker.rack"] = "new"
        moved.start()
        cluster.wait_for_in_sync(topic)
        eventually(lambda: [preferred("rack-3"), preferred("new")] == [-1, 3], 20, "it is not found there")
        # All brokers tell of it.
        for number in cluster.brokers:
            racks = {n: rack for n, _, _, rack in cluster.metadata([], of=number)["brokers"]}
            self.assertEqual(racks, {1: "rack-1", 2: "rack-2", 3: "new"})
        # New topics are spread over the racks as they are now.
        moved.terminate()
        moved.settings["broker.rack"] = "rack-2"
        moved.start()
        cluster.wait_for_in_sync(topic)
        spread = cluster.topic(partitions=6, replication=2)
        for partition in cluster.metadata([spread])["topics"][0]["partitions"]:
            self.assertIn(1, partition["replicas"])
        load.wait_for_more()
        self.settle(cluster, load)

    def test_without_a_selector_everybody_reads_from_leaders(self):
        cluster = self.racks()
        topic = cluster.placed_topic([1, 2, 3])
        with wire.Connection(cluster.brokers[1].port) as connection:
            connection.produce(topic, wire.batch([b"one"]))
        self.assertEqual(self.fetch(cluster, 1, topic, 0, "rack-3")[2], -1)

    def test_readers_of_another_leadership_are_told_so(self):
        cluster = self.cluster()
        topic = cluster.placed_topic([1, 2, 3])
        with wire.Connection(cluster.brokers[1].port) as connection:
            connection.produce(topic, wire.batch([b"one", b"two"]))
        cluster.kill(1)
        leader = eventually(lambda: (n := cluster.leader(topic)) > 1 and n, 30)
        # Its first in-sync set lost a member, and it was elected: two epochs later, or one.
        with wire.Connection(cluster.brokers[leader].port) as connection:
            connection.produce(topic, wire.batch([b"three"]), acks=1)

            def end_of(epoch, current):
                body = (struct.pack(">ii", -1, 1) + wire.string(topic) + struct.pack(">i", 1)
                        + struct.pack(">iii", 0, current, epoch))
                answer = connection.request(OFFSETS_FOR_LEADER_EPOCH, 3, body)
                answer.int("i")
                return answer.array(
                    lambda: (answer.string(), answer.array(lambda: answer.unpack("hiiq"))))[0][1][0]

            error, _, epoch, end = end_of(0, -1)
            self.assertEqual((error, epoch, end), (wire.NONE, 0, 2))
            current = next(e for e in range(1, 9) if end_of(0, e)[0] == wire.NONE)
            self.assertEqual(end_of(0, current - 1)[0], FENCED_LEADER_EPOCH)
            self.assertEqual(end_of(0, current + 1)[0], UNKNOWN_LEADER_EPOCH)
            self.assertEqual(end_of(current, current)[3], 3)
        self.assertEqual(self.fetch(cluster, leader, topic, 0, epoch=current)[0], wire.NONE)
        self.assertEqual(self.fetch(cluster, leader, topic, 0, epoch=current - 1)[0], FENCED_LEADER_EPOCH)
        self.assertEqual(self.fetch(cluster, leader, topic, 0, epoch=current + 1)[0], UNKNOWN_LEADER_EPOCH)

    def test_who_asks_a_follower_learns_where_the_leader_is(self):
        cluster = self.racks()
        topic = cluster.placed_topic([2, 1, 3])
        leader = ("127.0.0.1", cluster.brokers[2].port, "rack-2")
        with wire.Connection(cluster.brokers[1].port) as connection:
            batch = wire.batch([b"one"])
            body = (varint(0) + struct.pack(">hi", -1, 1000)
                    + varint(2) + compact(topic.encode())
                    + varint(2) + struct.pack(">i", 0) + compact(batch) + b"\0" + b"\0" + b"\0")
            answer = flexible(connection, wire.PRODUCE, 10, body)

            def produced():
                _, error = answer.unpack("ih")
                answer.unpack("qqq")
                answer.array(lambda: (answer.int("i"), answer.string(), answer.tags()))
                answer.string()
                return error, answer.tags()

            found = answer.array(lambda: (answer.string(), answer.array(produced), answer.tags()))
            error, tags = found[0][1][0]
            answer.int("i")
            self.assertEqual(error, NOT_LEADER)
            self.assertEqual(tags[0].unpack("ii"), (2, 0))
            self.assertEqual(endpoints(answer.tags()), {2: leader})

            with open(os.path.join(cluster.brokers[1].log_dirs, f"{topic}-0", "partition.metadata")) as file:
                identifier = base64.urlsafe_b64decode(file.read().split("topic_id: ")[1].strip() + "==")
            # As a follower of the partition would: only the leader answers it.
            replica = struct.pack(">iq", 3, -1) + b"\0"
            body = (struct.pack(">iiibii", 0, 0, 1 << 20, 0, 0, -1)
                    + varint(2) + identifier
                    + varint(2) + struct.pack(">iiqiqi", 0, -1, 0, -1, -1, 1 << 20) + b"\0" + b"\0"
                    + varint(1) + compact(b"") + varint(1) + varint(1) + varint(len(replica)) + replica)
            answer = flexible(connection, wire.FETCH, 16, body)
            answer.unpack("ihi")

            def fetched():
                _, error = answer.unpack("ih")
                answer.unpack("qqq")
                answer.array(lambda: (answer.unpack("qq"), answer.tags()))
                answer.int("i")
                answer.bytes()
                return error, answer.tags()

            found = answer.array(lambda: (answer.take(16), answer.array(fetched), answer.tags()))
            error, tags = found[0][1][0]
            self.assertEqual(error, NOT_LEADER)
            self.assertEqual(tags[1].unpack("ii"), (2, 0))
            self.assertEqual(endpoints(answer.tags()), {2: leader})
