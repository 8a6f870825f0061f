# SPDX-License-Identifier: Apache-2.0
"""Settings of topics and brokers that change while the broker runs."""

import struct

import confluent_kafka
import confluent_kafka.admin
import wire
from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource
from harness import Broker, SharedBrokerTestCase, cases, eventually, expand

DESCRIBE_CONFIGS, ALTER_CONFIGS, INCREMENTAL_ALTER_CONFIGS = 32, 33, 44
TOPIC, BROKER, BROKER_LOGGER, CLIENT_METRICS = 2, 4, 8, 16
SET, DELETE, APPEND, SUBTRACT = range(4)


def alter(connection, kind, name, changes, validate_only=False):
    """IncrementalAlterConfigs, version 0: `changes` are (name, operation, value). Returns (error, message)."""
    body = (struct.pack(">ib", 1, kind) + wire.string(name) + struct.pack(">i", len(changes))
            + b"".join(wire.string(n) + struct.pack(">b", o) + wire.string(v) for n, o, v in changes)
            + struct.pack(">b", validate_only))
    answer = connection.request(INCREMENTAL_ALTER_CONFIGS, 0, body)
    answer.int("i")
    return answer.array(lambda: (answer.int("h"), answer.string(), answer.int("b"), answer.string()))[0][:2]


def replace(connection, kind, name, configs):
    """AlterConfigs, version 0."""
    body = (struct.pack(">ib", 1, kind) + wire.string(name) + struct.pack(">i", len(configs))
            + b"".join(wire.string(n) + wire.string(v) for n, v in configs.items()) + b"\0")
    answer = connection.request(ALTER_CONFIGS, 0, body)
    answer.int("i")
    return answer.array(lambda: (answer.int("h"), answer.string(), answer.int("b"), answer.string()))[0][:2]


def describe(bootstrap, kind, name):
    admin = confluent_kafka.admin.AdminClient({"bootstrap.servers": bootstrap})
    resource = ConfigResource(kind, name)
    return admin.describe_configs([resource])[resource].result(20)


@expand
class TopicConfigTests(SharedBrokerTestCase):
    kind = "configs"

    def values(self, topic):
        return {name: entry.value for name, entry in describe(self.bootstrap, "topic", topic).items()}

    def test_a_change_is_described_and_holds_at_once(self):
        topic, connection = self.topic("altered"), self.connection()
        self.assertEqual(alter(connection, TOPIC, topic, [("max.message.bytes", SET, "500")]), (0, None))
        self.assertEqual(self.values(topic)["max.message.bytes"], "500")
        large = wire.batch_of_size(600)
        eventually(lambda: connection.produce(topic, large)[0] == wire.MESSAGE_TOO_LARGE)
        self.assertEqual(alter(connection, TOPIC, topic, [("max.message.bytes", DELETE, None)]), (0, None))
        eventually(lambda: connection.produce(topic, large)[0] == wire.NONE)

    def test_lists_grow_and_shrink(self):
        topic, connection = self.topic("lists"), self.connection()
        self.assertEqual(alter(connection, TOPIC, topic, [("cleanup.policy", APPEND, "compact")]), (0, None))
        self.assertEqual(self.values(topic)["cleanup.policy"], "delete,compact")
        self.assertEqual(alter(connection, TOPIC, topic, [("cleanup.policy", SUBTRACT, "delete")]), (0, None))
        self.assertEqual(self.values(topic)["cleanup.policy"], "compact")

    def test_settings_are_replaced(self):
        topic, connection = self.topic("replaced", retention_ms=5), self.connection()
        self.assertEqual(replace(connection, TOPIC, topic, {"flush.ms": "1000"}), (0, None))
        found = self.values(topic)
        self.assertEqual((found["flush.ms"], found["retention.ms"]), ("1000", "604800000"))

    def test_a_check_changes_nothing(self):
        topic, connection = self.topic("checked"), self.connection()
        self.assertEqual(alter(connection, TOPIC, topic, [("flush.ms", SET, "7")], validate_only=True), (0, None))
        self.assertNotEqual(self.values(topic)["flush.ms"], "7")

    def test_refusals_are_kafkas(self):
        topic, connection = self.topic("refused"), self.connection()
        self.assertEqual(
            alter(connection, TOPIC, topic, [("retention.ms", SET, "abc")]),
            (40, f"Invalid config value for resource ConfigResource(type=TOPIC, name='{topic}'): Invalid value abc for "
                 "configuration retention.ms: Not a number of type LONG"))
        self.assertEqual(
            alter(connection, TOPIC, "no-such-topic", []), (3, "The topic 'no-such-topic' does not exist."))
        self.assertEqual(
            alter(connection, CLIENT_METRICS, "m1", [("interval.ms", SET, "1000")]),
            (42, "AlterConfigs is only supported for topics and brokers, but resource type is CLIENT_METRICS"))

    def test_a_new_topic_of_the_name_does_not_inherit(self):
        topic, connection = self.topic("inherit", max_message_bytes=500), self.connection()
        admin = confluent_kafka.admin.AdminClient({"bootstrap.servers": self.bootstrap})
        admin.delete_topics([topic])[topic].result(20)

        def created():
            try:
                connection.create_topic(topic)
                return True
            except AssertionError as error:
                self.assertIn(f"error {wire.TOPIC_ALREADY_EXISTS}", str(error))

        eventually(created)
        eventually(lambda: connection.leads_all(topic, 1))
        self.assertEqual(connection.produce(topic, wire.batch_of_size(600))[0], wire.NONE)


