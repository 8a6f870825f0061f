# SPDX-License-Identifier: Apache-2.0
"""What three brokers make of a topic with three replicas, in peace and when brokers die."""

import os
import shutil
import signal
import struct
import time

from cluster import MARTLET, ClusterTestCase, Load, ensemble, eventually, harness, records, wire


class ReplicationTests(ClusterTestCase):
    def test_replicas_are_equal_byte_for_byte(self):
        cluster = self.cluster()
        topic = cluster.topic(partitions=3)
        loads = [self.load(cluster, topic, partition, idempotent=partition == 0) for partition in range(3)]
        for load in loads:
            load.wait_for_more(100)
        self.settle(cluster, *loads)

    def test_an_older_inter_broker_protocol_replicates_too(self):
        # The older one has no sessions, asks where epochs ended, and lets leaders write in-sync sets to ZooKeeper.
        for version in ["2.8", "1.0"]:
            with self.subTest(version):
                cluster = self.cluster(inter_broker_protocol_version=version)
                topic = cluster.topic()
                # Below 3.0 brokers take blocks of producer ids from ZooKeeper themselves.
                load = self.load(cluster, topic, idempotent=True)
                follower = next(n for n in cluster.brokers if n != cluster.leader(topic))
                cluster.kill(follower)
                load.wait_for_more()
                cluster.brokers[follower].start()
                load.wait_for_more()
                self.settle(cluster, load)
                cluster.stop()

    def test_a_deletion_of_records_reaches_all_replicas(self):
        cluster = self.cluster()
        topic = cluster.topic()
        load = self.load(cluster, topic)
        load.finish()
        leader = cluster.leader(topic)
        with cluster.brokers[leader].connect() as connection:
            end = connection.list_offset(topic, -1)[2]
            body = struct.pack(">i", 1) + wire.string(topic) + struct.pack(">iiqi", 1, 0, end - 5, 10000)
            answer = connection.request(21, 0, body)
            answer.int("i")
            _, low, error = answer.array(
                lambda: (answer.string(), answer.array(lambda: answer.unpack("iqh"))))[0][1][0]
            self.assertEqual((error, low), (0, end - 5))
            self.assertEqual(connection.list_offset(topic, -2)[2], end - 5)


class DeathTests(ClusterTestCase):
    """kill -9 under steady load with acks=all. Nothing that was acknowledged may be missing afterwards."""

    def survives(self, victim):
        cluster = self.cluster()
        topic = cluster.placed_topic([1, 2, 3], [1, 2, 3])
        loads = [self.load(cluster, topic, partition, idempotent=partition == 0) for partition in range(2)]
        number = victim(cluster, topic)
        at = time.monotonic()
        cluster.kill(number)
        for load in loads:
            load.wait_for_more()
        self.report_silence(max(loads, key=lambda load: load.longest_silence(at - 0.1)), at - 0.1)
        for partition in range(2):
            eventually(
                lambda: number not in cluster.partition(topic, partition)["isr"], message="the dead one stays in sync")
        cluster.brokers[number].start()
        cluster.wait_for_in_sync(topic, 2)
        for load in loads:
            load.wait_for_more()
        self.settle(cluster, *loads)

    def a_follower(self, cluster, topic):
        others = {cluster.leader(topic), cluster.controller()}
        return next(n for n in cluster.brokers if n not in others)

    def test_of_the_leader(self):
        self.survives(lambda cluster, topic: cluster.leader(topic))

    def test_of_a_follower(self):
        self.survives(self.a_follower)

    def test_of_the_controller(self):
        self.survives(lambda cluster, topic: cluster.controller())

    def test_the_next_leader_acknowledges_within_a_second(self):
        """From kill -9 on, with what the service manager does next. On a machine on which our smallest program takes
        more than a tenth of a second to start and ask a broker something, within ten times as long as that."""
        cluster = self.cluster()
        topic = cluster.placed_topic([1, 2, 3])
        load = self.load(cluster, topic, idempotent=True)
        felt, floor = [], []
        for _ in range(5):
            at = time.monotonic()
            cluster.tool("topics", "--list")
            floor.append(time.monotonic() - at)
            leader = cluster.leader(topic)
            at = time.monotonic()
            cluster.kill(leader)
            felt.append(eventually(lambda: load.first_by_another(leader, at), 30, cluster.describe(topic)) - at)
            cluster.brokers[leader].start()
            cluster.wait_for_in_sync(topic)
        median, floor = sorted(felt)[2], sorted(floor)[2]
        self.report(f"median {median * 1000:.0f} ms, longest {max(felt) * 1000:.0f} ms; floor {floor * 1000:.0f} ms")
        self.assertLess(median, max(1, 10 * floor))
        self.settle(cluster, load)

    def test_of_everyone_in_turn_again_and_again(self):
        cluster = self.cluster()
        topic = cluster.topic(partitions=2)
        loads = [self.load(cluster, topic, partition, idempotent=True) for partition in range(2)]
        for _ in range(2):
            for number in cluster.brokers:
                cluster.kill(number)
                for load in loads:
                    load.wait_for_more()
                cluster.brokers[number].start()
                cluster.wait_for_in_sync(topic, 2)
        for load in loads:
            load.wait_for_more()
        self.settle(cluster, *loads)

    def test_of_all_at_once(self):
        cluster = self.cluster()
        topic = cluster.topic()
        load = self.load(cluster, topic, idempotent=True)
        for broker in cluster.brokers.values():
            broker.process.kill()
        for broker in cluster.brokers.values():
            broker.process.wait()
        for broker in cluster.brokers.values():
            broker.start()
        cluster.wait_for_in_sync(topic)
        load.wait_for_more()
        self.settle(cluster, load)


