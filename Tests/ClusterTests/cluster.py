# SPDX-License-Identifier: Apache-2.0
"""Three real brokers on a real ensemble, a steady load, and the accounts that are settled afterwards."""

import glob
import os
import random
import signal
import struct
import subprocess
import sys
import threading
import time
import unittest

# Behind this directory, since both have tests of the same names.
sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../ClientTests"))

import coordination  # noqa: E402
import harness  # noqa: E402
import networks  # noqa: E402
import wire  # noqa: E402
from ensemble import ensemble  # noqa: E402
from harness import MARTLET, Broker, eventually, free_port, tail, unique  # noqa: E402
from monitor import Monitor  # noqa: E402

RETRIABLE_ENDS = (OSError, EOFError, wire.ProtocolError, struct.error, IndexError)


class Cluster:
    """Brokers 1 to `count` under a chroot of their own; on hosts of their own if there is a network of them."""

    def __init__(self, count=3, network=None, servers=None, **settings):
        chroot = unique("cluster")
        defaults = {
            "default.replication.factor": 3, "min.insync.replicas": 2, "replica.lag.time.max.ms": 3000,
            "controlled.shutdown.retry.backoff.ms": 500,
        }
        defaults.update({name.replace("_", "."): value for name, value in settings.items()})
        self.brokers = {}
        self.hosts = {}
        for number in range(1, count + 1):
            host = network and network.host(f"broker-{number}")
            broker = Broker(
                chroot=chroot, broker_id=number, ensemble=servers or ensemble(),
                host=host.address if host else "127.0.0.1")
            if host:
                self.hosts[number] = host
                broker.launcher = host.launcher
            broker.monitor = Monitor(free_port(), broker.host)
            broker.settings["monitoring.http.listener"] = f"{broker.host}:{broker.monitor.port}"
            broker.settings.update(defaults)
            self.brokers[number] = broker

    def start(self):
        for broker in self.brokers.values():
            broker.start()
        eventually(lambda: len(self.metadata([])["brokers"]) == len(self.brokers), message="the brokers do not meet")
        return self

    def stop(self):
        for broker in self.brokers.values():
            if broker.process is not None and broker.process.poll() is None:
                broker.process.send_signal(signal.SIGCONT)
                broker.process.kill()
                broker.process.wait()

    @property
    def running(self):
        return [b for b in self.brokers.values() if b.process is not None and b.process.poll() is None]

    def metadata(self, topics, of=None):
        """As some running broker sees it, or as `of` does."""
        last = None
        running = self.running
        # None of them is right always; who asks again asks another.
        random.shuffle(running)
        for broker in [self.brokers[of]] if of else running:
            try:
                with broker.connect(3) as connection:
                    return connection.metadata(topics)
            except RETRIABLE_ENDS as error:
                last = error
        raise OSError(f"no broker answers: {last}")

    def partition(self, topic, partition=0, of=None):
        described = self.metadata([topic], of)["topics"][0]
        found = [p for p in described["partitions"] if p["index"] == partition]
        if described["error"] or not found:
            raise wire.ProtocolError(f"{topic}-{partition}: error {described['error']}")
        return found[0]

    def leader(self, topic, partition=0):
        return self.partition(topic, partition)["leader"]

    def controller(self):
        return self.metadata([])["controller"]

    def topic(self, partitions=1, replication=3, **configs):
        topic = unique("topic")
        controller = eventually(lambda: self.controller() > 0 and self.controller())
        with self.brokers[controller].connect() as connection:
            connection.create_topic(
                topic, partitions, {k.replace("_", "."): str(v) for k, v in configs.items()}, replication)
        self.wait_for_in_sync(topic, partitions, replication)
        return topic

    def wait_for_in_sync(self, topic, partitions=1, count=3, seconds=40):
        """Until every running broker tells that so many are in sync."""
        def all_in_sync():
            return all(
                len(self.partition(topic, partition, of)["isr"]) == count
                for partition in range(partitions)
                for of, broker in self.brokers.items() if broker in self.running)

        eventually(all_in_sync, seconds, f"{topic} does not get {count} in-sync replicas: {self.logs()}")

    def tool(self, command, *arguments, exit=0):
        """What one of Kafka's commands prints."""
        server = "--broker-list" if command == "replica-verification" else "--bootstrap-server"
        result = subprocess.run(
            [MARTLET, command, server, ",".join(broker.bootstrap for broker in self.running), *arguments],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        if result.returncode != exit:
            raise AssertionError(f"{command} {arguments}: {result.returncode}, {result.stdout}{result.stderr}")
        return result.stdout

    def placed_topic(self, *assignment, **configs):
        """A topic whose partitions have these replicas."""
        topic = unique("topic")
        flags = [word for k, v in configs.items() for word in ("--config", f"{k.replace('_', '.')}={v}")]
        placement = ",".join(":".join(map(str, replicas)) for replicas in assignment)
        self.tool("topics", "--create", "--topic", topic, "--replica-assignment", placement, *flags)
        self.wait_for_in_sync(topic, len(assignment), len(assignment[0]))
        return topic

    def fence(self, number):
        """As the service manager does once the process is certainly dead."""
        broker = self.brokers[number]
        return subprocess.run(
            [MARTLET, "fence", "--broker", str(number), "--config", broker.properties],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=30)

    def kill(self, number, fence=True):
        self.brokers[number].kill()
        if fence:
            result = self.fence(number)
            if result.returncode != 0:
                raise AssertionError(f"fence: {result.returncode}, {result.stdout.decode()}")

    def directories(self, number):
        return self.brokers[number].settings["log.dirs"].split(",")

    def log_bytes(self, number, topic, partition=0):
        """All of a replica's segments, in order."""
        files = sorted(
            (path for directory in self.directories(number)
             for path in glob.glob(os.path.join(directory, f"{topic}-{partition}", "*.log"))), key=os.path.basename)
        content = b""
        for path in files:
            with open(path, "rb") as file:
                content += file.read()
        return content

    def wait_for_equal_logs(self, topic, partitions=1, seconds=20):
        """Until the replicas of each partition are the same, byte for byte."""
        def equal():
            for partition in range(partitions):
                replicas = self.partition(topic, partition)["replicas"]
                if len({self.log_bytes(number, topic, partition) for number in replicas}) != 1:
                    return False
            return True

        eventually(equal, seconds, f"the replicas of {topic} differ: {self.logs()}")

    def describe(self, topic):
        """What each broker tells of a topic, for messages."""
        told = ""
        for number, broker in self.brokers.items():
            if broker in self.running:
                try:
                    told += f"broker {number}: {self.metadata([topic], number)}\n"
                except RETRIABLE_ENDS as error:
                    told += f"broker {number}: {error!r}\n"
        return told

    def logs(self):
        return "\n".join(f"--- broker {number}\n{tail(broker.log, 15)}" for number, broker in self.brokers.items())


def records(content):
    """(offset, value) of every record in uncompressed batches of format 2."""
    position = 0
    while position + 61 <= len(content):
        base, length = struct.unpack_from(">qi", content, position)
        if position + 12 + length > len(content):
            return
        checked = content[position + 21:position + 12 + length]
        if wire.crc32c(checked) != struct.unpack_from(">I", content, position + 17)[0]:
            raise AssertionError(f"the batch at offset {base} is damaged")
        count = struct.unpack_from(">i", content, position + 57)[0]
        at = position + 61
        for _ in range(count):
            _, at = varint(content, at)
            at += 1
            _, at = varint(content, at)
            delta, at = varint(content, at)
            key, at = varint(content, at)
            at += max(key, 0)
            size, at = varint(content, at)
            yield base + delta, content[at:at + size]
            at += max(size, 0)
            headers, at = varint(content, at)
            assert headers == 0
        position += 12 + length


def varint(content, at):
    value = shift = 0
    while True:
        byte = content[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1), at


class Load(threading.Thread):
    """One producer with acks=all to one partition. It never gives a batch up: on any error it looks for the leader and
    sends it again, so that without idempotence a record may be there twice, and with it must not. (A sequence number
    that is out of order is an error as any other: a broker that does not know yet that it leads no more may lack what
    its successor has acknowledged. Were it the successor, it would say so for ever.)"""

    def __init__(self, cluster, topic, partition=0, idempotent=False, pause=0.002):
        super().__init__(daemon=True)
        self.cluster, self.topic, self.partition = cluster, topic, partition
        self.idempotent, self.pause = idempotent, pause
        self.prefix = f"{topic}/{partition}/".encode()
        self.acknowledged = {}  # value -> offset
        self.times = []
        self.acknowledgers = []  # Which broker did so, for each of the times.
        self.errors = {}
        self.halt = threading.Event()
        self.failure = None

    def run(self):
        try:
            self.produce()
        except Exception as error:  # Shown by `finish`.
            self.failure = error

    def produce(self):
        producer, epoch = (-1, -1)
        if self.idempotent:
            producer, epoch = eventually(self.producer_id, 30)
        sequence, number = 0, 0
        connection = None
        while not self.halt.is_set():
            values = [self.prefix + f"{number + i:08}".encode() * 8 for i in range(3)]
            batch = wire.batch(
                values, producer=producer, epoch=epoch, sequence=sequence if self.idempotent else -1)
            while True:
                try:
                    if connection is None:
                        leader = self.cluster.leader(self.topic, self.partition)
                        connection = self.cluster.brokers[leader].connect(10)
                    error, base, _ = connection.produce(self.topic, batch, self.partition, wait=1500)
                except (*RETRIABLE_ENDS, KeyError) as problem:
                    error, base = repr(type(problem)), -1
                if error == wire.NONE:
                    break
                self.errors[error] = self.errors.get(error, 0) + 1
                if connection is not None:
                    connection.close()
                    connection = None
                if self.halt.wait(0.02):
                    return
            self.acknowledgers.append(leader)
            self.times.append(time.monotonic())
            for index, value in enumerate(values):
                self.acknowledged[value] = base + index
            number += len(values)
            sequence += len(values)
            time.sleep(self.pause)

    def producer_id(self):
        with self.cluster.running[0].connect(5) as connection:
            return connection.init_producer_id()

    @property
    def count(self):
        return len(self.acknowledged)

    def wait_for_more(self, count=30, seconds=40):
        goal = self.count + count
        try:
            eventually(lambda: self.count >= goal or self.failure is not None, seconds)
        except AssertionError:
            raise AssertionError(
                f"nothing is acknowledged any more in {self.topic}-{self.partition}; errors {self.errors}: "
                f"{self.cluster.describe(self.topic)}{self.cluster.logs()}") from None
        if self.failure is not None:
            raise self.failure

    def first_by_another(self, than, since):
        """When a broker other than this one has acknowledged something for the first time since then."""
        return next((t for t, by in zip(self.times, self.acknowledgers) if t > since and by != than), None)

    def longest_silence(self, since=0):
        times = [t for t in self.times if t >= since]
        return max((b - a for a, b in zip(times, times[1:])), default=0)

    def finish(self):
        self.halt.set()
        self.join(30)
        if self.failure is not None:
            raise self.failure


class ClusterTestCase(unittest.TestCase):
    def cluster(self, count=3, **settings):
        cluster = Cluster(count, **settings)
        self.addCleanup(cluster.stop)
        return cluster.start()

    def network(self):
        """The network, whole again after the test; the test is skipped where there is none."""
        network = networks.network()
        if network is None:
            self.skipTest(networks.why_not())
        self.addCleanup(network.heal)
        return network

    def report(self, text):
        """A figure to stand beside the test's name."""
        print(f"[{text}] ", end="", flush=True)

    def report_silence(self, load, since=0):
        self.report(f"{load.longest_silence(since) * 1000:.0f} ms without acknowledgement")

    def load(self, cluster, topic, partition=0, **options):
        load = Load(cluster, topic, partition, **options)
        load.start()
        self.addCleanup(load.halt.set)
        load.wait_for_more()
        return load

    def visit_group(self, cluster, topic, name):
        """A member comes, commits a position and goes. Again and again, until nobody stands in its way."""
        def visited():
            with coordination.Connection(cluster.running[0].port, 10, cluster.running[0].host) as connection:
                error, number, _ = connection.find_coordinator(name)
            if error:
                return False
            coordinator = cluster.brokers[number]
            with coordination.Connection(coordinator.port, 10, coordinator.host) as connection:
                member = connection.join(name)[4]
                error, generation, *_ = connection.join(name, member)
                if error or connection.sync(name, generation, member, None, {member: b"all"})[0]:
                    return False
                errors = connection.commit(name, {(topic, 0): 1}, generation, member)
                return not any(errors.values()) and connection.leave(name, (member, None))[0] == wire.NONE

        eventually(visited, 60, f"{name} does not get through: {cluster.logs()}")

    def settle(self, cluster, *loads):
        """Every acknowledged record is where it was acknowledged, on all replicas, and with idempotence only there."""
        for load in loads:
            load.finish()
        for load in loads:
            cluster.wait_for_in_sync(load.topic, load.partition + 1, len(cluster.partition(load.topic)["replicas"]))
            cluster.wait_for_equal_logs(load.topic, load.partition + 1)
            leader = cluster.leader(load.topic, load.partition)
            found = list(records(cluster.log_bytes(leader, load.topic, load.partition)))
            offsets = [offset for offset, _ in found]
            self.assertEqual(offsets, list(range(len(offsets))), "offsets are not dense")
            by_offset = dict(found)
            lost = [v for v, offset in load.acknowledged.items() if by_offset.get(offset) != v]
            self.assertEqual(lost, [], f"{len(lost)} of {load.count} acknowledged records are lost")
            if load.idempotent:
                values = [value for _, value in found if value.startswith(load.prefix)]
                self.assertEqual(values, sorted(set(values)), "records are there twice, or not in order")
