# SPDX-License-Identifier: Apache-2.0
"""Coordinators move, by preferred election, by reassignment and because their broker is killed: in every state of a
transaction, in the midst of rebalances, and under load. Nobody is told anything that is not kept, and nobody hears
another error than those after which clients try again."""

import itertools
import json
import os
import struct
import threading
import time
import unittest

from cluster import RETRIABLE_ENDS, ClusterTestCase, eventually, harness, unique, wire

import coordination
from test_transaction_verification import STABLE, log_end, started

try:
    import confluent_kafka
    import members
    from test_exactly_once import read_all
except ImportError:
    confluent_kafka = None

LOADING, NOT_AVAILABLE, NOT_COORDINATOR = 14, 15, 16
MOVING = {LOADING, NOT_AVAILABLE, NOT_COORDINATOR}
# What producers try again after, too: no leader yet, replicas missing, a transaction before this one that still ends.
RETRIABLE = MOVING | {3, 5, 6, 7, 19, 20, 51}
UNKNOWN_MEMBER_ID, ILLEGAL_GENERATION, REBALANCE_IN_PROGRESS = 25, 22, 27
GROUPS, TRANSACTIONS = "__consumer_offsets", "__transaction_state"


class Mover:
    """Moves the leadership of a coordinator's one partition among brokers 1 to 3, or 1 to 4."""

    def __init__(self, cluster, topic):
        self.cluster, self.topic = cluster, topic

    @property
    def leader(self):
        return self.cluster.leader(self.topic)

    def elect(self):
        """The replicas in another order, and the election of the first."""
        leader = self.leader
        replicas = self.cluster.partition(self.topic)["replicas"]
        self.assign([n for n in replicas if n != leader] + [leader])
        self.cluster.tool(
            "leader-election", "--election-type", "preferred", "--topic", self.topic, "--partition", "0")
        self.wait_for_another(leader)

    def reassign(self, numbers):
        """Away from its leader."""
        leader = self.leader
        self.assign([n for n in numbers if n != leader][:3])
        self.wait_for_another(leader)

    def kill(self):
        """Its leader. Returns its number."""
        leader = self.leader
        self.cluster.kill(leader)
        self.wait_for_another(leader)
        return leader

    def restart(self, number):
        self.cluster.brokers[number].start()
        self.cluster.wait_for_in_sync(self.topic, 1, len(self.cluster.partition(self.topic)["replicas"]))

    def assign(self, replicas):
        path = os.path.join(harness.directory(), "move.json")
        with open(path, "w") as file:
            json.dump(
                {"version": 1, "partitions": [{"topic": self.topic, "partition": 0, "replicas": replicas}]}, file)
        self.cluster.tool("reassign-partitions", "--execute", "--reassignment-json-file", path)
        self.cluster.wait_for_in_sync(self.topic, 1, len(replicas))

    def wait_for_another(self, than):
        eventually(lambda: self.leader not in (than, -1), 30, f"{self.topic} stays at broker {than}")


class CoordinatorMoveTestCase(ClusterTestCase):
    def coordinated(self, **settings):
        """Four brokers, of which 1 to 3 coordinate, each topic in one partition."""
        cluster = self.cluster(
            4, offsets_topic_num_partitions=1, offsets_topic_replication_factor=3, transaction_state_log_num_partitions=1,
            transaction_state_log_replication_factor=3, transaction_state_log_min_isr=1, min_insync_replicas=1,
            **settings)
        for topic, kind in (GROUPS, 0), (TRANSACTIONS, 1):
            eventually(lambda: self.ask(cluster, lambda wire: wire.find_coordinator("key", kind)[0] == 0), 30)
            Mover(cluster, topic).assign([1, 2, 3])
        return cluster

    @staticmethod
    def ask(cluster, question, topic=None):
        """Asks the leader of a coordinator's topic, or any broker."""
        number = cluster.leader(topic) if topic else cluster.running[0].settings["broker.id"]
        with coordination.Connection(cluster.brokers[number].port, 20) as connection:
            return question(connection)

    def asks_until_served(self, cluster, topic, question, error):
        """The answer of who coordinates now; until it comes, all errors must be those of a move."""
        def served():
            try:
                answer = self.ask(cluster, question, topic)
            except KeyError:
                return None
            told = error(answer)
            if told in MOVING:
                return None
            return (answer,)

        return eventually(served, 30)[0]


