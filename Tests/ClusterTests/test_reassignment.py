# SPDX-License-Identifier: Apache-2.0
"""`martlet reassign-partitions` and `martlet replica-verification` with brokers at work."""

import json
import os
import re
import signal
import subprocess
import time

from cluster import MARTLET, Cluster, ClusterTestCase, eventually, harness, wire


class ReassignmentTestCase(ClusterTestCase):
    def plan(self, *moves):
        """A file that asks for each (topic, partition, replicas) or (topic, partition, replicas, directories)."""
        path = os.path.join(harness.directory(), "reassignment.json")
        partitions = [
            {"topic": topic, "partition": partition, "replicas": replicas, **({"log_dirs": more[0]} if more else {})}
            for topic, partition, replicas, *more in moves]
        with open(path, "w") as file:
            json.dump({"version": 1, "partitions": partitions}, file)
        return path

    def reassign(self, cluster, action, path, *options, exit=0):
        return cluster.tool(
            "reassign-partitions", action, "--reassignment-json-file", path, *options, exit=exit)

    def completes(self, cluster, path, seconds=40):
        """Until `--verify` says so of every partition."""
        def completed():
            told = self.reassign(cluster, "--verify", path, "--preserve-throttles")
            return "still in progress" not in told and "rather than" not in told

        eventually(completed, seconds, "the reassignment does not end")
        return self.reassign(cluster, "--verify", path)

    def throttles(self, cluster, topic, brokers):
        told = cluster.tool("configs", "--describe", "--entity-type", "topics", "--entity-name", topic)
        for broker in brokers:
            told += cluster.tool("configs", "--describe", "--entity-type", "brokers", "--entity-name", str(broker))
        return dict(re.findall(r"^  (\S*throttled\S*|replica\.alter\S*)=(\S*) ", told, re.MULTILINE))


