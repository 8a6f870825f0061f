# SPDX-License-Identifier: Apache-2.0
"""Many partitions on three real brokers: how long until all are led after each thing that moves leaders.

    python scale.py [PARTITIONS (3000)] [TOPICS (30)]

The broker is the one that MARTLET names, as for the cluster tests; a release build, or the figures mean nothing. So do those
of a second run within five minutes, on ext4: it gives no inode to a new file that lately belonged to another, and looks at
each of the tens of thousands that the run before has given back, for each file that it makes. TMPDIR on a tmpfs is free of
it, and of all waiting for a disk.
"""

import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../ClusterTests"))

from cluster import RETRIABLE_ENDS, Cluster, eventually, wire  # noqa: E402


def leaders(cluster, of, topics=None):
    """How many partitions of these topics, or of all, each broker leads, as `of` tells; empty where it does not answer."""
    try:
        with wire.Connection(cluster.brokers[of].port, 10) as connection:
            described = connection.metadata(topics)
    except RETRIABLE_ENDS:
        return {}
    count = {}
    for topic in described["topics"]:
        for partition in topic["partitions"]:
            count[partition["leader"]] = count.get(partition["leader"], 0) + 1
    return count


def wait_until_led(cluster, of, total, without=(), last=None):
    """Asks for one topic, every few milliseconds, before it asks for all: to be told of thousands of partitions takes a
    tenth of a second, and the broker's time while it has better things to do."""
    def is_led(topics=None):
        found = leaders(cluster, of, topics)
        return found and not any(number in found for number in (-1, *without)) and (topics or sum(found.values()) == total)

    while last and not is_led([last]):
        time.sleep(0.02)
    eventually(is_led, 120, f"{leaders(cluster, of)}")


def main():
    total = int(sys.argv[1]) if len(sys.argv) > 1 else 3000
    topics = int(sys.argv[2]) if len(sys.argv) > 2 else 30
    cluster = Cluster(
        3, min_insync_replicas=1, auto_leader_rebalance_enable="false", log_index_size_max_bytes=4096)
    try:
        cluster.start()
        controller = cluster.controller()
        start = time.monotonic()
        with wire.Connection(cluster.brokers[controller].port, 60) as connection:
            for topic in range(topics):
                connection.create_topic(f"scale-{topic}", total // topics, {}, 3)
        for number in cluster.brokers:
            wait_until_led(cluster, number, total)
        print(f"created, and led as all three tell: {time.monotonic() - start:.2f} s", leaders(cluster, 1))

        leaving = next(n for n in cluster.brokers if n != controller)
        start = time.monotonic()
        cluster.brokers[leaving].terminate(60)
        print(f"controlled shutdown of broker {leaving}, SIGTERM to its end: {time.monotonic() - start:.2f} s")
        staying = next(n for n in cluster.brokers if n not in (leaving, controller))
        wait_until_led(cluster, staying, total, without=[leaving])

        start = time.monotonic()
        cluster.brokers[leaving].start(seconds=60)
        print(f"its start, until it serves: {time.monotonic() - start:.2f} s")
        def all_in_sync():
            with wire.Connection(cluster.brokers[leaving].port, 10) as connection:
                described = connection.metadata(None)
            return sum(len(p["isr"]) == 3 for t in described["topics"] for p in t["partitions"]) == total
        eventually(all_in_sync, 120, "not all in sync")
        print(f"until all are in sync again: {time.monotonic() - start:.2f} s", leaders(cluster, leaving))

        led = leaders(cluster, staying).get(controller, 0)
        cluster.brokers[controller].kill()
        fencing = time.monotonic()
        cluster.fence(controller)
        start = time.monotonic()
        wait_until_led(cluster, staying, total, without=[controller], last=f"scale-{topics - 1}")
        print(f"controller that led {led} killed: all led {time.monotonic() - start:.2f} s after its session's end "
              f"(which took {start - fencing:.2f} s)")
        start = time.monotonic()
        cluster.brokers[controller].start(seconds=60)
        print(f"start after kill -9, until it serves: {time.monotonic() - start:.2f} s")
    finally:
        cluster.stop()


main()
