# SPDX-License-Identifier: Apache-2.0
"""Positions, groups and transactional ids that nobody uses go in time, from the log too, and what is in use stays."""

import struct
import unittest

import coordination
import wire
from harness import Broker, eventually, unique
from test_transaction_verification import started

TRANSACTIONAL_ID_NOT_FOUND = 105


class ExpiryTests(unittest.TestCase):
    def start(self, **settings):
        self.broker = Broker(**settings).start()
        self.addCleanup(lambda: self.broker.kill())
        return self.connect()

    def connect(self):
        connection = coordination.Connection(self.broker.port)
        self.addCleanup(connection.close)
        return connection

    def restart(self):
        self.broker.kill()
        self.broker.start()
        return self.connect()

    @staticmethod
    def commit_for(w, group, offsets, retention):
        """Version 2, with a retention of its own in milliseconds. Returns the errors."""
        answer = w.ask(coordination.OFFSET_COMMIT, 2, lambda w: (
            w.string(group) + struct.pack(">i", -1) + w.string("") + struct.pack(">q", retention)
            + w.array([
                w.string(topic) + w.array([struct.pack(">iq", partition, offset) + w.string("")])
                for (topic, partition), offset in offsets.items()])))
        return list(w.partition_errors(answer).values())

    def test_positions_that_nobody_uses_go_with_their_group(self):
        w = self.start(offsets_retention_check_interval_ms=200)
        topic, passing, staying = unique("topic"), unique("passing"), unique("staying")
        w.create_topic(topic, 2)
        eventually(lambda: w.leads_all(topic, 2))
        w.find_coordinator(staying)
        eventually(lambda: w.commit(staying, {(topic, 0): 7}) == {(topic, 0): wire.NONE})
        eventually(lambda: self.commit_for(w, staying, {(topic, 1): 8}, 500) == [wire.NONE])
        # Longer than it takes to look.
        eventually(lambda: self.commit_for(w, passing, {(topic, 0): 9}, 2000) == [wire.NONE])
        self.assertEqual(w.committed(passing, topic), (wire.NONE, 9))
        eventually(lambda: w.committed(passing, topic) == (wire.NONE, -1))
        self.assertEqual(w.describe_group(passing)[1], "Dead")
        eventually(lambda: w.committed(staying, topic, 1) == (wire.NONE, -1))
        self.assertEqual(w.committed(staying, topic), (wire.NONE, 7))
        w = self.restart()
        eventually(lambda: w.committed(staying, topic) == (wire.NONE, 7))
        self.assertEqual(w.committed(staying, topic, 1), (wire.NONE, -1))
        eventually(lambda: w.committed(passing, topic) == (wire.NONE, -1))

    def test_transactional_ids_that_nobody_uses_go(self):
        w = self.start(
            transactional_id_expiration_ms=1500, transaction_remove_expired_transaction_cleanup_interval_ms=200)
        topic, idle, busy = unique("topic"), unique("idle"), unique("busy")
        w.create_topic(topic)
        eventually(lambda: w.leads_all(topic, 1))
        before = started(w, idle)
        self.assertEqual(w.describe_transaction(idle)[:2], (wire.NONE, "Empty"))
        producer, epoch = started(w, busy)
        self.assertEqual(list(w.add_partitions(busy, producer, epoch, {topic: [0]}).values()), [wire.NONE])
        eventually(lambda: w.describe_transaction(idle)[0] == TRANSACTIONAL_ID_NOT_FOUND)
        self.assertEqual(w.describe_transaction(busy)[:2], (wire.NONE, "Ongoing"))
        w = self.restart()
        eventually(lambda: w.describe_transaction(busy)[:2] == (wire.NONE, "Ongoing"))
        eventually(lambda: w.describe_transaction(idle)[0] == TRANSACTIONAL_ID_NOT_FOUND)
        # Who comes again is somebody else.
        after = started(w, idle)
        self.assertNotEqual(after[0], before[0])
        self.assertEqual(after[1], 0)
