#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How long a real broker with many partitions takes to stop, and to serve again.

    MARTLET=.build/release/martlet python3 Tests/Benchmarks/start.py [PARTITIONS (10000)] [TAILS (1000)] [MEGABYTES (10240)]

First PARTITIONS partitions, stopped in order and started. Then TAILS partitions with MEGABYTES of unflushed records
between them, killed and started: beside reading the same files, each from the disk where the page cache can be
dropped (that asks for root), else from memory.
"""

import glob
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../ClientTests"))

from harness import Broker, eventually  # noqa: E402
from wire import batch_of_size  # noqa: E402

CACHES = "/proc/sys/vm/drop_caches"
MARKS = "marks: 10,000 partitions serve 2 s after a stop in order (1 s is where we go); a tail at the speed of the disk"


def cpu_seconds(process):
    with open(f"/proc/{process.pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def create(broker, total, per_topic=500):
    """Topics with so many partitions in all, with one record in the first of each."""
    topics = []
    start = time.monotonic()
    with broker.connect(60) as connection:
        while len(topics) * per_topic < total:
            name = f"many-{len(topics)}"
            topics.append((name, min(per_topic, total - len(topics) * per_topic)))
            connection.create_topic(name, topics[-1][1])
        for name, count in topics:
            eventually(lambda: connection.leads_all(name, count), 120, f"{name} is not led")
    print(f"created {total} partitions: {time.monotonic() - start:.2f} s", flush=True)
    return topics


def start(broker, what):
    since = time.monotonic()
    broker.start(seconds=300)
    took = time.monotonic() - since
    print(f"{what}: serves after {took:.2f} s, CPU {cpu_seconds(broker.process):.2f} s", flush=True)
    return took


def wait_until_led(broker, topics):
    since = time.monotonic()
    with broker.connect(60) as connection:
        for name, count in topics:
            eventually(lambda: connection.leads_all(name, count), 120, f"{name} is not led")
    print(f"until all are led: {time.monotonic() - since:.2f} s more", flush=True)


def stop(broker, what):
    since = time.monotonic()
    broker.terminate(300)
    print(f"{what}: {time.monotonic() - since:.2f} s", flush=True)


def produce(broker, topic, partitions, megabytes, batch_bytes=1 << 20):
    batch = batch_of_size(min(batch_bytes, (megabytes << 20) // partitions) - 64)
    rounds = max((megabytes << 20) // (len(batch) * partitions), 1)
    in_flight = 16
    with broker.connect(60) as connection:
        body = [connection.produce_body(topic, batch, partition, 1) for partition in range(partitions)]
        sent = answered = 0
        while answered < rounds * partitions:
            while sent < rounds * partitions and sent - answered < in_flight:
                connection.send(0, 3, body[sent % partitions])
                sent += 1
            error, _, _ = connection.produce_answer()
            if error:
                raise AssertionError(f"produce: error {error}")
            answered += 1
    return rounds * partitions * len(batch)


def drop_caches():
    if not os.access(CACHES, os.W_OK):
        return False
    os.sync()
    with open(CACHES, "w") as file:
        file.write("1\n")
    return True


def read_alone(files):
    since = time.monotonic()
    for path in files:
        with open(path, "rb", buffering=0) as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_SEQUENTIAL)
            while file.read(1 << 20):
                pass
    return time.monotonic() - since


def clean_stop(total):
    broker = Broker(log_index_size_max_bytes=4096).start()
    topics = create(broker, total)
    for turn in range(3):
        stop(broker, "stop in order")
        start(broker, f"start, {total} partitions stopped in order")
        wait_until_led(broker, topics)
    stop(broker, "stop in order")


def kill(partitions, megabytes):
    for threads in (1, 2):
        broker = Broker(log_flush_offset_checkpoint_interval_ms=3600000, num_recovery_threads_per_data_dir=threads).start()
        topics = create(broker, partitions, partitions)
        count = produce(broker, topics[0][0], partitions, megabytes)
        broker.process.kill()
        broker.process.wait()
        files = sorted(glob.glob(os.path.join(broker.log_dirs, "many-0-*", "*.log")))
        dropped = drop_caches()
        alone = read_alone(files)
        drop_caches()
        took = start(
            broker, f"start, {partitions} partitions killed with {count / 1e9:.2f} GB unflushed, {threads} threads, "
            + ("from the disk" if dropped else "from memory"))
        print(f"reading alone: {alone:.2f} s, {count / alone / 1e9:.2f} GB/s; start / reading {took / alone:.2f}")
        broker.process.kill()
        broker.process.wait()


def main():
    numbers = [int(word) for word in sys.argv[1:]] + [10000, 1000, 10240][len(sys.argv) - 1:]
    print(MARKS)
    clean_stop(numbers[0])
    kill(numbers[1], numbers[2])


main()
