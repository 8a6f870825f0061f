# SPDX-License-Identifier: Apache-2.0
"""`martlet consumer-groups` in the views and forms that were not recorded from Apache's tool, against a group that lives
and one that has ended."""

import datetime
import os
import re
import subprocess
import time

import confluent_kafka
import coordination
import harness
import wire
from harness import SharedBrokerTestCase, eventually, unique
from test_groups import Members, settings

NO_EXECUTE = "WARN: No action will be performed as the --execute option is missing."


class ConsumerGroupsCommandTests(SharedBrokerTestCase):
    def setUp(self):
        super().setUp()
        self.data, self.group = self.topic("data", partitions=3), unique("group")
        connection = self.connection()
        self.began = int(time.time() * 1000) - 10_000
        for partition in range(3):
            # A record each second.
            for number in range(10):
                batch = wire.batch([b"%d" % number], timestamp=self.began + number * 1000)
                self.assertEqual(connection.produce(self.data, batch, partition)[0], wire.NONE)

    def run_command(self, *arguments, exit=0):
        """Returns the lines of what it prints and of its complaints."""
        result = subprocess.run(
            [harness.MARTLET, "consumer-groups", "--bootstrap-server", self.bootstrap, *arguments],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)
        self.assertEqual(result.returncode, exit, result.stdout + result.stderr)
        return result.stdout, result.stderr

    @staticmethod
    def rows(text):
        return [line.split() for line in text.split("\n") if line]

    def commit(self, offsets, group=None):
        consumer = confluent_kafka.Consumer(settings(self.bootstrap, group or self.group))
        consumer.commit(
            offsets=[confluent_kafka.TopicPartition(self.data, p, o) for p, o in offsets.items()], asynchronous=False)
        consumer.close()

    def committed(self, group=None):
        consumer = confluent_kafka.Consumer(settings(self.bootstrap, group or self.group))
        found = consumer.committed([confluent_kafka.TopicPartition(self.data, p) for p in range(3)], timeout=20)
        consumer.close()
        return {p.partition: p.offset for p in found if p.offset >= 0}

    def planned(self, *arguments, group=None):
        """What a reset prints, by partition."""
        output, error = self.run_command("--reset-offsets", "--group", group or self.group, *arguments)
        # Apache's tool writes one line of rows with padding between them.
        cells = re.findall(rf"{re.escape(self.data)}\s+(\d+)\s+(-?\d+)", output)
        return {int(partition): int(offset) for partition, offset in cells}, output, error

    # Groups that live.

    def test_views_of_a_group_with_members(self):
        members = Members(self, self.data, self.group, **{"client.id": "who"})
        self.addCleanup(members.close)
        members.join(**{"group.instance.id": "static-one"})
        members.join()
        members.wait(3)
        self.commit_by_member(members.all[0])
        owned = [sorted(p.partition for p in member.assignment()) for member in members.all]

        output, error = self.run_command("--describe", "--group", self.group)
        self.assertEqual(error, "")
        header, *rows = self.rows(output)
        self.assertEqual(header, ["GROUP", "TOPIC", "PARTITION", "CURRENT-OFFSET", "LOG-END-OFFSET", "LAG", "CONSUMER-ID",
                                  "HOST", "CLIENT-ID"])
        self.assertEqual(sorted(int(row[2]) for row in rows), [0, 1, 2])
        for row in rows:
            self.assertEqual((row[0], row[1], row[4], row[7], row[8]), (self.group, self.data, "10", "/127.0.0.1", "who"))
            mine = int(row[2]) in owned[0]
            self.assertEqual((row[3], row[5]), ("4", "6") if mine else ("-", "-"))
            self.assertTrue(row[6].startswith("static-one-" if mine else "who-"), row)
        # Who has most comes first.
        self.assertEqual(len({row[6] for row in rows[:2]}), 1)

        output, _ = self.run_command("--describe", "--group", self.group, "--members")
        header, *rows = self.rows(output)
        self.assertEqual(
            header, ["GROUP", "CONSUMER-ID", "GROUP-INSTANCE-ID", "HOST", "CLIENT-ID", "#PARTITIONS"])
        self.assertEqual(len(rows), 2)
        output, _ = self.run_command("--describe", "--group", self.group, "--members", "--verbose")
        self.assertEqual(self.rows(output)[0][-1], "ASSIGNMENT")
        listed = ",".join(map(str, owned[0]))
        self.assertRegex(output, rf"static-one\s+/127.0.0.1\s+who\s+{len(owned[0])}\s+{self.data}\({listed}\)")

        output, error = self.run_command("--describe", "--group", self.group, "--state")
        header, row = self.rows(output)
        self.assertEqual(header, ["GROUP", "COORDINATOR", "(ID)", "ASSIGNMENT-STRATEGY", "STATE", "#MEMBERS"])
        self.assertEqual(row, [self.group, self.bootstrap, "(1)", "range", "Stable", "2"])

        output, _ = self.run_command("--list", "--state", "stable", "--type", "classic")
        self.assertIn([self.group, "Classic", "Stable"], self.rows(output))
        output, _ = self.run_command("--list", "--state", "Empty")
        self.assertNotIn(self.group, output)

        # What lives is neither reset nor deleted.
        for mode in "--dry-run", "--execute":
            planned, output, _ = self.planned("--topic", self.data, "--to-earliest", mode)
            self.assertEqual(planned, {})
            self.assertIn(
                f"\nError: Assignments can only be reset if the group '{self.group}' is inactive, but the current state is "
                "Stable.\n", output)
        output, _ = self.run_command("--delete", "--group", self.group)
        self.assertEqual(
            output,
            "\nError: Deletion of some consumer groups failed:\n"
            f"* Group '{self.group}' could not be deleted due to: java.util.concurrent.ExecutionException: "
            "org.apache.kafka.common.errors.GroupNotEmptyException: The group is not empty.\n")
        output, _ = self.run_command("--delete-offsets", "--group", self.group, "--topic", self.data)
        self.assertTrue(
            output.startswith("\nError: Encounter some partition level error, see the follow-up details:\n"), output)
        self.assertIn(
            "Error: :org.apache.kafka.common.errors.GroupSubscribedToTopicException: Deleting offsets of a topic is "
            "forbidden while the consumer group is actively subscribed to it.",
            output)

    def commit_by_member(self, consumer):
        consumer.commit(
            offsets=[confluent_kafka.TopicPartition(self.data, p.partition, 4) for p in consumer.assignment()],
            asynchronous=False)

    # Groups that have ended.

    def test_every_form_of_a_reset(self):
        self.commit({0: 2, 1: 5, 2: 9})
        text = datetime.datetime.fromtimestamp((self.began + 2500) / 1000, datetime.timezone.utc)
        date = text.strftime("%Y-%m-%dT%H:%M:%S.") + f"{(self.began + 2500) % 1000:03}Z"
        all_data = ("--topic", self.data)
        forms = [
            (("--to-earliest", *all_data), {0: 0, 1: 0, 2: 0}),
            (("--to-latest", *all_data), {0: 10, 1: 10, 2: 10}),
            (("--to-current", *all_data), {0: 2, 1: 5, 2: 9}),
            (("--to-offset", "3", *all_data), {0: 3, 1: 3, 2: 3}),
            (("--to-offset", "3", "--topic", f"{self.data}:0,2"), {0: 3, 2: 3}),
            (("--to-offset", "99", *all_data), {0: 10, 1: 10, 2: 10}),
            (("--shift-by", "2", "--all-topics"), {0: 4, 1: 7, 2: 10}),
            (("--shift-by", "-3", "--all-topics"), {0: 0, 1: 2, 2: 6}),
            (("--to-datetime", date, *all_data), {0: 3, 1: 3, 2: 3}),
            # Before all, and after all.
            (("--by-duration", "P1D", *all_data), {0: 0, 1: 0, 2: 0}),
            (("--by-duration", "PT0S", *all_data), {0: 10, 1: 10, 2: 10}),
        ]
        for arguments, expected in forms:
            with self.subTest(arguments):
                planned, _, error = self.planned(*arguments, "--dry-run")
                self.assertEqual(planned, expected)
                self.assertNotIn(NO_EXECUTE, error)
                planned, _, error = self.planned(*arguments)
                self.assertEqual(planned, expected)
                self.assertTrue(error.startswith(NO_EXECUTE), error)
        self.assertEqual(self.committed(), {0: 2, 1: 5, 2: 9}, "a dry run has changed something")
        for arguments, expected in forms:
            with self.subTest(arguments):
                self.commit({0: 2, 1: 5, 2: 9})
                planned, _, error = self.planned(*arguments, "--execute")
                self.assertEqual(planned, expected)
                self.assertEqual(self.committed(), {0: 2, 1: 5, 2: 9} | expected)

    def test_values_that_do_not_fit_are_said(self):
        self.commit({0: 2})
        _, _, error = self.planned("--topic", f"{self.data}:0", "--shift-by", "-9", "--dry-run")
        self.assertIn(
            f"WARN New offset (-7) is lower than earliest offset for topic partition {self.data}-0. Value will be set to 0",
            error)
        _, _, error = self.planned("--topic", f"{self.data}:0", "--to-offset", "11", "--dry-run")
        self.assertIn(
            f"WARN New offset (11) is higher than latest offset for topic partition {self.data}-0. Value will be set to 10",
            error)

    def test_plans_are_exported_and_executed(self):
        other = unique("group")
        self.commit({0: 2, 1: 5})
        self.commit({0: 7}, other)
        output, _ = self.run_command(
            "--reset-offsets", "--group", self.group, "--all-topics", "--to-current", "--export", "--dry-run")
        self.assertEqual(sorted(output.split()), [f"{self.data},0,2", f"{self.data},1,5"])
        plan = os.path.join(harness.directory(), "plan.csv")
        with open(plan, "w") as file:
            file.write(f"{self.data},0,1\n{self.data},1,8\n")
        planned, _, _ = self.planned("--from-file", plan, "--execute")
        self.assertEqual(planned, {0: 1, 1: 8})
        self.assertEqual(self.committed(), {0: 1, 1: 8})
        # Of several groups: lines that name them.
        output, _ = self.run_command(
            "--reset-offsets", "--group", self.group, "--group", other, "--all-topics", "--to-earliest", "--export",
            "--dry-run")
        self.assertEqual(
            sorted(output.split()),
            sorted([f"{self.group},{self.data},0,0", f"{self.group},{self.data},1,0", f"{other},{self.data},0,0"]))
        with open(plan, "w") as file:
            file.write(output)
        self.run_command(
            "--reset-offsets", "--group", self.group, "--group", other, "--from-file", plan, "--execute")
        self.assertEqual((self.committed(), self.committed(other)), ({0: 0, 1: 0}, {0: 0}))
        # Lines without a group are for one group, and of a plan with groups only the group's own are used.
        with open(plan, "w") as file:
            file.write(f"{self.data},0,9\n")
        output, _ = self.run_command(
            "--reset-offsets", "--group", self.group, "--group", other, "--from-file", plan, "--execute")
        for group in self.group, other:
            self.assertIn(f"\nError: No reset plan for group {group} found\n", output)
        with open(plan, "w") as file:
            file.write(f"{other},{self.data},0,9\n")
        output, _ = self.run_command("--reset-offsets", "--group", self.group, "--from-file", plan, "--execute")
        self.assertIn(f"\nError: No reset plan for group {self.group} found\n", output)
        self.assertEqual((self.committed(), self.committed(other)), ({0: 0, 1: 0}, {0: 0}))
        # The column is there when more than one is asked for, also if it is the same.
        output, _ = self.run_command(
            "--reset-offsets", "--group", other, "--group", other, "--all-topics", "--to-current", "--export", "--dry-run")
        self.assertEqual(output, f"{other},{self.data},0,0\n\n")
        # Groups by their names.
        first, second = sorted((self.group, other))
        output, _ = self.run_command("--describe", "--group", second, "--group", first)
        self.assertLess(output.index(first), output.index(second))

    def test_positions_and_groups_are_deleted(self):
        other, missing = unique("group"), unique("missing")
        self.commit({0: 2, 1: 5})
        self.commit({0: 7}, other)
        output, _ = self.run_command("--delete-offsets", "--group", self.group, "--topic", f"{self.data}:0")
        self.assertTrue(output.startswith(
            f"Request succeed for deleting offsets with topic {self.data}:0 group {self.group}\n"), output)
        self.assertRegex(output, rf"{self.data}\s+0\s+Successful")
        self.assertEqual(self.committed(), {1: 5})
        output, _ = self.run_command("--delete-offsets", "--group", missing, "--topic", self.data)
        self.assertTrue(output.startswith(f"\nError: '{missing}' does not exist.\n"), output)
        # A topic that is not there is a line of its own.
        output, _ = self.run_command(
            "--delete-offsets", "--group", self.group, "--topic", missing, "--topic", f"{self.data}:1")
        self.assertTrue(output.startswith(
            f"Request succeed for deleting offsets with topic {missing}, {self.data}:1 group {self.group}\n"), output)
        self.assertRegex(
            output, rf"{missing}\s+Not Provided\s+Error: :org.apache.kafka.common.errors.UnknownTopicOrPartitionException: "
            "This server does not host this topic-partition.")
        self.assertRegex(output, rf"{self.data}\s+1\s+Successful")
        # With the last position the group has gone.
        self.assertEqual(self.committed(), {})
        self.commit({1: 5})
        output, _ = self.run_command("--delete", "--group", self.group, "--group", missing)
        self.assertIn(f"* Group '{missing}' could not be deleted due to: ", output)
        self.assertIn(f"\nThese consumer groups were deleted successfully: '{self.group}', '\n", output)
        output, error = self.run_command("--describe", "--group", self.group)
        self.assertEqual((output, error), (f"\nError: Consumer group '{self.group}' does not exist.\n", ""))
        output, error = self.run_command("--describe", "--group", self.group, "--members")
        self.assertTrue(output.startswith(f"\nError: Consumer group '{self.group}' does not exist.\n\nGROUP "), output)
        output, error = self.run_command("--describe", "--group", other)
        self.assertEqual(error, f"\nConsumer group '{other}' has no active members.\n")
        self.assertEqual(self.rows(output)[1], [other, self.data, "0", "7", "10", "3", "-", "-", "-"])

    def test_a_group_that_rebalances(self):
        with coordination.Connection(self.broker.port) as connection:
            connection.find_coordinator(self.group)
            answer = eventually(
                lambda: (answer := connection.join(self.group, instance="one", kind="consumer"))[0] == 0 and answer)
            self.assertEqual(connection.describe_group(self.group)[1], "CompletingRebalance")
            output, error = self.run_command("--describe", "--group", self.group, "--state")
            self.assertEqual(error, f"\nWarning: Consumer group '{self.group}' is rebalancing.\n")
            self.assertEqual(self.rows(output)[1][-2:], ["CompletingRebalance", "1"])
            connection.leave(self.group, (answer[4], "one"))

    def test_command_lines_that_are_refused(self):
        for arguments, message in [
            ((), "Command must include exactly one action: --list, --describe, --delete, --reset-offsets, "
                 "--delete-offsets"),
            (("--describe",),
             "Option [describe] takes one of these options: [reset-offsets], [describe], [delete], [list]"),
            (("--describe", "--group", "g", "--members", "--state"),
             "Option [describe] takes at most one of these options: [members], [offsets], [state]"),
            (("--reset-offsets", "--group", "g", "--to-latest", "--all-topics", "--dry-run", "--execute"),
             "Option [reset-offsets] only accepts one of [execute] and [dry-run]"),
            (("--reset-offsets", "--to-latest", "--all-topics", "--dry-run"),
             "Option [reset-offsets] takes one of these options: [all-groups], [group]"),
            (("--delete-offsets", "--group", "g"),
             "Option [delete-offsets] takes the following options: [all-groups], [group]"),
            # What only a plan shows.
            (("--reset-offsets", "--group", self.group, "--to-latest", "--dry-run"),
             "One of the reset scopes should be defined: --all-topics, --topic."),
            (("--reset-offsets", "--group", self.group, "--all-topics", "--dry-run"),
             "Option '[reset-offsets]' requires one of the following scenarios: [[to-offset], [to-current], "
             "[to-datetime], [from-file], [by-duration], [to-earliest], [to-latest], [shift-by]]"),
            (("--reset-offsets", "--group", self.group, "--topic", f"{self.data}:0", "--shift-by", "1", "--dry-run"),
             f"Cannot shift offset for partition {self.data}-0 since there is no current committed offset"),
            (("--reset-offsets", "--group", self.group, "--topic", f"{self.data}:x", "--to-latest", "--dry-run"),
             f"Invalid partition 'x' specified in topic arg '{self.data}:x''"),
        ]:
            with self.subTest(arguments):
                _, error = self.run_command(*arguments, exit=1)
                self.assertEqual(error.split("\n")[0], message)
