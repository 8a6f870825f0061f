# SPDX-License-Identifier: Apache-2.0
"""A broker that a real systemd runs, from the unit of the package: however its process ends, nobody waits for its session."""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

import services
from cluster import ClusterTestCase, ensemble, eventually, harness, wire
from ensemble import Ensemble


class UnitTests(unittest.TestCase):
    @unittest.skipUnless(shutil.which("systemd-analyze"), "there is no systemd on this machine")
    def test_systemd_understands_all_of_the_unit(self):
        unit = os.path.join(harness.directory(), "martlet.service")
        with open(unit, "w") as file:
            file.write(services.packaged())
        told = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, timeout=60)
        self.assertEqual((told.returncode, told.stdout + told.stderr), (0, ""))

    def test_the_unit_hides_no_place_where_kafka_may_have_kept_records(self):
        """`log.dirs` is /tmp/kafka-logs by Kafka's own default, and guides put it under /home or /opt. In a private /tmp the
        broker would find nothing of it, and systemd would remove what it writes there."""
        settings = dict(line.split("=", 1) for line in services.packaged().splitlines() if re.match(r"\w+=", line))
        self.assertEqual(settings.get("PrivateTmp", "no"), "no")
        self.assertEqual(settings.get("ProtectHome", "no"), "no")
        self.assertEqual(settings.get("ProtectSystem"), "full")


class ServiceTestCase(ClusterTestCase):
    NAME = "martlet.service"

    def setUp(self):
        reason = services.ServiceManager.why_not()
        if reason:
            self.skipTest(reason)
        self.manager = services.service_manager()
        self.addCleanup(self.manager.stop)

    def state(self):
        return self.manager.show(self.NAME, "ActiveState")

    def restarts(self):
        return int(self.manager.show(self.NAME, "NRestarts"))


class StartTests(ServiceTestCase):
    """One broker, that may not always start."""

    def broker(self, servers, **settings):
        broker = harness.Broker(ensemble=servers, **settings)
        self.addCleanup(lambda: broker.process and broker.process.poll() is None and broker.kill())
        return broker

    def install(self, broker):
        # Tries that follow each other fast, where the unit waits; the limit of tries is the unit's.
        broker.command()
        self.manager.install(self.NAME, broker.properties, broker.log, RestartSec="100ms")

    def test_a_broker_is_there_once_its_ensemble_is_however_long_that_takes(self):
        servers = Ensemble()
        broker = self.broker(servers, zookeeper_connection_timeout_ms=300)
        self.install(broker)
        self.manager.systemctl("start", "--no-block", self.NAME)
        # More than systemd's own limit, and than the five that the unit once had.
        eventually(lambda: self.restarts() >= 12, 60, f"it is not tried again: {harness.tail(broker.log)}")
        servers.start()
        self.addCleanup(servers.kill)
        eventually(lambda: self.state() == "active", 30, f"it does not start: {harness.tail(broker.log)}")
        with broker.connect() as connection:
            eventually(lambda: len(connection.metadata([])["brokers"]) == 1)

    def test_a_setting_that_is_wrong_is_not_tried_again(self):
        broker = self.broker(ensemble(), num_partitions=0)
        self.install(broker)
        self.manager.systemctl("start", self.NAME, check=False)
        eventually(lambda: self.state() == "failed")
        time.sleep(2)
        self.assertEqual((self.state(), self.restarts()), ("failed", 0), harness.tail(broker.log))
        self.assertEqual(self.manager.show(self.NAME, "ExecMainStatus"), "1")

    def test_records_in_tmp_are_the_services_as_well(self):
        home = tempfile.mkdtemp(prefix="martlet-kafka-logs-", dir="/tmp")
        self.addCleanup(shutil.rmtree, home)
        broker = self.broker(ensemble(), log_dirs=home)

        def led():
            with broker.connect() as connection:
                eventually(lambda: connection.leads_all("kept", 1))
                return connection.list_offset("kept", -1)[2]

        def produce(value):
            with broker.connect() as connection:
                self.assertEqual(connection.produce("kept", wire.batch([value]))[0], wire.NONE)

        broker.start()
        with broker.connect() as connection:
            connection.create_topic("kept", 1)
        self.assertEqual(led(), 0)
        produce(b"before")
        self.assertEqual(broker.terminate(), 0)
        self.install(broker)
        self.manager.systemctl("start", self.NAME)
        self.assertEqual(led(), 1)
        produce(b"by the service")
        self.manager.systemctl("stop", self.NAME)
        broker.start()
        self.assertEqual(led(), 2)


