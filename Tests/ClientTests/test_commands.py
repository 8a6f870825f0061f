# SPDX-License-Identifier: Apache-2.0
"""The commands that Apache's tools were recorded with, run one after the other against three brokers.

What differs from cluster to cluster is made alike first: every number, topic ids, and the order and spacing of lines.
"""

import json
import os
import re
import subprocess
import time
import unittest

import harness

GOLDEN = os.path.join(
    os.environ.get("MARTLET_GOLDEN", os.path.join(os.path.dirname(__file__), "../Fixtures/golden")), "cli")
INPUTS = {
    "topics.json": '{"version":1,"topics":[{"topic":"returns"}]}',
    "reassign.json": '{"version":1,"partitions":[{"topic":"returns","partition":0,"replicas":[3,1]}]}',
    "bad.json": "{",
    "elect.json": '{"partitions":[{"topic":"inventory","partition":0}]}',
    "delrec.json": '{"partitions":[{"topic":"inventory","partition":0,"offset":0}],"version":1}',
}
# What another cluster cannot repeat: its files and settings, a dead broker, quotas and credentials, a minute's wait.
ELSEWHERE = re.compile(
    "^dump-log|^configs-describe-broker-all|^configs-(user|ip|describe-user|describe-ip|zookeeper)|^acls|broker-down"
    "|^topics-unavailable|^topics-connection-refused|^log-dirs|^broker-api-versions|-bad-json$")
# In which partition a record without a key lies, and so which records come first, is drawn anew: only how many there are
# at most, and that they are some of those in the topic, can be compared.
DRAWN = re.compile("^console-consumer-(partition|max)$")


def alike(text):
    # Made by the first transaction, and there were some before the recording.
    text = text.replace("__transaction_state\n", "")
    text = re.sub(r"TopicId: \S+", "TopicId: X", text)
    text = re.sub(r"Cluster ID: \S+", "Cluster ID: X", text)
    text = re.sub(r"-?\d+(\.\d+)?(,-?\d+(\.\d+)?)*", "N", text)
    # Each line once: a consumer whose wait is repeated leaves another group of its kind.
    return sorted({re.sub(r"[ \t]+", " ", line).strip() for line in text.split("\n") if line})


class CommandTest(unittest.TestCase):
    def test_commands_answer_as_recorded(self):
        with open(os.path.join(GOLDEN, "commands.jsonl")) as file:
            recorded = [json.loads(line) for line in file]
        chroot = harness.unique("commands")
        brokers = [
            harness.Broker(
                chroot, broker_id, offsets_topic_replication_factor=3, auto_create_topics_enable="false",
                log_retention_ms=-1, background_threads=2).start()
            for broker_id in (1, 2, 3)
        ]
        home = harness.directory()
        for name, content in INPUTS.items():
            with open(os.path.join(home, name), "w") as file:
                file.write(content)
        known = subprocess.run(
            [harness.MARTLET, "--commands"], capture_output=True, text=True, check=True).stdout.split()
        servers = {address for entry in recorded for address in entry["argv"]
                   if re.fullmatch(r"127\.0\.0\.1:\d{4,}", address)}
        compared = 0
        values = set()
        for entry in recorded:
            link = os.path.join(home, entry["tool"])
            command = entry["tool"].removesuffix(".sh").removeprefix("kafka-")
            if command not in known or ELSEWHERE.search(entry["name"]):
                continue
            if not os.path.exists(link):
                os.symlink(harness.MARTLET, link)
            arguments = [
                re.sub(r"127\.0\.0\.1:\d{4,}", brokers[0].bootstrap, word)
                if any(server in word for server in servers) else word for word in entry["argv"]
            ]
            arguments = ["1500" if word == "4000" else word for word in arguments]
            with open(os.path.join(GOLDEN, entry["stdout_file"])) as file:
                expected = file.read()
            # A consumer's wait may pass on a busy machine before the offsets topic is there, and the broker that is
            # asked may not have heard yet where a partition is now.
            is_drawn = DRAWN.search(entry["name"])
            may_need_time = command in ("console-consumer", "reassign-partitions")
            for attempt in range(4 if may_need_time and not is_drawn else 1):
                time.sleep(attempt * 0.3)
                result = subprocess.run(
                    [link, *arguments], input=entry.get("stdin", ""), capture_output=True, text=True, timeout=30,
                    cwd=home)
                if alike(expected) == alike(result.stdout):
                    break
            if entry["name"] == "transactions-describe-producers":
                # Whether a record without a key went there, and so a producer is known, is drawn as well.
                result.stdout = result.stdout.split("\n")[0]
            if is_drawn:
                with self.subTest(entry["name"]):
                    self.check_drawn(entry, expected, values, result)
                continue
            if entry["name"] == "console-consumer-group":
                values = {line.split("\t")[-1] for line in result.stdout.splitlines()}
            with self.subTest(entry["name"]):
                if "The node does not support " in result.stderr:
                    self.skipTest(result.stderr.strip().split("\n")[-1])
                self.assertEqual(alike(expected), alike(result.stdout), result.stderr)
                self.assertEqual(entry["exit"], result.returncode, result.stderr)
                compared += 1
        self.assertGreater(compared, 0)
        for broker in brokers:
            self.assertEqual(0, broker.terminate())

    def check_drawn(self, entry, expected, values, result):
        self.assertEqual(entry["exit"], result.returncode, result.stderr)
        lines = result.stdout.splitlines()
        self.assertEqual(len(set(lines)), len(lines))
        self.assertLessEqual(set(lines), values, "what no consumer has read before")
        if "--max-messages" in entry["argv"]:
            self.assertEqual(len(lines), len(expected.splitlines()))
        # The last line on standard error says how many there were.
        self.assertEqual(result.stderr.splitlines()[-1], f"Processed a total of {len(lines)} messages")


if __name__ == "__main__":
    unittest.main()