class TransactionMoveTests(CoordinatorMoveTestCase):
    def test_in_every_state(self):
        cluster = self.coordinated()
        # Where markers can be kept from being written: on a broker that coordinates nothing.
        data = cluster.placed_topic([4])
        move = Mover(cluster, TRANSACTIONS)
        producers = {}

        def describe(name):
            return self.asks_until_served(
                cluster, TRANSACTIONS, lambda wire: wire.describe_transaction(name), lambda answer: answer[0])

        def at_coordinator(question):
            return self.ask(cluster, question, TRANSACTIONS)

        for state in "Empty", "Ongoing", "PrepareCommit", "PrepareAbort", "CompleteCommit", "CompleteAbort":
            producers[state] = at_coordinator(lambda wire: started(wire, state))
            if state != "Empty":
                self.assertEqual(
                    at_coordinator(lambda wire: wire.add_partitions(state, *producers[state], {data: [0]})),
                    {(data, 0): wire.NONE})
        for state, commit in ("CompleteCommit", True), ("CompleteAbort", False):
            self.assertEqual(at_coordinator(lambda wire: wire.end(state, *producers[state], commit)), wire.NONE)
            eventually(lambda: describe(state)[1] == state)
        cluster.kill(4)
        for state, commit in ("PrepareCommit", True), ("PrepareAbort", False):
            self.assertEqual(at_coordinator(lambda wire: wire.end(state, *producers[state], commit)), wire.NONE)
        expected = {state: (wire.NONE, state, *producers[state]) for state in producers}
        self.assertEqual({state: describe(state) for state in producers}, expected)
        move.elect()
        self.assertEqual({state: describe(state) for state in producers}, expected)
        # With fewer replicas: away from one, and back to all.
        move.reassign([n for n in (1, 2, 3) if n != move.leader])
        self.assertEqual({state: describe(state) for state in producers}, expected)
        move.assign([move.leader, *(n for n in (1, 2, 3) if n != move.leader)])
        killed = move.kill()
        self.assertEqual({state: describe(state) for state in producers}, expected)
        move.restart(killed)
        cluster.brokers[4].start()
        # What was decided comes to its end, and who has not ended goes on.
        for state, end in ("PrepareCommit", "CompleteCommit"), ("PrepareAbort", "CompleteAbort"):
            eventually(lambda: describe(state)[1] == end, 30, f"{state} does not end")
        for state in producers:
            producer = producers[state]
            if state != "Ongoing":
                self.assertEqual(
                    at_coordinator(lambda wire: wire.add_partitions(state, *producer, {data: [0]})),
                    {(data, 0): wire.NONE})
            self.assertEqual(at_coordinator(lambda wire: wire.end(state, *producer)), wire.NONE)
            eventually(lambda: describe(state)[1] == "CompleteCommit")
        with coordination.Connection(cluster.brokers[4].port) as connection:
            # Four markers of the transactions before, six of these.
            eventually(lambda: log_end(connection, data) == 10)
            self.assertEqual(log_end(connection, data, STABLE), 10)

    @unittest.skipIf(confluent_kafka is None, "needs confluent-kafka")
    def test_under_load(self):
        cluster = self.coordinated()
        data = cluster.placed_topic([1, 2, 3], [2, 3, 4], [3, 4, 1], [4, 1, 2])
        loads = [TransactionLoad(cluster, data, f"load-{n}") for n in range(3)]
        for load in loads:
            load.start()
            self.addCleanup(load.halt.set)
        move, groups = Mover(cluster, TRANSACTIONS), Mover(cluster, GROUPS)

        def goes_on():
            goals = [load.count + 3 for load in loads]
            eventually(
                lambda: all(load.count >= goal or load.failure for load, goal in zip(loads, goals)), 40,
                "transactions do not go on")
            self.assertEqual([load.failure for load in loads if load.failure], [])

        goes_on()
        for mover in move, groups:
            mover.elect()
            goes_on()
            mover.reassign([1, 2, 3, 4])
            goes_on()
            killed = mover.kill()
            goes_on()
            mover.restart(killed)
            goes_on()
        for load in loads:
            load.finish()
        told = {value for load in loads for value in load.committed}
        found = read_all(",".join(b.bootstrap for b in cluster.running), data)
        self.assertEqual(len(found), len(set(found)), "records are there twice")
        self.assertEqual(set(found) ^ told, set())
        for load in loads:
            answer = self.asks_until_served(
                cluster, GROUPS, lambda wire: wire.committed(load.name, data), lambda answer: answer[0])
            self.assertEqual(answer, (wire.NONE, load.position))
        self.report(f"{sum(load.count for load in loads)} transactions, errors {merged(l.errors for l in loads)}")


def merged(counts):
    total = {}
    for count in counts:
        for key, number in count.items():
            total[key] = total.get(key, 0) + number
    return total


