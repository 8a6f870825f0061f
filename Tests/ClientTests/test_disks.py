# SPDX-License-Identifier: Apache-2.0
"""Disks that fill up, fail or are taken away under a running broker, and replicas that move between them."""

import os
import shutil
import subprocess
import threading
import time
import unittest

import confluent_kafka
import wire
from disks import Disk, batch_bounds, log_dirs, move, offsets_on_disk
from harness import MARTLET, Broker, cases, directory, eventually, expand, tail

NOT_LEADER_OR_FOLLOWER = 6
KAFKA_STORAGE_ERROR = 56
STORAGE_EXCEPTION = "org.apache.kafka.common.errors.KafkaStorageException"


class DiskTestCase(unittest.TestCase):
    def start(self, *paths, **settings):
        broker = Broker(log_dirs=",".join(paths), auto_create_topics_enable="false", **settings)
        self.addCleanup(lambda: broker.process and broker.process.poll() is None and broker.kill())
        return broker.start()

    def create(self, broker, topic, partitions=1, **configs):
        with wire.Connection(broker.port) as connection:
            connection.create_topic(topic, partitions, {k.replace("_", "."): str(v) for k, v in configs.items()})
            eventually(lambda: connection.leads_all(topic, partitions), message=f"{topic} has no leaders")

    def led(self, broker, topic, partitions=1):
        with wire.Connection(broker.port) as connection:
            eventually(lambda: connection.leads_all(topic, partitions), message=f"not led: {tail(broker.log)}")

    def fill(self, connection, topic, partition=0):
        """Produces until not even a small batch fits. Returns how many records were acknowledged."""
        count = 0
        for size in (100_000, 10_000, 1000, 100):
            while True:
                error, base, _ = connection.produce(topic, wire.batch([b"x" * (size // 2)] * 2), partition)
                if error != wire.NONE:
                    self.assertEqual(error, KAFKA_STORAGE_ERROR)
                    break
                self.assertEqual(base, count)
                count += 2
        return count

    def read_all(self, connection, topic, start=0, partition=0):
        """The offsets of all records that a consumer gets."""
        offsets = []
        while True:
            error, mark, records = connection.fetch(topic, offsets[-1] + 1 if offsets else start, partition)
            self.assertEqual(error, wire.NONE)
            new = [base + d for base, count in batch_bounds(records) for d in range(count)] if records else []
            offsets += new
            if not new:
                self.assertEqual(offsets[-1:] or [start - 1], [mark - 1])
                return offsets


@expand
class FullDiskTests(DiskTestCase):
    """A full disk refuses produce with an error that clients repeat, and nothing else. It heals when there is room."""

    def full(self, **settings):
        disk = Disk(self, 14)
        broker = self.start(
            disk.at("data"), log_segment_bytes=1 << 20, log_segment_delete_delay_ms=200,
            log_retention_check_interval_ms=500, **settings)
        make_room = disk.ballast(4)
        return disk, broker, make_room

    def test_clients_wait_for_room_and_lose_nothing(self):
        disk, broker, make_room = self.full()
        self.create(broker, "full")
        with wire.Connection(broker.port) as connection:
            count = self.fill(connection, "full")
            # All that was acknowledged is read, and nothing torn lies behind it.
            self.assertEqual(self.read_all(connection, "full"), list(range(count)))
            self.assertEqual(offsets_on_disk(disk.at("data"), "full"), list(range(count)))
            self.assertIsNone(log_dirs(broker)[disk.at("data")]["error"])
            told = []
            producer = confluent_kafka.Producer({
                "bootstrap.servers": broker.bootstrap, "enable.idempotence": True, "message.timeout.ms": 60000,
                "linger.ms": 5, "retry.backoff.ms": 100})
            for index in range(40):
                producer.produce("full", b"%d" % index + b"y" * 2000, partition=0,
                                 on_delivery=lambda error, message: told.append((error, message.offset())))
            until = time.monotonic() + 3
            while time.monotonic() < until:
                producer.poll(0.1)
            self.assertEqual(told, [], "some of it has fitted, or was given up")
            make_room()
            self.assertEqual(producer.flush(40), 0, tail(broker.log))
            self.assertEqual(told, [(None, count + index) for index in range(40)])
            self.assertEqual(self.read_all(connection, "full"), list(range(count + 40)))
        broker.kill()
        broker.start(seconds=60)
        self.led(broker, "full")
        with wire.Connection(broker.port) as connection:
            self.assertEqual(self.read_all(connection, "full"), list(range(count + 40)))
        self.assertEqual(offsets_on_disk(disk.at("data"), "full"), list(range(count + 40)))

    @cases("delete", "retention")
    def test_room_is_made_on_a_full_disk_by(self, way):
        disk, broker, _ = self.full()
        self.create(broker, "full")
        self.create(broker, "other", retention_bytes=2 << 20 if way == "retention" else -1)
        with wire.Connection(broker.port) as connection:
            for _ in range(35):
                self.assertEqual(connection.produce("other", wire.batch([b"z" * 100_000]))[0], wire.NONE)
            count = self.fill(connection, "full")
            if way == "delete":
                self.command(broker, "topics", "--delete", "--topic", "other")
            # Retention begins half a minute after the start.
            eventually(lambda: connection.produce("full", wire.batch([b"x" * 50_000]))[0] == wire.NONE, 60,
                       f"no room: {tail(broker.log)}")
            self.assertEqual(self.read_all(connection, "full"), list(range(count + 1)))
        self.assertEqual(broker.terminate(), 0)
        self.assertTrue(os.path.exists(disk.at("data/.kafka_cleanshutdown")))

    def command(self, broker, *arguments):
        subprocess.run([MARTLET, arguments[0], "--bootstrap-server", broker.bootstrap, *arguments[1:]],
                       stdin=subprocess.DEVNULL, check=True, capture_output=True, timeout=40)

    def test_a_broker_that_was_killed_starts_on_a_full_disk(self):
        disk, broker, make_room = self.full()
        self.create(broker, "full")
        with wire.Connection(broker.port) as connection:
            count = self.fill(connection, "full")
        broker.kill()
        broker.start(seconds=60)
        self.led(broker, "full")
        with wire.Connection(broker.port) as connection:
            self.assertEqual(self.read_all(connection, "full"), list(range(count)))
            make_room()
            eventually(lambda: connection.produce("full", wire.batch([b"x" * 50_000]))[0] == wire.NONE)
            self.assertEqual(self.read_all(connection, "full"), list(range(count + 1)))

    def test_a_new_partition_that_found_no_room_is_made_later(self):
        _, broker, make_room = self.full()
        self.create(broker, "full")
        with wire.Connection(broker.port) as connection:
            self.fill(connection, "full")
            connection.create_topic("late", 1)
            time.sleep(1)
            make_room()
            eventually(lambda: connection.leads_all("late", 1), 30, f"never made: {tail(broker.log)}")
            self.assertEqual(connection.produce("late", wire.batch([b"x"]))[0], wire.NONE)


@expand
class LostDirectoryTests(DiskTestCase):
    """A directory that fails takes its partitions along, and no others."""

    PARTITIONS = 6

    def filled(self):
        disk = Disk(self)
        good = os.path.join(directory(), "good")
        broker = self.start(disk.at("data"), good, replica_high_watermark_checkpoint_interval_ms=500)
        self.create(broker, "t", self.PARTITIONS)
        for partition in range(self.PARTITIONS):
            self.produce(broker, partition)
        return disk, good, broker

    def produce(self, broker, partition):
        with wire.Connection(broker.port) as connection:
            self.assertEqual(connection.produce("t", wire.batch([b"x"] * 10), partition)[0], wire.NONE)

    def partitions(self, path):
        return {int(name.rsplit("-", 1)[1]) for name in os.listdir(path) if name.startswith("t-")}

    @cases("unmounted", "removed")
    def test_the_other_directory_serves_when_one_is(self, how):
        disk, good, broker = self.filled()
        lost, kept = self.partitions(disk.at("data")), self.partitions(good)
        self.assertEqual(sorted(lost | kept), list(range(self.PARTITIONS)))
        self.assertTrue(lost and kept)
        if how == "unmounted":
            disk.unmount()
        else:
            shutil.rmtree(disk.at("data"))
        with wire.Connection(broker.port) as connection:
            def offline():
                return [p["index"] for p in connection.metadata(["t"])["topics"][0]["partitions"] if p["leader"] < 0]

            eventually(lambda: set(offline()) == lost, 30, f"the controller does not hear of it: {tail(broker.log)}")
            for partition in lost:
                self.assertEqual(connection.produce("t", wire.batch([b"x"]), partition)[0], KAFKA_STORAGE_ERROR)
                # Version 4 does not know that error yet.
                self.assertEqual(connection.fetch("t", 0, partition)[0], NOT_LEADER_OR_FOLLOWER)
            for partition in kept:
                self.assertEqual(connection.produce("t", wire.batch([b"x"] * 5), partition)[0], wire.NONE)
                self.assertEqual(self.read_all(connection, "t", partition=partition), list(range(15)))
            # A new topic goes where it can.
            connection.create_topic("later", 2)
            eventually(lambda: connection.leads_all("later", 2))
        described = log_dirs(broker)
        self.assertEqual(described[disk.at("data")], {"error": STORAGE_EXCEPTION, "partitions": {}})
        self.assertIsNone(described[good]["error"])
        # High watermarks of the other are still written down.
        checkpoint = os.path.join(good, "replication-offset-checkpoint")
        eventually(lambda: "later 0 0" in open(checkpoint).read())
        self.assertEqual(broker.terminate(), 0)
        self.assertTrue(os.path.exists(os.path.join(good, ".kafka_cleanshutdown")))

    def test_a_start_with_a_bad_directory_and_then_with_all(self):
        disk, good, broker = self.filled()
        lost, kept = self.partitions(disk.at("data")), self.partitions(good)
        broker.kill()
        # A file is where the directory was.
        os.rename(disk.at("data"), disk.at("aside"))
        open(disk.at("data"), "w").close()
        broker.start(seconds=60)
        with wire.Connection(broker.port) as connection:
            def leaders():
                return {p["index"]: p["leader"] for p in connection.metadata(["t"])["topics"][0]["partitions"]}

            eventually(lambda: all((leader < 0) == (index in lost) for index, leader in leaders().items()))
            for partition in kept:
                # The broker hears who leads a moment before it hears that it is to lead.
                eventually(lambda: connection.fetch("t", 0, partition)[0] == wire.NONE)
                self.assertEqual(self.read_all(connection, "t", partition=partition), list(range(10)))
        # Nothing was begun anew where it does not belong.
        self.assertEqual(self.partitions(good), kept)
        self.assertEqual(log_dirs(broker)[disk.at("data")]["error"], STORAGE_EXCEPTION)
        self.assertEqual(broker.terminate(), 0)
        os.remove(disk.at("data"))
        os.rename(disk.at("aside"), disk.at("data"))
        broker.start(seconds=60)
        self.led(broker, "t", self.PARTITIONS)
        with wire.Connection(broker.port) as connection:
            for partition in range(self.PARTITIONS):
                self.assertEqual(self.read_all(connection, "t", partition=partition), list(range(10)))

    def test_a_broker_without_any_directory_ends(self):
        disk = Disk(self)
        broker = self.start(disk.at("a"), disk.at("b"), replica_high_watermark_checkpoint_interval_ms=500)
        self.create(broker, "t", 4)
        disk.unmount()
        self.assertEqual(broker.process.wait(40), 1)
        said = tail(broker.log, 60)
        self.assertIn("all log directories have failed", said)
        self.assertIn("No such file or directory", said)


@expand
class HandleTests(DiskTestCase):
    """Files are opened when they are used; there need not be a handle for each."""

    @staticmethod
    def limit(process):
        with open(f"/proc/{process.pid}/limits") as file:
            return next(line.split()[3:5] for line in file if line.startswith("Max open files"))

    @cases(("300", "300"), ("64", "5000"))
    def test_more_partitions_than_handles(self, soft, hard):
        broker = Broker(log_segment_bytes=1 << 20)
        broker.launcher = ["prlimit", f"--nofile={soft}:{hard}"]
        self.addCleanup(lambda: broker.process and broker.process.poll() is None and broker.kill())
        broker.start()
        # As far as the process may by itself.
        self.assertEqual(self.limit(broker.process), [hard, hard])
        self.create(broker, "many", 200)
        with wire.Connection(broker.port) as connection:
            for _ in range(2):
                for partition in range(200):
                    self.assertEqual(connection.produce("many", wire.batch([b"x"]), partition)[0], wire.NONE)
            for partition in range(200):
                self.assertEqual(self.read_all(connection, "many", partition=partition), [0, 1])
        self.assertLess(len(os.listdir(f"/proc/{broker.process.pid}/fd")), int(hard))
        self.assertEqual(broker.terminate(), 0)


class MoveTests(DiskTestCase):
    """Replicas that move to other directories (KIP-113)."""

    def paths(self, count=2):
        home = directory()
        return [os.path.join(home, f"data-{number}") for number in range(count)]

    def limit(self, broker, rate):
        change = ["--add-config", f"replica.alter.log.dirs.io.max.bytes.per.second={rate}"] if rate else [
            "--delete-config", "replica.alter.log.dirs.io.max.bytes.per.second"]
        subprocess.run(
            [MARTLET, "configs", "--bootstrap-server", broker.bootstrap, "--alter", "--entity-type", "brokers",
             "--entity-name", "1", *change], stdin=subprocess.DEVNULL, check=True, capture_output=True, timeout=30)

    def place(self, broker):
        """The directory of t-0, and where it is going."""
        here = there = None
        for path, told in log_dirs(broker).items():
            if ("t-0", False) in told["partitions"]:
                here = path
            if ("t-0", True) in told["partitions"]:
                there = path
        return here, there

    def test_a_replica_moves_under_load_and_through_a_kill(self):
        broker = self.start(*self.paths(), log_segment_bytes=1 << 20)
        self.create(broker, "t")
        acknowledged, halt = [0], threading.Event()

        def produce():
            number = 0
            while not halt.is_set():
                try:
                    with wire.Connection(broker.port, 5) as connection:
                        while not halt.is_set():
                            error, base, _ = connection.produce("t", wire.batch([b"x" * 1000] * 20))
                            if error == wire.NONE:
                                acknowledged[0] = max(acknowledged[0], base + 20)
                            else:
                                time.sleep(0.05)
                            number += 1
                            time.sleep(0.001)
                except (OSError, EOFError, wire.ProtocolError):
                    time.sleep(0.05)

        thread = threading.Thread(target=produce, daemon=True)
        thread.start()
        self.addCleanup(halt.set)
        eventually(lambda: acknowledged[0] > 4000)
        here, _ = self.place(broker)
        there = next(path for path in broker.log_dirs.split(",") if path != here)
        self.limit(broker, 1_000_000)
        time.sleep(0.5)
        self.assertEqual(move(broker, "t", 0, there), wire.NONE)
        self.assertEqual(self.place(broker), (here, there))
        lag, size = log_dirs(broker)[there]["partitions"][("t-0", True)]
        self.assertGreater(lag, 0)
        eventually(lambda: log_dirs(broker)[there]["partitions"][("t-0", True)][1] > size)
        broker.kill()
        broker.start(seconds=60)
        self.led(broker, "t")
        self.assertEqual(self.place(broker), (here, there))
        self.limit(broker, None)
        eventually(lambda: self.place(broker) == (there, None), 60, f"it does not arrive: {tail(broker.log)}")
        after = acknowledged[0]
        eventually(lambda: acknowledged[0] > after + 500)
        halt.set()
        thread.join(10)
        with wire.Connection(broker.port) as connection:
            offsets = self.read_all(connection, "t")
            self.assertGreaterEqual(len(offsets), acknowledged[0])
            self.assertEqual(offsets, list(range(len(offsets))))
        self.assertEqual(offsets_on_disk(there, "t"), offsets)
        self.assertFalse(os.path.exists(os.path.join(here, "t-0")))
        self.assertEqual(broker.terminate(), 0)

    def test_a_move_is_refused_or_cancelled(self):
        paths = self.paths(3)
        broker = self.start(*paths)
        self.create(broker, "t")
        with wire.Connection(broker.port) as connection:
            for _ in range(50):
                connection.produce("t", wire.batch([b"x" * 1000] * 20))
        self.assertEqual(move(broker, "t", 0, "/nowhere"), 57)
        self.assertEqual(move(broker, "unknown", 0, paths[0]), wire.UNKNOWN_TOPIC_OR_PARTITION)
        here, _ = self.place(broker)
        there, third = [path for path in paths if path != here]
        self.limit(broker, 1000)
        time.sleep(0.5)
        self.assertEqual(move(broker, "t", 0, there), wire.NONE)
        self.assertEqual(self.place(broker), (here, there))
        self.assertEqual(move(broker, "t", 0, third), wire.NONE)
        self.assertEqual(self.place(broker), (here, third))
        self.assertEqual(move(broker, "t", 0, here), wire.NONE)
        self.assertEqual(self.place(broker), (here, None))
        with wire.Connection(broker.port) as connection:
            self.assertEqual(len(self.read_all(connection, "t")), 1000)


if __name__ == "__main__":
    unittest.main()