@expand
class BrokerConfigTests(SharedBrokerTestCase):
    kind = "broker configs"

    @cases(("1", "DYNAMIC_BROKER_CONFIG"), ("", "DYNAMIC_DEFAULT_BROKER_CONFIG"))
    def test_a_default_of_topics_changes_at_once(self, name, source):
        topic, connection = self.topic("default"), self.connection()
        self.assertEqual(alter(connection, BROKER, name, [("message.max.bytes", SET, "700")]), (0, None))
        large = wire.batch_of_size(800)
        eventually(lambda: connection.produce(topic, large)[0] == wire.MESSAGE_TOO_LARGE)
        found = describe(self.bootstrap, "broker", "1")["message.max.bytes"]
        self.assertEqual((found.value, confluent_kafka.admin.ConfigSource(found.source).name), ("700", source))
        self.assertEqual(describe(self.bootstrap, "topic", topic)["max.message.bytes"].value, "700")
        self.assertEqual(alter(connection, BROKER, name, [("message.max.bytes", DELETE, None)]), (0, None))
        eventually(lambda: connection.produce(topic, large)[0] == wire.NONE)

    def test_what_cannot_change_is_refused(self):
        connection = self.connection()
        self.assertEqual(
            alter(connection, BROKER, "1", [("broker.rack", SET, "zzz")]),
            (42, "Cannot update these configs dynamically: Set(broker.rack)"))
        self.assertEqual(
            alter(connection, BROKER, "2", [("message.max.bytes", SET, "1")]),
            (42, "Unexpected broker id, expected 1, but received 2"))
        self.assertEqual(alter(connection, BROKER, "1", [("message.max.bytes", SET, "-1")])[0], 40)

    def test_limits_of_connections_change_at_once(self):
        broker = Broker().start()
        self.addCleanup(broker.kill)

        def is_refused():
            with wire.Connection(broker.port, seconds=1) as another:
                try:
                    another.request(wire.API_VERSIONS, 0, b"")
                    return False
                except (EOFError, ConnectionError):
                    return True

        with wire.Connection(broker.port) as connection:
            self.assertFalse(is_refused())
            self.assertEqual(alter(connection, BROKER, "1", [("max.connections.per.ip", SET, "1")]), (0, None))
            eventually(is_refused)
            self.assertEqual(alter(connection, BROKER, "1", [("max.connections.per.ip", DELETE, None)]), (0, None))
            eventually(lambda: not is_refused())

    def test_changes_outlive_the_broker(self):
        broker = Broker().start()
        self.addCleanup(lambda: broker.process.poll() is None and broker.kill())
        with wire.Connection(broker.port) as connection:
            self.assertEqual(alter(connection, BROKER, "1", [("message.max.bytes", SET, "700")]), (0, None))
            connection.create_topic("kept")
        broker.terminate()
        broker.start()
        with wire.Connection(broker.port) as connection:
            eventually(lambda: connection.leads_all("kept", 1))
            self.assertEqual(connection.produce("kept", wire.batch_of_size(800))[0], wire.MESSAGE_TOO_LARGE)
        self.assertEqual(describe(broker.bootstrap, "broker", "1")["message.max.bytes"].value, "700")


