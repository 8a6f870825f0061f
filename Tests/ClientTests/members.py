# SPDX-License-Identifier: Apache-2.0
"""Members of groups in processes of their own, one program for every client library, and what must be true of a group
whatever becomes of them.

    python members.py LIBRARY SERVERS TOPIC GROUP STRATEGY INSTANCES

reads and commits until it is told to end, and writes a line `partition first-last` for what it has read before it commits.
Of confluent-kafka one process can be several members: an instance name each, or `-` for dynamic ones.
"""

import asyncio
import os
import signal
import struct
import subprocess
import sys
import threading
import time

import confluent_kafka
import harness
import wire
from harness import eventually

SESSION = 6000
LIBRARIES = ("confluent", "kafka-python", "aiokafka", "kcat")
COOPERATIVE_LIBRARIES = ("confluent", "kafka-python", "kcat")
# Who commits, in what it commits; kcat cannot say it.
WHO = f"{sys.argv[1]} {os.getpid()}" if __name__ == "__main__" else ""


# The program.

def tell(read):
    for partition, offsets in read.items():
        os.write(1, f"{partition} {min(offsets)}-{max(offsets)}\n".encode())


def confluent(servers, topic, group, strategy, instances, ends):
    def member(instance):
        consumer = confluent_kafka.Consumer({
            "bootstrap.servers": servers, "group.id": group, "enable.auto.commit": False, "auto.offset.reset": "earliest",
            "session.timeout.ms": SESSION, "heartbeat.interval.ms": 300, "partition.assignment.strategy": strategy,
            "reconnect.backoff.max.ms": 500, "topic.metadata.refresh.interval.ms": 5000,
            **({"group.instance.id": instance} if instance else {})})
        consumer.subscribe([topic])
        while not ends.is_set():
            read = {}
            for message in consumer.consume(500, 0.3):
                if message.error() is None:
                    read.setdefault(message.partition(), []).append(message.offset())
            if read:
                tell(read)
                try:
                    consumer.commit(
                        offsets=[confluent_kafka.TopicPartition(topic, p, max(o) + 1, WHO) for p, o in read.items()],
                        asynchronous=False)
                except confluent_kafka.KafkaException as error:
                    print(f"# {error}", file=sys.stderr, flush=True)
        consumer.close()

    # A thread each. A commit goes over the connection on which the same member may be waiting in JoinGroup, and is answered
    # behind it: who polls the others meanwhile would wait for members that it keeps from joining.
    threads = [threading.Thread(target=member, args=(instance,)) for instance in instances]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def kafka_python(servers, topic, group, strategy, instances, ends):
    import kafka
    from kafka.coordinator.assignors import cooperative_sticky, range as ranges, roundrobin

    def mended(assignor):
        """Who joins says what it has, and has nothing once it was removed.

        kafka-python (3.0.12) says what it was assigned last, without the generation, also after it was removed: of two that
        claim a partition the leader, kafka-python or librdkafka, may choose the one that has lost it, in the generation in
        which it takes it from the other. Both commit in that one, and the position goes back. And who is removed between
        JoinGroup and SyncGroup keeps its positions (`rejoining` in coordinator/base.py stays set, so that nothing is given
        up before the next JoinGroup), and reads and commits on from there what others have long read.
        """
        class Mended(assignor):
            def metadata(self, topics):
                if consumer._coordinator._generation.is_lost():
                    consumer._subscription.assign_from_subscribed([])
                self.member_assignment = sorted(consumer._subscription.assigned_partitions())
                return super().metadata(topics)

        return Mended()

    assignors = {
        "range": ranges.RangePartitionAssignor, "roundrobin": roundrobin.RoundRobinPartitionAssignor,
        "cooperative-sticky": cooperative_sticky.CooperativeStickyAssignor}
    consumer = kafka.KafkaConsumer(
        topic, bootstrap_servers=servers.split(","), group_id=group, enable_auto_commit=False,
        auto_offset_reset="earliest", session_timeout_ms=SESSION, heartbeat_interval_ms=300,
        group_instance_id=instances[0], partition_assignment_strategy=[mended(assignors[strategy])])
    while not ends.is_set():
        read = consumer.poll(timeout_ms=300, max_records=500)
        if read:
            tell({partition.partition: [record.offset for record in records] for partition, records in read.items()})
            try:
                consumer.commit({
                    partition: kafka.structs.OffsetAndMetadata(records[-1].offset + 1, WHO, -1)
                    for partition, records in read.items()})
            except kafka.errors.KafkaError as error:
                print(f"# {error!r}", file=sys.stderr, flush=True)
    consumer.close()