class ReassignmentTests(ReassignmentTestCase):
    def test_a_partition_moves_under_load_and_its_leader_with_it(self):
        cluster = self.cluster(count=4)
        topic = cluster.placed_topic([1, 2, 3], [2, 3, 1])
        loads = [self.load(cluster, topic, partition, idempotent=True) for partition in range(2)]
        path = self.plan((topic, 0, [4, 2, 3]), (topic, 1, [3, 4, 2]))
        told = self.reassign(cluster, "--execute", path)
        self.assertIn(f"Successfully started partition reassignments for {topic}-0,{topic}-1", told)
        self.assertIn(json.dumps([1, 2, 3], separators=(",", ":")), told)
        for load in loads:
            load.wait_for_more()
        told = self.completes(cluster, path)
        self.assertEqual(told.count("is completed."), 2)
        for load in loads:
            load.wait_for_more()
        self.assertEqual(cluster.partition(topic, 0)["replicas"], [4, 2, 3])
        self.assertNotEqual(cluster.leader(topic, 0), 1)
        eventually(
            lambda: not os.path.exists(os.path.join(cluster.brokers[1].log_dirs, f"{topic}-0")), 20,
            "broker 1 keeps what it lost")
        self.report_silence(max(loads, key=lambda load: load.longest_silence()))
        self.settle(cluster, *loads)

    def test_back_and_forth_again_and_again(self):
        cluster = self.cluster(count=4)
        topic = cluster.placed_topic([1, 2, 3])
        load = self.load(cluster, topic, idempotent=True)
        for replicas in ([2, 3, 4], [4, 1, 2], [1, 3, 2], [1, 2, 3]):
            path = self.plan((topic, 0, replicas))
            self.reassign(cluster, "--execute", path)
            self.completes(cluster, path)
        load.wait_for_more()
        self.settle(cluster, load)

    def test_a_move_that_cannot_end_is_listed_and_cancelled(self):
        cluster = self.cluster(count=4)
        topic = cluster.placed_topic([1, 2, 3])
        load = self.load(cluster, topic, idempotent=True)
        path = self.plan((topic, 0, [1, 2, 4]))
        target = cluster.brokers[4].process
        target.send_signal(signal.SIGSTOP)
        self.addCleanup(target.send_signal, signal.SIGCONT)
        # The one that sleeps is asked by nobody.
        asked = cluster.brokers.pop(4)
        self.reassign(cluster, "--execute", path)
        running = cluster.tool("reassign-partitions", "--list")
        self.assertEqual(
            running, f"Current partition reassignments:\n{topic}-0: replicas: 1,2,4,3. adding: 4. removing: 3.\n")
        described = cluster.tool("topics", "--describe", "--topic", topic)
        self.assertIn("Adding Replicas: 4\tRemoving Replicas: 3", described)
        self.assertIn("still in progress", self.reassign(cluster, "--verify", path, "--preserve-throttles"))
        # Another one only if asked for.
        told = self.reassign(cluster, "--execute", path, exit=1)
        self.assertIn("Cannot execute because there is an existing partition assignment.", told)
        load.wait_for_more()
        told = self.reassign(cluster, "--cancel", path, "--preserve-throttles")
        self.assertIn(f"Successfully cancelled partition reassignment for: {topic}-0", told)
        self.assertEqual(cluster.tool("reassign-partitions", "--list"), "No partition reassignments found.\n")
        target.send_signal(signal.SIGCONT)
        cluster.brokers[4] = asked
        load.wait_for_more()
        eventually(lambda: cluster.partition(topic)["replicas"] == [1, 2, 3])
        eventually(
            lambda: not os.path.exists(os.path.join(asked.log_dirs, f"{topic}-0")), 30,
            "broker 4 keeps what it shall not have")
        self.settle(cluster, load)

    def test_a_move_is_cancelled_and_made_though_everybody_who_takes_part_dies(self):
        cluster = self.cluster(count=4)
        topic = cluster.placed_topic([1, 2, 3])
        batch = wire.batch([os.urandom(100_000)])
        with cluster.brokers[1].connect() as connection:
            for _ in range(300):
                self.assertEqual(connection.produce(topic, batch)[0], 0)
        load = self.load(cluster, topic, idempotent=True)
        path = self.plan((topic, 0, [4, 2, 3]))
        # A throttle that holds it back for as long as is needed, and not who returns and lacks a few records.
        self.reassign(cluster, "--execute", path, "--throttle", "500000")

        def dies_and_returns(number):
            cluster.kill(number)
            load.wait_for_more()
            cluster.brokers[number].start()
            load.wait_for_more()

        for victim in 4, cluster.controller():
            dies_and_returns(victim)
            self.assertIn("still in progress", self.reassign(cluster, "--verify", path, "--preserve-throttles"))
        # Once it shall not be any more, and its target dies before it has heard of that.
        cluster.kill(4)
        # Throttles are a broker's own business, which this one cannot do now.
        self.reassign(cluster, "--cancel", path, "--preserve-throttles")
        self.assertEqual(cluster.tool("reassign-partitions", "--list"), "No partition reassignments found.\n")
        cluster.brokers[4].start()
        # In the order of the move: those that stay, then those that were to go.
        eventually(lambda: cluster.partition(topic)["replicas"] == [2, 3, 1])
        cluster.wait_for_in_sync(topic)
        # And once it shall be, and the leader dies, from which the target copies. (Nobody has told broker 4 to delete
        # what it has, with Kafka neither: it goes on from there.)
        self.reassign(cluster, "--execute", path, "--throttle", "500000")
        dies_and_returns(cluster.leader(topic))
        self.reassign(cluster, "--execute", path, "--throttle", "100000000", "--additional")
        self.completes(cluster, path)
        self.assertEqual(cluster.partition(topic)["replicas"], [4, 2, 3])
        eventually(
            lambda: not os.path.exists(os.path.join(cluster.brokers[1].log_dirs, f"{topic}-0")), 30,
            "broker 1 keeps what it lost")
        load.wait_for_more()
        self.settle(cluster, load)

    def test_throttles_are_set_for_a_move_and_removed_after_it(self):
        cluster = self.cluster(count=4)
        topic = cluster.placed_topic([1, 2])
        path = self.plan((topic, 0, [2, 4]))
        told = self.reassign(cluster, "--execute", path, "--throttle", "5000000")
        self.assertIn("Warning: You must run --verify periodically", told)
        self.assertEqual(
            self.throttles(cluster, topic, [1, 2, 4]), {
                "leader.replication.throttled.replicas": "0:1,0:2",
                "follower.replication.throttled.replicas": "0:4",
                "leader.replication.throttled.rate": "5000000",
                "follower.replication.throttled.rate": "5000000",
            })
        told = self.reassign(
            cluster, "--execute", path, "--throttle", "6000000", "--replica-alter-log-dirs-throttle", "7000000",
            "--additional")
        self.assertIn("The replica-alter-dir throttle limit was set to 7000000 B/s", told)
        told = self.completes(cluster, path)
        self.assertIn("Clearing broker-level throttles on brokers 1,2,3,4", told)
        self.assertIn(f"Clearing topic-level throttles on topic {topic}", told)
        self.assertEqual(self.throttles(cluster, topic, [1, 2, 3, 4]), {})

    def test_a_throttle_holds_a_move_back_but_no_record(self):
        cluster = self.cluster(count=4)
        topic = cluster.placed_topic([1, 2, 3])
        with cluster.brokers[cluster.leader(topic)].connect() as connection:
            for _ in range(60):
                self.assertEqual(connection.produce(topic, wire.batch([os.urandom(100_000)]))[0], 0)
        load = self.load(cluster, topic, idempotent=True)
        path = self.plan((topic, 0, [1, 2, 4]))
        at = time.monotonic()
        self.reassign(cluster, "--execute", path, "--throttle", "1000000")
        self.assertIn("still in progress", self.reassign(cluster, "--verify", path))
        # The others are not held back, so acks=all are not.
        load.wait_for_more()
        self.assertLess(load.longest_silence(at), 1)
        self.completes(cluster, path)
        seconds = time.monotonic() - at
        self.report(f"6 MB at 1 MB/s in {seconds:.1f} s")
        self.assertGreater(seconds, 3)
        self.settle(cluster, load)

    def test_what_cannot_be_is_refused(self):
        cluster = self.cluster()
        topic = cluster.placed_topic([1, 2])
        for plan, options, expected in [
            ((topic, 0, [1, 9]), (), "Error: Unknown broker id 9"),
            ((topic, 7, [1, 2]), (), f"Unable to find partition: {topic}-7"),
            (("no-such", 0, [1, 2]), (), "Topic no-such not found."),
            ((topic, 0, [1, 1]), (), "may not contain duplicate entries"),
            ((topic, 0, [1, 2, 3]), ("--disallow-replication-factor-change",),
             f"{topic}-0: The replication factor is changed from 2 to 3"),
        ]:
            with self.subTest(expected):
                self.assertIn(expected, self.reassign(cluster, "--execute", self.plan(plan), *options, exit=1))
        self.assertEqual(cluster.partition(topic)["replicas"], [1, 2])

    def test_a_proposal_can_be_executed(self):
        cluster = self.cluster()
        topic = cluster.placed_topic([1, 2], [1, 2], [1, 2])
        topics = os.path.join(harness.directory(), "topics.json")
        with open(topics, "w") as file:
            json.dump({"version": 1, "topics": [{"topic": topic}]}, file)
        told = cluster.tool(
            "reassign-partitions", "--generate", "--topics-to-move-json-file", topics, "--broker-list", "2,3")
        proposed = json.loads(told.splitlines()[-1])
        self.assertEqual([sorted(p["replicas"]) for p in proposed["partitions"]], [[2, 3]] * 3)
        path = self.plan(*((p["topic"], p["partition"], p["replicas"]) for p in proposed["partitions"]))
        self.reassign(cluster, "--execute", path)
        self.completes(cluster, path)
        cluster.wait_for_in_sync(topic, 3, 2)