class DivergenceTests(ClusterTestCase):
    """Logs that part, and how they come together again."""

    def append_alone(self, cluster, topic, leader, round):
        """Lets the leader take records that nobody else gets, but for the first, which may be on its way already.
        Both followers are stopped afterwards."""
        followers = [n for n in cluster.brokers if n != leader]
        for number in followers:
            cluster.brokers[number].process.send_signal(signal.SIGSTOP)
        with cluster.brokers[leader].connect() as connection:
            for number in range(5):
                error, _, _ = connection.produce(topic, wire.batch([b"alone %d/%d" % (round, number)]), acks=1)
                self.assertEqual(error, 0)
        return followers

    def test_a_leader_that_comes_back_drops_what_it_had_alone(self):
        cluster = self.cluster()
        topic = cluster.topic()
        load = self.load(cluster, topic, idempotent=True)
        for round in range(3):
            leader = cluster.leader(topic)
            followers = self.append_alone(cluster, topic, leader, round)
            cluster.kill(leader)
            for number in followers:
                cluster.brokers[number].process.send_signal(signal.SIGCONT)
            load.wait_for_more()
            cluster.brokers[leader].start()
            cluster.wait_for_in_sync(topic)
        load.finish()
        cluster.wait_for_equal_logs(topic)
        content = cluster.log_bytes(1, topic)
        for round in range(3):
            self.assertFalse(b"alone %d/4" % round in content, "what only a dead leader had is there")
        self.settle(cluster, load)

    def test_a_leader_paused_beyond_its_session_acknowledges_nothing_more(self):
        cluster = self.cluster(zookeeper_session_timeout_ms=2000)
        topic = cluster.placed_topic([1, 2, 3], [1, 2, 3])
        loads = [self.load(cluster, topic, partition, idempotent=partition == 0) for partition in range(2)]
        leader = cluster.leader(topic)
        process = cluster.brokers[leader].process
        # What it is asked while it sleeps, it finds when it wakes up.
        with cluster.brokers[leader].connect(30) as sleeper:
            process.send_signal(signal.SIGSTOP)
            try:
                sleeper.send(wire.PRODUCE, 3, sleeper.produce_body(topic, wire.batch([b"to a zombie"])))
                eventually(
                    lambda: next(
                        cluster.partition(topic, of=n)["leader"] for n in cluster.brokers if n != leader) != leader,
                    20, "no other leader is elected")
                for load in loads:
                    load.wait_for_more()
            finally:
                process.send_signal(signal.SIGCONT)
            error, _, _ = sleeper.produce_answer()
        self.assertNotEqual(error, wire.NONE)
        cluster.wait_for_in_sync(topic, 2)
        for load in loads:
            load.wait_for_more()
        self.settle(cluster, *loads)
        self.assertFalse(b"to a zombie" in cluster.log_bytes(leader, topic))

    def test_a_controller_paused_beyond_its_session_is_replaced_and_gives_no_more_orders(self):
        cluster = self.cluster(zookeeper_session_timeout_ms=2000)
        topic = cluster.topic()
        load = self.load(cluster, topic, idempotent=True)
        old = cluster.controller()
        process = cluster.brokers[old].process
        # What it has begun when it falls asleep: it is asked for a topic, and may have decided on it.
        with cluster.brokers[old].connect(30) as sleeper:
            body = (struct.pack(">i", 1) + wire.string("from-a-zombie") + struct.pack(">ihii", 3, 3, 0, 0)
                    + struct.pack(">ib", 15000, 0))
            process.send_signal(signal.SIGSTOP)
            sleeping = cluster.brokers.pop(old)
            try:
                sleeper.send(wire.CREATE_TOPICS, 1, body)
                new = eventually(
                    lambda: (now := cluster.controller()) not in (old, -1) and now, 20,
                    "no other controller is elected")
                with cluster.brokers[new].connect() as connection:
                    connection.create_topic("meanwhile", 1, replication=2)
                load.wait_for_more()
            finally:
                process.send_signal(signal.SIGCONT)
                cluster.brokers[old] = sleeping
            # It hears that it is none any more, or passes the request on to who is.
            error = sleeper.receive_frame()
            self.assertTrue(error)
        cluster.wait_for_in_sync(topic)
        self.assertEqual({cluster.metadata([], of=n)["controller"] for n in cluster.brokers}, {new})
        cluster.wait_for_in_sync("meanwhile", count=2)
        self.assertIsNotNone(cluster.topic())
        load.wait_for_more()
        self.settle(cluster, load)

    def test_a_replica_that_lost_its_disk_is_filled_again(self):
        cluster = self.cluster()
        topic = cluster.topic()
        load = self.load(cluster, topic, idempotent=True)
        follower = next(n for n in cluster.brokers if n != cluster.leader(topic))
        cluster.kill(follower)
        load.wait_for_more()
        shutil.rmtree(cluster.brokers[follower].log_dirs)
        cluster.brokers[follower].start()
        cluster.wait_for_in_sync(topic)
        self.settle(cluster, load)

    def test_a_replica_that_the_leader_has_outrun_starts_over(self):
        cluster = self.cluster(log_retention_check_interval_ms=500, log_initial_task_delay_ms=500)
        topic = cluster.topic(segment_bytes=1024, file_delete_delay_ms=0)
        load = self.load(cluster, topic, idempotent=True)
        follower = next(n for n in cluster.brokers if n not in (cluster.leader(topic), cluster.controller()))
        cluster.kill(follower)
        load.wait_for_more(60)
        load.finish()
        leader = cluster.leader(topic)
        with cluster.brokers[leader].connect() as connection:
            end = connection.list_offset(topic, -1)[2]
            body = struct.pack(">i", 1) + wire.string(topic) + struct.pack(">iiqi", 1, 0, end, 10000)
            connection.request(21, 0, body)
            start = connection.list_offset(topic, -2)[2]
            self.assertEqual(start, end)
            error, _, _ = connection.produce(topic, wire.batch([b"after"]))
            self.assertEqual(error, 0)
        cluster.brokers[follower].start()
        cluster.wait_for_in_sync(topic)

        def begins_there():
            values = [offset for offset, _ in records(cluster.log_bytes(follower, topic))]
            return values == [end]

        eventually(begins_there, 20, "the follower does not start over")