class TransactionLoad(threading.Thread):
    """Transactions one after the other, every third of them aborted: a record to two partitions each, and a position. Any
    error that does not mean to try again is a failure."""

    def __init__(self, cluster, topic, name):
        super().__init__(daemon=True)
        self.cluster, self.topic, self.name = cluster, topic, name
        self.committed, self.position, self.count = [], -1, 0
        self.errors, self.failure = {}, None
        self.halt = threading.Event()
        self.connections = {}

    def run(self):
        try:
            self.produce()
        except Exception as failure:  # Shown by the test.
            self.failure = repr(failure)

    def ask(self, where, question):
        """Asks the leader of a partition until it is answered without an error."""
        for _ in range(2000):
            number = None
            try:
                number = self.cluster.leader(*where)
                if number not in self.connections:
                    self.connections[number] = coordination.Connection(self.cluster.brokers[number].port, 10)
                error, answer = question(self.connections[number])
            except (*RETRIABLE_ENDS, KeyError) as problem:
                error, answer = type(problem).__name__, None
                if number in self.connections:
                    self.connections.pop(number).close()
            if error == wire.NONE:
                return answer
            self.errors[error] = self.errors.get(error, 0) + 1
            if isinstance(error, int) and error not in RETRIABLE:
                raise AssertionError(f"{where}: error {error}")
            time.sleep(0.03)
        raise AssertionError(f"{where}: no end of errors, {self.errors}")

    def produce(self):
        def initialize(connection):
            error, producer, epoch = connection.init(self.name)
            return error, (producer, epoch)

        def worst(errors):
            return next((error for error in errors.values() if error), wire.NONE), None

        me = self.ask((TRANSACTIONS,), initialize)
        sequences = {}
        for number in itertools.count():
            if self.halt.is_set():
                return
            chosen = [number % 4, (number + 1) % 4]
            value = b"%s/%06d" % (self.name.encode(), number)
            self.ask((TRANSACTIONS,), lambda c: worst(c.add_partitions(self.name, *me, {self.topic: chosen})))
            self.ask((TRANSACTIONS,), lambda c: (c.add_offsets(self.name, *me, self.name), None))
            for partition in chosen:
                sequence = sequences.get(partition, 0)
                self.ask((self.topic, partition), lambda c: (c.produce_in_transaction(
                    self.name, self.topic, *me, sequence, (value + b"/%d" % partition,), partition)[0], None))
                sequences[partition] = sequence + 1
            self.ask((GROUPS,), lambda c: worst(
                c.commit_in_transaction(self.name, self.name, *me, {(self.topic, 0): number})))
            commit = number % 3 != 2
            self.ask((TRANSACTIONS,), lambda c: (c.end(self.name, *me, commit), None))
            self.count += 1
            if commit:
                self.committed += [value + b"/%d" % partition for partition in chosen]
                self.position = number

    def finish(self):
        self.halt.set()
        self.join(60)
        if self.failure is not None or self.is_alive():
            raise AssertionError(f"{self.name}: {self.failure}, {self.errors}")


