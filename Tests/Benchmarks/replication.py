# SPDX-License-Identifier: Apache-2.0
"""What three replicas cost beside one broker, and how long a single record takes to its reader.

    python replication.py [GIGABYTES (0.3)] [TURNS (9)]

One broker with acks=1 and three with acks=all take turns under the same load; the CPU seconds of all three are summed. Then
single records with acks=all, 100 a second, from the first byte sent to the record in the hands of a waiting consumer. The
broker is the one that MARTLET names and the load LOADGEN's; release builds, or the figures mean nothing.

Each turn deletes what it wrote before the next begins. A page that a guest has never used costs its host several times what
one costs that was just given back, and whoever's turn meets such pages pays for them: that is no property of a broker.
"""

import glob
import os
import re
import statistics
import struct
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../ClusterTests"))

from cluster import Cluster, eventually, wire  # noqa: E402

LOADGEN = os.environ.get("LOADGEN", os.path.join(HERE, "../../.build/release/loadgen"))
MARKS = "marks: 3.5 times one broker at 128 KiB and at 16 KiB; a record is with its reader within 5 ms, 99 of 100 times"


def cost(cluster, topic, batch, acks, gigabytes):
    """CPU seconds per gigabyte of all brokers together."""
    port = cluster.brokers[cluster.leader(topic)].port
    pids = ",".join(str(broker.process.pid) for broker in cluster.brokers.values())
    told = subprocess.run(
        [LOADGEN, "produce", "--port", str(port), "--pid", pids, "--topic", topic, "--acks", str(acks), "--batch", str(batch),
         "--gigabytes", str(gigabytes), "--runs", "1"], capture_output=True, text=True, timeout=600, check=True).stdout
    cluster.tool("topics", "--delete", "--topic", topic)
    eventually(lambda: not any(
        glob.glob(os.path.join(directory, f"{topic}-*")) for number in cluster.brokers
        for directory in cluster.directories(number)), message=f"{topic} is not deleted")
    return float(re.search(r"([\d.]+) CPU s/GB", told).group(1))


def compare(one, three, batch, gigabytes, turns):
    alone, together = [], []
    for turn in range(turns + 1):
        single = cost(one, one.topic(replication=1), batch, 1, gigabytes)
        summed = cost(three, three.topic(), batch, -1, gigabytes)
        if turn > 0:  # The first warms up.
            alone.append(single)
            together.append(summed)
    ratios = sorted(three / one for one, three in zip(alone, together))
    print(f"{batch >> 10} KiB batches, medians of {turns} turns, CPU s/GB: one broker {statistics.median(alone):.2f}, three "
          f"{statistics.median(together):.2f}; {statistics.median(together) / statistics.median(alone):.2f} times one, turn "
          f"by turn {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})", flush=True)


def end_to_end(cluster, count=1000, pause=0.01):
    topic = cluster.topic()
    port = cluster.brokers[cluster.leader(topic)].port
    took = []
    with wire.Connection(port, 20) as producer, wire.Connection(port, 20) as consumer:
        for offset in range(count):
            consumer.send(wire.FETCH, 4, struct.pack(">iiiibi", -1, 5000, 1, 1 << 20, 0, 1) + wire.string(topic)
                          + struct.pack(">iiqi", 1, 0, offset, 1 << 20))
            time.sleep(pause)
            body = producer.produce_body(topic, wire.batch([b"x" * 100]), 0, -1)
            began = time.monotonic()
            producer.send(wire.PRODUCE, 3, body)
            consumer.receive_frame()
            took.append((time.monotonic() - began) * 1000)
            producer.produce_answer()
    took.sort()
    print(f"one record with acks=all from its producer to its consumer: p50 {took[count // 2]:.2f} ms, "
          f"p99 {took[count * 99 // 100]:.2f} ms, slowest {took[-1]:.2f} ms", flush=True)


def main():
    gigabytes = float(sys.argv[1]) if len(sys.argv) > 1 else 0.3
    turns = int(sys.argv[2]) if len(sys.argv) > 2 else 9
    settings = {
        "min_insync_replicas": 1, "auto_leader_rebalance_enable": "false", "log_segment_delete_delay_ms": 0}
    one, three = Cluster(1, **settings), Cluster(3, **settings)
    print(MARKS)
    try:
        one.start()
        three.start()
        end_to_end(three)
        for batch in (128 << 10, 16 << 10):
            compare(one, three, batch, gigabytes, turns)
    finally:
        one.stop()
        three.stop()


main()
