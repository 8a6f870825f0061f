# SPDX-License-Identifier: Apache-2.0
"""`martlet transactions` with transactions of every kind, among them one that hangs."""

import subprocess
import time
import unittest

import coordination
import wire
from harness import MARTLET, Broker, eventually, unique
from test_transaction_verification import STABLE, ended, log_end, started


def rows(text):
    """The table's lines as lists of values."""
    return [[value.strip() for value in line.rstrip("\n").split("\t")[:-1]] for line in text.splitlines()]


class TransactionsCommandTests(unittest.TestCase):
    """On a broker that does not verify transactions: there they can be made to hang."""

    @classmethod
    def setUpClass(cls):
        cls.broker = Broker(transaction_partition_verification_enable="false").start()
        cls.addClassCleanup(cls.broker.kill)

    def setUp(self):
        self.wire = coordination.Connection(self.broker.port)
        self.addCleanup(self.wire.close)
        self.name, self.data = unique("id"), unique("topic")
        self.wire.create_topic(self.data)
        eventually(lambda: self.wire.leads_all(self.data, 1))
        self.producer = started(self.wire, self.name)

    def command(self, *arguments):
        result = subprocess.run(
            [MARTLET, "transactions", "--bootstrap-server", self.broker.bootstrap, *arguments],
            capture_output=True, text=True, timeout=30)
        return result.returncode, result.stdout, result.stderr

    def table(self, *arguments):
        code, output, error = self.command(*arguments)
        self.assertEqual((code, error), (0, ""))
        return rows(output)

    def produce(self, sequence):
        self.assertEqual(
            self.wire.produce_in_transaction(self.name, self.data, *self.producer, sequence)[0], wire.NONE)

    def at(self):
        return "--topic", self.data, "--partition", "0"

    def test_a_transaction_from_its_start_to_its_end(self):
        producer, epoch = self.producer
        described = self.table("describe", "--transactional-id", self.name)
        self.assertEqual(described[0], [
            "CoordinatorId", "TransactionalId", "ProducerId", "ProducerEpoch", "TransactionState",
            "TransactionTimeoutMs", "CurrentTransactionStartTimeMs", "TransactionDurationMs", "TopicPartitions"])
        self.assertEqual(
            described[1], ["1", self.name, f"{producer}", f"{epoch}", "Empty", "60000", "None", "None", ""])
        self.wire.add_partitions(self.name, *self.producer, {self.data: [0]})
        self.produce(0)
        before = time.time() * 1000
        row = self.table("describe", "--transactional-id", self.name)[1]
        self.assertEqual((row[4], row[8]), ("Ongoing", f"{self.data}-0"))
        self.assertTrue(0 < int(row[6]) <= before and 0 <= int(row[7]) < 20000)
        self.assertIn([self.name, "1", f"{producer}", "Ongoing"], self.table("list"))
        self.assertIn([self.name, "1", f"{producer}", "Ongoing"], self.table("list", "--duration-filter", "0"))
        self.assertNotIn(self.name, [row[0] for row in self.table("list", "--duration-filter", "3600000")])
        active = self.table("describe-producers", *self.at())
        self.assertEqual(active[0], [
            "ProducerId", "ProducerEpoch", "LatestCoordinatorEpoch", "LastSequence", "LastTimestamp",
            "CurrentTransactionStartOffset"])
        self.assertEqual((active[1][:4], active[1][5]), ([f"{producer}", f"{epoch}", "-1", "0"], "0"))
        # It is young, and its coordinator knows of it.
        self.assertEqual(len(self.table("find-hanging", "--broker-id", "1")), 1)
        self.assertEqual(len(self.table("find-hanging", *self.at(), "--max-transaction-timeout", "0")), 1)
        ended(self.wire, self.name, *self.producer)
        self.assertEqual(self.table("describe-producers", *self.at(), "--broker-id", "1")[1][5], "None")
        self.assertIn([self.name, "1", f"{producer}", "CompleteCommit"], self.table("list"))

    def hang(self):
        """Records that no coordinator knows of."""
        self.produce(0)
        time.sleep(0.01)
        self.assertEqual(log_end(self.wire, self.data, STABLE), 0)

    def test_a_hanging_transaction_is_found_and_ended_by_its_start(self):
        self.hang()
        producer, epoch = self.producer
        self.assertEqual(len(self.table("find-hanging", "--broker-id", "1")), 1)
        for scope in (self.at(), ("--topic", self.data), ("--broker-id", "1")):
            found = self.table("find-hanging", *scope, "--max-transaction-timeout", "0")
            self.assertEqual(found[0], [
                "Topic", "Partition", "ProducerId", "ProducerEpoch", "CoordinatorEpoch", "StartOffset",
                "LastTimestamp", "Duration(min)"])
            mine = [row for row in found if row[0] == self.data]
            self.assertEqual((mine[0][:6], mine[0][7]), ([self.data, "0", f"{producer}", f"{epoch}", "-1", "0"], "0"))
        code, _, error = self.command("abort", *self.at(), "--start-offset", "7")
        self.assertEqual((code, error), (
            1, f"Could not find any open transactions starting at offset 7 on partition {self.data}-0\n"))
        self.assertEqual(self.command("abort", *self.at(), "--start-offset", "0"), (0, "", ""))
        self.assertEqual(log_end(self.wire, self.data, STABLE), 2)
        self.assertEqual(self.table("describe-producers", *self.at())[1][5], "None")

    def test_a_hanging_transaction_is_ended_by_its_producer(self):
        self.hang()
        producer, epoch = self.producer
        code, _, error = self.command(
            "abort", *self.at(), "--producer-id", f"{producer}", "--producer-epoch", f"{epoch}",
            "--coordinator-epoch", "-1")
        self.assertEqual((code, error), (0, ""))
        self.assertEqual(log_end(self.wire, self.data, STABLE), 2)

    def test_a_past_epoch_ends_nothing(self):
        self.hang()
        ended_by = started(self.wire, self.name)
        self.assertEqual(ended_by[1], self.producer[1] + 1)
        self.producer, past = ended_by, self.producer
        self.assertEqual(self.command("abort", *self.at(), "--start-offset", "0"), (0, "", ""))
        self.produce(0)
        code, _, error = self.command(
            "abort", *self.at(), "--producer-id", f"{past[0]}", "--producer-epoch", f"{past[1]}",
            "--coordinator-epoch", "0")
        spec = (f"AbortTransactionSpec(topicPartition={self.data}-0, producerId={past[0]}, "
                f"producerEpoch={past[1]}, coordinatorEpoch=0)")
        self.assertEqual((code, error), (1, (
            f"Failed to abort transaction {spec}: WriteTxnMarkers request with {spec} failed due an invalid producer "
            "epoch. Enable debug logging for additional detail.\n")))

    def test_what_is_not_there(self):
        code, output, error = self.command("describe", "--transactional-id", "none")
        self.assertEqual((code, output, error), (1, "", (
            "Failed to describe transaction state of transactional-id `none`: DescribeTransactions request for "
            "transactionalId `none` failed because the ID could not be found. Enable debug logging for additional "
            "detail.\n")))
