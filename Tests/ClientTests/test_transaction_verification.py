# SPDX-License-Identifier: Apache-2.0
"""No transaction begins in a partition unless its coordinator knows of it (KIP-890, part one)."""

import struct

import coordination
import wire
from harness import Broker, SharedBrokerTestCase, cases, eventually, expand, unique

NOT_IN_TRANSACTION, NO_AUTHORITY, ABORTABLE = 48, 53, 120
INVALID_PRODUCER_EPOCH, INVALID_PRODUCER_ID_MAPPING, CONCURRENT_TRANSACTIONS = 47, 49, 51
END, STABLE = 0, 1


def log_end(connection, topic, isolation=END, partition=0):
    """The log's end, or the last stable offset: ListOffsets version 2."""
    answer = connection.ask(2, 2, lambda w: (
        struct.pack(">ib", -1, isolation) + w.array([w.string(topic) + w.array([struct.pack(">iq", partition, -1)])])))
    answer.int("i")
    return answer.array(lambda: (answer.string(), answer.array(lambda: answer.unpack("ihqq"))))[0][1][0][3]


def started(connection, name):
    """A producer, once its coordinator serves."""
    def ready():
        error, producer, epoch = connection.init(name)
        # 14, 15, 16: the topic is being made or read; 51: a transaction before this one is ending.
        return error not in (14, 15, 16, 51) and (error, producer, epoch)

    connection.find_coordinator(name, 1)
    error, producer, epoch = eventually(ready)
    if error:
        raise AssertionError(f"InitProducerId: error {error}")
    return producer, epoch


def ended(connection, name, producer, epoch, commit=True):
    """Ends the transaction and waits until its markers are written."""
    error = connection.end(name, producer, epoch, commit)
    if error:
        raise AssertionError(f"EndTxn: error {error}")
    state = "CompleteCommit" if commit else "CompleteAbort"
    eventually(lambda: connection.describe_transaction(name)[1] == state)


