# SPDX-License-Identifier: Apache-2.0
"""Just enough of the protocol to say what no client library would: frames, a few requests, record batches."""

import itertools
import socket
import struct
import time

NONE = 0
OFFSET_OUT_OF_RANGE = 1
CORRUPT_MESSAGE = 2
UNKNOWN_TOPIC_OR_PARTITION = 3
MESSAGE_TOO_LARGE = 10
INVALID_TOPIC = 17
INVALID_REQUIRED_ACKS = 21
TOPIC_ALREADY_EXISTS = 36
INVALID_PARTITIONS = 37
INVALID_CONFIG = 40
UNSUPPORTED_VERSION = 35
UNSUPPORTED_FOR_MESSAGE_FORMAT = 43
OUT_OF_ORDER_SEQUENCE_NUMBER = 45
UNSUPPORTED_COMPRESSION_TYPE = 76
INVALID_RECORD = 87

PRODUCE, FETCH, LIST_OFFSETS, METADATA, API_VERSIONS, CREATE_TOPICS, INIT_PRODUCER_ID = 0, 1, 2, 3, 18, 19, 22
CREATE_PARTITIONS = 37


class ProtocolError(Exception):
    pass


def string(text):
    if text is None:
        return b"\xff\xff"
    data = text.encode()
    return struct.pack(">h", len(data)) + data


class Reader:
    def __init__(self, data):
        self.data, self.position = data, 0

    def take(self, count):
        if count < 0 or self.position + count > len(self.data):
            raise ProtocolError("the answer ends too early")
        part = self.data[self.position:self.position + count]
        self.position += count
        return part

    def unpack(self, layout):
        return struct.unpack(">" + layout, self.take(struct.calcsize(">" + layout)))

    def int(self, layout):
        return self.unpack(layout)[0]

    def string(self):
        length = self.int("h")
        return None if length < 0 else self.take(length).decode()

    def bytes(self):
        length = self.int("i")
        return b"" if length < 0 else self.take(length)

    def array(self, element):
        return [element() for _ in range(self.int("i"))]