class DirectoryTests(ReassignmentTestCase):
    """Replicas that are to lie in a certain directory of their broker (KIP-113)."""

    def start(self, count=3, **settings):
        cluster = Cluster(count, **settings)
        for broker in cluster.brokers.values():
            broker.settings["log.dirs"] = f"{broker.home}/first,{broker.home}/second"
        self.addCleanup(cluster.stop)
        return cluster.start()

    def places(self, cluster, number, topic):
        """In which of a broker's directories something of the partition lies, by the names of the two. What is to be
        deleted does not count."""
        return {
            os.path.basename(directory): [
                name for name in os.listdir(directory)
                if name.startswith(f"{topic}-0") and not name.endswith("-delete")]
            for directory in cluster.directories(number)}

    def elsewhere(self, cluster, number, topic):
        """The directory in which a replica is not."""
        return next(d for d in cluster.directories(number) if not os.path.exists(os.path.join(d, f"{topic}-0")))

    def moved(self, cluster, number, topic, target):
        there = {os.path.basename(target): [f"{topic}-0"]}
        eventually(
            lambda: {k: v for k, v in self.places(cluster, number, topic).items() if v} == there, 30,
            f"{target} is not where the replica is")

    def test_leader_and_followers_move_under_load(self):
        cluster = self.start()
        topic = cluster.placed_topic([1, 2, 3])
        load = self.load(cluster, topic, idempotent=True)
        targets = {number: self.elsewhere(cluster, number, topic) for number in cluster.brokers}
        path = self.plan((topic, 0, [1, 2, 3], [targets[1], targets[2], "any"]))
        told = self.reassign(cluster, "--execute", path)
        for number in (1, 2):
            self.assertIn(
                f"Successfully started moving log directory to {targets[number]} for replica {topic}-0 with broker "
                f"{number} \n", told)
        told = self.completes(cluster, path)
        for number in (1, 2):
            self.assertIn(f"Reassignment of replica {topic}-0-{number} completed successfully.", told)
            self.moved(cluster, number, topic, targets[number])
        load.wait_for_more()
        self.report_silence(load)
        self.settle(cluster, load)

    def test_a_new_replica_is_made_in_its_directory(self):
        cluster = self.start(count=4)
        topic = cluster.placed_topic([1, 2, 3])
        load = self.load(cluster, topic, idempotent=True)
        for target in cluster.directories(4):
            path = self.plan((topic, 0, [1, 2, 4], ["any", "any", target]))
            self.reassign(cluster, "--execute", path)
            self.completes(cluster, path)
            self.moved(cluster, 4, topic, target)
            path = self.plan((topic, 0, [1, 2, 3]))
            self.reassign(cluster, "--execute", path)
            self.completes(cluster, path)
        load.wait_for_more()
        self.settle(cluster, load)

    def test_a_move_is_held_back_and_cancelled(self):
        cluster = self.start()
        topic = cluster.placed_topic([1, 2, 3])
        with cluster.brokers[cluster.leader(topic)].connect() as connection:
            for _ in range(20):
                self.assertEqual(connection.produce(topic, wire.batch([os.urandom(100_000)]))[0], 0)
        load = self.load(cluster, topic, idempotent=True)
        load.finish()
        here = next(d for d in cluster.directories(2) if os.path.exists(os.path.join(d, f"{topic}-0")))
        target = self.elsewhere(cluster, 2, topic)
        path = self.plan((topic, 0, [1, 2, 3], ["any", target, "any"]))
        told = self.reassign(cluster, "--execute", path, "--replica-alter-log-dirs-throttle", "50000")
        self.assertIn("The replica-alter-dir throttle limit was set to 50000 B/s", told)
        told = self.reassign(cluster, "--verify", path)
        self.assertIn(f"Reassignment of replica {topic}-0-2 is still in progress.", told)
        self.assertNotIn("Clearing", told)
        told = self.reassign(cluster, "--cancel", path)
        self.assertIn(
            f"Successfully started moving log directory to {here} for replica {topic}-0 with broker 2 \n", told)
        told = self.reassign(cluster, "--verify", path)
        self.assertIn(
            f"Partition {topic}-0 on broker 2 is not being moved from log dir {here} to {target}.", told)
        self.moved(cluster, 2, topic, here)
        self.assertEqual(self.throttles(cluster, topic, [1, 2, 3]), {})

    def test_a_move_goes_on_after_a_kill(self):
        cluster = self.start()
        topic = cluster.placed_topic([1, 2, 3])
        with cluster.brokers[1].connect() as connection:
            for _ in range(20):
                self.assertEqual(connection.produce(topic, wire.batch([os.urandom(100_000)]))[0], 0)
        load = self.load(cluster, topic, idempotent=True)
        targets = {number: self.elsewhere(cluster, number, topic) for number in (1, 2)}
        path = self.plan((topic, 0, [1, 2, 3], [targets[1], targets[2], "any"]))
        self.reassign(cluster, "--execute", path, "--replica-alter-log-dirs-throttle", "50000")
        # The leader's replica, and a follower's.
        for number in targets:
            eventually(lambda: any(name.endswith("-future") for name in self.places(cluster, number, topic)[
                os.path.basename(targets[number])]), 20, "nothing is copied")
            cluster.kill(number)
            load.wait_for_more()
            cluster.brokers[number].start()
            cluster.wait_for_in_sync(topic)
        self.assertIn("is still in progress", self.reassign(cluster, "--verify", path, "--preserve-throttles"))
        self.reassign(cluster, "--execute", path, "--replica-alter-log-dirs-throttle", "100000000", "--additional")
        self.completes(cluster, path)
        for number, target in targets.items():
            self.moved(cluster, number, topic, target)
        load.wait_for_more()
        self.settle(cluster, load)

    def test_a_directory_that_is_not_there_is_refused(self):
        cluster = self.start()
        topic = cluster.placed_topic([1, 2, 3])
        path = self.plan((topic, 0, [1, 2, 3], ["any", "/no/such/directory", "any"]))
        told = self.reassign(cluster, "--execute", path, exit=1)
        self.assertIn(f"Error: Failed to alter dir for {topic}-0-2", told)


