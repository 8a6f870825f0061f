# SPDX-License-Identifier: Apache-2.0
"""What a broker shows of itself over HTTP: metrics against what was done to it, health, readiness."""

import glob
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
import unittest

import confluent_kafka
import confluent_kafka.admin
import wire
from disks import Disk
from harness import Broker, ZooKeeper, eventually, free_port, tail
from monitor import Monitor, value

UNKNOWN_TOPIC_OR_PARTITION = "UNKNOWN_TOPIC_OR_PARTITION"


class MonitoringTestCase(unittest.TestCase):
    def broker(self, **settings):
        self.monitor = Monitor(free_port())
        broker = Broker(monitoring_http_listener=f"127.0.0.1:{self.monitor.port}", **settings)
        self.addCleanup(lambda: broker.process and broker.process.poll() is None and broker.kill())
        return broker

    def create(self, broker, topic, partitions=1, **configs):
        with broker.connect() as connection:
            connection.create_topic(topic, partitions, configs)
            eventually(lambda: connection.leads_all(topic, partitions), message=f"{topic} has no leaders")


class MetricsTests(MonitoringTestCase):
    def test_metrics_say_what_was_sent_and_fetched(self):
        broker = self.broker().start()
        self.create(broker, "busy", 2)
        self.create(broker, "idle")
        before = self.monitor.metrics()
        producer = confluent_kafka.Producer({
            "bootstrap.servers": broker.bootstrap, "linger.ms": 5, "acks": "all", "message.max.bytes": 1 << 20})
        scraping = threading.Event()
        scraper = threading.Thread(target=lambda: [self.monitor.latest() for _ in iter(scraping.is_set, True)])
        scraper.start()
        count = 20_000
        for index in range(count):
            producer.produce("busy", b"%d" % index + b"x" * 200, partition=index % 2)
            producer.poll(0)
        self.assertEqual(producer.flush(60), 0)
        scraping.set()
        scraper.join()
        on_disk = [os.path.getsize(path)
                   for path in sorted(glob.glob(os.path.join(broker.log_dirs, "busy-*", "*.log")))]
        consumer = confluent_kafka.Consumer({
            "bootstrap.servers": broker.bootstrap, "group.id": "readers", "auto.offset.reset": "earliest",
            "check.crcs": True})
        consumer.subscribe(["busy"])
        read = 0
        while read < count:
            messages = consumer.consume(1000, 20)
            self.assertTrue(messages, tail(broker.log))
            read += len(messages)
        consumer.commit(asynchronous=False)
        metrics = self.monitor.metrics()
        broker_topic = "kafka_server_brokertopicmetrics_"
        self.assertEqual(value(metrics, broker_topic + "messagesin_total", topic="busy"), count)
        self.assertEqual(value(metrics, broker_topic + "bytesin_total", topic="busy"), sum(on_disk))
        self.assertEqual(value(metrics, broker_topic + "messagesin_total", topic="idle"), 0)
        # librdkafka may throw away what it has prefetched, and ask again.
        self.assertGreaterEqual(value(metrics, broker_topic + "bytesout_total", topic="busy"), sum(on_disk))
        self.assertLess(value(metrics, broker_topic + "bytesout_total", topic="busy"), 3 * sum(on_disk))
        of_all = value(metrics, broker_topic + "messagesin_total")
        offsets = value(metrics, broker_topic + "messagesin_total", topic="__consumer_offsets")
        self.assertGreater(offsets, 0)
        self.assertEqual(of_all, count + offsets)
        for partition, size in enumerate(on_disk):
            labels = {"topic": "busy", "partition": str(partition)}
            self.assertEqual(value(metrics, "kafka_log_log_size", **labels), size)
            self.assertEqual(value(metrics, "kafka_log_log_logendoffset", **labels), count / 2)
            self.assertEqual(value(metrics, "kafka_log_log_logstartoffset", **labels), 0)
            self.assertEqual(value(metrics, "kafka_log_log_numlogsegments", **labels), 1)
        produced = sum(number for (name, labels), number in metrics.items()
                       if name == "kafka_network_requestmetrics_requests_total" and ("request", "Produce") in labels)
        self.assertGreaterEqual(produced, count * 200 / (1 << 20))
        self.assertEqual(
            value(metrics, "kafka_network_requestmetrics_totaltimems_count", request="Produce"), produced)
        self.assertEqual(
            value(metrics, "martlet_request_duration_seconds_count", request="Produce"), produced)
        self.assertGreaterEqual(
            value(metrics, "kafka_network_requestmetrics_requestbytes_total", request="Produce"), sum(on_disk))
        for phase in ("requestqueue", "local", "remote", "responsesend"):
            self.assertEqual(
                value(metrics, f"kafka_network_requestmetrics_{phase}timems_count", request="Produce"), produced)
        parts = sum(value(metrics, f"kafka_network_requestmetrics_{phase}timems_sum", request="Produce")
                    for phase in ("requestqueue", "local", "remote", "responsesend"))
        whole = value(metrics, "kafka_network_requestmetrics_totaltimems_sum", request="Produce")
        self.assertAlmostEqual(parts, whole, delta=whole / 1000 + 0.1)
        self.assertEqual(
            value(metrics, "kafka_network_requestmetrics_totaltimems_count", request="Fetch"),
            value(metrics, "kafka_network_requestmetrics_totaltimems_count", request="FetchConsumer"))
        self.assertEqual(value(metrics, "kafka_coordinator_group_groupmetadatamanager_numgroups"), 1)
        self.assertEqual(value(metrics, "kafka_coordinator_group_groupmetadatamanager_numgroupsstable"), 1)
        self.assertEqual(value(metrics, "kafka_coordinator_group_groupmetadatamanager_numoffsets"), 2)
        self.assertEqual(value(metrics, "kafka_controller_kafkacontroller_activecontrollercount"), 1)
        self.assertEqual(value(metrics, "kafka_controller_kafkacontroller_globalpartitioncount"), 2 + 1 + 4)
        self.assertEqual(value(metrics, "kafka_server_replicamanager_leadercount"), 2 + 1 + 4)
        self.assertEqual(value(metrics, "kafka_server_replicamanager_underreplicatedpartitions"), 0)
        self.assertEqual(value(metrics, "kafka_server_socket_server_metrics_connection_count", listener="PLAINTEXT"),
                         self.connections(broker))
        self.assertGreater(value(metrics, "process_cpu_seconds_total"), value(before, "process_cpu_seconds_total"))
        self.assertAlmostEqual(
            value(metrics, "process_resident_memory_bytes"), broker.resident_bytes(), delta=16 << 20)
        self.assertAlmostEqual(
            value(metrics, "process_open_fds"), len(os.listdir(f"/proc/{broker.process.pid}/fd")), delta=3)
        self.assertAlmostEqual(value(metrics, "process_start_time_seconds"), time.time(), delta=120)
        # What only grows has not shrunk.
        for key in before:
            if key[0].endswith("_total"):
                self.assertGreaterEqual(metrics[key], before[key], key)
        consumer.close()

    @staticmethod
    def connections(broker):
        """How many connections the kernel knows on the broker's port."""
        with open("/proc/net/tcp") as file:
            lines = [line.split() for line in file][1:]
        return sum(1 for line in lines if line[1].endswith(f":{broker.port:04X}") and line[3] == "01")

    def test_the_dashboard_asks_for_metrics_that_there_are(self):
        path = os.path.join(os.path.dirname(__file__), "../../deploy/grafana-dashboard.json")
        with open(path) as file:
            queries = [target["expr"] for panel in json.load(file)["panels"] for target in panel.get("targets", [])]
        asked = {name for query in queries for name in re.findall(r"(?:kafka|martlet|process)_\w+", query)}
        self.assertGreater(len(asked), 30)
        broker = self.broker().start()
        self.create(broker, "one")
        # What there was to open is known of a broker that had logs when it started.
        self.assertEqual(broker.terminate(), 0)
        broker.start()
        with broker.connect() as connection:
            eventually(lambda: connection.leads_all("one", 1))
            connection.produce("one", wire.batch([b"x"]))
            connection.produce("none", wire.batch([b"x"]))
        self.assertLessEqual(asked, {name for name, _ in self.monitor.metrics()})

    def test_errors_are_counted_by_their_names(self):
        broker = self.broker(auto_create_topics_enable="false").start()
        with broker.connect() as connection:
            for _ in range(3):
                self.assertEqual(
                    connection.produce("nowhere", wire.batch([b"x"]))[0], wire.UNKNOWN_TOPIC_OR_PARTITION)
            connection.create_topic("here")
            eventually(lambda: connection.leads_all("here", 1))
            corrupt = bytearray(wire.batch([b"abc"]))
            corrupt[-2] ^= 1
            self.assertEqual(connection.produce("here", bytes(corrupt))[0], wire.CORRUPT_MESSAGE)
            self.assertEqual(connection.fetch("here", 77)[0], wire.OFFSET_OUT_OF_RANGE)
        metrics = self.monitor.metrics()
        errors = "kafka_network_requestmetrics_errors_total"
        self.assertEqual(value(metrics, errors, request="Produce", error=UNKNOWN_TOPIC_OR_PARTITION), 3)
        self.assertEqual(value(metrics, errors, request="Produce", error="CORRUPT_MESSAGE"), 1)
        self.assertEqual(value(metrics, errors, request="FetchConsumer", error="OFFSET_OUT_OF_RANGE"), 1)
        self.assertEqual(
            value(metrics, "kafka_server_brokertopicmetrics_failedproducerequests_total", topic="here"), 1)
        self.assertEqual(
            value(metrics, "kafka_server_brokertopicmetrics_bytesrejected_total", topic="here"), len(corrupt))
        self.assertEqual(
            value(metrics, "kafka_server_brokertopicmetrics_failedfetchrequests_total", topic="here"), 1)

    def test_a_waiting_fetch_is_seen_waiting(self):
        broker = self.broker().start()
        self.create(broker, "quiet")
        with broker.connect() as connection:
            waiting = threading.Thread(
                target=lambda: connection.fetch("quiet", 0, min_bytes=1, wait=4000))
            waiting.start()
            time.sleep(0.5)
            name = "kafka_server_delayedoperationpurgatory_purgatorysize"
            self.assertEqual(value(self.monitor.metrics(), name, delayedOperation="Fetch"), 1)
            waiting.join()
        metrics = self.monitor.metrics()
        times = "kafka_network_requestmetrics_{}timems_sum"
        self.assertGreater(value(metrics, times.format("remote"), request="FetchConsumer"), 3500)
        self.assertLess(value(metrics, times.format("local"), request="FetchConsumer"), 1000)

    def test_deleted_topics_are_forgotten_and_the_sum_is_not(self):
        broker = self.broker().start()
        self.create(broker, "gone")
        with broker.connect() as connection:
            self.assertEqual(connection.produce("gone", wire.batch([b"x"] * 5))[0], wire.NONE)
        name = "kafka_server_brokertopicmetrics_messagesin_total"
        self.assertEqual(value(self.monitor.metrics(), name, topic="gone"), 5)
        admin = confluent_kafka.admin.AdminClient({"bootstrap.servers": broker.bootstrap})
        admin.delete_topics(["gone"])["gone"].result(30)
        eventually(lambda: (name, (("topic", "gone"),)) not in self.monitor.latest(), message="it is still there")
        metrics = self.monitor.latest()
        self.assertEqual(value(metrics, name), 5)
        self.assertFalse([key for key in metrics if ("topic", "gone") in key[1]])


