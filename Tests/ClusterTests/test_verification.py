# SPDX-License-Identifier: Apache-2.0
"""The leader of a partition asks another broker whether a transaction has the partition in it (KIP-890, part one), and
that broker does not answer, answers late, breaks off, or is not the coordinator any more. Producers are told in bounded
time what makes them try again, and no transaction hangs."""

import concurrent.futures
import json
import os
import time

from cluster import Cluster, ClusterTestCase, eventually, harness, unique, wire
from relay import Relay

import coordination
from test_transaction_verification import STABLE, ended, log_end, started

NOT_ENOUGH_REPLICAS, COORDINATOR_LOAD_IN_PROGRESS, INVALID_TXN_STATE = 19, 14, 48
LEADER, COORDINATOR = 1, 2
# Seconds that brokers wait for each other.
PATIENCE = 3


class VerificationAcrossBrokersTests(ClusterTestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster(
            2, request_timeout_ms=PATIENCE * 1000, transaction_state_log_num_partitions=12, offsets_topic_num_partitions=4)
        cls.addClassCleanup(cls.cluster.stop)
        cls.relays = {}
        for number, broker in cls.cluster.brokers.items():
            port = harness.free_port()
            relay = cls.relays[number] = Relay(port, coordination.ADD_PARTITIONS)
            cls.addClassCleanup(relay.close)
            broker.settings.update({
                "listeners": f"PLAINTEXT://127.0.0.1:{broker.port},BETWEEN://127.0.0.1:{port}",
                "advertised.listeners": f"PLAINTEXT://127.0.0.1:{broker.port},BETWEEN://127.0.0.1:{relay.port}",
                "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,BETWEEN:PLAINTEXT",
                "inter.broker.listener.name": "BETWEEN"})
        cls.cluster.start()

    def setUp(self):
        self.leader, self.other = self.connect(LEADER), self.connect(COORDINATOR)
        self.relay = self.relays[COORDINATOR]
        self.data = self.cluster.placed_topic([LEADER], min_insync_replicas=1)
        self.name = self.key_at(COORDINATOR, "id", 1)
        self.producer = started(self.other, self.name)
        self.register()
        self.threads = concurrent.futures.ThreadPoolExecutor()
        self.addCleanup(self.threads.shutdown)
        self.addCleanup(self.relay.requests.let_pass)
        self.addCleanup(self.relay.answers.let_pass)

    def connect(self, number):
        connection = coordination.Connection(self.cluster.brokers[number].port)
        self.addCleanup(connection.close)
        return connection

    def key_at(self, number, name, kind):
        """A group or transactional id that this broker coordinates."""
        def found():
            key = unique(name)
            error, broker, _ = self.leader.find_coordinator(key, kind)
            return error == wire.NONE and broker == number and key

        return eventually(found)

    def register(self):
        self.assertEqual(
            self.other.add_partitions(self.name, *self.producer, {self.data: [0]}), {(self.data, 0): wire.NONE})

    def produce(self, sequence=0, connection=None):
        """Returns (error, offset, message), and how long that took."""
        began = time.monotonic()
        answer = (connection or self.leader).produce_in_transaction(
            self.name, self.data, *self.producer, sequence)
        return answer, time.monotonic() - began

    def asking(self, gate):
        """A record on its way, the question about it before a closed gate."""
        gate.hold()
        record = self.threads.submit(self.produce)
        self.assertTrue(gate.reached.wait(10), "nobody was asked")
        return record

    def assert_tried_again(self, record, underlying, seconds):
        (error, _, message), took = record.result()
        self.assertEqual(
            (error, message),
            (NOT_ENOUGH_REPLICAS,
             f"Unable to verify the partition has been added to the transaction. Underlying error: {underlying}"))
        self.assertLess(took, seconds)

    def assert_goes_on(self):
        """The producer tries again, and its transaction comes to its end."""
        def accepted():
            error = self.produce()[0][0]
            self.assertIn(error, (wire.NONE, NOT_ENOUGH_REPLICAS))
            return error == wire.NONE

        eventually(accepted, 20)
        coordinator = self.connect(self.leader.find_coordinator(self.name, 1)[1])
        ended(coordinator, self.name, *self.producer)
        self.assert_nothing_hangs(2)

    def assert_nothing_hangs(self, end):
        eventually(lambda: log_end(self.leader, self.data, STABLE) == end)
        self.assertEqual(log_end(self.leader, self.data), end)

    def test_a_coordinator_that_does_not_answer_is_not_waited_for_for_ever(self):
        others = self.connect(LEADER)
        name = self.key_at(LEADER, "id", 1)
        producer = started(others, name)
        others.add_partitions(name, *producer, {self.data: [0]})
        record = self.asking(self.relay.answers)
        # Who comes after is not made to wait twice.
        behind = self.threads.submit(self.produce, 0, self.connect(LEADER))
        # Whoever has nothing to do with that coordinator does not wait at all.
        self.assertEqual(others.produce(self.data, wire.batch([b"plain"]))[0], wire.NONE)
        self.assertEqual(others.produce_in_transaction(name, self.data, *producer, 0)[0], wire.NONE)
        self.assertFalse(record.done())
        ended(others, name, *producer)
        self.assert_tried_again(record, "NETWORK_EXCEPTION", PATIENCE + 2)
        self.assert_tried_again(behind, "NETWORK_EXCEPTION", PATIENCE + 2)
        self.assert_nothing_hangs(3)
        self.relay.cut()
        eventually(lambda: self.produce()[0][0] == wire.NONE, 20)
        ended(self.other, self.name, *self.producer)
        self.assert_nothing_hangs(5)

    def test_an_answer_that_takes_its_time_counts(self):
        record = self.asking(self.relay.answers)
        time.sleep(1)
        self.assertFalse(record.done())
        self.relay.answers.let_pass()
        self.assertEqual(record.result()[0][:2], (wire.NONE, 0))
        ended(self.other, self.name, *self.producer)
        self.assert_nothing_hangs(2)

    def test_an_answer_that_comes_after_the_transactions_end_opens_nothing(self):
        record = self.asking(self.relay.answers)
        ended(self.other, self.name, *self.producer, commit=False)
        self.relay.answers.let_pass()
        self.assertEqual(record.result()[0][0], INVALID_TXN_STATE)
        self.assert_nothing_hangs(1)
        self.register()
        self.assertEqual(self.produce()[0][0], wire.NONE)
        ended(self.other, self.name, *self.producer)
        self.assert_nothing_hangs(3)

    def test_an_answer_that_comes_after_the_producer_was_fenced_opens_nothing(self):
        record = self.asking(self.relay.answers)
        successor = started(self.other, self.name)
        self.assertEqual(successor, (self.producer[0], self.producer[1] + 2))
        self.relay.answers.let_pass()
        self.assertEqual(record.result()[0][0], INVALID_TXN_STATE)
        self.assert_nothing_hangs(1)

    def test_a_connection_that_breaks_is_told_at_once(self):
        record = self.asking(self.relay.requests)
        self.relay.cut()
        self.assert_tried_again(record, "NETWORK_EXCEPTION", PATIENCE - 1)
        self.assert_nothing_hangs(0)
        self.assert_goes_on()

    def test_a_coordinator_that_has_moved_meanwhile_says_so(self):
        record = self.asking(self.relay.requests)
        partition = self.state_partition()
        self.move("__transaction_state", partition, LEADER)
        self.relay.requests.let_pass()
        self.assert_tried_again(record, "NOT_COORDINATOR", PATIENCE + 2)
        self.assert_nothing_hangs(0)
        self.assert_goes_on()

    def test_positions_wait_no_longer_than_records(self):
        group = self.key_at(LEADER, "group", 0)
        eventually(lambda: self.leader.committed(group, self.data)[0] == wire.NONE)
        self.assertEqual(self.other.add_offsets(self.name, *self.producer, group), wire.NONE)
        at = (self.data, 0)

        def commit():
            began = time.monotonic()
            error = self.leader.commit_in_transaction(self.name, group, *self.producer, {at: 7})[at]
            return error, time.monotonic() - began

        self.relay.answers.hold()
        error, took = commit()
        self.assertEqual(error, COORDINATOR_LOAD_IN_PROGRESS)
        self.assertLess(took, PATIENCE + 2)
        self.relay.cut()
        eventually(lambda: commit()[0] == wire.NONE, 20)
        ended(self.other, self.name, *self.producer)
        eventually(lambda: self.leader.committed(group, self.data) == (wire.NONE, 7))

    def state_partition(self):
        value = 0
        for letter in self.name:
            value = (value * 31 + ord(letter)) & 0xFFFFFFFF
        value = value - (1 << 32) if value >= 1 << 31 else value
        return abs(value) % 12

    def move(self, topic, partition, to):
        path = os.path.join(harness.directory(), "move.json")
        with open(path, "w") as file:
            json.dump({"version": 1, "partitions": [{"topic": topic, "partition": partition, "replicas": [to]}]}, file)
        self.cluster.tool("reassign-partitions", "--execute", "--reassignment-json-file", path)
        eventually(lambda: self.cluster.leader(topic, partition) == to, 20)
