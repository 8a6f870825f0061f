# SPDX-License-Identifier: Apache-2.0
"""Exactly once through consume, transform and produce, and groups of real clients, while brokers are killed.

`EXACTLY_ONCE_RECORDS=100000 python run.py test_exactly_once`, in this directory, runs it at length. The clients are
confluent-kafka, kafka-python and aiokafka, in processes of their own, which the test kills too; without the packages it is
skipped.
"""

import asyncio
import collections
import os
import signal
import subprocess
import sys
import threading
import time
import unittest

from cluster import Cluster, eventually

import coordination
from harness import extend_limit
from test_transaction_verification import STABLE, log_end

try:
    import aiokafka
    import confluent_kafka
    import kafka
except ImportError:
    confluent_kafka = None

RECORDS = int(os.environ.get("EXACTLY_ONCE_RECORDS", "2000"))
PARTITIONS = 4


def bootstrap(cluster):
    return ",".join(broker.bootstrap for broker in cluster.brokers.values())


def with_confluent(servers, source, target, group, transactional_id, ends):
    """Positions of a member, with its generation (KIP-447)."""
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
    finally:
        consumer.close()


def with_kafka_python(servers, source, target, group, transactional_id, ends):
    """As above."""
    producer = kafka.KafkaProducer(
        bootstrap_servers=servers.split(","), transactional_id=transactional_id, transaction_timeout_ms=10000)
    consumer = kafka.KafkaConsumer(
        source, bootstrap_servers=servers.split(","), group_id=group, enable_auto_commit=False,
        auto_offset_reset="earliest", isolation_level="read_committed", session_timeout_ms=6000,
        heartbeat_interval_ms=500)
    try:
        producer.init_transactions()
        while not ends.is_set():
            read = consumer.poll(timeout_ms=300, max_records=200)
            if not read:
                continue
            producer.begin_transaction()
            for partition, records in read.items():
                for record in records:
                    producer.send(target, record.value, partition=partition.partition)
            producer.send_offsets_to_transaction(
                {p: kafka.structs.OffsetAndMetadata(records[-1].offset + 1, "", -1) for p, records in read.items()},
                consumer.group_metadata())
            producer.commit_transaction()
    finally:
        consumer.close()
        producer.close(timeout=1)


def with_aiokafka(servers, source, target, group, transactional_id, ends):
    """A library that tells nothing of its member: each process has a partition of its own, with an id of its own."""
    async def run():
        partition = aiokafka.TopicPartition(source, int(transactional_id.rpartition("-")[2]))
        producer = aiokafka.AIOKafkaProducer(
            bootstrap_servers=servers.split(","), transactional_id=transactional_id, transaction_timeout_ms=10000)
        consumer = aiokafka.AIOKafkaConsumer(
            bootstrap_servers=servers.split(","), group_id=group, enable_auto_commit=False,
            isolation_level="read_committed")
        try:
            # First of all, which ends what a predecessor has left open.
            await producer.start()
            await consumer.start()
            consumer.assign([partition])
            consumer.seek(partition, await consumer.committed(partition) or 0)
            while not ends.is_set():
                read = await consumer.getmany(timeout_ms=300, max_records=200)
                for records in read.values():
                    async with producer.transaction():
                        for record in records:
                            await producer.send(target, record.value, partition=partition.partition)
                        await producer.send_offsets_to_transaction({partition: records[-1].offset + 1}, group)
        finally:
            await asyncio.wait([asyncio.ensure_future(consumer.stop()), asyncio.ensure_future(producer.stop())], timeout=5)

    asyncio.run(run())


LIBRARIES = {"confluent": with_confluent, "kafka-python": with_kafka_python, "aiokafka": with_aiokafka}


def transform(library, *arguments):
    """Until it is told to end: reads, and writes what it read with the positions, each a transaction. After any error it
    begins anew from what is committed, which ends the transaction that was open."""
    ends = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ends.set())
    while not ends.is_set():
        try:
            LIBRARIES[library](*arguments, ends)
        except Exception as error:
            print(f"begins anew: {error!r}", flush=True)
            ends.wait(0.2)


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


