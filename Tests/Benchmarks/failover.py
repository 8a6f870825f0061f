# SPDX-License-Identifier: Apache-2.0
"""What a producer with acks=all feels when its leader dies: from the end of the leader's session to the first
acknowledgement by the next one.

    python failover.py [TIMES (10)] [TARGET_MILLISECONDS (300)]

Ends with 1 when the median misses the target. The broker is the one that MARTLET names, as for the cluster tests; a
release build, or the figures mean nothing.
"""

import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../ClusterTests"))

from cluster import Cluster, Load  # noqa: E402


def main():
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    target = int(sys.argv[2]) if len(sys.argv) > 2 else 300
    cluster = Cluster(3, auto_leader_rebalance_enable="false")
    felt = []
    try:
        cluster.start()
        topic = cluster.topic()
        load = Load(cluster, topic, idempotent=True)
        load.start()
        load.wait_for_more()
        for _ in range(times):
            leader = cluster.leader(topic)
            cluster.brokers[leader].kill()
            cluster.fence(leader)
            # The session has ended by now; it did so at the earliest when the command began.
            ended = time.monotonic()
            load.wait_for_more(3)
            first = next((t for t in load.times if t > ended), ended)
            felt.append(max(0, first - ended) * 1000)
            cluster.brokers[leader].start()
            cluster.wait_for_in_sync(topic)
        load.finish()
    finally:
        cluster.stop()
    felt.sort()
    median = felt[len(felt) // 2]
    print(f"first acknowledgement after the session's end, {times} leaders killed: median {median:.0f} ms, "
          f"slowest {felt[-1]:.0f} ms (target {target} ms)")
    return 0 if median <= target else 1


sys.exit(main())
