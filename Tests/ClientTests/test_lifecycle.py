# SPDX-License-Identifier: Apache-2.0
"""How brokers start, refuse to start, stop, and come back."""

import os
import socket
import subprocess
import time
import unittest

import wire
from harness import MARTLET, Broker, cases, directory, eventually, expand, tail


def snapshot(path):
    """Every file below a directory with its size and time."""
    found = {}
    for parent, _, files in os.walk(path):
        for name in files:
            status = os.stat(os.path.join(parent, name))
            found[os.path.join(parent, name)] = (status.st_size, status.st_mtime_ns)
    return found


# The exit codes of a start that fails: for what somebody has to mend, and for what may pass by itself.
LASTING, PASSING = 1, 75


class BrokerTestCase(unittest.TestCase):
    def started(self, broker, *overrides):
        self.addCleanup(lambda: broker.process and broker.process.poll() is None and broker.kill())
        return broker.start(*overrides)

    def refuses(self, broker, *words, overrides=(), code=LASTING):
        """It must end with this exit code and one line that says what is wrong."""
        ended, said = broker.run_to_end(*overrides)
        self.assertEqual(ended, code, said)
        lines = [line for line in said.splitlines() if any(word in line for word in words)]
        self.assertTrue(lines, f"none of {words} in: {said}")
        self.assertNotIn("Fatal error", said)
        return said


@expand
class StartTests(BrokerTestCase):
    def test_systemd_is_told_how_it_goes(self):
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(listener.close)
        listener.bind(os.path.join(directory(), "notify"))
        listener.settimeout(20)
        broker = Broker()
        broker.launcher = ["env", f"NOTIFY_SOCKET={listener.getsockname()}", "WATCHDOG_USEC=200000"]
        self.started(broker)
        self.assertTrue(listener.recv(1000).startswith(b"STATUS="))
        while not listener.recv(1000).startswith(b"READY=1\nSTATUS=Broker 1 "):
            pass
        while listener.recv(1000) != b"WATCHDOG=1":
            pass
        broker.terminate()
        while not listener.recv(1000).startswith(b"STOPPING=1"):
            pass

    def test_a_second_broker_of_the_same_id_is_refused(self):
        first = self.started(Broker())
        second = Broker(chroot=first.chroot)
        self.refuses(second, "broker.id", "already", "/brokers/ids/1", "NodeExists", code=PASSING)
        with wire.Connection(first.port) as connection:
            self.assertEqual(len(connection.metadata([])["brokers"]), 1)

    def test_a_port_in_use_is_refused(self):
        with socket.socket() as holder:
            holder.bind(("127.0.0.1", 0))
            holder.listen()
            port = holder.getsockname()[1]
            self.refuses(Broker(port=port), str(port), code=PASSING)

    def test_a_locked_log_directory_is_refused_and_left_alone(self):
        first = self.started(Broker())
        before = snapshot(first.log_dirs)
        second = Broker(broker_id=2, chroot=first.chroot, log_dirs=first.log_dirs)
        self.refuses(second, first.log_dirs, code=PASSING)
        after = {path: facts for path, facts in snapshot(first.log_dirs).items() if "checkpoint" not in path}
        self.assertEqual(after, {path: facts for path, facts in before.items() if "checkpoint" not in path})

    def test_a_log_directory_that_cannot_be_written_is_refused(self):
        path = os.path.join(directory(), "data")
        os.mkdir(path, 0o500)
        broker = Broker(log_dirs=path)
        if os.geteuid() == 0:
            # Root may write everywhere, but for this right.
            broker.launcher = ["setpriv", "--bounding-set=-dac_override"]
        self.refuses(broker, path)

    def test_a_log_directory_that_cannot_be_made_is_refused(self):
        path = os.path.join(directory(), "file")
        open(path, "w").close()
        self.refuses(Broker(log_dirs=os.path.join(path, "data")), path)

    def test_a_log_directory_of_another_cluster_is_refused_and_left_alone(self):
        first = self.started(Broker())
        first.terminate()
        before = snapshot(first.log_dirs)
        said = self.refuses(Broker(log_dirs=first.log_dirs), "cluster")
        self.assertEqual(snapshot(first.log_dirs), before, said)

    def test_a_log_directory_of_another_broker_is_refused_and_left_alone(self):
        first = self.started(Broker())
        first.terminate()
        before = snapshot(first.log_dirs)
        self.refuses(Broker(broker_id=2, chroot=first.chroot, log_dirs=first.log_dirs), "broker.id", "broker id")
        self.assertEqual(snapshot(first.log_dirs), before)

    @cases("num.partitions=0", "log.retention.ms=abc", "listeners=PLAINTEXT://nowhere", "broker.id=5000")
    def test_a_bad_setting_is_refused(self, override):
        self.refuses(Broker(), override.split("=")[0], overrides=[override])

    def test_a_missing_file_is_refused(self):
        path = os.path.join(directory(), "server.properties")
        result = subprocess.run([MARTLET, "broker", path], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, timeout=30)
        self.assertEqual(result.returncode, 1)
        self.assertIn(path, result.stdout.decode())

    def test_an_ensemble_that_is_down_is_waited_for_and_then_refused(self):
        with socket.socket() as holder:
            holder.bind(("127.0.0.1", 0))
            port = holder.getsockname()[1]
            broker = Broker(**{"zookeeper.connect": f"127.0.0.1:{port}", "zookeeper.connection.timeout.ms": 2000})
            started = time.monotonic()
            self.refuses(broker, "ZooKeeper", "zookeeper", code=PASSING)
            self.assertGreater(time.monotonic() - started, 1.5)

    def test_a_broker_id_is_generated(self):
        broker = self.started(Broker(broker_id=-1))
        with wire.Connection(broker.port) as connection:
            numbers = [number for number, *_ in connection.metadata([])["brokers"]]
        self.assertGreater(numbers[0], 1000)
        self.assertEqual(broker.terminate(), 0)
        broker.start()
        with wire.Connection(broker.port) as connection:
            self.assertEqual([number for number, *_ in connection.metadata([])["brokers"]], numbers)