@unittest.skipIf(confluent_kafka is None, "needs the client libraries")
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
            [sys.executable, os.path.abspath(__file__), *arguments], stdin=subprocess.DEVNULL, stdout=log,
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
        """A pipeline for each library, all in the same storm."""
        extend_limit(240 + RECORDS / 50)
        pipelines = [Pipeline(self, library) for library in LIBRARIES]
        for pipeline in pipelines:
            self.fill(pipeline.source)
        for pipeline in pipelines:
            pipeline.start()
        for pipeline in pipelines:
            eventually(lambda: pipeline.has_begun(), 60, f"{pipeline.library} writes nothing")
        self.rest()
        faults = ("group", "transaction", "worker", "leader", "takeover")
        for fault in faults:
            if fault == "worker":
                for pipeline in pipelines:
                    pipeline.kill_worker()
            elif fault == "takeover":
                for pipeline in pipelines:
                    pipeline.stop_worker()
                time.sleep(4)
                for pipeline in pipelines:
                    pipeline.end_stopped_worker()
            else:
                number = {
                    "group": lambda: self.coordinator("__consumer_offsets", pipelines[0].group, 4),
                    "transaction": lambda: self.coordinator("__transaction_state", pipelines[0].names[1], 2),
                    "leader": lambda: self.cluster.leader(pipelines[0].target, 0),
                }[fault]()
                self.cluster.kill(number)
                time.sleep(2)
                self.cluster.brokers[number].start()
                for pipeline in pipelines:
                    self.cluster.wait_for_in_sync(pipeline.target, PARTITIONS)
                self.cluster.wait_for_in_sync("__transaction_state", 2)
                self.cluster.wait_for_in_sync("__consumer_offsets", 4)
            self.rest()
        end = time.monotonic() + 90 + RECORDS / 100
        for pipeline in pipelines:
            pipeline.settle(end)
        print(f"[{RECORDS} records with each of {len(pipelines)} libraries, {len(faults)} faults] ", end="", flush=True)

    def rest(self):
        """The faults lie within the run, however long it is."""
        time.sleep(min(60, RECORDS / 2000))


class Pipeline:
    """Workers of one library that transform one topic into another."""

    def __init__(self, test, library):
        self.test, self.library = test, library
        self.source, self.target = test.cluster.topic(PARTITIONS), test.cluster.topic(PARTITIONS)
        self.group = f"{library}-pipeline"
        # One with aiokafka for each partition; else fewer workers than partitions, which the group shares out.
        self.names = [f"{library}-{n}" for n in range(PARTITIONS if library == "aiokafka" else 3)]
        self.workers = []

    def worker(self, index):
        return self.test.worker(self.library, self.test.servers, self.source, self.target, self.group, self.names[index])

    def start(self):
        self.workers = [self.worker(index) for index in range(len(self.names))]

    def values(self, isolation="read_committed"):
        return read_all(self.test.servers, self.target, isolation)

    def has_begun(self):
        return len(self.values("read_uncommitted")) > 0

    def kill_worker(self):
        self.workers[0].kill()
        self.workers[0].wait()
        self.workers[0] = self.worker(0)

    def stop_worker(self):
        """A second process under the same id; the first is stopped, and finds itself fenced when it goes on."""
        self.stopped = self.workers[1]
        self.stopped.send_signal(signal.SIGSTOP)
        self.workers[1] = self.worker(1)

    def end_stopped_worker(self):
        self.stopped.send_signal(signal.SIGCONT)
        time.sleep(0.5)
        self.stopped.kill()
        self.stopped.wait()

    def settle(self, end):
        while time.monotonic() < end and len(set(self.values())) < RECORDS:
            time.sleep(1)
        for worker in self.workers:
            worker.send_signal(signal.SIGTERM)
        for worker in self.workers:
            try:
                worker.wait(20)
            except subprocess.TimeoutExpired:
                # Some library waits for something; what it has open is aborted in time.
                worker.kill()
        counted = collections.Counter(self.values())
        test = self.test
        test.assertEqual(
            [v for v, n in counted.items() if n > 1][:5], [], f"{self.library}: records are there twice")
        test.assertEqual(len(counted), RECORDS, f"{self.library}: records are missing: {test.cluster.logs()}")
        # Nothing hangs: what is committed reaches to the end.
        for partition in range(PARTITIONS):
            eventually(lambda: self.open_in(partition) == 0, 40, f"{self.library}: a transaction hangs in {partition}")

    def open_in(self, partition):
        """How many records lie behind the last stable one."""
        leader = self.test.cluster.leader(self.target, partition)
        with coordination.Connection(self.test.cluster.brokers[leader].port) as connection:
            return (log_end(connection, self.target, partition=partition)
                    - log_end(connection, self.target, STABLE, partition))


if __name__ == "__main__":
    transform(*sys.argv[1:])