def with_aiokafka(servers, topic, group, strategy, instances, ends):
    import aiokafka
    from aiokafka.coordinator.assignors.range import RangePartitionAssignor
    from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor

    # It has a sticky one besides, and none that is cooperative.
    assignors = {"range": RangePartitionAssignor, "roundrobin": RoundRobinPartitionAssignor}

    async def run():
        consumer = aiokafka.AIOKafkaConsumer(
            topic, bootstrap_servers=servers.split(","), group_id=group, enable_auto_commit=False,
            auto_offset_reset="earliest", session_timeout_ms=SESSION, heartbeat_interval_ms=300,
            group_instance_id=instances[0], partition_assignment_strategy=[assignors[strategy]])
        await consumer.start()
        while not ends.is_set():
            read = await consumer.getmany(timeout_ms=300, max_records=500)
            if read:
                tell({p.partition: [record.offset for record in records] for p, records in read.items()})
                try:
                    await consumer.commit({p: (records[-1].offset + 1, WHO) for p, records in read.items()})
                except aiokafka.errors.KafkaError as error:
                    print(f"# {error!r}", file=sys.stderr, flush=True)
        await consumer.stop()

    asyncio.run(run())


def kcat(servers, topic, group, strategy, instances, ends):
    properties = {
        "partition.assignment.strategy": strategy, "auto.offset.reset": "earliest", "session.timeout.ms": SESSION,
        "heartbeat.interval.ms": 300, "auto.commit.interval.ms": 500,
        **({"group.instance.id": instances[0]} if instances[0] else {})}
    options = [word for name, value in properties.items() for word in ("-X", f"{name}={value}")]
    os.execvp("kcat", ["kcat", "-b", servers, *options, "-u", "-f", "%p %o-%o\n", "-G", group, topic])


def main():
    library, servers, topic, group, strategy, *instances = sys.argv[1:]
    ends = threading.Event()
    program = {"confluent": confluent, "kafka-python": kafka_python, "aiokafka": with_aiokafka, "kcat": kcat}[library]
    if library != "kcat":
        signal.signal(signal.SIGTERM, lambda *_: ends.set())
    program(servers, topic, group, strategy, [None if name == "-" else name for name in instances], ends)


# For tests.

def begin(commit, topic, partitions):
    """Gives a group a position everywhere, so that nobody asks where a partition begins. `commit` takes offsets by
    (topic, partition), and returns the errors by the same.

    If librdkafka (2.16.0) loses a partition while it asks, it asks again when the answer comes ("outdated offset
    response" in its rdkafka_partition.c), and reads from the beginning what others have. When it gets the partition back it
    hands over what it has read, and its member commits what is long behind. More of it, and of what `mended` mends, is in
    Sources/Coordination/Coordination.docc.
    """
    offsets = {(topic, partition): 0 for partition in range(partitions)}
    eventually(lambda: not any(commit(offsets).values()), 30, "the group cannot commit its first positions")


