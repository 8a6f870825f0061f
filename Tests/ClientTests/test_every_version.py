# SPDX-License-Identifier: Apache-2.0
"""Requests that were recorded with Apache Kafka, in every version of every API: each is answered, not disconnected.

What the answers say depends on the cluster that was recorded; that they can be written in their version does not.
"""

import gzip
import json
import os
import re
import struct

import wire
from harness import SharedBrokerTestCase, cases, expand

GOLDEN = os.path.join(
    os.environ.get("MARTLET_GOLDEN", os.path.join(os.path.dirname(__file__), "../Fixtures/golden")), "wire")
BETWEEN_BROKERS = (4, 5, 6, 7)
# What Apache Kafka serves and this broker does not, or not yet.
NOT_SERVED = {
    17: "SaslHandshake", 36: "SaslAuthenticate",
    29: "DescribeAcls", 30: "CreateAcls", 31: "DeleteAcls",
    38: "CreateDelegationToken", 39: "RenewDelegationToken", 40: "ExpireDelegationToken",
    41: "DescribeDelegationToken",
    48: "DescribeClientQuotas", 49: "AlterClientQuotas",
    50: "DescribeUserScramCredentials", 51: "AlterUserScramCredentials",
    58: "Envelope",
}
UPDATE_FEATURES = 57


def recordings():
    return sorted(name[:-len(".client.jsonl.gz")] for name in os.listdir(GOLDEN)
                  if "raw" in name and name.endswith(".client.jsonl.gz") and not name.startswith("sasl"))


def frames_of(recording):
    with gzip.open(os.path.join(GOLDEN, recording + ".client.jsonl.gz"), "rt") as file:
        return [json.loads(line) for line in file]


def served_by_kafka():
    """{key: (name, lowest version, highest version)}, as `kafka-broker-api-versions` prints it of one broker."""
    with open(os.path.join(GOLDEN, "../cli/broker-api-versions.stdout.txt")) as file:
        first = file.read().split("\n)")[0]
    found = re.findall(r"\t(\w+)\((\d+)\): (\d+)(?: to (\d+))? \[", first)
    return {int(key): (name, int(low), int(high or low)) for name, key, low, high in found}


def exchanges(recording):
    """(key, version, request) of the requests that Kafka answered."""
    frames = frames_of(recording)
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
            if key in NOT_SERVED:
                self.assertNotIn(key, served)
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

    def test_what_kafka_serves_is_served(self):
        kafka = served_by_kafka()
        self.assertEqual(len(kafka), 62)
        self.assertEqual({key: kafka[key][0] for key in NOT_SERVED}, NOT_SERVED)
        expected = {key: (low, high) for key, (_, low, high) in kafka.items() if key not in NOT_SERVED}
        self.assertEqual(self.connection().api_versions(), expected)

    def test_features_are_refused_in_the_same_bytes(self):
        connection = self.connection()
        count = 0
        for recording in ("java-admin", "raw"):
            frames = [frame for frame in frames_of(recording) if frame["api_key"] == UPDATE_FEATURES]
            for request, response in zip(frames[::2], frames[1::2]):
                data = bytes.fromhex(request["hex"])
                connection.socket.sendall(struct.pack(">i", len(data)) + data)
                self.assertEqual(connection.receive_frame().hex(), response["hex"])
                count += 1
        self.assertEqual(count, 3)