class VerificationTests(ClusterTestCase):
    def start(self, cluster, *options):
        process = subprocess.Popen(
            [MARTLET, "replica-verification", "--broker-list", cluster.brokers[1].bootstrap, "--report-interval-ms",
             "200", "--max-wait-ms", "100", *options], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def test_equal_replicas_are_followed_under_load(self):
        cluster = self.cluster()
        topic = cluster.topic()
        load = self.load(cluster, topic, idempotent=True)
        process = self.start(cluster, "--topics-include", topic, "--time", "-2")
        self.assertRegex(
            process.stdout.readline(), r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}: verification process is started$")
        offsets = []
        for line in process.stdout:
            found = re.search(rf": max lag is (\d+) for partition {topic}-0 at offset (\d+) among 1 partitions$", line)
            self.assertIsNotNone(found, line)
            offsets.append(int(found.group(2)))
            if len(offsets) == 5:
                break
        self.assertEqual(offsets, sorted(offsets))
        self.assertGreater(offsets[-1], offsets[0])
        self.settle(cluster, load)

    def test_a_replica_with_other_bytes_is_named(self):
        cluster = self.cluster()
        topic = cluster.topic()
        with cluster.brokers[cluster.leader(topic)].connect() as connection:
            for value in (b"first", b"second", b"third"):
                self.assertEqual(connection.produce(topic, wire.batch([value * 20]))[0], 0)
        cluster.wait_for_equal_logs(topic)
        leader = cluster.leader(topic)
        follower = next(n for n in cluster.brokers if n != leader)
        # A bit flips on the follower's disk.
        path = os.path.join(cluster.brokers[follower].log_dirs, f"{topic}-0", "0" * 20 + ".log")
        with open(path, "r+b") as file:
            position = file.read().index(b"second")
            file.seek(position)
            file.write(b"S")
        process = self.start(cluster, "--topics-include", topic, "--time", "-2")
        process.stdout.readline()
        line = process.stdout.readline()
        self.assertRegex(
            line, rf": partition {topic}-0 has unmatched checksum at offset 1; replica \d's checksum \d+; ")
        self.assertIn(f"replica {follower}'s checksum", line)
