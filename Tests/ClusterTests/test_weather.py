# SPDX-License-Identifier: Apache-2.0
"""Links that lose, delay, double, mix up and damage packets. What TCP cannot mend in time shows as connections that
crawl, time out or break; nothing acknowledged is lost by that, or there twice."""

import os
import random

import networks
from cluster import ClusterTestCase, ensemble, eventually
from weather import BAD, Weather


class WeatherTests(ClusterTestCase):
    def start(self, **settings):
        self.net = self.network()
        cluster = self.cluster(network=self.net, **settings)
        topic = cluster.topic(partitions=2)
        loads = [self.load(cluster, topic, partition, idempotent=partition == 0) for partition in range(2)]
        return cluster, topic, loads

    def weather(self, hosts, **conditions):
        seed = int(os.environ.get("MARTLET_WEATHER_SEED", random.randrange(1 << 32)))
        weather = Weather(hosts, seed, **conditions)
        self.addCleanup(weather.end)
        return seed, weather

    def brokers(self, cluster):
        return [host.address for host in cluster.hosts.values()]

    def endures(self, to=None, **conditions):
        """Under load a leader is killed and comes back, and a topic is made, while all brokers have this weather."""
        cluster, topic, loads = self.start()
        seed, weather = self.weather(list(cluster.hosts.values()), to=to and to(cluster), **conditions)
        for load in loads:
            load.wait_for_more()
        leader = cluster.leader(topic)
        cluster.kill(leader)
        for load in loads:
            load.wait_for_more()
        cluster.brokers[leader].start(seconds=60)
        cluster.topic()
        for load in loads:
            load.wait_for_more()
        # And until there was enough of everything.
        eventually(lambda: min(weather.met().values()) >= 10, 60, "the weather is too good")
        self.report(f"seed {seed}, {weather.met()}")
        self.report_silence(max(loads, key=lambda load: load.longest_silence()))
        weather.end()
        cluster.wait_for_in_sync(topic, 2)
        for load in loads:
            load.wait_for_more()
        self.settle(cluster, *loads)

    def test_between_brokers(self):
        # As much as the load is, which therefore goes at the pace of the links.
        self.endures(self.brokers, rate=150_000, **BAD)

    def test_between_brokers_and_clients(self):
        self.endures(lambda cluster: [networks.BRIDGE_ADDRESS], **BAD)

    def test_between_brokers_and_zookeeper(self):
        self.endures(lambda cluster: [server.address for server in ensemble().servers], **BAD)

    def test_everywhere_in_gusts(self):
        # Half of all packets for a while, and then none.
        self.endures(gusts=(0.7, 0.7), **{**BAD, "loss": 0.4})