class RestartTests(ClusterTestCase):
    def test_a_rolling_restart_loses_nothing_and_stops_nobody(self):
        cluster = self.cluster()
        topic = cluster.topic(partitions=3)
        loads = [self.load(cluster, topic, partition, idempotent=partition > 0) for partition in range(3)]
        for number, broker in cluster.brokers.items():
            self.assertEqual(broker.terminate(), 0)
            for load in loads:
                load.wait_for_more()
            broker.start()
            cluster.wait_for_in_sync(topic, 3)
        self.report_silence(max(loads, key=Load.longest_silence))
        self.settle(cluster, *loads)


class InSyncTests(ClusterTestCase):
    def test_who_is_paused_leaves_the_set_and_comes_back(self):
        cluster = self.cluster()
        topic = cluster.topic()
        load = self.load(cluster, topic, idempotent=True)
        follower = next(n for n in cluster.brokers if n not in (cluster.leader(topic), cluster.controller()))
        broker = cluster.brokers[follower]
        broker.process.send_signal(signal.SIGSTOP)
        try:
            eventually(
                lambda: follower not in cluster.partition(topic, of=cluster.leader(topic))["isr"], 20,
                "the set does not shrink")
            load.wait_for_more()
            # Whoever holds the locks lives, and keeps its session.
            result = cluster.fence(follower)
            self.assertEqual(result.returncode, 1, result.stdout)
            self.assertIn(b"locked", result.stdout)
        finally:
            broker.process.send_signal(signal.SIGCONT)
        cluster.wait_for_in_sync(topic)
        self.settle(cluster, load)

    def test_who_is_paused_beyond_its_session_registers_again_and_comes_back(self):
        cluster = self.cluster(zookeeper_session_timeout_ms=2000)
        topic = cluster.placed_topic([1, 2, 3], [1, 2, 3])
        loads = [self.load(cluster, topic, partition, idempotent=partition == 0) for partition in range(2)]
        follower = next(n for n in cluster.brokers if n not in (cluster.leader(topic), cluster.controller()))
        sleeping = cluster.brokers.pop(follower)
        sleeping.process.send_signal(signal.SIGSTOP)
        try:
            eventually(
                lambda: follower not in [number for number, *_ in cluster.metadata([])["brokers"]], 30,
                "its session does not end")
            for load in loads:
                load.wait_for_more()
        finally:
            sleeping.process.send_signal(signal.SIGCONT)
            cluster.brokers[follower] = sleeping
        cluster.wait_for_in_sync(topic, 2)
        eventually(lambda: all(len(cluster.metadata([], of=n)["brokers"]) == 3 for n in cluster.brokers), 30)
        for load in loads:
            load.wait_for_more()
        self.settle(cluster, *loads)

    def test_who_hears_of_a_topic_after_its_session_has_ended_knows_its_settings(self):
        """The request that makes its replica has waited in the socket, and nothing is to be had in its session any more."""
        cluster = self.cluster(zookeeper_session_timeout_ms=2000, min_insync_replicas=1)
        controller = cluster.controller()
        number = next(n for n in cluster.brokers if n != controller)
        other = next(n for n in cluster.brokers if n not in (controller, number))
        topics = [harness.unique("topic") for _ in range(5)]
        sleeping = cluster.brokers.pop(number)
        sleeping.process.send_signal(signal.SIGSTOP)
        try:
            with cluster.brokers[controller].connect() as connection:
                for topic in topics:
                    connection.request(
                        wire.CREATE_TOPICS, 1,
                        struct.pack(">i", 1) + wire.string(topic)
                        + struct.pack(">ihiiiiii", -1, -1, 1, 0, 3, number, controller, other) + struct.pack(">i", 1)
                        + wire.string("min.insync.replicas") + wire.string("2") + struct.pack(">ib", 500, 0))
            eventually(lambda: len(cluster.metadata([])["brokers"]) == 2, 20, "it keeps its session")
        finally:
            sleeping.process.send_signal(signal.SIGCONT)
            cluster.brokers[number] = sleeping
        for topic in topics:
            cluster.wait_for_in_sync(topic)
        cluster.tool("leader-election", "--election-type", "preferred", "--all-topic-partitions")
        cluster.kill(controller)
        cluster.kill(other)
        for topic in topics:
            eventually(lambda: cluster.partition(topic, of=number)["isr"] == [number], 20, "the set does not shrink")
            with sleeping.connect() as connection:
                error, _, _ = connection.produce(topic, wire.batch([b"x"]))
            self.assertEqual(error, 19, "it does not know how many replicas the topic wants")

    def test_too_few_in_sync_replicas_refuse_and_recover(self):
        cluster = self.cluster()
        topic = cluster.topic()
        leader = cluster.leader(topic)
        for number in cluster.brokers:
            if number != leader:
                cluster.kill(number)
        eventually(lambda: cluster.partition(topic)["isr"] == [leader], 20, "the set does not shrink")
        with cluster.brokers[leader].connect() as connection:
            error, _, _ = connection.produce(topic, wire.batch([b"x"]))
            self.assertEqual(error, 19)
            # acks=1 asks for less.
            error, _, _ = connection.produce(topic, wire.batch([b"y"]), acks=1)
            self.assertEqual(error, 0)
        for number, broker in cluster.brokers.items():
            if number != leader:
                broker.start()
        cluster.wait_for_in_sync(topic)
        cluster.wait_for_equal_logs(topic)