class Member:
    """A process that is one member, or several."""

    def __init__(self, library, servers, topic, group, strategy, instances=("-",)):
        self.library, self.count, self.dropped = library, len(instances), 0
        self.output = os.path.join(harness.directory(), library)
        with open(self.output, "wb") as output, open(self.output + ".log", "wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, os.path.abspath(__file__), library, servers, topic, group, strategy, *instances],
                stdin=subprocess.DEVNULL, stdout=output, stderr=log)
        harness._processes.append(self.process)

    def send(self, number):
        self.process.send_signal(number)

    def pause(self):
        self.send(signal.SIGSTOP)

    def go_on(self):
        self.send(signal.SIGCONT)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def leave(self):
        """In order, if it can in time."""
        # kcat throws away the record that it is handed after the signal, and commits its offset.
        self.dropped = 1 if self.library == "kcat" else 0
        self.send(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()

    def read(self):
        """The partitions and offsets it has read."""
        with open(self.output) as output:
            for line in output:
                if not line.endswith("\n"):
                    # It was killed while it wrote.
                    continue
                partition, first, last = line.replace("-", " ").split()
                for offset in range(int(first), int(last) + 1):
                    yield int(partition), offset


class Source(threading.Thread):
    """Writes numbers to all partitions of a topic in turn, and never gives one up."""

    def __init__(self, servers, topic, partitions, rate=400):
        super().__init__(daemon=True)
        self.producer = confluent_kafka.Producer({
            "bootstrap.servers": servers, "enable.idempotence": True, "linger.ms": 20, "message.timeout.ms": 120000,
            "reconnect.backoff.max.ms": 500, "log_level": 0})
        self.topic, self.partitions, self.pause = topic, partitions, 20 / rate
        self.halt = threading.Event()
        self.ends = [0] * partitions
        self.failed = []

    def run(self):
        number = 0
        while not self.halt.wait(self.pause):
            for _ in range(20):
                self.producer.produce(
                    self.topic, b"%08d" % number, partition=number % self.partitions, on_delivery=self.delivered)
                number += 1
            self.producer.poll(0)
        self.producer.flush(120)

    def delivered(self, error, message):
        if error is not None:
            self.failed.append(str(error))
        else:
            self.ends[message.partition()] = max(self.ends[message.partition()], message.offset() + 1)

    def finish(self):
        self.halt.set()
        self.join(150)
        if self.failed:
            raise AssertionError(f"{len(self.failed)} records were given up: {self.failed[0]}")


class GroupLog:
    """What `__consumer_offsets` says of a group, in the order in which it happened."""

    def __init__(self, servers, group, partition):
        self.group = group
        # (generation, {member or instance: partitions}) and (partition, offset); who committed it, and when.
        self.generations, self.commits, self.committers = [], [], []
        consumer = confluent_kafka.Consumer({
            "bootstrap.servers": servers, "group.id": "nobody", "enable.partition.eof": True, "enable.auto.commit": False,
            "auto.offset.reset": "earliest"})
        at = confluent_kafka.TopicPartition("__consumer_offsets", partition, 0)
        # Where it ends now: members may go on committing.
        end = consumer.get_watermark_offsets(at, 20)[1]
        consumer.assign([at])
        deadline = time.monotonic() + 60
        while True:
            if time.monotonic() > deadline:
                raise AssertionError("__consumer_offsets cannot be read to its end")
            message = consumer.poll(1)
            if message is None:
                continue
            if message.error() is None:
                self.take(message.key(), message.value())
                if message.offset() + 1 >= end:
                    break
            elif message.error().code() == confluent_kafka.KafkaError._PARTITION_EOF:
                break
        consumer.close()

    def take(self, key, value):
        key = wire.Reader(key)
        version, group = key.int("h"), key.string()
        if group != self.group or value is None:
            return
        value = wire.Reader(value)
        version_of_value = value.int("h")
        if version in (0, 1):
            key.string()
            self.commits.append((key.int("i"), value.int("q")))
            if version_of_value >= 3:
                value.int("i")
            generation = self.generations[-1][0] if self.generations else "none"
            self.committers.append(f"{value.string() or 'somebody'} in generation {generation}")
        elif version == 2:
            value.string()
            generation = value.int("i")
            value.string(), value.string(), value.int("q")
            self.generations.append((generation, dict(value.array(lambda: self.member(value)))))

    @staticmethod
    def member(value):
        name, instance, _, _ = (value.string() for _ in range(4))
        value.unpack("ii")
        value.bytes()
        assignment = wire.Reader(value.bytes())
        partitions = []
        if assignment.data:
            assignment.int("h")
            for topic in assignment.array(lambda: (assignment.string(), assignment.array(lambda: assignment.int("i")))):
                partitions += topic[1]
        return instance or name, partitions

    def check(self):
        """One owner per partition and generation, generations that only grow, positions that never go back. Returns how
        many generations there were."""
        owners, last = {}, 0
        for generation, members in self.generations:
            if generation < last:
                raise AssertionError(f"generation {generation} comes after {last}")
            last = generation
            for member, partitions in members.items():
                for partition in partitions:
                    owner = owners.setdefault((generation, partition), member)
                    if owner != member:
                        raise AssertionError(f"in generation {generation} {owner} and {member} have partition {partition}")
        at = {}
        for (partition, offset), who in zip(self.commits, self.committers):
            before = at.get(partition, (0, "nobody"))
            if offset < before[0]:
                raise AssertionError(
                    f"the position in partition {partition} goes back from {before[0]} by {before[1]} to {offset} by {who}")
            at[partition] = offset, who
        return len({generation for generation, _ in self.generations})

    @property
    def positions(self):
        return dict(self.commits)


def account(test, members, source, log):
    """Every record was read, but for those that kcat dropped, and the positions are where the records end."""
    read = {at for member in members for at in member.read()}
    missing = [
        (partition, offset) for partition, end in enumerate(source.ends) for offset in range(end)
        if (partition, offset) not in read]
    test.assertLessEqual(
        len(missing), sum(member.dropped for member in members),
        f"of {sum(source.ends)} records were read by nobody {missing[:5]}")
    test.assertEqual(log.positions, dict(enumerate(source.ends)))


def wait_for_positions(source, committed, seconds=60):
    """Until the group has committed where the records end; `committed` asks for a partition's position."""
    for partition, end in enumerate(source.ends):
        eventually(
            lambda: committed(partition) == end, seconds,
            f"the position in partition {partition} does not come to {end}")


if __name__ == "__main__":
    main()
