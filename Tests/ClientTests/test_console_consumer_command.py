# SPDX-License-Identifier: Apache-2.0
"""`martlet console-consumer` with options that were not recorded from Apache's tool."""

import json
import re
import subprocess

import confluent_kafka
import harness
from harness import SharedBrokerTestCase, eventually, unique

COORDINATOR = "kafka.coordinator."
TOOLS = "org.apache.kafka.tools.consumer."


class ConsoleConsumerTests(SharedBrokerTestCase):
    def read(self, *arguments, timeout=5000):
        result = subprocess.run(
            [harness.MARTLET, "console-consumer", "--bootstrap-server", self.bootstrap, "--from-beginning",
             "--timeout-ms", f"{timeout}", *arguments],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def producer(self, **settings):
        return confluent_kafka.Producer({"bootstrap.servers": self.bootstrap, **settings})

    def test_topics_by_a_pattern(self):
        word = unique("word")
        names = [self.topic(f"{word}-a"), self.topic(f"{word}-b"), self.topic(f"{word}-c")]
        producer = self.producer()
        for name in names:
            producer.produce(name, name)
        producer.flush(20)
        pattern = f"{word}-a.*,{word}-b.*"
        for option in "--include", "--whitelist":
            self.assertEqual(sorted(self.read(option, pattern, "--max-messages", "2", timeout=20000).split()), names[:2])
        # The whole name is meant.
        self.assertEqual(self.read("--include", f"{word}-"), "")

    def test_levels_of_isolation(self):
        topic = self.topic("isolated")
        producer = self.producer(**{"transactional.id": unique("id")})
        producer.init_transactions(60)
        for value, commits in ("kept", True), ("dropped", False):
            producer.begin_transaction()
            producer.produce(topic, value)
            producer.flush(20)
            (producer.commit_transaction if commits else producer.abort_transaction)(30)
        producer.begin_transaction()
        producer.produce(topic, "open")
        producer.flush(20)
        self.addCleanup(producer.abort_transaction, 30)

        def seen(*more):
            # Without a group there is nothing to wait for but the records.
            return self.read("--topic", topic, "--partition", "0", *more, timeout=2000).split()

        self.assertEqual(seen(), ["kept", "dropped", "open"])
        self.assertEqual(seen("--isolation-level", "read_uncommitted"), ["kept", "dropped", "open"])
        self.assertEqual(seen("--isolation-level", "read_committed"), ["kept"])
        self.assertEqual(seen("--consumer-property", "isolation.level=read_committed"), ["kept"])

    @staticmethod
    def values(text):
        """JSON values without anything between them."""
        decoder, place, found = json.JSONDecoder(), 0, []
        while place < len(text):
            value, place = decoder.raw_decode(text, place)
            found.append(value)
        return found

    def test_records_of_groups(self):
        topic, group = self.topic("committed"), unique("group")
        consumer = confluent_kafka.Consumer(
            {"bootstrap.servers": self.bootstrap, "group.id": group, "client.id": "who", "auto.offset.reset": "earliest"})
        consumer.subscribe([topic])
        eventually(lambda: consumer.poll(0.1) or consumer.assignment(), 30)
        consumer.commit(offsets=[confluent_kafka.TopicPartition(topic, 0, 5)], asynchronous=False)
        consumer.close()
        read = ("--topic", "__consumer_offsets", "--formatter")
        mine = [
            value for value in self.values(self.read(*read, TOOLS + "OffsetsMessageFormatter"))
            if value["key"]["data"]["group"] == group]
        self.assertEqual(mine[0]["key"], {"version": 1, "data": {"group": group, "topic": topic, "partition": 0}})
        self.assertEqual((mine[0]["value"]["data"]["offset"], mine[0]["value"]["data"]["metadata"]), (5, ""))
        self.assertRegex(
            self.read(*read, COORDINATOR + "group.GroupMetadataManager$OffsetsMessageFormatter"),
            rf"(?m)^\[{group},{topic},0\]::OffsetAndMetadata\(offset=5, leaderEpoch=Optional\S+, metadata=, "
            r"commitTimestamp=\d+, expireTimestamp=None\)$")
        mine = [
            value for value in self.values(self.read(*read, TOOLS + "GroupMetadataMessageFormatter"))
            if value["key"]["data"]["group"] == group]
        members = [member for value in mine for member in value["value"]["data"]["members"]]
        self.assertEqual({member["clientId"] for member in members}, {"who"})
        self.assertRegex(
            self.read(*read, COORDINATOR + "group.GroupMetadataManager$GroupMetadataMessageFormatter"),
            rf"(?m)^{group}::GroupMetadata\(groupId={group}, generation=\d+, protocolType=Some\(consumer\), "
            rf"currentState=Stable, members=HashMap\((who-\S+) -> MemberMetadata\(memberId=\1, groupInstanceId=None, "
            r"clientId=who, ")

    def test_records_of_transactions(self):
        topic, name = self.topic("data"), unique("id")
        producer = self.producer(**{"transactional.id": name})
        producer.init_transactions(60)
        producer.begin_transaction()
        producer.produce(topic, "x")
        producer.commit_transaction(30)
        read = ("--topic", "__transaction_state", "--formatter")

        def states():
            return [
                value["value"]["data"] for value in self.values(self.read(*read, TOOLS + "TransactionLogMessageFormatter"))
                if value["key"]["data"]["transactionalId"] == name]

        # Empty, Ongoing, PrepareCommit, CompleteCommit.
        self.assertEqual([state["transactionStatus"] for state in states()][:3], [0, 1, 2])
        self.assertEqual(states()[1]["transactionPartitions"], [{"topic": topic, "partitionIds": [0]}])
        text = self.read(*read, COORDINATOR + "transaction.TransactionLog$TransactionLogMessageFormatter")
        lines = [line for line in text.split("\n") if line.startswith(f"{name}::TransactionMetadata(transactionalId={name}, ")]
        self.assertEqual(re.findall(r"state=(\w+)", " ".join(lines))[:3], ["Empty", "Ongoing", "PrepareCommit"])
        self.assertIn(f" topicPartitions=HashSet({topic}-0), ", lines[1])