class StopTests(BrokerTestCase):
    def filled(self, count=200):
        broker = self.started(Broker())
        with wire.Connection(broker.port) as connection:
            connection.create_topic("kept", 2)
            eventually(lambda: connection.leads_all("kept", 2))
            for index in range(count):
                self.assertEqual(
                    connection.produce("kept", wire.batch([b"%d" % index]), partition=index % 2)[0], wire.NONE)
        return broker

    def check(self, broker, count=200):
        with wire.Connection(broker.port) as connection:
            eventually(lambda: connection.leads_all("kept", 2), message=f"not led again: {tail(broker.log)}")
            for partition in range(2):
                self.assertEqual(connection.list_offset("kept", -1, partition), (wire.NONE, -1, count // 2))
                error, mark, records = connection.fetch("kept", 0, partition)
                self.assertEqual((error, mark), (wire.NONE, count // 2))
                self.assertEqual(records[:8], b"\0" * 8)

    def test_sigterm_is_a_clean_shutdown(self):
        broker = self.filled()
        self.assertEqual(broker.terminate(), 0, tail(broker.log))
        self.assertTrue(os.path.exists(os.path.join(broker.log_dirs, ".kafka_cleanshutdown")))
        broker.start()
        self.check(broker)

    def test_the_registration_is_gone_after_a_clean_shutdown(self):
        broker = self.filled(0)
        self.assertEqual(broker.terminate(), 0)
        # Another process may take the id at once, without waiting for a session's end.
        other = Broker(chroot=broker.chroot, **{"zookeeper.session.timeout.ms": 6000})
        self.started(other)

    def test_acknowledged_records_survive_a_kill(self):
        broker = self.filled()
        broker.kill()
        broker.start(seconds=60)
        self.check(broker)

    def test_records_survive_many_kills_while_writing(self):
        broker = self.started(Broker())
        with wire.Connection(broker.port) as connection:
            connection.create_topic("kept", 1)
            eventually(lambda: connection.leads_all("kept", 1))
        acknowledged = 0
        for _ in range(3):
            with wire.Connection(broker.port) as connection:
                eventually(lambda: connection.leads_all("kept", 1))
                for _ in range(100):
                    error, base, _ = connection.produce("kept", wire.batch([b"x" * 50]))
                    self.assertEqual(error, wire.NONE)
                    acknowledged = base + 1
                # One more is on its way when the process dies.
                connection.send(wire.PRODUCE, 3, connection.produce_body("kept", wire.batch([b"y" * 50])))
                broker.kill()
            broker.start(seconds=60)
        with wire.Connection(broker.port) as connection:
            eventually(lambda: connection.leads_all("kept", 1))
            end = connection.list_offset("kept", -1)[2]
            self.assertGreaterEqual(end, acknowledged)
            self.assertLessEqual(end, acknowledged + 1)

    def test_sigterm_while_starting_ends_the_process(self):
        with socket.socket() as holder:
            # A port that nobody serves, and a patience that would outlast the test.
            holder.bind(("127.0.0.1", 0))
            broker = Broker(**{
                "zookeeper.connect": f"127.0.0.1:{holder.getsockname()[1]}", "zookeeper.connection.timeout.ms": 120000})
            self.addCleanup(lambda: broker.process.poll() is None and broker.kill())
            with self.assertRaises(AssertionError):
                broker.start(seconds=2)
            self.assertIsNone(broker.process.poll(), f"it does not wait for ZooKeeper: {tail(broker.log)}")
            at = time.monotonic()
            code = broker.terminate(15)
            self.assertLess(time.monotonic() - at, 5)
            self.assertEqual(code, 1, tail(broker.log))
            self.assertIn("Stopped while starting", tail(broker.log))
