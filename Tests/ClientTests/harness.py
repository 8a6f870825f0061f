# SPDX-License-Identifier: Apache-2.0
"""A real ZooKeeper and real brokers on free loopback ports, in a directory that is removed at the end."""

import atexit
import faulthandler
import itertools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

import wire

MARTLET = os.path.abspath(
    os.environ.get("MARTLET", os.path.join(os.path.dirname(__file__), "../../.build/debug/martlet")))
CLASSPATH = "/usr/share/java/zookeeper.jar:/usr/share/java/slf4j-simple.jar"

_directory = None
_processes = []
_zookeeper = None
_shared = {}
_numbers = itertools.count(1)


def directory():
    """A fresh directory of this run."""
    global _directory
    if _directory is None:
        _directory = tempfile.mkdtemp(prefix="martlet-clients-")
    path = os.path.join(_directory, str(next(_numbers)))
    os.mkdir(path)
    return path


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def unique(name="topic"):
    """A name that no other test of this run uses."""
    return f"{name}-{next(_numbers)}"


def eventually(condition, seconds=20, message="the condition does not come true"):
    """Waits until `condition()` is true and returns its value; an exception counts as not yet."""
    deadline = time.monotonic() + seconds
    last = None
    while time.monotonic() < deadline:
        try:
            value = condition()
            if value:
                return value
        except (OSError, EOFError, wire.ProtocolError) as error:
            last = error
        time.sleep(0.05)
    raise AssertionError(f"{message} (last: {last})")


def extend_limit(seconds):
    """Lets the running test take so long."""
    faulthandler.dump_traceback_later(seconds + 30, exit=True)
    signal.alarm(int(seconds))


def tail(path, lines=30):
    try:
        with open(path, errors="replace") as file:
            return "".join(file.readlines()[-lines:])
    except OSError:
        return ""


def stop_all():
    """Ends every process that was started here, and removes the directory, unless MARTLET_KEEP is set."""
    global _directory
    for process in reversed(_processes):
        if process.poll() is None:
            process.kill()
            process.wait()
    _processes.clear()
    if _directory is not None and "MARTLET_KEEP" in os.environ:
        print(f"Data and logs are kept in {_directory}")
    elif _directory is not None:
        shutil.rmtree(_directory, ignore_errors=True)
    _directory = None


atexit.register(stop_all)


class ZooKeeper:
    def __init__(self):
        home = directory()
        self.port = free_port()
        configuration = os.path.join(home, "zoo.cfg")
        with open(configuration, "w") as file:
            file.write(
                f"dataDir={home}/data\nclientPort={self.port}\nclientPortAddress=127.0.0.1\ntickTime=500\n"
                "minSessionTimeout=1000\nadmin.enableServer=false\n4lw.commands.whitelist=ruok\nmaxClientCnxns=0\n"
                "snapCount=100000\n")
        self.log = os.path.join(home, "log")
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                ["java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", CLASSPATH,
                 "-Dzookeeper.forceSync=no", "org.apache.zookeeper.server.quorum.QuorumPeerMain", configuration],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        _processes.append(self.process)
        eventually(self.answers, 60, f"ZooKeeper does not answer: {tail(self.log)}")

    def answers(self):
        with socket.create_connection(("127.0.0.1", self.port), 1) as connection:
            connection.settimeout(2)
            connection.sendall(b"ruok")
            return connection.recv(4) == b"imok"

    def connect(self, chroot):
        return f"127.0.0.1:{self.port}/{chroot}"


def zookeeper():
    """The one ZooKeeper of this run; clusters live under chroots of their own."""
    global _zookeeper
    if _zookeeper is None:
        _zookeeper = ZooKeeper()
    return _zookeeper