class LoggerLevelTests(SharedBrokerTestCase):
    """KIP-412: levels of loggers are configurations of the resource type BROKER_LOGGER."""

    kind = "loggers"
    CLEANER, CONTROLLER = "kafka.log.LogCleaner", "kafka.controller.KafkaController"

    def levels(self):
        """DescribeConfigs, version 1: client libraries do not know the type."""
        body = struct.pack(">ib", 1, BROKER_LOGGER) + wire.string("1") + struct.pack(">ib", -1, 1)
        answer = self.connection().request(DESCRIBE_CONFIGS, 1, body)
        answer.int("i")

        def entry():
            name, value, is_read_only, source, is_sensitive = (
                answer.string(), answer.string(), *answer.unpack("bbb"))
            self.assertEqual((is_read_only, source, is_sensitive), (0, 6, 0))
            self.assertEqual(answer.array(lambda: (answer.string(), answer.string(), answer.int("b"))), [])
            return name, value

        error, _, kind, name, levels = answer.array(
            lambda: (*answer.unpack("h"), answer.string(), answer.int("b"), answer.string(), answer.array(entry)))[0]
        self.assertEqual((error, kind, name), (0, BROKER_LOGGER, "1"))
        return dict(levels)

    def alter(self, *changes, broker="1", validate_only=False):
        return alter(self.connection(), BROKER_LOGGER, broker, changes, validate_only)

    def test_levels_change_at_once_and_fall_back(self):
        before = self.levels()
        self.assertEqual(before["root"], "INFO")
        self.assertEqual(set(before.values()), {"INFO"})
        self.assertEqual(self.alter(("kafka", SET, "WARN"), (self.CLEANER, SET, "TRACE")), (0, None))
        levels = self.levels()
        self.assertEqual((levels["root"], levels[self.CLEANER], levels[self.CONTROLLER]), ("INFO", "TRACE", "WARN"))
        self.assertEqual(self.alter((self.CLEANER, DELETE, None)), (0, None))
        self.assertEqual(self.levels()[self.CLEANER], "WARN")
        self.assertEqual(self.alter(("kafka", DELETE, None)), (0, None))
        self.assertEqual(self.levels(), before)

    def test_a_logger_says_less_once_it_is_told_to(self):
        def said():
            with open(self.broker.log) as file:
                return sum("not served (kafka.network.SocketServer)" in line for line in file)

        def provoke():
            with self.connection() as connection:
                connection.send(999, 0, b"")
                self.assertTrue(connection.is_closed_by_broker())

        before = said()
        provoke()
        eventually(lambda: said() == before + 1, message="nothing is said")
        self.assertEqual(self.alter(("kafka.network.SocketServer", SET, "WARN")), (0, None))
        provoke()
        self.assertEqual(self.alter(("kafka.network.SocketServer", DELETE, None)), (0, None))
        provoke()
        eventually(lambda: said() > before + 1)
        self.assertEqual(said(), before + 2)

    def test_refusals_are_kafkas(self):
        self.assertEqual(self.alter(("no.such.Logger", SET, "INFO")), (40, "Logger no.such.Logger does not exist!"))
        self.assertEqual(
            self.alter(("root", SET, "LOUD")),
            (40, "Cannot set the log level of root to LOUD as it is not a supported log level. "
                 "Valid log levels are DEBUG, ERROR, FATAL, INFO, TRACE, WARN"))
        self.assertEqual(
            self.alter(("root", DELETE, None)), (42, "Removing the log level of the root logger is not allowed"))
        self.assertEqual(
            self.alter(("root", APPEND, "INFO")),
            (42, "APPEND operation is not allowed for the BROKER_LOGGER resource"))
        self.assertEqual(
            self.alter(("root", SET, "WARN"), broker="7"), (42, "Unexpected broker id, expected 1, but received 7"))
        # One bad change keeps the others from being made, and a check changes nothing.
        self.assertEqual(self.alter((self.CLEANER, SET, "DEBUG"), ("no.such.Logger", SET, "INFO"))[0], 40)
        self.assertEqual(self.alter((self.CLEANER, SET, "DEBUG"), validate_only=True), (0, None))
        self.assertEqual(self.levels()[self.CLEANER], "INFO")