class Connection:
    """A client connection that speaks raw frames."""

    def __init__(self, port, seconds=20, host="127.0.0.1"):
        self.socket = socket.create_connection((host, port), seconds)
        self.socket.settimeout(seconds)
        self.correlations = itertools.count(1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, key, version, body, client="raw"):
        correlation = next(self.correlations)
        payload = struct.pack(">hhi", key, version, correlation) + string(client) + body
        self.socket.sendall(struct.pack(">i", len(payload)) + payload)
        return correlation

    def receive_frame(self):
        return self.receive_bytes(struct.unpack(">i", self.receive_bytes(4))[0])

    def receive_bytes(self, count):
        parts = []
        while count > 0:
            part = self.socket.recv(count)
            if not part:
                raise EOFError("the broker closed the connection")
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def is_closed_by_broker(self):
        """Whether the broker closes without sending anything more."""
        try:
            return self.socket.recv(1) == b""
        except ConnectionError:
            return True

    def request(self, key, version, body):
        correlation = self.send(key, version, body)
        answer = Reader(self.receive_frame())
        if answer.int("i") != correlation:
            raise ProtocolError("the answer belongs to another request")
        return answer

    # Requests, each in one version that has no tagged fields.

    def api_versions(self):
        answer = self.request(API_VERSIONS, 0, b"")
        if answer.int("h"):
            raise ProtocolError("ApiVersions failed")
        return {key: (low, high) for key, low, high in answer.array(lambda: answer.unpack("hhh"))}

    def metadata(self, topics):
        """Version 1; None means all topics."""
        body = struct.pack(">i", -1) if topics is None else struct.pack(">i", len(topics)) + b"".join(map(string, topics))
        answer = self.request(METADATA, 1, body)
        brokers = answer.array(lambda: (answer.int("i"), answer.string(), answer.int("i"), answer.string()))
        controller = answer.int("i")

        def partition():
            error, index, leader = answer.unpack("hii")
            return {"error": error, "index": index, "leader": leader,
                    "replicas": answer.array(lambda: answer.int("i")), "isr": answer.array(lambda: answer.int("i"))}

        def topic():
            error, name, internal = answer.int("h"), answer.string(), answer.int("b")
            return {"error": error, "name": name, "internal": bool(internal), "partitions": answer.array(partition)}

        return {"brokers": brokers, "controller": controller, "topics": answer.array(topic)}

    def leads_all(self, topic, partitions):
        described = self.metadata([topic])["topics"][0]
        return (described["error"] == NONE and len(described["partitions"]) == partitions
                and all(p["error"] == NONE and p["leader"] >= 0 for p in described["partitions"]))

    def create_topic(self, topic, partitions=1, configs=None, replication=1):
        """Version 1. Raises when the answer is an error."""
        configs = configs or {}
        body = (struct.pack(">i", 1) + string(topic) + struct.pack(">ihi", partitions, replication, 0)
                + struct.pack(">i", len(configs)) + b"".join(string(k) + string(v) for k, v in configs.items())
                + struct.pack(">ib", 15000, 0))
        answer = self.request(CREATE_TOPICS, 1, body)
        for name, error, message in answer.array(lambda: (answer.string(), answer.int("h"), answer.string())):
            if error:
                raise AssertionError(f"creating {name}: error {error}, {message}")

    def produce(self, topic, records, partition=0, acks=-1, version=3, wait=15000):
        """Returns (error, base offset, log append time)."""
        self.send(PRODUCE, version, self.produce_body(topic, records, partition, acks, wait))
        if acks == 0:
            return None
        return self.produce_answer(version)

    @staticmethod
    def produce_body(topic, records, partition=0, acks=-1, wait=15000):
        return (string(None) + struct.pack(">hii", acks, wait, 1) + string(topic)
                + struct.pack(">iii", 1, partition, len(records)) + records)

    def produce_answer(self, version=3):
        answer = Reader(self.receive_frame())
        answer.int("i")

        def partition():
            _, error, base, time = answer.unpack("ihqq")
            if version >= 5:
                answer.int("q")
            return error, base, time

        return answer.array(lambda: (answer.string(), answer.array(partition)))[0][1][0]

    def fetch(self, topic, offset, partition=0, max_bytes=1 << 20, min_bytes=0, wait=0, version=4, max_total=1 << 25):
        """Returns (error, high watermark, records)."""
        body = (struct.pack(">iiiibi", -1, wait, min_bytes, max_total, 0, 1) + string(topic)
                + struct.pack(">iiqi", 1, partition, offset, max_bytes))
        answer = self.request(FETCH, version, body)
        answer.int("i")

        def one():
            _, error, mark, _ = answer.unpack("ihqq")
            answer.array(lambda: answer.unpack("qq"))
            return error, mark, answer.bytes()

        return answer.array(lambda: (answer.string(), answer.array(one)))[0][1][0]

    def list_offset(self, topic, timestamp, partition=0):
        """Version 1. Returns (error, timestamp, offset)."""
        body = struct.pack(">ii", -1, 1) + string(topic) + struct.pack(">iiq", 1, partition, timestamp)
        answer = self.request(LIST_OFFSETS, 1, body)

        def one():
            _, error, time, offset = answer.unpack("ihqq")
            return error, time, offset

        return answer.array(lambda: (answer.string(), answer.array(one)))[0][1][0]

    def init_producer_id(self):
        """Version 0. Returns (producer id, epoch)."""
        answer = self.request(INIT_PRODUCER_ID, 0, string(None) + struct.pack(">i", 60000))
        _, error, producer, epoch = answer.unpack("ihqh")
        if error:
            raise ProtocolError(f"InitProducerId: error {error}")
        return producer, epoch


# Record batches, format 2.

def _table():
    table = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


_CRC = _table()


def crc32c(data):
    crc = 0xFFFFFFFF
    table = _CRC
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def varint(value):
    value = (value << 1) ^ (value >> 63)
    value &= (1 << 64) - 1
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def record(index, value, key=None, time_delta=0):
    def blob(data):
        return varint(-1) if data is None else varint(len(data)) + data

    body = b"\0" + varint(time_delta) + varint(index) + blob(key) + blob(value) + varint(0)
    return varint(len(body)) + body


def batch(values, timestamp=None, producer=-1, epoch=-1, sequence=-1, attributes=0, magic=2, payload=None, count=None,
          corrupt=False):
    """A batch of these values, or of this payload of `count` records."""
    now = int(time.time() * 1000) if timestamp is None else timestamp
    count = len(values) if count is None else count
    payload = b"".join(record(i, v) for i, v in enumerate(values)) if payload is None else payload
    checked = struct.pack(
        ">hiqqqhii", attributes, count - 1, now, now, producer, epoch, sequence, count) + payload
    crc = crc32c(checked) ^ (1 if corrupt else 0)
    return struct.pack(">qiibI", 0, 9 + len(checked), -1, magic, crc) + checked


def batch_of_size(size):
    """A batch of one record that takes exactly this many bytes. (A few sizes, where a length grows by a byte, are not
    possible.)"""
    length = size - len(batch([b""]))
    while len(made := batch([b"x" * length])) > size:
        length -= len(made) - size
    assert len(made) == size, (len(made), size)
    return made