class ReadinessTests(MonitoringTestCase):
    def test_a_broker_that_serves_is_healthy_and_ready_until_it_stops(self):
        broker = self.broker().start()
        self.assertEqual(self.monitor.get("/health"), (200, "healthy\n"))
        self.assertEqual(eventually(lambda: self.monitor.get("/ready")), (200, "serving\n"))
        self.assertEqual(self.monitor.get("/nothing")[0], 404)
        self.assertEqual(broker.terminate(), 0)
        with self.assertRaises(ConnectionRefusedError):
            self.monitor.get("/health")

    def test_a_broker_that_waits_for_zookeeper_says_so(self):
        with socket.socket() as holder:
            holder.bind(("127.0.0.1", 0))
            broker = self.broker(**{
                "zookeeper.connect": f"127.0.0.1:{holder.getsockname()[1]}", "zookeeper.connection.timeout.ms": 60000})
            with self.assertRaises(AssertionError):
                broker.start(seconds=1)
            self.assertEqual(self.monitor.get("/ready"), (503, "connecting to ZooKeeper\n"))
            self.assertEqual(self.monitor.get("/health")[0], 200)
            self.assertEqual(value(self.monitor.metrics(), "kafka_server_kafkaserver_brokerstate"), 1)

    def test_recovery_is_seen_while_it_goes_on(self):
        broker = self.broker().start()
        self.create(broker, "long", 2)
        batch = wire.batch([b"z" * 1000] * 900)
        with broker.connect() as connection:
            for index in range(200):
                self.assertEqual(connection.produce("long", batch, index % 2, acks=1)[0], wire.NONE)
        broker.kill()
        with open(broker.log, "ab") as log:
            broker.process = subprocess.Popen(broker.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        seen, remaining = set(), []
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                status, text = self.monitor.get("/ready")
            except OSError:
                continue
            if status == 200:
                break
            try:
                broker.connect(1).close()
                is_refused = False
            except ConnectionRefusedError:
                is_refused = True
            if self.monitor.get("/ready")[1].startswith("opening logs"):
                # As with Kafka: clients look elsewhere, and nothing is said in the log of those who come too early.
                self.assertTrue(is_refused, text)
            seen.add(re.sub(r"\d+", "N", text.strip()))
            if "recovered" in text:
                metrics = self.monitor.latest()
                remaining.append(value(metrics, "martlet_recovery_remaining_bytes", dir=broker.log_dirs))
                state = value(metrics, "kafka_server_kafkaserver_brokerstate")
                self.assertIn(state, (1, 2, 3))
        self.assertEqual(status, 200, f"{text} {tail(broker.log)}")
        self.assertTrue(any(text.startswith("opening logs: N of N, N of N MB recovered") for text in seen), seen)
        self.assertGreater(max(remaining), 0)
        self.assertEqual(sorted(remaining, reverse=True), remaining)
        metrics = self.monitor.metrics()
        self.assertEqual(value(metrics, "martlet_recovery_remaining_bytes", dir=broker.log_dirs), 0)
        self.assertEqual(value(metrics, "kafka_log_logmanager_remaininglogstorecover", dir=broker.log_dirs), 0)
        self.assertEqual(value(metrics, "martlet_recovery_estimated_remaining_seconds"), 0)
        self.assertGreater(value(metrics, "martlet_recovery_elapsed_seconds"), 0)
        self.assertEqual(value(metrics, "kafka_log_log_logendoffset", topic="long", partition="0"), 100 * 900)

    def test_an_expired_session_is_counted_and_survived(self):
        ensemble = ZooKeeper()
        broker = self.broker(
            ensemble=ensemble, zookeeper_session_timeout_ms=2000, zookeeper_connection_timeout_ms=20000).start()
        eventually(lambda: self.monitor.get("/ready")[0] == 200)
        ensemble.process.send_signal(signal.SIGSTOP)
        time.sleep(4)
        self.assertEqual(value(self.monitor.metrics(), "martlet_zookeeper_connected"), 0)
        self.assertEqual(self.monitor.get("/health")[0], 200)
        ensemble.process.send_signal(signal.SIGCONT)
        name = "kafka_server_sessionexpirelistener_zookeeperexpires_total"
        eventually(lambda: value(self.monitor.latest(), name) >= 1, message=tail(broker.log))
        eventually(lambda: self.monitor.get("/ready") == (200, "serving\n"), message="not registered again")
        metrics = self.monitor.metrics()
        self.assertEqual(value(metrics, "martlet_zookeeper_connected"), 1)
        self.assertGreaterEqual(
            value(metrics, "kafka_server_sessionexpirelistener_zookeeperdisconnects_total"), 1)
        self.assertGreater(
            value(metrics, "kafka_server_zookeeperclientmetrics_zookeeperrequestlatencyms_count"), 0)

    def test_a_directory_that_fails_is_seen_offline(self):
        disk = Disk(self)
        broker = self.broker(log_dirs=None)
        good = broker.log_dirs
        broker.settings["log.dirs"] = f"{good},{disk.at('data')}"
        broker.start()
        self.create(broker, "spread", 8)
        metrics = self.monitor.metrics()
        self.assertEqual(value(metrics, "kafka_log_logmanager_offlinelogdirectorycount"), 0)
        self.assertEqual(value(metrics, "kafka_log_logmanager_logdirectoryoffline", logDirectory=disk.at("data")), 0)
        self.assertGreater(value(metrics, "martlet_log_directory_available_bytes", logDirectory=disk.at("data")), 0)
        disk.unmount()
        with broker.connect() as connection:
            # Whatever writes there next meets it.
            connection.create_topic("more", 8)
            name = "kafka_log_logmanager_offlinelogdirectorycount"
            eventually(lambda: value(self.monitor.latest(), name) == 1, 30, tail(broker.log))
        metrics = eventually(
            lambda: (m := self.monitor.latest())
            and value(m, "kafka_server_replicamanager_offlinereplicacount") > 0 and m)
        self.assertEqual(value(metrics, "kafka_log_logmanager_logdirectoryoffline", logDirectory=disk.at("data")), 1)
        self.assertEqual(value(metrics, "kafka_log_logmanager_logdirectoryoffline", logDirectory=good), 0)
        eventually(lambda: value(
            self.monitor.latest(), "kafka_controller_kafkacontroller_offlinepartitionscount") > 0)
        self.assertEqual(self.monitor.get("/ready")[0], 200)
        self.assertEqual(self.monitor.get("/health")[0], 200)

    def test_a_port_in_use_ends_the_start_and_nothing_is_touched(self):
        broker = self.broker()
        with socket.socket() as holder:
            holder.bind(("127.0.0.1", self.monitor.port))
            holder.listen()
            code, said = broker.run_to_end()
        self.assertEqual(code, 75)
        lines = [line for line in said.splitlines() if "monitoring.http.listener" in line]
        self.assertEqual(
            lines, [f"martlet: monitoring.http.listener: 127.0.0.1:{self.monitor.port} cannot be bound: "
                    "the port is in use"])
        self.assertFalse(os.path.exists(broker.log_dirs))