class FenceTests(ClusterTestCase):
    def test_a_session_that_is_left_behind_is_ended_once(self):
        cluster = self.cluster()
        cluster.brokers[3].kill()
        at = time.monotonic()
        result = cluster.fence(3)
        self.assertEqual(result.returncode, 0, result.stdout)
        self.assertIn(b"Ended", result.stdout)
        eventually(lambda: len(cluster.metadata([], of=1)["brokers"]) == 2, 2)
        self.report(f"gone after {(time.monotonic() - at) * 1000:.0f} ms")
        again = cluster.fence(3)
        self.assertEqual((again.returncode, b"left behind" in again.stdout), (0, True))

    def test_a_broker_that_lives_is_left_alone(self):
        cluster = self.cluster(count=1, min_insync_replicas=1)
        result = cluster.fence(1)
        self.assertEqual(result.returncode, 1)
        self.assertIn(b"locked by a living process", result.stdout)

    def test_the_settings_of_another_broker_are_refused(self):
        cluster = self.cluster(count=1, min_insync_replicas=1)
        cluster.brokers[1].kill()
        result = harness.subprocess.run(
            [MARTLET, "fence", "--broker", "7", "--config", cluster.brokers[1].properties], capture_output=True)
        self.assertEqual(result.returncode, 1)
        self.assertIn(b"broker 7", result.stderr)

    def test_another_host_cannot_end_the_session_of_a_broker_that_sleeps(self):
        network = self.network()
        cluster = self.cluster(network=network, zookeeper_session_timeout_ms=20000)
        topic = cluster.topic()
        load = self.load(cluster, topic, idempotent=True)
        victim = cluster.leader(topic)
        process = cluster.brokers[victim].process
        elsewhere = network.host("elsewhere")
        process.send_signal(signal.SIGSTOP)
        sleeping = cluster.brokers.pop(victim)
        try:
            for name, directories in [("its own", None), ("a copy of the other's", sleeping.log_dirs)]:
                with self.subTest(name):
                    twin = harness.Broker(
                        chroot=sleeping.chroot, broker_id=victim, ensemble=ensemble(), host=elsewhere.address)
                    twin.launcher = elsewhere.launcher
                    if directories:
                        shutil.copytree(directories, twin.log_dirs)
                        self.assertTrue(os.path.exists(os.path.join(twin.log_dirs, ".martlet-zookeeper-session")))
                    code, said = twin.run_to_end()
                    self.assertEqual(code, 75, said)
                    self.assertIn(f"broker id {victim} is registered", said)
                    result = harness.subprocess.run(
                        [*elsewhere.launcher, MARTLET, "fence", "--broker", str(victim), "--config", twin.properties],
                        capture_output=True, text=True, timeout=30)
                    self.assertEqual((result.returncode, "left behind" in result.stdout), (0, True), result.stderr)
            result = harness.subprocess.run(
                [MARTLET, "fence", "--broker", str(victim), "--config", sleeping.properties],
                capture_output=True, text=True, timeout=30)
            self.assertEqual((result.returncode, "locked" in result.stderr), (1, True), result.stdout)
            self.assertIn(victim, [number for number, *_ in cluster.metadata([])["brokers"]])
        finally:
            process.send_signal(signal.SIGCONT)
            cluster.brokers[victim] = sleeping
        load.wait_for_more()
        cluster.wait_for_in_sync(topic)
        self.settle(cluster, load)

    def test_a_restart_ends_the_session_by_itself(self):
        cluster = self.cluster(zookeeper_session_timeout_ms=30000)
        cluster.brokers[2].kill()
        at = time.monotonic()
        cluster.brokers[2].start()
        self.assertLess(time.monotonic() - at, 10)
