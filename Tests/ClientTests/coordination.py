# SPDX-License-Identifier: Apache-2.0
"""What members of groups and transactional producers say to coordinators, frame by frame."""

import struct

import wire
from wire import string

PRODUCE, OFFSET_COMMIT, OFFSET_FETCH, FIND_COORDINATOR, JOIN, HEARTBEAT, LEAVE, SYNC = 0, 8, 9, 10, 11, 12, 13, 14
INIT_PRODUCER_ID, ADD_PARTITIONS, ADD_OFFSETS, END_TXN, WRITE_MARKERS, TXN_OFFSET_COMMIT = 22, 24, 25, 26, 27, 28
DESCRIBE_GROUPS, DELETE_GROUPS, OFFSET_DELETE, DESCRIBE_TRANSACTIONS = 15, 42, 47, 65
# From which version on a request has compact lengths and tagged fields.
FLEXIBLE = {PRODUCE: 9, OFFSET_FETCH: 6, SYNC: 4, INIT_PRODUCER_ID: 2, ADD_PARTITIONS: 3, ADD_OFFSETS: 3, END_TXN: 3,
            TXN_OFFSET_COMMIT: 3, DESCRIBE_TRANSACTIONS: 0}
TRANSACTIONAL = 0x10


def varint(value):
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


class Writer:
    """Strings and arrays in the way of a version."""

    def __init__(self, flexible):
        self.flexible = flexible

    def string(self, text):
        if not self.flexible:
            return string(text)
        return b"\0" if text is None else varint(len(text.encode()) + 1) + text.encode()

    def bytes(self, data):
        return (varint(len(data) + 1) if self.flexible else struct.pack(">i", len(data))) + data

    def array(self, elements):
        return (varint(len(elements) + 1) if self.flexible else struct.pack(">i", len(elements))) + b"".join(elements)

    @property
    def end(self):
        return b"\0" if self.flexible else b""


class Reader(wire.Reader):
    """The answer to a request of a version."""

    flexible = False

    def varint(self):
        value = shift = 0
        while True:
            byte = self.int("B")
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def string(self):
        if not self.flexible:
            return super().string()
        length = self.varint() - 1
        return None if length < 0 else self.take(length).decode()

    def bytes(self):
        return self.take(max(0, self.varint() - 1)) if self.flexible else super().bytes()

    def array(self, element):
        count = self.varint() - 1 if self.flexible else self.int("i")
        return [element() for _ in range(count)]

    def end(self):
        if self.flexible:
            for _ in range(self.varint()):
                self.varint()
                self.take(self.varint())


