# SPDX-License-Identifier: Apache-2.0
"""Who deletes topics, and in which order that is asked."""

import os
import struct
import unittest

import wire
from harness import Broker

NOT_CONTROLLER, TOPIC_DELETION_DISABLED, INVALID_REQUEST = 41, 73, 42
DELETE_TOPICS = 20


class TopicDeletionTests(unittest.TestCase):
    def delete(self, broker, *topics):
        """Version 6, of ids where a topic is bytes. Returns the errors."""
        body = b"\0" + bytes([len(topics) + 1])
        for topic in topics:
            body += (b"\0" + topic if isinstance(topic, bytes) else bytes([len(topic) + 1]) + topic.encode() + bytes(16))
            body += b"\0"
        with broker.connect() as connection:
            connection.send(DELETE_TOPICS, 6, body + struct.pack(">i", 1000) + b"\0")
            answer = wire.Reader(connection.receive_frame())
        answer.unpack("ibi")

        def result():
            named = answer.int("B")
            name = answer.take(named - 1).decode() if named else None
            identifier, error = answer.take(16), answer.int("h")
            message = answer.int("B")
            answer.take(max(0, message - 1) + 1)
            return name or identifier, error

        return [result() for _ in range(answer.int("B") - 1)]

    def test_who_may_delete_is_asked_before_what(self):
        controller = Broker(delete_topic_enable="false").start()
        self.addCleanup(controller.kill)
        other = Broker(chroot=controller.chroot, broker_id=2).start()
        self.addCleanup(other.kill)
        identifier = os.urandom(16)
        for broker, error in [(other, NOT_CONTROLLER), (controller, TOPIC_DELETION_DISABLED)]:
            # What is named again is answered once.
            self.assertEqual(
                self.delete(broker, identifier, "nothing", identifier, "nothing"),
                [(identifier, error), ("nothing", error)])
        # Version 1 does not know the error.
        with controller.connect() as connection:
            answer = connection.request(DELETE_TOPICS, 1, struct.pack(">i", 1) + wire.string("nothing") + bytes(4))
            answer.int("i")
            self.assertEqual(answer.array(lambda: (answer.string(), answer.int("h"))), [("nothing", INVALID_REQUEST)])
        with other.connect() as connection:
            # UpdateFeatures, which is the controller's too.
            connection.send(57, 1, b"\0" + bytes(4) + b"\1\0\0")
            answer = wire.Reader(connection.receive_frame())
            answer.unpack("ibi")
            self.assertEqual(answer.int("h"), NOT_CONTROLLER)
