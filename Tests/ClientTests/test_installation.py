# SPDX-License-Identifier: Apache-2.0
"""What `make install` puts in place: links that start and stop brokers as Apache's scripts do, and an account for the unit."""

import glob
import os
import random
import signal
import subprocess
import time
import unittest

from harness import MARTLET, Broker, cases, directory, eventually, expand, tail

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))


def run(*command, **environment):
    return subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
        env={**os.environ, "MARTLET": MARTLET, **environment})


def processes(*words):
    """The ids of those that have all these words on their command line."""
    found = []
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            with open(path, "rb") as file:
                arguments = file.read().decode(errors="replace").split("\0")
        except OSError:
            continue
        if all(word in arguments for word in words):
            found.append(int(path.split("/")[2]))
    return found


@expand
class LinkTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = directory()
        installed = run(os.path.join(ROOT, "deploy/install.sh"), cls.root, "/usr")
        if installed.returncode != 0:
            raise AssertionError(installed.stdout + installed.stderr)

    def setUp(self):
        # A number that no other broker of this machine has, for the script stops all that it finds.
        self.number = random.randrange(10**6, 10**9)
        self.broker = Broker(broker_id=self.number, reserved_broker_max_id=10**9)
        self.broker.command()
        self.broker.log = os.path.join(self.broker.home, "logs/of/kafkaServer.out")
        self.addCleanup(lambda: [os.kill(process, signal.SIGKILL) for process in self.processes()])

    def link(self, name):
        return os.path.join(self.root, "usr/bin", name)

    def processes(self):
        return processes(self.broker.properties)

    def serves(self):
        with self.broker.connect() as connection:
            return connection.metadata([])["controller"] == self.number

    def is_stopped_by(self, name):
        stopped = run(self.link(name), "--node-id", str(self.number))
        self.assertEqual((stopped.returncode, stopped.stdout + stopped.stderr), (0, ""))
        eventually(lambda: not self.processes(), 30, "it does not stop")
        again = run(self.link(name), "--node-id", str(self.number))
        self.assertEqual((again.returncode, again.stdout), (1, "No kafka server to stop\n"))

    @cases(".sh", "")
    def test_a_broker_in_the_background(self, suffix):
        began = time.monotonic()
        started = run(
            self.link("kafka-server-start" + suffix), "-daemon", self.broker.properties, "--override", "num.io.threads=3",
            LOG_DIR=os.path.dirname(self.broker.log))
        self.assertEqual((started.returncode, started.stdout + started.stderr), (0, ""))
        self.assertLess(time.monotonic() - began, 5)
        eventually(self.serves, 30, f"it does not serve: {tail(self.broker.log)}")
        [process] = self.processes()
        self.assertEqual(processes(self.broker.properties, "num.io.threads=3"), [process])
        # Neither a terminal's end nor this process's can reach it.
        self.assertEqual(os.getsid(process), process)
        files = [os.readlink(f"/proc/{process}/fd/{number}") for number in range(3)]
        self.assertEqual(files, ["/dev/null", self.broker.log, self.broker.log])
        self.is_stopped_by("kafka-server-stop" + suffix)
        with open(self.broker.log) as file:
            said = file.read()
        self.assertIn("started (kafka.server.KafkaServer)", said)
        self.assertIn("Shut down completed", said)
        # What is there is kept.
        run(self.link("kafka-server-start" + suffix), "-daemon", self.broker.properties, "--override", "num.partitions=0",
            LOG_DIR=os.path.dirname(self.broker.log))
        eventually(lambda: "num.partitions" in tail(self.broker.log))
        with open(self.broker.log) as file:
            self.assertTrue(file.read().startswith(said))

    @cases("kafka-server-start.sh", "kafka-server-start", "martlet")
    def test_a_broker_in_the_foreground_is_found(self, name):
        command = [self.link(name), *(["broker"] if name == "martlet" else []), self.broker.properties]
        with open(os.path.join(self.broker.home, "log"), "wb") as log:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.addCleanup(lambda: process.poll() is None and process.kill())
        eventually(self.serves, 30, f"it does not serve: {tail(log.name)}")
        other = run(self.link("kafka-server-stop"), "--node-id", str(self.number + 1))
        self.assertEqual((other.returncode, process.poll()), (1, None))
        stopped = run(self.link("kafka-server-stop.sh"), f"--node-id={self.number}")
        self.assertEqual((stopped.returncode, stopped.stderr), (0, ""))
        self.assertEqual(process.wait(30), 0)

    def test_a_place_for_the_output_that_cannot_be_is_named(self):
        place = os.path.join(self.broker.properties, "logs")
        started = run(self.link("kafka-server-start.sh"), "-daemon", self.broker.properties, LOG_DIR=place)
        self.assertEqual(started.returncode, 1)
        self.assertIn(f"{place}/kafkaServer.out cannot be written: Not a directory", started.stderr)

    @cases("-daemon", "-demon", "")
    def test_a_command_line_without_a_file_is_refused(self, option):
        started = run(self.link("kafka-server-start.sh"), *([option] if option else []))
        self.assertEqual(started.returncode, 1)
        self.assertIn("[-daemon] server.properties [--override property=value]*", started.stderr)


