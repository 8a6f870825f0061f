# SPDX-License-Identifier: Apache-2.0
"""Faults drawn by chance, some at the same time, for as long as MARTLET_STORM says (seconds).

The faults of a seed are drawn again by MARTLET_STORM_SEED; what they meet is the machine's business, so that a seed is
a hint and no proof. `SimulationTests` are where a seed replays exactly.
"""

import os
import random
import signal
import threading
import time
import unittest

import networks
from cluster import ClusterTestCase, ensemble, eventually
from harness import extend_limit, tail
from weather import BAD, Weather

SECONDS = float(os.environ.get("MARTLET_STORM", "0"))
SESSION = 2


class Storm:
    """What happens to a cluster. Every fault has an end of its own; a broker suffers one at a time."""

    def __init__(self, cluster, network, seed):
        self.cluster, self.network = cluster, network
        self.random = random.Random(seed)
        self.afflicted = set()
        self.lock = threading.Lock()
        self.threads = []
        self.failures = []
        self.history = []
        self.began = time.monotonic()

    def note(self, text):
        self.history.append(f"{time.strftime('%H:%M:%S')} {time.monotonic() - self.began:7.2f} {text}")

    def faults(self):
        faults = [self.kill, self.kill, self.kill_without_fence, self.restart, self.pause, self.lose_zookeeper_leader,
                  self.lose_ensemble]
        if self.network is not None:
            faults += [self.cut_from_zookeeper, self.cut_from_brokers, self.cut_from_one, self.lose_to_brokers,
                       self.lose_to_zookeeper, self.lose_from_zookeeper, self.bad_weather]
        return faults

    def strike(self):
        """One fault, on its way in a thread of its own."""
        with self.lock:
            free = [n for n in self.cluster.brokers if n not in self.afflicted]
            if not free:
                return
            number = self.random.choice(free)
            fault = self.random.choice(self.faults())
            seconds = self.random.choice([0.3, 1, SESSION, SESSION + 2, 3 * SESSION])
            self.afflicted.add(number)
        thread = threading.Thread(target=self.perform, args=(fault, number, seconds), daemon=True)
        self.threads.append(thread)
        thread.start()

    def end(self):
        """Waits until every fault is over."""
        while self.threads:
            self.threads.pop().join(150)

    def perform(self, fault, number, seconds):
        try:
            self.note(f"{fault.__name__}: broker {number}, {seconds} s")
            fault(number, seconds)
            self.note(f"{fault.__name__}: broker {number}, over")
        except BaseException as failure:
            self.failures.append(f"{fault.__name__} of {number}: {failure!r}")
        finally:
            with self.lock:
                self.afflicted.discard(number)

    def start(self, number):
        # While its last session lives, or the ensemble is away, a start may fail; whoever looks after it tries again.
        deadline = time.monotonic() + 90
        while True:
            try:
                return self.cluster.brokers[number].start()
            except (AssertionError, OSError) as failure:
                broker = self.cluster.brokers[number]
                if broker.process.poll() is None:
                    broker.kill()
                if time.monotonic() > deadline:
                    raise AssertionError(f"{failure}: {tail(broker.log)}") from None
                time.sleep(0.5)

    def kill(self, number, seconds):
        self.cluster.brokers[number].kill()
        self.cluster.fence(number)
        time.sleep(seconds)
        self.start(number)

    def kill_without_fence(self, number, seconds):
        self.cluster.brokers[number].kill()
        time.sleep(seconds)
        self.start(number)

    def restart(self, number, _):
        self.cluster.brokers[number].terminate(60)
        self.start(number)

    def pause(self, number, seconds):
        process = self.cluster.brokers[number].process
        process.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        process.send_signal(signal.SIGCONT)

    def lose_zookeeper_leader(self, _, seconds):
        with self.lock:
            running = [s for s in ensemble().servers if s.is_running]
            if len(running) < 3:
                return
            leader = next((s for s in running if s.mode() == "leader"), running[0])
            leader.kill()
        time.sleep(seconds)
        with self.lock:
            if not leader.is_running:
                leader.start(ensemble().servers)

    def lose_ensemble(self, _, seconds):
        with self.lock:
            servers = [s for s in ensemble().servers if s.is_running]
            for server in servers:
                server.kill()
        time.sleep(seconds)
        with self.lock:
            for server in servers:
                if not server.is_running:
                    server.start(ensemble().servers)

    def link(self, number, seconds, act):
        host = self.cluster.hosts[number]
        others = [h for n, h in self.cluster.hosts.items() if n != number]
        with self.lock:
            act(host, others, [s.host for s in ensemble().servers])
        time.sleep(seconds)
        with self.lock:
            # Only what this broker is part of: others may be cut off, too.
            host.heal()
            for other in self.network.hosts.values():
                other.heal_to(host)

    def cut_from_zookeeper(self, number, seconds):
        self.link(number, seconds, lambda host, brokers, zookeepers: host.cut(*zookeepers))

    def cut_from_brokers(self, number, seconds):
        self.link(number, seconds, lambda host, brokers, zookeepers: host.cut(*brokers))

    def cut_from_one(self, number, seconds):
        self.link(number, seconds, lambda host, brokers, zookeepers: host.cut(brokers[0]))

    def lose_to_brokers(self, number, seconds):
        self.link(number, seconds, lambda host, brokers, zookeepers: host.lose(*brokers))

    def lose_to_zookeeper(self, number, seconds):
        self.link(number, seconds, lambda host, brokers, zookeepers: host.lose(*zookeepers))

    def bad_weather(self, number, seconds):
        weather = Weather([self.cluster.hosts[number]], number, **BAD)
        time.sleep(seconds)
        weather.end()

    def lose_from_zookeeper(self, number, seconds):
        self.link(number, seconds, lambda host, brokers, zookeepers: [z.lose(host) for z in zookeepers])


