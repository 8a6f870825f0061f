# SPDX-License-Identifier: Apache-2.0
"""Bits that have turned in a file of records while the broker was stopped in order."""

import os
import unittest

import confluent_kafka
import wire
from disks import batch_bounds
from harness import Broker, cases, eventually, expand, free_port
from monitor import Monitor

CORRUPT_MESSAGE = 2
BATCHES, RECORDS = 30, 10
# What is turned in a batch: its place, and a bit.
FIRST_OFFSET, LEADER_EPOCH, RECORD = (6, 0), (15, 3), (90, 2)


@expand
class DamagedRecordTests(unittest.TestCase):
    def setUp(self):
        self.monitor = Monitor(free_port())
        self.broker = Broker(
            monitoring_http_listener=f"127.0.0.1:{self.monitor.port}", auto_create_topics_enable="false")
        self.addCleanup(lambda: self.broker.process and self.broker.process.poll() is None and self.broker.kill())
        self.broker.start()
        with self.broker.connect() as connection:
            connection.create_topic("t", 1)
            eventually(lambda: connection.leads_all("t", 1), message="t has no leader")
            for number in range(BATCHES):
                values = [b"%d-%d" % (number, index) for index in range(RECORDS)]
                self.assertEqual(connection.produce("t", wire.batch(values))[0], wire.NONE)
        self.assertEqual(self.broker.terminate(), 0)

    def path(self):
        return os.path.join(self.broker.log_dirs, "t-0", "00000000000000000000.log")

    def turn(self, batch, place):
        """Turns one bit of the batch with this number."""
        byte, bit = place
        with open(self.path(), "r+b") as file:
            content = file.read()
            position = 0
            for _ in range(batch):
                position += 12 + int.from_bytes(content[position + 8:position + 12], "big")
            file.seek(position + byte)
            file.write(bytes([content[position + byte] ^ 1 << bit]))
        return position

    def restart(self):
        self.broker.start()
        with self.broker.connect() as connection:
            eventually(lambda: connection.leads_all("t", 1), message="t is not led")

    def read(self, connection):
        """What a reader gets that steps over what it is refused: the offsets, and those of refused batches."""
        offsets, refused, position = [], [], 0
        while position < BATCHES * RECORDS:
            error, _, records = connection.fetch("t", position)
            if error == CORRUPT_MESSAGE:
                refused.append(position)
                position = position // RECORDS * RECORDS + RECORDS
                continue
            self.assertEqual(error, wire.NONE)
            new = [base + index for base, count in batch_bounds(records) for index in range(count)]
            offsets += [offset for offset in new if offset >= position]
            position = offsets[-1] + 1
        return offsets, refused

    def said(self):
        with open(self.broker.log) as file:
            return [line for line in file if "Damaged records" in line]

    @cases(FIRST_OFFSET, LEADER_EPOCH, RECORD)
    def test_is_named_and_never_served(self, byte, bit):
        position = self.turn(12, (byte, bit))
        self.restart()
        with self.broker.connect() as connection:
            offsets, refused = self.read(connection)
            self.assertTrue({120} <= set(refused) <= {120, 130, 140}, refused)
            lost = set(range(BATCHES * RECORDS)) - set(offsets)
            self.assertTrue(set(range(120, 130)) <= lost, lost)
            self.assertEqual(len(lost), len(refused) * RECORDS)
            # A second time nothing is said anew.
            said = self.said()
            self.assertTrue(any(f"{self.path()}, byte {position}:" in line for line in said), said)
            self.assertEqual(self.read(connection), (offsets, refused))
            self.assertEqual(self.said(), said)
        self.assertGreater(
            self.monitor.metrics()["martlet_damaged_places", (("logDirectory", self.broker.log_dirs),)], 0)
        # A consumer hears of it, and gets all that lies before.
        consumer = confluent_kafka.Consumer({
            "bootstrap.servers": self.broker.bootstrap, "group.id": "g", "enable.auto.commit": False,
            "auto.offset.reset": "earliest"})
        self.addCleanup(consumer.close)
        consumer.assign([confluent_kafka.TopicPartition("t", 0, 0)])
        values, error = [], None
        while error is None:
            message = consumer.poll(10)
            self.assertIsNotNone(message, f"silence after {len(values)} records")
            if message.error():
                error = message.error()
            else:
                values.append(message.value())
        self.assertEqual(error.code(), CORRUPT_MESSAGE)
        self.assertEqual(len(values), 120)

    @cases(FIRST_OFFSET, LEADER_EPOCH, RECORD)
    def test_the_advice_helps(self, byte, bit):
        self.turn(12, (byte, bit))
        os.remove(os.path.join(self.broker.log_dirs, ".kafka_cleanshutdown"))
        checkpoint = os.path.join(self.broker.log_dirs, "recovery-point-offset-checkpoint")
        with open(checkpoint) as file:
            version, count, *lines = file.read().splitlines()
        with open(checkpoint, "w") as file:
            kept = [line for line in lines if not line.startswith("t 0 ")]
            file.write("\n".join([version, str(len(kept)), *kept]) + "\n")
        self.restart()
        with self.broker.connect() as connection:
            end = BATCHES * RECORDS if byte == LEADER_EPOCH[0] else 120
            error, mark, records = connection.fetch("t", 0)
            self.assertEqual((error, mark), (wire.NONE, end))
            self.assertEqual(sum(count for _, count in batch_bounds(records)), end)
            self.assertEqual(connection.produce("t", wire.batch([b"on"]))[:2], (wire.NONE, end))


if __name__ == "__main__":
    unittest.main()