class Broker:
    """A broker process. `start` waits until it serves; `run_to_end` is for those that must not start."""

    def __init__(self, chroot=None, broker_id=1, port=None, log_dirs=None, host="127.0.0.1", ensemble=None, **settings):
        self.home = directory()
        self.chroot = chroot or unique("cluster")
        self.host = host
        self.port = port or free_port()
        self.log_dirs = log_dirs or os.path.join(self.home, "data")
        self.log = os.path.join(self.home, "log")
        self.process = None
        self.settings = {
            "broker.id": broker_id,
            "listeners": f"PLAINTEXT://{self.host}:{self.port}",
            "log.dirs": self.log_dirs,
            "zookeeper.connect": (ensemble or zookeeper()).connect(self.chroot),
            "zookeeper.session.timeout.ms": 6000,
            "offsets.topic.replication.factor": 1,
            "offsets.topic.num.partitions": 4,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.num.partitions": 2,
            "transaction.state.log.min.isr": 1,
            "group.initial.rebalance.delay.ms": 0,
        }
        self.settings.update({name.replace("_", "."): value for name, value in settings.items()})
        self.properties = os.path.join(self.home, "server.properties")
        self.launcher = []

    @property
    def bootstrap(self):
        return f"{self.host}:{self.port}"

    def connect(self, seconds=20):
        return wire.Connection(self.port, seconds, self.host)

    def command(self, *overrides):
        with open(self.properties, "w") as file:
            file.writelines(f"{name}={value}\n" for name, value in self.settings.items())
        flags = [part for override in overrides for part in ("--override", override)]
        return [*self.launcher, MARTLET, "broker", self.properties, *flags]

    def start(self, *overrides, seconds=30):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.command(*overrides), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        _processes.append(self.process)
        eventually(self.serves, seconds, "the broker does not serve")
        return self

    def serves(self):
        if self.process.poll() is not None:
            raise AssertionError(f"the broker ended with {self.process.returncode}: {tail(self.log)}")
        with self.connect() as connection:
            return connection.metadata([])["controller"] >= 0

    def run_to_end(self, *overrides, seconds=60):
        """Starts it where it must fail. Returns its exit code and what it said."""
        result = subprocess.run(
            self.command(*overrides), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=seconds)
        return result.returncode, result.stdout.decode(errors="replace")

    def terminate(self, seconds=30):
        """SIGTERM. Returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def resident_bytes(self):
        with open(f"/proc/{self.process.pid}/status") as file:
            for line in file:
                if line.startswith("VmRSS:"):
                    return int(line.split()[1]) * 1024
        return 0


def broker(kind="any"):
    """The broker that tests of one kind share, started with the first of them, and again should a test end it."""
    ended = _shared.get(kind)
    if ended is None or ended.process.poll() is not None:
        _shared[kind] = Broker().start()
        if ended is not None:
            raise AssertionError(f"the shared broker had ended with {ended.process.returncode}: {tail(ended.log)}")
    return _shared[kind]


class SharedBrokerTestCase(unittest.TestCase):
    """Tests on a shared broker; each makes topics of its own."""

    kind = "any"

    def setUp(self):
        self.broker = broker(self.kind)
        self.bootstrap = self.broker.bootstrap

    def tearDown(self):
        self.assertIsNone(self.broker.process.poll(), f"the broker ended: {tail(self.broker.log)}")
        defects = [line for line in tail(self.broker.log, 200).splitlines() if "could not be encoded" in line]
        self.assertEqual(defects, [])

    def connection(self):
        connection = wire.Connection(self.broker.port)
        self.addCleanup(connection.close)
        return connection

    def topic(self, name="topic", partitions=1, **configs):
        """A new topic, once its partitions are led."""
        topic = unique(name)
        with wire.Connection(self.broker.port) as connection:
            connection.create_topic(topic, partitions, {k.replace("_", "."): str(v) for k, v in configs.items()})
            eventually(lambda: connection.leads_all(topic, partitions), message=f"{topic} has no leaders")
        return topic


def cases(*values):
    """Makes one test of each value: `@cases("gzip", "lz4") def test_codec(self, codec)`."""

    def decorate(function):
        function.cases = values
        return function

    return decorate


def expand(test_case):
    """Class decorator that `cases` needs."""
    for name, function in list(vars(test_case).items()):
        for value in getattr(function, "cases", ()):
            arguments = value if isinstance(value, tuple) else (value,)

            def test(self, function=function, arguments=arguments):
                function(self, *arguments)

            label = "_".join(str(argument) for argument in arguments)
            setattr(test_case, f"{name}_{label}", test)
        if hasattr(function, "cases"):
            delattr(test_case, name)
    return test_case
