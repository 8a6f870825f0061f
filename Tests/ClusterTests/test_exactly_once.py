# SPDX-License-Identifier: Apache-2.0
"""Exactly once through consume, transform and produce, and groups of real clients, while brokers are killed.

`EXACTLY_ONCE_RECORDS=100000 python -m unittest test_exactly_once`, in this directory, runs it at length. The clients are
confluent-kafka's, in processes of their own, which the test kills too; without the package it is skipped.
"""

import collections
import os
import signal
import subprocess
import sys
import threading
import time
import unittest

from cluster import Cluster, eventually

try:
    import confluent_kafka
except ImportError:
    confluent_kafka = None

RECORDS = int(os.environ.get("EXACTLY_ONCE_RECORDS", "4000"))
PARTITIONS = 4


def bootstrap(cluster):
    return ",".join(broker.bootstrap for broker in cluster.brokers.values())


def transform(servers, source, target, group, transactional_id):
    """Until it is told to end: reads, and writes what it read with the positions, each a transaction."""
    ends = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ends.set())
    while not ends.is_set():
        producer = confluent_kafka.Producer({
            "bootstrap.servers": servers, "transactional.id": transactional_id, "linger.ms": 2,
            "transaction.timeout.ms": 10000})
        consumer = confluent_kafka.Consumer({
            "bootstrap.servers": servers, "group.id": group, "enable.auto.commit": False,
            "auto.offset.reset": "earliest", "isolation.level": "read_committed", "session.timeout.ms": 6000,
            "partition.assignment.strategy": "cooperative-sticky"})
        try:
            producer.init_transactions(60)
            consumer.subscribe([source])
            while not ends.is_set():
                messages = [m for m in consumer.consume(200, 0.3) if m.error() is None]
                if not messages:
                    continue
                producer.begin_transaction()
                for message in messages:
                    while True:
                        try:
                            producer.produce(target, message.value(), partition=message.partition())
                            break
                        except BufferError:
                            producer.poll(0.1)
                positions = {}
                for message in messages:
                    positions[message.partition()] = message.offset() + 1
                producer.send_offsets_to_transaction(
                    [confluent_kafka.TopicPartition(source, p, o) for p, o in positions.items()],
                    consumer.consumer_group_metadata(), 30)
                producer.commit_transaction(30)
        except confluent_kafka.KafkaException as error:
            # Abortable or fatal: begin anew from what is committed, which ends the transaction that was open.
            print(f"begins anew: {error}", flush=True)
        finally:
            consumer.close()


def read_all(servers, topic, isolation="read_committed", seconds=60):
    """All values, up to the ends."""
    consumer = confluent_kafka.Consumer({
        "bootstrap.servers": servers, "group.id": "reader", "enable.auto.commit": False,
        "auto.offset.reset": "earliest", "isolation.level": isolation, "enable.partition.eof": True})
    consumer.assign([confluent_kafka.TopicPartition(topic, p, 0) for p in range(PARTITIONS)])
    values, ended, deadline = [], set(), time.monotonic() + seconds
    while len(ended) < PARTITIONS and time.monotonic() < deadline:
        for message in consumer.consume(5000, 1):
            if message.error() is None:
                values.append(message.value())
            elif message.error().code() == confluent_kafka.KafkaError._PARTITION_EOF:
                ended.add(message.partition())
    consumer.close()
    return values


@unittest.skipIf(confluent_kafka is None, "needs confluent-kafka")
class ExactlyOnceTests(unittest.TestCase):
    def setUp(self):
        self.cluster = Cluster(
            offsets_topic_replication_factor=3, transaction_state_log_replication_factor=3,
            transaction_state_log_min_isr=2,
            transaction_abort_timed_out_transaction_cleanup_interval_ms=1000)
        self.addCleanup(self.cluster.stop)
        self.cluster.start()
        self.servers = bootstrap(self.cluster)
        self.processes = []
        self.addCleanup(lambda: [p.kill() for p in self.processes if p.poll() is None])

    def worker(self, *arguments):
        log = open(os.path.join(self.cluster.brokers[1].home, f"worker{len(self.processes)}"), "wb")
        process = subprocess.Popen(
            [sys.executable, os.path.abspath(__file__), self.servers, *arguments], stdin=subprocess.DEVNULL, stdout=log,
            stderr=log)
        log.close()
        self.processes.append(process)
        return process

    def fill(self, topic):
        producer = confluent_kafka.Producer({"bootstrap.servers": self.servers, "enable.idempotence": True})
        for number in range(RECORDS):
            while True:
                try:
                    producer.produce(topic, b"%08d" % number, partition=number % PARTITIONS)
                    break
                except BufferError:
                    producer.poll(0.1)
        self.assertEqual(producer.flush(60), 0)

    def coordinator(self, topic, key, count):
        """The broker that leads the partition of a key."""
        value = 0
        for letter in key:
            value = (value * 31 + ord(letter)) & 0xFFFFFFFF
        value = value - (1 << 32) if value >= 1 << 31 else value
        return self.cluster.leader(topic, abs(value) % count)

    def test_every_record_once_while_brokers_and_workers_are_killed(self):
        source, target = self.cluster.topic(PARTITIONS), self.cluster.topic(PARTITIONS)
        self.fill(source)
        workers = [self.worker(source, target, "pipeline", f"worker-{n}") for n in range(3)]
        end = time.monotonic() + 90 + RECORDS / 200
        rounds = 0

        def progress():
            return len(read_all(self.servers, target, "read_uncommitted"))

        eventually(lambda: progress() > 0, 60)
        for victim in ("group", "transaction", "worker", "leader", "takeover"):
            rounds += 1
            if victim == "worker":
                workers[0].kill()
                workers[0].wait()
                time.sleep(1)
                workers[0] = self.worker(source, target, "pipeline", "worker-0")
            elif victim == "takeover":
                # A second process under the same id; the first is stopped, and finds itself fenced when it goes on.
                workers[1].send_signal(signal.SIGSTOP)
                successor = self.worker(source, target, "pipeline", "worker-1")
                time.sleep(4)
                workers[1].send_signal(signal.SIGCONT)
                time.sleep(1)
                workers[1].kill()
                workers[1].wait()
                workers[1] = successor
            else:
                number = {
                    "group": lambda: self.coordinator("__consumer_offsets", "pipeline", 4),
                    "transaction": lambda: self.coordinator("__transaction_state", "worker-1", 2),
                    "leader": lambda: self.cluster.leader(target, 0),
                }[victim]()
                self.cluster.kill(number)
                time.sleep(2)
                self.cluster.brokers[number].start()
                self.cluster.wait_for_in_sync(target, PARTITIONS)
                self.cluster.wait_for_in_sync("__transaction_state", 2)
                self.cluster.wait_for_in_sync("__consumer_offsets", 4)
        while time.monotonic() < end and len(set(read_all(self.servers, target))) < RECORDS:
            time.sleep(1)
        for worker in workers:
            worker.send_signal(signal.SIGTERM)
        for worker in workers:
            worker.wait(40)
        values = read_all(self.servers, target)
        counted = collections.Counter(values)
        self.assertEqual([v for v, n in counted.items() if n > 1][:5], [], "records are there twice")
        self.assertEqual(len(counted), RECORDS, f"records are missing: {self.cluster.logs()}")
        # Nothing hangs: what is committed reaches to the end.
        self.assertGreaterEqual(len(read_all(self.servers, target, "read_uncommitted")), RECORDS)
        print(f"{RECORDS} records, {rounds} faults, {len(values)} read", flush=True)


if __name__ == "__main__":
    transform(*sys.argv[1:])
