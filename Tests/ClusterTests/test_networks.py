# SPDX-License-Identifier: Apache-2.0
"""Networks that are cut: between brokers and ZooKeeper, between brokers, both ways and one way.

In each case nothing acknowledged is lost, and when the network is whole the cluster is, by itself. Every host stays
reachable for the clients."""

import random
import time

from cluster import ClusterTestCase, ensemble, eventually, wire

SESSION = 2


class CutTests(ClusterTestCase):
    def start(self, *, leads_controller=None):
        """A cluster of hosts under load. The leader of the partition is the controller, or is not, as asked."""
        self.net = self.network()
        cluster = self.cluster(network=self.net, zookeeper_session_timeout_ms=SESSION * 1000)
        topic = cluster.topic()
        if leads_controller is not None:
            # The first replica leads as long as nothing has happened.
            while (cluster.leader(topic) == cluster.controller()) != leads_controller:
                topic = cluster.topic()
        self.zookeepers = [server.host for server in ensemble().servers]
        return cluster, topic

    def heal(self):
        self.net.heal()
        return time.monotonic()

    def others(self, cluster, number):
        return [n for n in cluster.brokers if n != number]

    def wait_for_other_leader(self, cluster, topic, old):
        witness = self.others(cluster, old)[0]
        eventually(lambda: cluster.partition(topic, of=witness)["leader"] != old, 30, "no other leader is elected")

    def wait_for_other_controller(self, cluster, old):
        witness = self.others(cluster, old)[0]
        eventually(
            lambda: cluster.metadata([], of=witness)["controller"] != old, 30, "no other controller is elected")

    def whole(self, cluster, topic, *loads):
        at = self.heal()
        cluster.wait_for_in_sync(topic)
        eventually(lambda: all(len(cluster.metadata([], of=n)["brokers"]) == 3 for n in cluster.brokers), 30)
        self.report(f"whole again after {time.monotonic() - at:.1f} s")
        for load in loads:
            load.wait_for_more()
        self.settle(cluster, *loads)


class CutFromZooKeeperTests(CutTests):
    def test_a_leader_loses_its_leadership_and_acknowledges_nothing_more(self):
        cluster, topic = self.start(leads_controller=False)
        load = self.load(cluster, topic, idempotent=True)
        leader = cluster.leader(topic)
        at = time.monotonic()
        cluster.hosts[leader].cut(*self.zookeepers)
        self.wait_for_other_leader(cluster, topic, leader)
        # It does not know yet, or cannot prove the opposite: nothing that it takes is acknowledged.
        with cluster.brokers[leader].connect() as connection:
            error, _, _ = connection.produce(topic, wire.batch([b"to a leader of the past"]), wait=2000)
            self.assertNotEqual(error, wire.NONE)
        load.wait_for_more()
        self.report_silence(load, at)
        self.whole(cluster, topic, load)
        self.assertNotIn(b"to a leader of the past", cluster.log_bytes(leader, topic))

    def test_a_controller_is_replaced_and_its_orders_are_refused(self):
        cluster, topic = self.start(leads_controller=True)
        load = self.load(cluster, topic, idempotent=True)
        controller = cluster.controller()
        at = time.monotonic()
        cluster.hosts[controller].cut(*self.zookeepers)
        self.wait_for_other_controller(cluster, controller)
        load.wait_for_more()
        self.report_silence(load, at)
        # The new one acts.
        witness = cluster.metadata([], of=self.others(cluster, controller)[0])["controller"]
        with cluster.brokers[witness].connect() as connection:
            connection.create_topic("made-meanwhile", 1, replication=2)
        self.whole(cluster, topic, load)
        cluster.wait_for_in_sync("made-meanwhile", count=2)

    def test_a_follower_whose_answers_from_zookeeper_are_lost(self):
        cluster, topic = self.start()
        load = self.load(cluster, topic, idempotent=False)
        follower = next(n for n in cluster.brokers if n not in (cluster.leader(topic), cluster.controller()))
        for zookeeper in self.zookeepers:
            zookeeper.lose(cluster.hosts[follower])
        eventually(lambda: len(cluster.metadata([], of=cluster.controller())["brokers"]) == 2, 30)
        load.wait_for_more()
        self.whole(cluster, topic, load)

    def test_a_leader_that_zookeeper_does_not_hear(self):
        cluster, topic = self.start(leads_controller=False)
        load = self.load(cluster, topic, idempotent=True)
        leader = cluster.leader(topic)
        at = time.monotonic()
        cluster.hosts[leader].lose(*self.zookeepers)
        self.wait_for_other_leader(cluster, topic, leader)
        load.wait_for_more()
        self.report_silence(load, at)
        self.whole(cluster, topic, load)

    def test_a_broker_that_was_stopped_meanwhile_can_start_at_once(self):
        self.net = self.network()
        cluster = self.cluster(network=self.net, zookeeper_session_timeout_ms=40000)
        stopped = next(n for n in cluster.brokers if n != cluster.controller())
        cluster.hosts[stopped].cut(*(server.host for server in ensemble().servers))
        # Nobody can tell the ensemble that the session is over.
        self.assertEqual(cluster.brokers[stopped].terminate(60), 0)
        self.net.heal()
        cluster.brokers[stopped].start(seconds=15)
        eventually(lambda: len(cluster.metadata([], of=cluster.controller())["brokers"]) == 3, 10)

    def test_a_flapping_link_is_survived(self):
        cluster, topic = self.start()
        load = self.load(cluster, topic, idempotent=True)
        leader = cluster.leader(topic)
        for seconds in (0.5, SESSION - 0.5, SESSION + 2):
            cluster.hosts[leader].cut(*self.zookeepers)
            time.sleep(seconds)
            self.heal()
            load.wait_for_more()
        self.whole(cluster, topic, load)


