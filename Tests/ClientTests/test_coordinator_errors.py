# SPDX-License-Identifier: Apache-2.0
"""What members and producers may not do: Kafka's error each time, and nothing has changed.

Each row of a table is one request that must be refused; before and after it everything that the broker tells of groups,
positions, transactions and logs is the same.
"""

import coordination
import wire
from harness import Broker, SharedBrokerTestCase, cases, eventually, expand, unique
from test_transaction_verification import STABLE, ended, log_end, started

OFFSET_METADATA_TOO_LARGE, ILLEGAL_GENERATION, INCONSISTENT_GROUP_PROTOCOL, INVALID_GROUP_ID = 12, 22, 23, 24
UNKNOWN_MEMBER_ID, INVALID_SESSION_TIMEOUT, REBALANCE_IN_PROGRESS, TOPIC_AUTHORIZATION_FAILED = 25, 26, 27, 29
INVALID_REQUEST, TRANSACTION_COORDINATOR_FENCED, TRANSACTIONAL_ID_AUTHORIZATION_FAILED = 42, 52, 53
OUT_OF_ORDER_SEQUENCE_NUMBER, INVALID_PRODUCER_EPOCH, INVALID_TXN_STATE, INVALID_PRODUCER_ID_MAPPING = 45, 47, 48, 49
INVALID_TRANSACTION_TIMEOUT, OPERATION_NOT_ATTEMPTED, NON_EMPTY_GROUP, GROUP_ID_NOT_FOUND = 50, 55, 68, 69
MEMBER_ID_REQUIRED, GROUP_MAX_SIZE_REACHED, FENCED_INSTANCE_ID, GROUP_SUBSCRIBED_TO_TOPIC = 79, 81, 82, 86
PRODUCER_FENCED = 90