@unittest.skipIf(SECONDS == 0, "only with MARTLET_STORM=seconds")
class StormTests(ClusterTestCase):
    def test_nothing_acknowledged_is_lost_whatever_happens(self):
        extend_limit(SECONDS + 300)
        seed = os.environ.get("MARTLET_STORM_SEED") or str(random.randrange(1 << 32))
        self.report(f"seed {seed}")
        network = self.network() if networks.network() else None
        self.addCleanup(lambda: ensemble().start())
        cluster = self.cluster(network=network, zookeeper_session_timeout_ms=SESSION * 1000)
        topic = cluster.topic(partitions=4)
        loads = [self.load(cluster, topic, n, idempotent=n != 3, pause=0.005) for n in range(4)]
        storm = Storm(cluster, network, seed)
        end = time.monotonic() + SECONDS
        try:
            while time.monotonic() < end and not storm.failures:
                for _ in range(storm.random.choice([1, 1, 1, 2, 2, 3])):
                    storm.strike()
                time.sleep(storm.random.choice([0.1, 1, 4]))
                if storm.random.random() < 0.5:
                    self.calm(storm, cluster, topic, loads)
            self.calm(storm, cluster, topic, loads)
            self.settle(cluster, *loads)
        except BaseException:
            print("\n".join(storm.history))
            raise
        finally:
            self.assertEqual(storm.failures, [], "\n".join(storm.history))
        self.report(f"{len(storm.history) // 2} faults, {sum(load.count for load in loads)} records, "
                    f"{max(load.longest_silence() for load in loads):.1f} s without acknowledgement")

    def calm(self, storm, cluster, topic, loads):
        """Once all faults are over, the cluster must be whole again by itself."""
        storm.end()
        eventually(lambda: len(cluster.running) == 3, 60, "brokers ended")
        ensemble().start()
        cluster.wait_for_in_sync(topic, 4, seconds=60)
        for load in loads:
            load.wait_for_more(10)