@expand
class VerificationTests(SharedBrokerTestCase):
    def setUp(self):
        super().setUp()
        self.wire = coordination.Connection(self.broker.port)
        self.addCleanup(self.wire.close)
        self.name = unique("id")
        self.producer = started(self.wire, self.name)
        self.data = self.topic("verified")

    def produce(self, sequence, name=None, version=9, producer=None, **more):
        return self.wire.produce_in_transaction(
            name or self.name, self.data, *(producer or self.producer), sequence, version=version, **more)[0]

    def register(self):
        self.assertEqual(
            self.wire.add_partitions(self.name, *self.producer, {self.data: [0]}), {(self.data, 0): wire.NONE})

    def assert_nothing_hangs(self, end):
        self.assertEqual(log_end(self.wire, self.data), end)
        self.assertEqual(log_end(self.wire, self.data, STABLE), end)

    @cases((3, NOT_IN_TRANSACTION), (9, NOT_IN_TRANSACTION), (10, NOT_IN_TRANSACTION), (11, ABORTABLE))
    def test_an_unregistered_partition_is_refused_in_produce_version(self, version, error):
        self.assertEqual(self.produce(0, version=version), error)
        self.assert_nothing_hangs(0)

    def test_the_refusal_says_why(self):
        error, _, message = self.wire.produce_in_transaction(self.name, self.data, *self.producer, 0)
        self.assertEqual((error, message), (NOT_IN_TRANSACTION, "Partition was not added to the transaction"))

    def test_a_registered_partition_is_taken_and_what_follows_too(self):
        self.register()
        for sequence in range(5):
            self.assertEqual(self.produce(sequence), wire.NONE)
        self.assertEqual((log_end(self.wire, self.data), log_end(self.wire, self.data, STABLE)), (5, 0))
        ended(self.wire, self.name, *self.producer)
        self.assert_nothing_hangs(6)

    @cases(True, False)
    def test_records_that_come_after_the_end_open_nothing_committed(self, commit):
        self.register()
        self.assertEqual(self.produce(0), wire.NONE)
        ended(self.wire, self.name, *self.producer, commit)
        self.assertEqual(self.produce(1), NOT_IN_TRANSACTION)
        self.assertEqual(self.produce(1, version=11), ABORTABLE)
        self.assert_nothing_hangs(2)
        # The producer goes on with its next transaction.
        self.register()
        self.assertEqual(self.produce(1), wire.NONE)
        ended(self.wire, self.name, *self.producer)
        self.assert_nothing_hangs(4)

    def test_who_says_no_transactional_id_is_refused(self):
        self.register()
        # What nobody may use: it is the same in the midst of the transaction, where nothing needs to be verified.
        self.assertEqual(self.wire.produce_in_transaction(None, self.data, *self.producer, 0)[0], NO_AUTHORITY)
        self.assert_nothing_hangs(0)
        self.assertEqual(self.produce(0), wire.NONE)
        self.assertEqual(self.wire.produce_in_transaction(None, self.data, *self.producer, 1)[0], NO_AUTHORITY)
        ended(self.wire, self.name, *self.producer)
        self.assert_nothing_hangs(2)

    def test_others_ids_and_past_lives_are_refused(self):
        self.register()
        producer, epoch = self.producer
        self.assertEqual(self.produce(0, name=unique("nobody")), INVALID_PRODUCER_ID_MAPPING)
        self.assertEqual(self.produce(0, producer=(producer + 1_000_000, epoch)), INVALID_PRODUCER_ID_MAPPING)
        self.assertEqual(self.produce(0, producer=(producer, epoch + 1)), INVALID_PRODUCER_EPOCH)
        successor = started(self.wire, self.name)
        self.assertEqual(successor, (producer, epoch + 2))
        self.assertEqual(self.produce(0), INVALID_PRODUCER_EPOCH)
        # The transaction had the partition in it without a record: only the abort's marker is there.
        self.assert_nothing_hangs(1)

    @cases((3, NOT_IN_TRANSACTION), (4, ABORTABLE))
    def test_positions_of_an_unregistered_group_are_refused_in_version(self, version, error):
        group = unique("group")
        self.wire.find_coordinator(group)
        eventually(lambda: self.wire.committed(group, self.data)[0] == wire.NONE)
        at = (self.data, 0)

        def commit(offset):
            return self.wire.commit_in_transaction(
                self.name, group, *self.producer, {at: offset}, version=version)[at]

        self.assertEqual(commit(1), error)
        self.assertEqual(self.wire.add_offsets(self.name, *self.producer, group), wire.NONE)
        self.assertEqual(commit(2), wire.NONE)
        ended(self.wire, self.name, *self.producer)
        eventually(lambda: self.wire.committed(group, self.data) == (wire.NONE, 2))
        self.assertEqual(commit(3), error)
        self.assertEqual(self.wire.committed(group, self.data), (wire.NONE, 2))

    def test_brokers_ask_for_several_transactions_at_once(self):
        other = unique("id")
        stranger = started(self.wire, other)
        self.register()
        answers = self.wire.verify([
            (self.name, *self.producer, {self.data: [0]}),
            (other, *stranger, {self.data: [0]}),
            (unique("nobody"), *stranger, {self.data: [0]})])
        self.assertEqual(
            list(answers.values()), [wire.NONE, ABORTABLE, INVALID_PRODUCER_ID_MAPPING])

    def test_records_without_a_transaction_are_none_of_its_business(self):
        producer, epoch = wire.Connection.init_producer_id(self.wire)
        error = self.wire.produce_in_transaction(None, self.data, producer, epoch, 0, attributes=0)[0]
        self.assertEqual(error, wire.NONE)


class NoVerificationTests(SharedBrokerTestCase):
    def test_without_the_setting_it_is_as_before_the_proposal(self):
        broker = Broker(transaction_partition_verification_enable="false").start()
        self.addCleanup(broker.kill)
        topic = unique("topic")
        with coordination.Connection(broker.port) as connection:
            connection.create_topic(topic)
            eventually(lambda: connection.leads_all(topic, 1))
            name = unique("id")
            producer = started(connection, name)
            self.assertEqual(connection.produce_in_transaction(name, topic, *producer, 0)[0], wire.NONE)
            self.assertEqual((log_end(connection, topic), log_end(connection, topic, STABLE)), (1, 0))
