#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a broker needs for heartbeats, offset commits, and reading a partition of `__consumer_offsets`.

    MARTLET=.build/release/martlet python3 Tests/Benchmarks/coordinators.py

First 1,000 groups of 10 members, each member with a connection of its own, heartbeat every 3 s as in a cluster at work.
Behind that, requests are sent many at a time over one connection: the figures are the coordinator's, not the system
calls'.
"""

import os
import re
import resource
import selectors
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../ClientTests"))

import coordination  # noqa: E402
import harness  # noqa: E402
from wire import string  # noqa: E402

FLOOR = os.environ.get("FLOOR", os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../.build/release/floor"))
MARKS = "marks: 3333 heartbeats/s below 10 % of a core; 20000 commits/s on one core; a million records in 2 s"


def cpu_seconds(process):
    with open(f"/proc/{process.pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def frame(key, version, body):
    payload = struct.pack(">hhi", key, version, 1) + string("bench") + body
    return struct.pack(">i", len(payload)) + payload


def repeat(broker, connection, count, key, version, body, chunk=200):
    """Seconds, and the broker's CPU seconds, for so many requests."""
    request = frame(key, version, body)
    began, used = time.monotonic(), cpu_seconds(broker.process)
    for sent in range(0, count, chunk):
        some = min(chunk, count - sent)
        connection.socket.sendall(request * some)
        for _ in range(some):
            connection.receive_frame()
    return time.monotonic() - began, cpu_seconds(broker.process) - used


def fill(broker, groups, members):
    """Groups whose members have joined and synced. Returns (connection, heartbeat) of each member."""
    joined = []
    for group in (f"group-{index}" for index in range(groups)):
        for _ in range(members):
            connection = coordination.Connection(broker.port, 60)
            connection.socket.sendall(frame(coordination.JOIN, 2, (
                string(group) + struct.pack(">ii", 30000, 60000) + string("") + string("consumer")
                + struct.pack(">i", 1) + string("range") + struct.pack(">i", 0))))
            joined.append((group, connection))
    identities = []
    for group, connection in joined:
        answer = coordination.Reader(connection.receive_frame())
        _, _, error, generation = answer.unpack("iihi")
        if error:
            raise AssertionError(f"join: error {error}")
        _, leader, member = answer.string(), answer.string(), answer.string()
        identity = string(group) + struct.pack(">i", generation) + string(member)
        assignments = [string(member) + struct.pack(">i", 0)] if leader == member else []
        connection.socket.sendall(frame(
            coordination.SYNC, 2, identity + struct.pack(">i", len(assignments)) + b"".join(assignments)))
        identities.append((connection, identity))
    for connection, _ in identities:
        connection.receive_frame()
    return identities


def pace(beats, process, interval=3.0, rounds=5):
    """Every member beats in turn, each once in an interval. Returns what that took of a core, and CPU seconds of each beat."""
    selector = selectors.EpollSelector()
    for connection, _ in beats:
        selector.register(connection.socket, selectors.EVENT_READ)
    answered = errors = 0
    began, used = time.monotonic(), cpu_seconds(process)
    for index in range(rounds * len(beats)):
        connection, beat = beats[index % len(beats)]
        connection.socket.sendall(beat)
        due = began + (index + 1) * interval / len(beats)
        while index + 1 - answered > len(beats) // 2 or due - time.monotonic() > 0.0002:
            for key, _ in selector.select(max(0, due - time.monotonic())):
                # Length, correlation id, throttle time, error: an answer this short comes in one piece.
                errors += struct.unpack(">iiih", key.fileobj.recv(4096))[3] != 0
                answered += 1
    wall, cpu = time.monotonic() - began, cpu_seconds(process) - used
    for connection, _ in beats:
        connection.close()
    if errors:
        raise AssertionError(f"{errors} heartbeats were refused")
    return cpu / wall, cpu / rounds / len(beats)


def heartbeats(broker, groups=1000, members=10):
    beats = [(connection, frame(coordination.HEARTBEAT, 2, identity))
             for connection, identity in fill(broker, groups, members)]
    resident = broker.resident_bytes()
    share, each = pace(beats, broker.process)
    print(f"{groups} groups of {members}: {100 * share:.1f} % of a core, {each * 1e6:.1f} us each heartbeat, "
          f"RSS {resident >> 20} MiB", flush=True)
    with subprocess.Popen([FLOOR, "--echo", "14"], stdout=subprocess.PIPE, text=True) as process:
        port = int(process.stdout.readline())
        share, each = pace([(coordination.Connection(port, 60), beat) for _, beat in beats], process)
        process.kill()
    print(f"floor, as many connections and an answer for each request: {100 * share:.1f} % of a core, "
          f"{each * 1e6:.1f} us each", flush=True)


def main():
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    print(MARKS)
    broker = harness.Broker(offsets_topic_num_partitions=1, group_initial_rebalance_delay_ms=3000).start()
    connection = coordination.Connection(broker.port, 60)
    connection.create_topic("bench", 100)
    harness.eventually(lambda: connection.leads_all("bench", 100))
    connection.find_coordinator("group")
    _, generation, _, _, member = harness.eventually(
        lambda: (answer := connection.join("group", instance="one", session=300000))[0] == 0 and answer)
    connection.sync("group", generation, member, "one", {member: b""})
    identity = string("group") + struct.pack(">i", generation) + string(member) + string("one")
    heartbeats(broker)

    def commit(partitions):
        return (identity + struct.pack(">i", 1) + string("bench") + struct.pack(">i", partitions)
                + b"".join(struct.pack(">iqi", index, 5, -1) + string("") for index in range(partitions)))

    repeat(broker, connection, 3000, coordination.HEARTBEAT, 3, identity)
    wall, cpu = repeat(broker, connection, 30000, coordination.HEARTBEAT, 3, identity)
    print(f"heartbeats: {cpu / 30000 * 1e6:.1f} us CPU each, 3333/s take {cpu / 30000 * 333300:.1f} % of a core")
    wall, cpu = repeat(broker, connection, 20000, coordination.OFFSET_COMMIT, 7, commit(1))
    print(f"commits: {20000 / wall:.0f}/s, {20000 / cpu:.0f} per CPU second")
    repeat(broker, connection, 10000, coordination.OFFSET_COMMIT, 7, commit(100))
    broker.terminate()
    broker.start()

    def loaded():
        with open(broker.log) as log:
            found = re.findall(r"__consumer_offsets-0 milliseconds=(\d+)", log.read())
        return len(found) > 1 and found[-1]

    print(f"a million records: {harness.eventually(loaded, 60)} ms")
    harness.stop_all()


if __name__ == "__main__":
    main()