class ServiceTests(ServiceTestCase):
    """Broker 1 of three is a service. Sessions take long to end by themselves, and so does it take until a broker is started
    again, which would end the session of the one before as well."""

    SESSION = 40
    RESTART = 12

    def begin(self, **overrides):
        cluster = self.cluster(zookeeper_session_timeout_ms=self.SESSION * 1000)
        service = cluster.brokers[1]
        service.terminate()
        self.manager.install("martlet.service", service.properties, service.log, RestartSec=self.RESTART, **overrides)
        self.manager.systemctl("start", "martlet.service")
        # `Type=notify`: it serves when this returns.
        self.assertEqual(self.manager.show("martlet.service", "ActiveState"), "active")
        with service.connect() as connection:
            connection.metadata([])
        eventually(lambda: len(cluster.metadata([])["brokers"]) == 3)
        topic = cluster.placed_topic([1, 2, 3])
        self.assertEqual(cluster.leader(topic), 1)
        return cluster, topic

    def process(self):
        return int(self.manager.show("martlet.service", "MainPID"))

    def another_leads_after(self, number, load, former):
        """Sends a signal to the service's process. Returns after how many seconds another broker has acknowledged something."""
        sent = time.monotonic()
        os.kill(former, number)
        return eventually(lambda: load.first_by_another(1, sent), self.RESTART - 2, "nobody takes over") - sent

    def is_back(self, cluster, topic, former):
        eventually(lambda: self.process() not in (0, former), 40, "systemd does not start it again")
        self.assertEqual(self.manager.show("martlet.service", "NRestarts"), "1")
        cluster.wait_for_in_sync(topic)

    def test_a_killed_broker_is_fenced_at_once_and_started_again(self):
        cluster, topic = self.begin()
        load = self.load(cluster, topic, idempotent=True)
        former = self.process()
        took = self.another_leads_after(signal.SIGKILL, load, former)
        self.report(f"{took * 1000:.0f} ms from kill -9 to another's acknowledgement")
        # With control groups of version 1 it would take longer if systemd waited for the broker's to be empty.
        self.assertLess(took, 1)
        self.is_back(cluster, topic, former)
        self.settle(cluster, load)

    def test_a_broker_that_stands_still_is_ended_by_the_watchdog_and_fenced(self):
        cluster, topic = self.begin(WatchdogSec=3, TimeoutAbortSec=1)
        load = self.load(cluster, topic, idempotent=True)
        former = self.process()
        # It lives as long as it works.
        time.sleep(5)
        self.assertEqual(self.process(), former)
        took = self.another_leads_after(signal.SIGSTOP, load, former)
        self.report(f"{took:.1f} s from SIGSTOP to another's acknowledgement")
        self.is_back(cluster, topic, former)
        self.settle(cluster, load)

    def test_a_stop_moves_leaderships_and_is_no_failure(self):
        cluster, topic = self.begin()
        load = self.load(cluster, topic, idempotent=True)
        began = time.monotonic()
        self.manager.systemctl("stop", "martlet.service")
        self.report(f"{time.monotonic() - began:.1f} s to stop")
        self.assertEqual(self.manager.show("martlet.service", "Result"), "success")
        self.assertEqual(self.manager.show("martlet.service", "ExecMainStatus"), "0")
        self.assertNotEqual(cluster.leader(topic), 1)
        self.manager.systemctl("start", "martlet.service")
        self.settle(cluster, load)
