# SPDX-License-Identifier: Apache-2.0
"""Two processes of one broker id, one after the other and both at once."""

from cluster import ClusterTestCase, ensemble, eventually, wire
from harness import Broker
from znodes import ZNodes


class SameIdTests(ClusterTestCase):
    def twin(self, cluster, number, host=None):
        """Another process for this id, with an empty disk, at an address of its own."""
        old = cluster.brokers[number]
        twin = Broker(
            chroot=old.chroot, broker_id=number, ensemble=ensemble(), host=host.address if host else old.host)
        own = {name: twin.settings[name] for name in ("listeners", "log.dirs")}
        twin.settings.update(old.settings)
        twin.settings.update(own)
        del twin.settings["monitoring.http.listener"]
        if host:
            twin.launcher = host.launcher
        self.addCleanup(lambda: twin.process and twin.kill())
        return twin

    def epoch(self, cluster, number):
        server = ensemble().servers[0]
        with ZNodes(server.port, cluster.brokers[number].chroot, server.address) as znodes:
            return znodes.created(f"/brokers/ids/{number}")

    def test_the_first_lives_and_the_second_does_not_start(self):
        cluster = self.cluster()
        topic = cluster.placed_topic([1, 2, 3])
        load = self.load(cluster, topic, idempotent=True)
        before = self.epoch(cluster, 1), cluster.leader(topic), cluster.controller()
        twin = self.twin(cluster, 1)
        for _ in range(2):
            code, said = twin.run_to_end()
            self.assertEqual(code, 75, said)
            self.assertIn("broker id 1 is registered", said)
        load.wait_for_more()
        self.assertEqual((self.epoch(cluster, 1), cluster.leader(topic), cluster.controller()), before)
        self.settle(cluster, load)

    def test_an_id_goes_on_elsewhere_with_an_empty_disk(self):
        cluster = self.cluster()
        topic = cluster.placed_topic([1, 2, 3])
        load = self.load(cluster, topic, idempotent=True)
        cluster.kill(1)
        load.wait_for_more(60)
        cluster.brokers[1] = self.twin(cluster, 1).start()
        cluster.wait_for_in_sync(topic)
        # What it was given is worth something: it leads again, and after another death others do.
        cluster.tool("leader-election", "--election-type", "preferred", "--topic", topic, "--partition", "0")
        self.assertEqual(cluster.leader(topic), 1)
        load.wait_for_more()
        cluster.kill(1)
        load.wait_for_more()
        cluster.brokers[1].start()
        self.settle(cluster, load)

    def test_the_first_was_cut_off_and_finds_its_id_taken(self):
        network = self.network()
        cluster = self.cluster(network=network, zookeeper_session_timeout_ms=2000)
        topic = cluster.placed_topic([1, 2, 3], [2, 1, 3])
        loads = [self.load(cluster, topic, partition, idempotent=True) for partition in range(2)]
        first = cluster.brokers[1]
        cluster.hosts[1].cut(*(server.host for server in ensemble().servers))
        eventually(lambda: [n for n, *_ in cluster.metadata([], of=2)["brokers"]] == [2, 3], 30, "it keeps its session")
        twin = cluster.brokers[1] = self.twin(cluster, 1, network.host("elsewhere")).start()
        cluster.wait_for_in_sync(topic, 2)
        epoch = self.epoch(cluster, 1)
        network.heal()

        def told():
            with open(first.log, errors="replace") as file:
                return "/brokers/ids/1 is of another session" in file.read()

        eventually(told, 30, "it does not say that its id is taken")
        self.assertEqual(first.monitor.get("/ready")[0], 503)
        # Nothing that it takes now is acknowledged, and the second keeps the id and its leaderships.
        with first.connect() as connection:
            error, _, _ = connection.produce(topic, wire.batch([b"to who is nobody now"]), wait=2000)
            self.assertNotEqual(error, wire.NONE)
        for load in loads:
            load.wait_for_more()
        self.assertEqual(self.epoch(cluster, 1), epoch)
        self.assertEqual(cluster.brokers[1], twin)
        first.kill()
        self.settle(cluster, *loads)
        self.assertNotIn(b"to who is nobody now", cluster.log_bytes(2, topic))
