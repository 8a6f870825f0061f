# SPDX-License-Identifier: Apache-2.0
"""Requests that were recorded with Apache Kafka, in every version of every API: each is answered, not disconnected.

What the answers say depends on the cluster that was recorded; that they can be written in their version does not.
"""

import gzip
import json
import os
import struct

import wire
from harness import SharedBrokerTestCase, cases, expand

GOLDEN = os.path.join(
    os.environ.get("MARTLET_GOLDEN", os.path.join(os.path.dirname(__file__), "../Fixtures/golden")), "wire")
BETWEEN_BROKERS = (4, 5, 6, 7)


def recordings():
    return sorted(name[:-len(".client.jsonl.gz")] for name in os.listdir(GOLDEN)
                  if "raw" in name and name.endswith(".client.jsonl.gz") and not name.startswith("sasl"))


def exchanges(recording):
    """(key, version, request) of the requests that Kafka answered."""
    with gzip.open(os.path.join(GOLDEN, recording + ".client.jsonl.gz"), "rt") as file:
        frames = [json.loads(line) for line in file]
    answered = {(f["connection"], f["correlation_id"]) for f in frames if f["direction"] == "response"}
    found = [(f["api_key"], f["api_version"], bytes.fromhex(f["hex"])) for f in frames
             if f["direction"] == "request" and (f["connection"], f["correlation_id"]) in answered]
    # A stable sort: what the controller would ask comes last, since it changes the broker.
    return sorted(found, key=lambda one: one[0] in BETWEEN_BROKERS)


@expand
class EveryVersionTests(SharedBrokerTestCase):
    kind = "every version"

    @cases(*recordings())
    def test_recorded_requests_are_answered(self, recording):
        served = self.connection().api_versions()
        connection, closed, sent = self.connection(), [], set()
        for key, version, request in exchanges(recording):
            low, high = served.get(key, (0, -1))
            if not low <= version <= high and key != wire.API_VERSIONS:
                continue
            try:
                connection.socket.sendall(struct.pack(">i", len(request)) + request)
                answer = connection.receive_frame()
                self.assertEqual(answer[:4], request[4:8], (key, version))
            except (EOFError, OSError) as error:
                closed.append((key, version, repr(error)))
                connection = self.connection()
            sent.add((key, version))
        self.assertEqual(closed, [])
        self.assertGreater(len(sent), 0)
        # The broker serves as before.
        topic = self.topic("after")
        self.assertEqual(self.connection().produce(topic, wire.batch([b"a"]))[:2], (wire.NONE, 0))
