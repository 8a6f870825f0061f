# SPDX-License-Identifier: Apache-2.0
"""Groups of 1 to 30 members of every client library that join, leave, are killed and are stopped for longer than their
sessions. Nothing is left unread, a partition has one owner in a generation, and committed positions never go back.

`GROUP_STORM=300 python run.py test_group_storms`, in this directory, goes on for 300 s;
GROUP_STORM_SEED draws the same events again.
"""

import os
import random
import time
import unittest

import coordination
import members
import wire
from harness import Broker, eventually, extend_limit, unique

SECONDS = float(os.environ.get("GROUP_STORM", "20"))
PARTITIONS = 30


class GroupStormTests(unittest.TestCase):
    def setUp(self):
        self.broker = Broker(offsets_topic_num_partitions=1, group_initial_rebalance_delay_ms=500).start()
        self.addCleanup(self.broker.kill)
        self.wire = coordination.Connection(self.broker.port, 60)
        self.addCleanup(self.wire.close)
        self.seed = int(os.environ.get("GROUP_STORM_SEED") or random.randrange(1 << 32))
        self.chance = random.Random(self.seed)
        self.group = unique("group")
        self.topic = unique("topic")
        self.wire.create_topic(self.topic, PARTITIONS)
        eventually(lambda: self.wire.leads_all(self.topic, PARTITIONS))
        self.wire.find_coordinator(self.group)
        members.begin(lambda offsets: self.wire.commit(self.group, offsets), self.topic, PARTITIONS)
        self.everybody, self.present = [], []
        self.addCleanup(lambda: [m.kill() for m in self.everybody if m.process.poll() is None])
        extend_limit(180 + SECONDS)

    def join(self, library, instances=("-",)):
        member = members.Member(
            library, self.broker.bootstrap, self.topic, self.group, self.strategy, instances)
        self.everybody.append(member)
        self.present.append(member)
        return member

    def described(self):
        """The group's state, and how many members it has."""
        error, state, names = self.wire.describe_group(self.group)
        # At first nobody coordinates it yet.
        return (state, len(names)) if error == wire.NONE else (error, 0)

    def wait(self, seconds=60):
        """Until the group is stable and as large as the members that are there."""
        count = sum(member.count for member in self.present)
        try:
            eventually(lambda: self.described() == ("Stable", count), seconds)
        except AssertionError:
            generations = members.GroupLog(self.broker.bootstrap, self.group, 0).generations[-3:]
            raise AssertionError(
                f"seed {self.seed}: the group does not become stable with {count} members, but is {self.described()}; "
                f"{generations}") from None
        return count

    def storm(self):
        """Members come and go until time is up. Returns what happened, counted."""
        happened = {}
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            event = self.chance.choice(("join", "join", "leave", "kill", "stop"))
            if event == "join" and len(self.present) < 8:
                self.join(self.chance.choice(self.libraries))
            elif event == "join" or len(self.present) < 2:
                continue
            else:
                member = self.chance.choice(self.present)
                if event == "stop":
                    member.pause()
                    time.sleep(members.SESSION / 1000 + 1.5)
                    member.go_on()
                else:
                    self.present.remove(member)
                    member.kill() if event == "kill" else member.leave()
            happened[event] = happened.get(event, 0) + 1
            time.sleep(self.chance.uniform(0, 2))
        return happened

    def settle(self, source):
        source.finish()
        members.wait_for_positions(source, lambda partition: self.wire.committed(self.group, self.topic, partition)[1])
        log = members.GroupLog(self.broker.bootstrap, self.group, 0)
        generations = log.check()
        members.account(self, self.everybody, source, log)
        return generations

    def run_through(self, strategy, libraries):
        self.strategy, self.libraries = strategy, libraries
        source = members.Source(self.broker.bootstrap, self.topic, PARTITIONS)
        source.start()
        self.addCleanup(source.halt.set)
        # The first leads as long as it is there, and its library assigns.
        self.join(libraries[0])
        self.wait()
        for library in libraries:
            self.join(library)
        self.wait()
        # Many in a process, so that they all die at one time.
        many = self.join("confluent", ("-",) * (30 - sum(member.count for member in self.present)))
        self.assertEqual(self.wait(90), 30)
        self.present.remove(many)
        many.kill()
        self.wait()
        happened = self.storm()
        self.wait(90)
        for member in self.present[1:]:
            member.leave()
        del self.present[1:]
        self.wait()
        generations = self.settle(source)
        print(f"[{sum(source.ends)} records, {generations} generations, {happened}] ", end="", flush=True)

    def test_eager_members_of_every_library(self):
        self.run_through("range", members.LIBRARIES)

    def test_cooperative_members(self):
        self.run_through("cooperative-sticky", members.COOPERATIVE_LIBRARIES)

    def test_cooperative_members_that_kafka_python_leads(self):
        self.run_through("cooperative-sticky", ("kafka-python", "confluent"))

    def test_static_members_are_killed_and_return(self):
        """Every library's: who returns in time has its partitions again, in the same generation."""
        self.strategy = "range"
        source = members.Source(self.broker.bootstrap, self.topic, PARTITIONS)
        source.start()
        self.addCleanup(source.halt.set)
        for library in members.LIBRARIES:
            self.join(library, (f"static-{library}",))
        self.wait()
        before = members.GroupLog(self.broker.bootstrap, self.group, 0).generations[-1]
        self.assertEqual(sorted(before[1]), sorted(f"static-{library}" for library in members.LIBRARIES))
        for member in list(self.present):
            member.kill()
            self.present.remove(member)
            successor = self.join(member.library, (f"static-{member.library}",))
            eventually(lambda: any(successor.read()), 30, f"{member.library} reads nothing")
        log = members.GroupLog(self.broker.bootstrap, self.group, 0)
        self.assertEqual(log.generations[-1], before)
        self.settle(source)