@unittest.skipUnless(run("unshare", "--mount", "true").returncode == 0, "there are no mount namespaces here")
class AccountTests(unittest.TestCase):
    """In a namespace that has copies of what would be written."""

    DROP_IN = "/etc/systemd/system/martlet.service.d/account.conf"
    WITHOUT = (
        "for name in kafka cp-kafka; do userdel $name 2>/dev/null || true; done\n"
        "rm -rf /etc/kafka /etc/systemd/system/martlet*\n")
    INSTALL = "deploy/install.sh '' $HOME/prefix >/dev/null\n"
    # Of the unit and its drop-in, the last line of a kind counts.
    TOLD = (
        "cat /etc/systemd/system/martlet.service $(ls " + DROP_IN + " 2>/dev/null) | "
        "sed -n 's/^\\(User\\|Group\\)=//p' | tail -n 2 | paste -sd:\n"
        "stat --format=%U:%G:%a /var/lib/kafka\n")
    CONFLUENT = "groupadd --system confluent; useradd --system --gid confluent cp-kafka\n"

    def told(self, *scripts):
        home = directory()
        script = (
            "cp --archive /etc $HOME/etc; mount --bind $HOME/etc /etc\n"
            "mount -t tmpfs tmpfs /var/lib; mount -t tmpfs tmpfs /run\n" + self.WITHOUT + "".join(scripts))
        done = subprocess.run(
            ["unshare", "--mount", "--propagation", "private", "sh", "-euc", script], stdin=subprocess.DEVNULL, cwd=ROOT,
            capture_output=True, text=True, timeout=60, env={**os.environ, "MARTLET": MARTLET, "HOME": home})
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.split("\n")[:-1]

    def test_an_account_is_made_where_there_is_none(self):
        told = self.told(self.INSTALL, self.TOLD, "getent passwd kafka | cut -d: -f6-\n", self.INSTALL, self.TOLD)
        self.assertEqual(
            told, ["kafka:kafka", "kafka:kafka:750", "/var/lib/kafka:/usr/sbin/nologin", "kafka:kafka", "kafka:kafka:750"])

    def test_none_is_made_for_a_tree_that_is_to_be_packed(self):
        self.assertEqual(
            self.told("deploy/install.sh $HOME/tree /usr >/dev/null\n", "getent passwd kafka || echo none\n",
                      "ls -d /var/lib/kafka 2>/dev/null || echo none\n"), ["none", "none"])

    def test_confluents_account_and_its_records_are_kept(self):
        records = "install -d -o cp-kafka -g confluent -m 755 /var/lib/kafka /var/lib/kafka/t-0\n"
        told = self.told(
            self.CONFLUENT, records, self.INSTALL, self.TOLD, "stat --format=%U:%G /var/lib/kafka/t-0\n",
            "getent passwd kafka || echo none\n")
        self.assertEqual(told, ["cp-kafka:confluent", "cp-kafka:confluent:755", "cp-kafka:confluent", "none"])

    def test_confluents_account_is_taken_before_there_are_records(self):
        self.assertEqual(
            self.told(self.CONFLUENT, self.INSTALL, self.TOLD), ["cp-kafka:confluent", "cp-kafka:confluent:750"])

    def test_the_owner_of_the_records_goes_on_with_them(self):
        self.assertEqual(
            self.told("useradd --system --gid daemon broker; install -d -o broker -g daemon -m 700 /var/lib/kafka\n",
                      self.CONFLUENT, self.INSTALL, self.TOLD), ["broker:daemon", "broker:daemon:700"])

    def test_what_an_administrator_has_chosen_is_kept(self):
        chosen = f"mkdir -p $(dirname {self.DROP_IN}); printf '[Service]\\nUser=me\\nGroup=us\\n' >{self.DROP_IN}\n"
        self.assertEqual(self.told(self.CONFLUENT, chosen, self.INSTALL, self.TOLD)[0], "me:us")