class GroupMoveTests(CoordinatorMoveTestCase):
    """A group of two static members with raw requests, so that each can be parked where the test wants it."""

    PROTOCOLS = (("range", b"\0\0\0\0\0\0\0\0\0\0"),)

    def setUp(self):
        self.brokers = self.coordinated(group_initial_rebalance_delay_ms=0)
        self.move = Mover(self.brokers, GROUPS)
        self.data = self.brokers.placed_topic([4])

    def at_coordinator(self, question, error):
        return self.asks_until_served(self.brokers, GROUPS, question, error)

    def join_alone(self, group):
        """A group of one member with a committed position. Returns the member's id and generation."""
        def join(connection):
            return connection.join(group, instance="one", protocols=self.PROTOCOLS, session=30000, rebalance=60000)

        _, generation, _, _, member = self.at_coordinator(join, lambda answer: answer[0])
        answer = self.at_coordinator(
            lambda c: c.sync(group, generation, member, "one", {member: b"all"}), lambda answer: answer[0])
        self.assertEqual(answer, (wire.NONE, b"all"))
        at = {(self.data, 0): 5}
        answer = self.at_coordinator(
            lambda c: c.commit(group, at, generation, member, "one"), lambda answer: answer[self.data, 0])
        self.assertEqual(answer, {(self.data, 0): wire.NONE})
        return member, generation

    def parked(self, ask):
        """A request that waits at the coordinator of now; its answer comes by `result`."""
        connection = coordination.Connection(self.brokers.brokers[self.move.leader].port, 60)
        self.addCleanup(connection.close)
        result = []
        thread = threading.Thread(target=lambda: result.append(ask(connection)), daemon=True)
        thread.start()
        return thread, result

    def heartbeat(self, group, generation, member, instance="one"):
        return self.at_coordinator(lambda c: c.heartbeat(group, generation, member, instance), lambda error: error)

    def described(self, group):
        return self.at_coordinator(lambda c: c.describe_group(group), lambda answer: answer[0])

    def position(self, group):
        return self.at_coordinator(lambda c: c.committed(group, self.data), lambda answer: answer[0])

    def check(self, group, member, generation, *parked):
        """Who waited was told; the group is the one on the log: what was not, has not happened."""
        for thread, result in parked:
            thread.join(20)
            self.assertEqual([answer[0] for answer in result], [NOT_COORDINATOR])
        self.assertEqual(self.described(group), (wire.NONE, "Stable", [member]))
        self.assertEqual(self.position(group), (wire.NONE, 5))
        # As long as it loads, a heartbeat is answered as if all was well.
        self.assertEqual(self.heartbeat(group, generation, member), wire.NONE)
        self.assertEqual(self.heartbeat(group, generation + 1, member), ILLEGAL_GENERATION)

    def test_stable_and_empty(self):
        group, empty = unique("group"), unique("group")
        member, generation = self.join_alone(group)
        other, _ = self.join_alone(empty)
        self.at_coordinator(lambda c: c.leave(empty, (other, "one")), lambda answer: answer[0])
        self.assertEqual(self.described(empty), (wire.NONE, "Empty", []))
        for move in self.move.elect, lambda: self.move.reassign([1, 2, 3, 4]), self.move.kill:
            killed = move()
            self.check(group, member, generation)
            self.assertEqual(self.described(empty), (wire.NONE, "Empty", []))
            self.assertEqual(self.position(empty), (wire.NONE, 5))
            if killed:
                self.move.restart(killed)

    def test_while_members_are_waited_for(self):
        group = unique("group")
        member, generation = self.join_alone(group)
        for move in self.move.elect, lambda: self.move.reassign([1, 2, 3, 4]):
            joining = self.parked(lambda c: c.join(
                group, instance="two", protocols=self.PROTOCOLS, session=30000, rebalance=60000))
            eventually(lambda: self.heartbeat(group, generation, member) == REBALANCE_IN_PROGRESS)
            move()
            self.check(group, member, generation, joining)

    def test_while_an_assignment_is_waited_for(self):
        group = unique("group")
        member, generation = self.join_alone(group)
        for move in self.move.elect, lambda: self.move.reassign([1, 2, 3, 4]):
            joins = [self.parked(lambda c, name=name, known=known: c.join(
                group, known, name, protocols=self.PROTOCOLS, session=30000, rebalance=60000))
                for name, known in (("two", ""), ("one", member))]
            for thread, _ in joins:
                thread.join(20)
            second, first = (result[0] for _, result in joins)
            self.assertEqual([first[:2], second[:2]], [(wire.NONE, generation + 1)] * 2)
            syncing = self.parked(lambda c: c.sync(group, generation + 1, second[4], "two"))
            eventually(lambda: self.described(group)[1] == "CompletingRebalance")
            move()
            self.check(group, member, generation, syncing)

    @unittest.skipIf(confluent_kafka is None, "needs confluent-kafka")
    def test_members_of_every_library_under_load(self):
        cluster, group = self.brokers, unique("group")
        partitions = 8
        topic = cluster.topic(partitions)
        servers = ",".join(broker.bootstrap for broker in cluster.brokers.values())
        members.begin(
            lambda offsets: self.at_coordinator(lambda c: c.commit(group, offsets), lambda errors: max(errors.values())),
            topic, partitions)
        source = members.Source(servers, topic, partitions)
        source.start()
        self.addCleanup(source.halt.set)
        present = [members.Member(library, servers, topic, group, "range") for library in members.LIBRARIES]
        self.addCleanup(lambda: [member.kill() for member in present if member.process.poll() is None])
        harness.extend_limit(240)

        def goes_on(seconds=60):
            count = source.ends[0]

            def read_on():
                return self.position_of(group, topic) > count

            eventually(read_on, seconds, "the group does not go on")

        goes_on()
        for round in range(2):
            self.move.elect()
            goes_on()
            self.move.reassign([1, 2, 3, 4])
            goes_on()
            killed = self.move.kill()
            goes_on()
            self.move.restart(killed)
        source.finish()
        members.wait_for_positions(source, lambda partition: self.position_of(group, topic, partition))
        log = members.GroupLog(servers, group, 0)
        generations = log.check()
        members.account(self, present, source, log)
        self.report(f"{sum(source.ends)} records, {generations} generations")

    def position_of(self, group, topic, partition=0):
        return self.at_coordinator(lambda c: c.committed(group, topic, partition), lambda answer: answer[0])[1]
