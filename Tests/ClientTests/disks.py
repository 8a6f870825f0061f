# SPDX-License-Identifier: Apache-2.0
"""Disks that tests can fill, unmount and lose, and what a broker says of its log directories."""

import glob
import json
import os
import struct
import subprocess

import wire
from harness import MARTLET, directory


class Disk:
    """A small disk of its own. Root is needed, and the right to mount."""

    def __init__(self, test, megabytes=16):
        self.path = os.path.join(directory(), "disk")
        os.mkdir(self.path)
        self.mounted = False
        test.addCleanup(self.unmount)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "martlet-test", self.path],
                          stdin=subprocess.DEVNULL, capture_output=True).returncode:
            test.skipTest("nothing may be mounted here")
        self.mounted = True

    def unmount(self):
        """At once, whoever uses it: files that are open stay so, and the path is an empty directory."""
        if self.mounted:
            subprocess.run(["umount", "--lazy", self.path], check=True)
            self.mounted = False

    def at(self, name):
        return os.path.join(self.path, name)

    def ballast(self, megabytes=None, name="ballast"):
        """Takes room away, all that there is unless said. Returns what gives it back."""
        left = (megabytes << 20) if megabytes else 1 << 40
        with open(self.at(name), "wb", buffering=0) as file:
            try:
                while left > 0:
                    left -= file.write(bytes(min(left, 1 << 16)))
            except OSError:
                pass
        return lambda: os.remove(self.at(name))


def log_dirs(broker):
    """What `log-dirs --describe` prints: {directory: {"error": …, "partitions": {name: (isFuture, lag, size)}}}."""
    said = subprocess.run(
        [MARTLET, "log-dirs", "--bootstrap-server", broker.bootstrap, "--describe"], stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=30, check=True).stdout
    described = json.loads(said.splitlines()[-1])["brokers"][0]["logDirs"]
    return {
        entry["logDir"]: {
            "error": entry["error"],
            "partitions": {
                (p["partition"], p["isFuture"]): (p["offsetLag"], p["size"]) for p in entry["partitions"]},
        } for entry in described}


def move(broker, topic, partition, path):
    """AlterReplicaLogDirs, version 1. Returns the error."""
    body = (struct.pack(">i", 1) + wire.string(path) + struct.pack(">i", 1) + wire.string(topic)
            + struct.pack(">ii", 1, partition))
    with wire.Connection(broker.port) as connection:
        answer = connection.request(34, 1, body)
    answer.int("i")
    results = answer.array(lambda: (answer.string(), answer.array(lambda: answer.unpack("ih"))))
    return results[0][1][0][1]


def batch_bounds(content):
    """(base offset, records) of every batch; raises where something is no batch."""
    position = 0
    while position < len(content):
        base, length = struct.unpack_from(">qi", content, position)
        checked = content[position + 21:position + 12 + length]
        if position + 12 + length > len(content) or (
                wire.crc32c(checked) != struct.unpack_from(">I", content, position + 17)[0]):
            raise AssertionError(f"torn at byte {position} of {len(content)}")
        yield base, struct.unpack_from(">i", content, position + 57)[0]
        position += 12 + length


def offsets_on_disk(path, topic, partition=0):
    """The offsets of all records in a replica's segments; raises if a batch is torn."""
    content = b""
    for name in sorted(glob.glob(os.path.join(path, f"{topic}-{partition}", "*.log"))):
        with open(name, "rb") as file:
            content += file.read()
    return [base + delta for base, count in batch_bounds(content) for delta in range(count)]