@expand
class CoordinatorErrorTests(SharedBrokerTestCase):
    def setUp(self):
        super().setUp()
        self.wire = coordination.Connection(self.broker.port)
        self.addCleanup(self.wire.close)
        self.data = self.topic("errors")
        self.at = (self.data, 0)

    def check(self, snapshot, rows):
        """Rows: what is wrong, the request, the error expected."""
        before = snapshot()
        for name, request, expected in rows:
            with self.subTest(name):
                self.assertEqual(request(), expected)
                self.assertEqual(snapshot(), before, "something has changed")

    # Groups.

    def joined_group(self, instance):
        """A group of one static member that knows no assignment yet. Returns group, member and generation."""
        group = unique("group")
        self.wire.find_coordinator(group)
        subscription = b"\0\0\0\0\0\1" + wire.string(self.data) + b"\0\0\0\0"
        protocols = (("range", subscription),)

        def joined():
            answer = self.wire.join(group, instance=instance, protocols=protocols)
            return answer[0] == wire.NONE and answer

        _, generation, _, _, member = eventually(joined)
        return group, member, generation

    def stable_group(self, instance):
        """A group of one static member that has committed 5. Returns group, member and generation."""
        group, member, generation = self.joined_group(instance)
        self.assertEqual(self.wire.sync(group, generation, member, instance, {member: b"mine"}), (wire.NONE, b"mine"))
        self.assertEqual(
            self.wire.commit(group, {self.at: 5}, generation, member, instance), {self.at: wire.NONE})
        return group, member, generation

    def test_what_members_may_not_do(self):
        instance = unique("instance")
        group, member, generation = self.stable_group(instance)
        none, w = unique("nobody"), self.wire
        other = unique("stranger")

        def snapshot():
            return (w.describe_group(group), w.committed(group, self.data), w.describe_group(none),
                    w.heartbeat(group, generation, member, instance),
                    w.sync(group, generation, member, instance))

        def join(*arguments, **more):
            return w.join(*arguments, **more)[0]

        def commit(*arguments, **more):
            return next(iter(w.commit(*arguments, **more).values()))

        here, far = {self.at: 9}, generation + 1
        self.check(snapshot, [
            ("join: no group", lambda: join(""), INVALID_GROUP_ID),
            ("join: a member id that nobody gave", lambda: join(group, other), UNKNOWN_MEMBER_ID),
            ("join: a member id of a group that is not there", lambda: join(none, other), UNKNOWN_MEMBER_ID),
            ("join: another's instance", lambda: join(group, other, instance), FENCED_INSTANCE_ID),
            ("join: an instance that nobody is", lambda: join(group, member, other), UNKNOWN_MEMBER_ID),
            ("join: too short a session", lambda: join(group, session=1), INVALID_SESSION_TIMEOUT),
            ("join: too long a session", lambda: join(group, session=1 << 30), INVALID_SESSION_TIMEOUT),
            ("join: a negative session", lambda: join(none, session=-1), INVALID_SESSION_TIMEOUT),
            ("join: another kind", lambda: join(group, kind="connect"), INCONSISTENT_GROUP_PROTOCOL),
            ("join: no common protocol", lambda: join(group, protocols=(("own", b""),)), INCONSISTENT_GROUP_PROTOCOL),
            ("join: no protocol", lambda: join(group, protocols=()), INCONSISTENT_GROUP_PROTOCOL),
            ("join: a known member without common protocol",
             lambda: join(group, member, instance, protocols=(("own", b""),)), INCONSISTENT_GROUP_PROTOCOL),
            ("sync: no group", lambda: w.sync("", generation, member)[0], INVALID_GROUP_ID),
            ("sync: a group that is not there", lambda: w.sync(none, generation, member)[0], UNKNOWN_MEMBER_ID),
            ("sync: unknown member", lambda: w.sync(group, generation, other)[0], UNKNOWN_MEMBER_ID),
            ("sync: past generation", lambda: w.sync(group, generation - 1, member)[0], ILLEGAL_GENERATION),
            ("sync: future generation",
             lambda: w.sync(group, far, member, assignments={member: b"all"})[0], ILLEGAL_GENERATION),
            ("sync: another protocol",
             lambda: w.sync(group, generation, member, instance, kind="consumer", protocol="own")[0],
             INCONSISTENT_GROUP_PROTOCOL),
            ("sync: another kind",
             lambda: w.sync(group, generation, member, instance, kind="connect", protocol="range")[0],
             INCONSISTENT_GROUP_PROTOCOL),
            ("sync: another's instance", lambda: w.sync(group, generation, other, instance)[0], FENCED_INSTANCE_ID),
            ("heartbeat: no group", lambda: w.heartbeat("", generation, member), INVALID_GROUP_ID),
            ("heartbeat: a group that is not there", lambda: w.heartbeat(none, generation, member), UNKNOWN_MEMBER_ID),
            ("heartbeat: unknown member", lambda: w.heartbeat(group, generation, other), UNKNOWN_MEMBER_ID),
            ("heartbeat: past generation", lambda: w.heartbeat(group, generation - 1, member), ILLEGAL_GENERATION),
            ("heartbeat: another's instance",
             lambda: w.heartbeat(group, generation, other, instance), FENCED_INSTANCE_ID),
            ("leave: no group", lambda: w.leave("", (member, None))[0], INVALID_GROUP_ID),
            ("leave: a group that is not there", lambda: w.leave(none, (member, None))[1], [UNKNOWN_MEMBER_ID]),
            ("leave: unknown member", lambda: w.leave(group, (other, None))[1], [UNKNOWN_MEMBER_ID]),
            ("leave: another's instance", lambda: w.leave(group, (other, instance))[1], [FENCED_INSTANCE_ID]),
            ("leave: unknown instance", lambda: w.leave(group, ("", other))[1], [UNKNOWN_MEMBER_ID]),
            ("commit: past generation", lambda: commit(group, here, generation - 1, member), ILLEGAL_GENERATION),
            ("commit: future generation", lambda: commit(group, here, far, member), ILLEGAL_GENERATION),
            ("commit: unknown member", lambda: commit(group, here, generation, other), UNKNOWN_MEMBER_ID),
            ("commit: no member at all", lambda: commit(group, here), UNKNOWN_MEMBER_ID),
            ("commit: another's instance",
             lambda: commit(group, here, generation, other, instance), FENCED_INSTANCE_ID),
            ("commit: a generation of a group that is not there",
             lambda: commit(none, here, 1, member), ILLEGAL_GENERATION),
            ("commit: too much metadata",
             lambda: commit(group, here, generation, member, metadata="x" * 4097), OFFSET_METADATA_TOO_LARGE),
            ("commit: a topic that is not there",
             lambda: commit(group, {(other, 0): 1}, generation, member), wire.UNKNOWN_TOPIC_OR_PARTITION),
            ("commit: a partition that is not there",
             lambda: commit(group, {(self.data, 7): 1}, generation, member), wire.UNKNOWN_TOPIC_OR_PARTITION),
            ("delete: a group with members", lambda: w.delete_group(group), NON_EMPTY_GROUP),
            ("delete: a group that is not there", lambda: w.delete_group(none), GROUP_ID_NOT_FOUND),
            ("delete offsets: a subscribed topic", lambda: w.delete_offsets(group, self.data),
             (wire.NONE, GROUP_SUBSCRIBED_TO_TOPIC)),
            ("delete offsets: a group that is not there",
             lambda: w.delete_offsets(none, self.data)[0], GROUP_ID_NOT_FOUND),
            ("delete offsets: no group", lambda: w.delete_offsets("", self.data)[0], INVALID_GROUP_ID),
        ])

    def test_nobody_commits_before_the_assignment(self):
        instance = unique("instance")
        group, member, generation = self.joined_group(instance)
        w = self.wire
        self.check(lambda: (w.describe_group(group), w.committed(group, self.data)), [
            ("commit", lambda: w.commit(group, {self.at: 9}, generation, member, instance),
             {self.at: REBALANCE_IN_PROGRESS}),
        ])
        self.assertEqual(w.describe_group(group)[1], "CompletingRebalance")

    def test_a_full_group_takes_nobody(self):
        broker = Broker(group_max_size=1).start()
        self.addCleanup(broker.kill)
        group = unique("group")
        with coordination.Connection(broker.port) as w:
            w.find_coordinator(group)
            eventually(lambda: w.join(group, instance="only")[0] == wire.NONE)
            self.check(lambda: w.describe_group(group), [
                ("a newcomer", lambda: w.join(group)[::4], (GROUP_MAX_SIZE_REACHED, "")),
                ("another instance", lambda: w.join(group, instance="other")[::4], (GROUP_MAX_SIZE_REACHED, "")),
            ])

    @cases(8, 9)
    def test_several_groups_are_answered_each_for_itself_in_version(self, version):
        one, _, _ = self.stable_group(unique("instance"))
        other, none, unheard = unique("group"), unique("nobody"), unique("nobody")
        self.assertEqual(self.wire.commit(other, {self.at: 7}), {self.at: wire.NONE})
        self.assertEqual(
            self.wire.committed_of(
                {one: {self.data: [0]}, other: None, none: {self.data: [0]}, unheard: None}, version),
            {one: (wire.NONE, {self.at: 5}), other: (wire.NONE, {self.at: 7}), none: (wire.NONE, {self.at: -1}),
             unheard: (wire.NONE, {})})

    def test_a_member_without_an_id_is_given_one_and_nothing_else(self):
        group, w = unique("group"), self.wire
        w.find_coordinator(group)
        error, _, _, _, member = eventually(
            lambda: (answer := w.join(group))[0] == MEMBER_ID_REQUIRED and answer)
        self.assertEqual(error, MEMBER_ID_REQUIRED)
        self.assertTrue(member.startswith("raw-"))
        self.assertEqual(w.describe_group(group)[2], [])
        self.assertEqual(w.heartbeat(group, 1, member), UNKNOWN_MEMBER_ID)
        self.assertEqual(w.leave(group, (member, None))[1], [wire.NONE])
        self.assertEqual(w.join(group, member)[0], UNKNOWN_MEMBER_ID)

    def test_what_transactional_members_may_not_do(self):
        instance = unique("instance")
        group, member, generation = self.stable_group(instance)
        name, theirs, w = unique("id"), unique("id"), self.wire
        past, stranger = started(w, name), started(w, theirs)
        producer, epoch = started(w, name)
        self.assertEqual(w.add_offsets(name, producer, epoch, group), wire.NONE)

        def commit(generation=generation, member=member, instance=None, group=group, metadata="", name=name,
                   producer=(producer, epoch)):
            answer = w.commit_in_transaction(
                name, group, *producer, {self.at: 9}, member, generation, instance, metadata)
            return answer[self.at]

        def snapshot():
            return (w.describe_group(group), w.committed(group, self.data), w.describe_transaction(name),
                    w.describe_transaction(theirs))

        self.check(snapshot, [
            ("past generation", lambda: commit(generation - 1), ILLEGAL_GENERATION),
            ("future generation", lambda: commit(generation + 1), ILLEGAL_GENERATION),
            ("unknown member", lambda: commit(member="stranger"), UNKNOWN_MEMBER_ID),
            ("another's instance", lambda: commit(member="stranger", instance=instance), FENCED_INSTANCE_ID),
            ("too much metadata", lambda: commit(metadata="x" * 4097), OFFSET_METADATA_TOO_LARGE),
            ("no group", lambda: commit(group=""), INVALID_GROUP_ID),
            ("an id that nobody has", lambda: commit(name=unique("nobody")), INVALID_PRODUCER_ID_MAPPING),
            ("another's id", lambda: commit(name=theirs), INVALID_PRODUCER_ID_MAPPING),
            ("another's producer", lambda: commit(producer=stranger), INVALID_PRODUCER_ID_MAPPING),
            ("a past epoch", lambda: commit(producer=past), INVALID_PRODUCER_EPOCH),
            ("a future epoch", lambda: commit(producer=(producer, epoch + 1)), INVALID_PRODUCER_EPOCH),
        ])
        ended(w, name, producer, epoch)
        self.assertEqual(w.committed(group, self.data), (wire.NONE, 5))

    # Producers.

    def test_what_transactional_producers_may_not_do(self):
        name, nobody, w = unique("id"), unique("nobody"), self.wire
        past = started(w, name)
        producer, epoch = started(w, name)
        self.assertEqual((past[0], past[1] + 1), (producer, epoch))
        other, missing = producer + 1_000_000, unique("missing")
        here = {self.data: [0]}

        def snapshot():
            return (w.describe_transaction(name), w.describe_transaction(nobody)[0], log_end(w, self.data),
                    log_end(w, self.data, STABLE))

        def add(name, producer, epoch, partitions=None, version=3):
            return list(w.add_partitions(name, producer, epoch, partitions or here, version).values())

        def produce(name, producer, epoch, sequence=0, **more):
            return w.produce_in_transaction(name, self.data, producer, epoch, sequence, **more)[0]

        refused = [
            ("init: no id", lambda: w.init("")[0], INVALID_REQUEST),
            ("init: no time", lambda: w.init(name, 0)[0], INVALID_TRANSACTION_TIMEOUT),
            ("init: negative time", lambda: w.init(name, -1)[0], INVALID_TRANSACTION_TIMEOUT),
            ("init: too much time", lambda: w.init(name, 900_001)[0], INVALID_TRANSACTION_TIMEOUT),
            ("init: another's producer", lambda: w.init(name, 1000, other, epoch)[0], PRODUCER_FENCED),
            ("init: a producer id without an epoch", lambda: w.init(name, 1000, producer)[0], INVALID_REQUEST),
            ("init: an epoch without a producer id", lambda: w.init(name, 1000, -1, epoch)[0], INVALID_REQUEST),
            # In the midst of a transaction Kafka looks at the producer id only, and aborts.
            ("init: a future epoch", lambda: w.init(name, 1000, producer, epoch + 1)[0], PRODUCER_FENCED),
            ("init: a past epoch", lambda: w.init(name, 1000, *past)[0], PRODUCER_FENCED),
            ("add: an id that nobody has", lambda: add(nobody, producer, epoch), [INVALID_PRODUCER_ID_MAPPING]),
            ("add: another's producer", lambda: add(name, other, epoch), [INVALID_PRODUCER_ID_MAPPING]),
            ("add: a past epoch", lambda: add(name, *past), [PRODUCER_FENCED]),
            ("add: a past epoch, as older clients know it",
             lambda: add(name, *past, version=1), [INVALID_PRODUCER_EPOCH]),
            ("add: a future epoch", lambda: add(name, producer, epoch + 1), [PRODUCER_FENCED]),
            ("add: no id", lambda: add("", producer, epoch), [INVALID_REQUEST]),
            ("add: a topic that is not there", lambda: add(name, producer, epoch, {missing: [0], **here}),
             [wire.UNKNOWN_TOPIC_OR_PARTITION, OPERATION_NOT_ATTEMPTED]),
            ("add: a topic of the broker's own",
             lambda: add(name, producer, epoch, {"__transaction_state": [0]}), [TOPIC_AUTHORIZATION_FAILED]),
            ("add offsets: an id that nobody has",
             lambda: w.add_offsets(nobody, producer, epoch, "g"), INVALID_PRODUCER_ID_MAPPING),
            ("add offsets: a past epoch", lambda: w.add_offsets(name, *past, "g"), PRODUCER_FENCED),
            ("add offsets: another's producer", lambda: w.add_offsets(name, other, epoch, "g"), INVALID_PRODUCER_ID_MAPPING),
            ("end: an id that nobody has", lambda: w.end(nobody, producer, epoch), INVALID_PRODUCER_ID_MAPPING),
            ("end: another's producer", lambda: w.end(name, other, epoch), INVALID_PRODUCER_ID_MAPPING),
            ("end: a past epoch", lambda: w.end(name, *past), PRODUCER_FENCED),
            ("end: a future epoch", lambda: w.end(name, producer, epoch + 1), PRODUCER_FENCED),
            ("produce: no id", lambda: produce(None, producer, epoch), TRANSACTIONAL_ID_AUTHORIZATION_FAILED),
            ("produce: another's producer", lambda: produce(name, other, epoch), INVALID_PRODUCER_ID_MAPPING),
            ("produce: a past epoch", lambda: produce(name, *past), INVALID_PRODUCER_EPOCH),
        ]
        idle = [
            ("end: no transaction, commit", lambda: w.end(name, producer, epoch, True), INVALID_TXN_STATE),
            ("end: no transaction, abort", lambda: w.end(name, producer, epoch, False), INVALID_TXN_STATE),
            ("produce: no transaction", lambda: produce(name, producer, epoch), INVALID_TXN_STATE),
            ("produce: an id that nobody has", lambda: produce(nobody, producer, epoch), INVALID_PRODUCER_ID_MAPPING),
        ]
        self.check(snapshot, refused + idle)
        # And once more in the midst of a transaction.
        self.assertEqual(add(name, producer, epoch), [wire.NONE])
        self.assertEqual(produce(name, producer, epoch, 0), wire.NONE)
        self.check(snapshot, refused + [
            ("produce: a gap", lambda: produce(name, producer, epoch, 2), OUT_OF_ORDER_SEQUENCE_NUMBER),
            ("produce: from the beginning, something else",
             lambda: produce(name, producer, epoch, 0, values=(b"v", b"w")), OUT_OF_ORDER_SEQUENCE_NUMBER),
            ("produce: outside of the transaction",
             lambda: produce(None, producer, epoch, 1, attributes=0), INVALID_TXN_STATE),
        ])
        # What came twice is answered as it was the first time.
        self.assertEqual(w.produce_in_transaction(name, self.data, producer, epoch, 0)[:2], (wire.NONE, 0))
        ended(w, name, producer, epoch)
        self.assertEqual(w.end(name, producer, epoch, True), wire.NONE)
        self.assertEqual(w.end(name, producer, epoch, False), INVALID_TXN_STATE)

    def test_what_idempotent_producers_may_not_do(self):
        w = self.wire
        producer, epoch = wire.Connection.init_producer_id(w)

        def produce(sequence, epoch=epoch, values=(b"v",)):
            return w.produce_in_transaction(
                None, self.data, producer, epoch, sequence, attributes=0, values=values)[0]

        self.assertEqual(produce(0, epoch + 1), wire.NONE)
        self.assertEqual(produce(1, epoch + 1), wire.NONE)
        self.check(lambda: log_end(w, self.data), [
            ("a gap", lambda: produce(3, epoch + 1), OUT_OF_ORDER_SEQUENCE_NUMBER),
            ("a past epoch", lambda: produce(2), INVALID_PRODUCER_EPOCH),
            ("a new epoch that does not begin at 0", lambda: produce(2, epoch + 2), OUT_OF_ORDER_SEQUENCE_NUMBER),
            ("half of what is there", lambda: produce(1, epoch + 1, (b"v", b"w")), OUT_OF_ORDER_SEQUENCE_NUMBER),
            ("the same once more", lambda: produce(1, epoch + 1), wire.NONE),
        ])

    def test_what_coordinators_may_not_do(self):
        w, missing = self.wire, unique("missing")
        producer, epoch = wire.Connection.init_producer_id(w)

        def mark(epoch, coordinator, topic=self.data):
            return list(w.write_markers(producer, epoch, coordinator, {topic: [0]}).values())

        self.assertEqual(mark(epoch + 1, 5), [wire.NONE])
        self.check(lambda: log_end(w, self.data), [
            ("an older coordinator", lambda: mark(epoch + 1, 4), [TRANSACTION_COORDINATOR_FENCED]),
            ("a past epoch", lambda: mark(epoch, 5), [INVALID_PRODUCER_EPOCH]),
            ("a topic that is not there", lambda: mark(epoch + 1, 5, missing), [wire.UNKNOWN_TOPIC_OR_PARTITION]),
        ])