class CutFromBrokersTests(CutTests):
    def test_a_follower_leaves_the_set_and_comes_back(self):
        cluster, topic = self.start()
        load = self.load(cluster, topic, idempotent=True)
        leader = cluster.leader(topic)
        follower = next(n for n in cluster.brokers if n not in (leader, cluster.controller()))
        at = time.monotonic()
        cluster.hosts[follower].cut(*(cluster.hosts[n] for n in self.others(cluster, follower)))
        eventually(lambda: follower not in cluster.partition(topic, of=leader)["isr"], 30, "the set does not shrink")
        load.wait_for_more()
        self.report_silence(load, at)
        self.whole(cluster, topic, load)

    def test_two_brokers_that_only_a_third_can_see_both_of(self):
        cluster, topic = self.start()
        load = self.load(cluster, topic, idempotent=True)
        leader, controller = cluster.leader(topic), cluster.controller()
        follower = next(n for n in cluster.brokers if n not in (leader, controller))
        cluster.hosts[leader].cut(cluster.hosts[follower])
        eventually(
            lambda: follower not in cluster.partition(topic, of=controller)["isr"], 30, "the set does not shrink")
        load.wait_for_more()
        self.whole(cluster, topic, load)

    def test_a_leader_that_reaches_only_zookeeper_acknowledges_nothing(self):
        cluster, topic = self.start(leads_controller=False)
        load = self.load(cluster, topic, idempotent=True)
        leader = cluster.leader(topic)
        cluster.hosts[leader].cut(*(cluster.hosts[n] for n in self.others(cluster, leader)))
        time.sleep(1)
        before = load.count
        # Longer than it takes to count a follower as out of sync: it cannot tell the controller, so it must not act so.
        time.sleep(5)
        self.assertEqual(load.count, before)
        self.whole(cluster, topic, load)

    def test_a_leading_controller_that_reaches_only_zookeeper_refuses(self):
        cluster, topic = self.start(leads_controller=True)
        load = self.load(cluster, topic, idempotent=True)
        leader = cluster.leader(topic)
        cluster.hosts[leader].cut(*(cluster.hosts[n] for n in self.others(cluster, leader)))
        eventually(lambda: cluster.partition(topic, of=leader)["isr"] == [leader], 30, "the set does not shrink")
        with cluster.brokers[leader].connect() as connection:
            error, _, _ = connection.produce(topic, wire.batch([b"for one alone"]), wait=2000)
            self.assertEqual(error, 19)
        self.whole(cluster, topic, load)


class OneWayTests(CutTests):
    def test_a_leader_is_not_heard_by_a_follower(self):
        cluster, topic = self.start()
        load = self.load(cluster, topic, idempotent=True)
        leader = cluster.leader(topic)
        # Not the controller: who may shrink the set could not be told.
        follower = next(n for n in cluster.brokers if n not in (leader, cluster.controller()))
        cluster.hosts[leader].lose(cluster.hosts[follower])
        eventually(lambda: follower not in cluster.partition(topic, of=leader)["isr"], 40, "the set does not shrink")
        load.wait_for_more()
        self.whole(cluster, topic, load)

    def test_a_follower_is_heard_by_nobody(self):
        cluster, topic = self.start()
        load = self.load(cluster, topic, idempotent=True)
        leader = cluster.leader(topic)
        follower = next(n for n in cluster.brokers if n not in (leader, cluster.controller()))
        cluster.hosts[follower].lose(*(cluster.hosts[n] for n in self.others(cluster, follower)))
        eventually(lambda: follower not in cluster.partition(topic, of=leader)["isr"], 40, "the set does not shrink")
        load.wait_for_more()
        self.whole(cluster, topic, load)

    def test_a_controller_is_heard_by_no_broker(self):
        cluster, topic = self.start(leads_controller=False)
        load = self.load(cluster, topic, idempotent=True)
        controller = cluster.controller()
        others = self.others(cluster, controller)
        cluster.hosts[controller].lose(*(cluster.hosts[n] for n in others))
        time.sleep(2 * SESSION)
        # Its own session lives, so it stays; what it decides meanwhile arrives later.
        self.whole(cluster, topic, load)
        self.assertEqual(cluster.controller(), controller)
        self.assertIsNotNone(cluster.topic())

    def test_directions_come_and_go(self):
        """Between brokers and from and to ZooKeeper, each way by itself."""
        cluster, topic = self.start()
        load = self.load(cluster, topic, idempotent=True)
        hosts = list(cluster.hosts.values())
        ways = [(a, b) for a in hosts for b in hosts + self.zookeepers if a is not b]
        ways += [(b, a) for a in hosts for b in self.zookeepers]
        seed = random.randrange(1 << 32)
        chances = random.Random(seed)
        for _ in range(14):
            lost = chances.sample(ways, 4)
            for sender, receiver in lost:
                sender.lose(receiver)
            time.sleep(chances.uniform(0.05, 1))
            for sender, receiver in lost:
                sender.heal_to(receiver)
            time.sleep(chances.uniform(0.05, 0.2))
        self.report(f"seed {seed}")
        load.wait_for_more()
        self.whole(cluster, topic, load)
