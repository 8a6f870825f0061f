#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a broker needs for heartbeats, offset commits, and reading a partition of `__consumer_offsets`.

    MARTLET=.build/release/martlet python3 Tests/Benchmarks/coordinators.py

Requests are sent many at a time over one connection, so the figures are the coordinator's and not the system calls'.
"""

import os
import re
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../ClientTests"))

import coordination  # noqa: E402
import harness  # noqa: E402
from wire import string  # noqa: E402

MARKS = "marks: 3333 heartbeats/s below 10 % of a core; 20000 commits/s on one core; a million records in 2 s"


def cpu_seconds(process):
    with open(f"/proc/{process.pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def repeat(broker, connection, count, key, version, body, chunk=200):
    """Seconds, and the broker's CPU seconds, for so many requests."""
    payload = struct.pack(">hhi", key, version, 1) + string("bench") + body
    frame = struct.pack(">i", len(payload)) + payload
    began, used = time.monotonic(), cpu_seconds(broker.process)
    for sent in range(0, count, chunk):
        some = min(chunk, count - sent)
        connection.socket.sendall(frame * some)
        for _ in range(some):
            connection.receive_frame()
    return time.monotonic() - began, cpu_seconds(broker.process) - used


def main():
    broker = harness.Broker(offsets_topic_num_partitions=1).start()
    connection = coordination.Connection(broker.port, 60)
    connection.create_topic("bench", 100)
    harness.eventually(lambda: connection.leads_all("bench", 100))
    connection.find_coordinator("group")
    _, generation, _, _, member = harness.eventually(
        lambda: (answer := connection.join("group", instance="one"))[0] == 0 and answer)
    connection.sync("group", generation, member, "one", {member: b""})
    identity = string("group") + struct.pack(">i", generation) + string(member) + string("one")

    def commit(partitions):
        return (identity + struct.pack(">i", 1) + string("bench") + struct.pack(">i", partitions)
                + b"".join(struct.pack(">iqi", index, 5, -1) + string("") for index in range(partitions)))

    print(MARKS)
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