class Connection(wire.Connection):
    """A connection to a coordinator, or to a leader."""

    def ask(self, key, version, body, client="raw"):
        """`body` is made by a function of the writer. Returns a reader behind the answer's header."""
        flexible = version >= FLEXIBLE.get(key, 99)
        writer = Writer(flexible)
        correlation = next(self.correlations)
        payload = struct.pack(">hhi", key, version, correlation) + string(client) + writer.end + body(writer)
        self.socket.sendall(struct.pack(">i", len(payload)) + payload)
        answer = Reader(self.receive_frame())
        if answer.int("i") != correlation:
            raise wire.ProtocolError("the answer belongs to another request")
        answer.flexible = flexible
        answer.end()
        return answer

    # Transactions.

    def init(self, transactional_id, timeout=60000, producer=-1, epoch=-1, version=4):
        """Returns (error, producer id, epoch)."""
        answer = self.ask(INIT_PRODUCER_ID, version, lambda w: (
            w.string(transactional_id) + struct.pack(">i", timeout)
            + (struct.pack(">qh", producer, epoch) if version >= 3 else b"") + w.end))
        _, error, producer, epoch = answer.unpack("ihqh")
        return error, producer, epoch

    def add_partitions(self, transactional_id, producer, epoch, partitions, version=3):
        """`partitions` by topic. Returns the errors by (topic, partition)."""
        answer = self.ask(ADD_PARTITIONS, version, lambda w: (
            w.string(transactional_id) + struct.pack(">qh", producer, epoch) + self.topics(w, partitions) + w.end))
        answer.int("i")
        return self.partition_errors(answer)

    def verify(self, transactions, version=5):
        """`transactions`: (id, producer, epoch, partitions by topic). Returns the errors by (id, topic, partition)."""
        answer = self.ask(ADD_PARTITIONS, version, lambda w: w.array([
            w.string(name) + struct.pack(">qhb", producer, epoch, 1) + self.topics(w, partitions) + w.end
            for name, producer, epoch, partitions in transactions]) + w.end)
        _, error = answer.unpack("ih")
        if error:
            raise wire.ProtocolError(f"AddPartitionsToTxn: error {error}")

        def transaction():
            name = answer.string()
            errors = self.partition_errors(answer)
            answer.end()
            return name, errors

        return {(name, *at): error for name, errors in answer.array(transaction) for at, error in errors.items()}

    def add_offsets(self, transactional_id, producer, epoch, group, version=3):
        answer = self.ask(ADD_OFFSETS, version, lambda w: (
            w.string(transactional_id) + struct.pack(">qh", producer, epoch) + w.string(group) + w.end))
        return answer.unpack("ih")[1]

    def end(self, transactional_id, producer, epoch, commit=True, version=3):
        answer = self.ask(END_TXN, version, lambda w: (
            w.string(transactional_id) + struct.pack(">qhb", producer, epoch, commit) + w.end))
        return answer.unpack("ih")[1]

    def write_markers(self, producer, epoch, coordinator, partitions, commit=True):
        """`partitions` by topic, `coordinator`: its epoch. Returns the errors by (topic, partition)."""
        answer = self.ask(WRITE_MARKERS, 0, lambda w: w.array([
            struct.pack(">qhb", producer, epoch, commit) + self.topics(w, partitions)
            + struct.pack(">i", coordinator)]))
        return answer.array(lambda: (answer.int("q"), self.partition_errors(answer)))[0][1]

    def commit_in_transaction(
            self, transactional_id, group, producer, epoch, offsets, member="", generation=-1, instance=None, metadata="",
            version=3):
        """`offsets` by (topic, partition). Returns the errors by the same."""
        answer = self.ask(TXN_OFFSET_COMMIT, version, lambda w: (
            w.string(transactional_id) + w.string(group) + struct.pack(">qh", producer, epoch)
            + (struct.pack(">i", generation) + w.string(member) + w.string(instance) if version >= 3 else b"")
            + w.array([
                w.string(topic) + w.array([
                    struct.pack(">iq", partition, offset) + (struct.pack(">i", -1) if version >= 2 else b"")
                    + w.string(metadata) + w.end]) + w.end
                for (topic, partition), offset in offsets.items()]) + w.end))
        answer.int("i")
        return self.partition_errors(answer)

    def produce_in_transaction(
            self, transactional_id, topic, producer, epoch, sequence, values=(b"v",), partition=0, acks=-1, version=9,
            attributes=TRANSACTIONAL):
        """Returns (error, base offset, message)."""
        batch = wire.batch(list(values), producer=producer, epoch=epoch, sequence=sequence, attributes=attributes)
        answer = self.ask(PRODUCE, version, lambda w: (
            w.string(transactional_id) + struct.pack(">hi", acks, 15000)
            + w.array([w.string(topic) + w.array([struct.pack(">i", partition) + w.bytes(batch) + w.end]) + w.end])
            + w.end))

        def one():
            _, error, base, _ = answer.unpack("ihqq")
            if version >= 5:
                answer.int("q")
            message = None
            if version >= 8:
                answer.array(lambda: (answer.int("i"), answer.string(), answer.end()))
                message = answer.string()
            answer.end()
            return error, base, message

        return answer.array(lambda: (answer.string(), answer.array(one), answer.end()))[0][1][0]

    def describe_transaction(self, transactional_id):
        """Returns (error, state, producer id, epoch)."""
        answer = self.ask(DESCRIBE_TRANSACTIONS, 0, lambda w: w.array([w.string(transactional_id)]) + w.end)
        answer.int("i")

        def one():
            error, _, state = answer.int("h"), answer.string(), answer.string()
            _, _, producer, epoch = answer.unpack("iqqh")
            answer.array(lambda: (answer.string(), answer.array(lambda: answer.int("i")), answer.end()))
            answer.end()
            return error, state, producer, epoch

        return answer.array(one)[0]

    # Groups, in the newest versions without tagged fields.

    def find_coordinator(self, key, kind=0):
        """Returns (error, broker id, port)."""
        answer = self.ask(FIND_COORDINATOR, 1, lambda w: w.string(key) + struct.pack(">b", kind))
        _, error = answer.unpack("ih")
        answer.string()
        broker, _, port = answer.int("i"), answer.string(), answer.int("i")
        return error, broker, port

    def join(self, group, member="", instance=None, session=10000, rebalance=20000, kind="consumer",
             protocols=(("range", b"\0\0\0\0\0\0\0\0\0\0"),)):
        """Returns (error, generation, protocol, leader, member)."""
        answer = self.ask(JOIN, 5, lambda w: (
            w.string(group) + struct.pack(">ii", session, rebalance) + w.string(member) + w.string(instance)
            + w.string(kind) + w.array([w.string(name) + w.bytes(data) for name, data in protocols])))
        _, error, generation = answer.unpack("ihi")
        return error, generation, answer.string(), answer.string(), answer.string()

    def sync(self, group, generation, member, instance=None, assignments=None, kind=None, protocol=None):
        """Version 3, or 5 with the kind and the protocol. Returns (error, assignment)."""
        answer = self.ask(SYNC, 5 if kind else 3, lambda w: (
            w.string(group) + struct.pack(">i", generation) + w.string(member) + w.string(instance)
            + (w.string(kind) + w.string(protocol) if kind else b"")
            + w.array([w.string(name) + w.bytes(data) + w.end for name, data in (assignments or {}).items()]) + w.end))
        _, error = answer.unpack("ih")
        if kind:
            answer.string(), answer.string()
        return error, answer.bytes()

    def heartbeat(self, group, generation, member, instance=None):
        answer = self.ask(HEARTBEAT, 3, lambda w: (
            w.string(group) + struct.pack(">i", generation) + w.string(member) + w.string(instance)))
        return answer.unpack("ih")[1]

    def leave(self, group, *members):
        """`members`: (member id, instance id). Returns (error, their errors)."""
        answer = self.ask(LEAVE, 3, lambda w: (
            w.string(group) + w.array([w.string(member) + w.string(instance) for member, instance in members])))
        _, error = answer.unpack("ih")
        return error, [e for _, _, e in answer.array(lambda: (answer.string(), answer.string(), answer.int("h")))]

    def commit(self, group, offsets, generation=-1, member="", instance=None, metadata=""):
        """`offsets` by (topic, partition). Returns the errors by the same."""
        answer = self.ask(OFFSET_COMMIT, 7, lambda w: (
            w.string(group) + struct.pack(">i", generation) + w.string(member) + w.string(instance)
            + w.array([
                w.string(topic) + w.array([struct.pack(">iqi", partition, offset, -1) + w.string(metadata)])
                for (topic, partition), offset in offsets.items()])))
        answer.int("i")
        return self.partition_errors(answer)

    def committed(self, group, topic, partition=0):
        """Version 5. Returns (error, offset)."""
        answer = self.ask(OFFSET_FETCH, 5, lambda w: (
            w.string(group) + w.array([w.string(topic) + w.array([struct.pack(">i", partition)])])))
        answer.int("i")

        def one():
            _, offset, _ = answer.unpack("iqi")
            answer.string()
            return answer.int("h"), offset

        found = answer.array(lambda: (answer.string(), answer.array(one)))
        error = answer.int("h")
        return (error, -1) if error else found[0][1][0]

    def committed_of(self, groups, version=8):
        """`groups`: partitions by topic, or None for all there are, by group. Returns by group (error, the offsets by
        (topic, partition))."""
        answer = self.ask(OFFSET_FETCH, version, lambda w: w.array([
            w.string(group) + (w.string(None) + struct.pack(">i", -1) if version >= 9 else b"")
            + (b"\0" if partitions is None else self.topics(w, partitions)) + w.end
            for group, partitions in groups.items()]) + b"\0" + w.end)
        answer.int("i")

        def partition():
            index, offset, _ = answer.unpack("iqi")
            answer.string()
            found = index, offset, answer.int("h")
            answer.end()
            return found

        def topic():
            found = answer.string(), answer.array(partition)
            answer.end()
            return found

        def group():
            name, topics, error = answer.string(), answer.array(topic), answer.int("h")
            answer.end()
            offsets = {(topic, index): offset for topic, partitions in topics for index, offset, _ in partitions}
            return name, (error, offsets)

        return dict(answer.array(group))

    def delete_group(self, group):
        answer = self.ask(DELETE_GROUPS, 1, lambda w: w.array([w.string(group)]))
        answer.int("i")
        return answer.array(lambda: (answer.string(), answer.int("h")))[0][1]

    def delete_offsets(self, group, topic, partition=0):
        """Returns (error, error of the partition)."""
        answer = self.ask(OFFSET_DELETE, 0, lambda w: (
            w.string(group) + w.array([w.string(topic) + w.array([struct.pack(">i", partition)])])))
        error, _ = answer.unpack("hi")
        errors = list(self.partition_errors(answer).values())
        return error, errors[0] if errors else None

    def describe_group(self, group):
        """Version 1. Returns (error, state, ids of members)."""
        answer = self.ask(DESCRIBE_GROUPS, 1, lambda w: w.array([w.string(group)]))
        answer.int("i")

        def member():
            name = answer.string()
            answer.string(), answer.string(), answer.bytes(), answer.bytes()
            return name

        def one():
            error, _, state = answer.int("h"), answer.string(), answer.string()
            answer.string(), answer.string()
            return error, state, answer.array(member)

        return answer.array(one)[0]

    # Parts of several.

    @staticmethod
    def topics(writer, partitions):
        return writer.array([
            writer.string(topic) + writer.array([struct.pack(">i", partition) for partition in numbers]) + writer.end
            for topic, numbers in partitions.items()])

    @staticmethod
    def partition_errors(answer):
        errors = {}

        def partition(topic):
            index, error = answer.unpack("ih")
            answer.end()
            errors[topic, index] = error

        def topic():
            name = answer.string()
            answer.array(lambda: partition(name))
            answer.end()

        answer.array(topic)
        return errors
