# SPDX-License-Identifier: Apache-2.0
"""A cluster that does the same again and again, and has no more of anything afterwards: descriptors, threads and memory
of a broker that never ends, znodes and watches.

MARTLET_SOAK=seconds lets it go on for longer than it does by itself.
"""

import glob
import os
import time

from cluster import ClusterTestCase, Load, eventually
from ensemble import Ensemble
from harness import extend_limit

from test_coordinator_moves import TransactionLoad
from znodes import ZNodes

SECONDS = float(os.environ.get("MARTLET_SOAK", "45"))
SURVIVOR = 1


# How much more there may be than after the first rounds, however long it goes on.
#
# A connection that brokers have among themselves may be there or not at the moment; Dispatch starts threads as it needs
# them, up to a limit of its own. Memory: the allocator keeps what threads have freed, each in an arena of its own, and
# has about 4 MiB more after some hundred topics have come and gone, then no more (found with heaptrack). What a round
# leaves behind shows all the sooner the longer this goes on.
MORE = {"descriptors": 2, "threads": 12, "resident": 8 << 20, "znodes": 0, "watches": 0}


class Sample:
    """What there is of everything."""

    def __init__(self, cluster, servers):
        broker = cluster.brokers[SURVIVOR]
        self.open = sorted(map(self.target, glob.glob(f"/proc/{broker.process.pid}/fd/*")))
        server = servers.servers[0]
        with ZNodes(server.port, broker.chroot, server.address) as znodes:
            self.paths = sorted(znodes.tree())
        self.counts = {
            "descriptors": len(self.open),
            "threads": len(os.listdir(f"/proc/{broker.process.pid}/task")),
            "resident": broker.resident_bytes(),
            "znodes": len(self.paths),
            "watches": servers.watches(),
        }

    @staticmethod
    def target(path):
        try:
            return os.readlink(path)
        except OSError:
            return "closed meanwhile"

    def more_than(self, limits):
        return {name: count for name, count in self.counts.items() if count > limits[name]}


class SoakTests(ClusterTestCase):
    def test_nothing_grows(self):
        extend_limit(SECONDS + 180)
        # Servers of its own: they count the watches of all clusters together.
        servers = Ensemble().start()
        self.addCleanup(servers.kill)
        cluster = self.cluster(
            servers=servers, offsets_topic_replication_factor=3, offsets_topic_num_partitions=1,
            transaction_state_log_replication_factor=3,
            transaction_state_log_num_partitions=1, log_segment_delete_delay_ms=100)
        end = time.monotonic() + SECONDS
        # What is made once, is made in these: coordinators and their topics, buffers, threads.
        first = [self.round(cluster, servers, number) for number in range(2)]
        limits = {name: max(sample.counts[name] for sample in first) + more for name, more in MORE.items()}
        number = len(first)
        last = first[-1]
        while time.monotonic() < end or number < 4:
            last = self.round(cluster, servers, number)
            number += 1
            try:
                # Who was told of an end has ended its part a moment later.
                eventually(lambda: not Sample(cluster, servers).more_than(limits), 20)
            except AssertionError:
                last = Sample(cluster, servers)
                raise AssertionError(
                    f"after {number} rounds: {last.more_than(limits)} with {limits} allowed\n"
                    f"{first[-1].open}\n{last.open}\n{first[-1].paths}\n{last.paths}") from None
        grown = {name: last.counts[name] - first[-1].counts[name] for name in MORE}
        self.report(f"{number} rounds, {last.counts}, more than after two rounds: {grown}")

    def round(self, cluster, servers, number):
        """Topics with a load of each kind, each of the other brokers gone and back, and nothing left of it. Returns
        what there is then."""
        topic, data = cluster.topic(partitions=3), cluster.topic(partitions=4)
        loads = [Load(cluster, topic, partition, idempotent=partition > 0) for partition in range(3)]
        transactions = TransactionLoad(cluster, data, "soak")
        try:
            for load in *loads, transactions:
                load.start()
            for victim in (n for n in cluster.brokers if n != SURVIVOR):
                for load in loads:
                    load.wait_for_more()
                self.visit_group(cluster, data, f"group-{victim}")
                if (victim + number) % 2:
                    cluster.kill(victim)
                else:
                    self.assertEqual(cluster.brokers[victim].terminate(), 0)
                for load in loads:
                    load.wait_for_more()
                self.visit_group(cluster, data, f"group-{victim}")
                cluster.brokers[victim].start()
                for name, partitions in (topic, 3), (data, 4), ("__consumer_offsets", 1), ("__transaction_state", 1):
                    cluster.wait_for_in_sync(name, partitions)
            transactions.finish()
        finally:
            for load in *loads, transactions:
                load.halt.set()
        for connection in transactions.connections.values():
            connection.close()
        self.settle(cluster, *loads)
        for name in topic, data:
            cluster.tool("topics", "--delete", "--topic", name)
        for victim in cluster.brokers:
            for name in topic, data:
                eventually(
                    lambda: not glob.glob(os.path.join(cluster.directories(victim)[0], f"{name}-*")), 30,
                    f"broker {victim} keeps {name}")
        return Sample(cluster, servers)
