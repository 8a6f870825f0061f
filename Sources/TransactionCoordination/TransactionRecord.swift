// SPDX-License-Identifier: Apache-2.0

internal import Coordination
internal import KafkaModel
internal import KafkaProtocol
package import NIOCore
internal import OrderedCollections

/// A record of `__transaction_state`.
package struct TransactionRecord: Hashable, Sendable {
    package var transactionalID: String
    /// Nil for a tombstone.
    package var value: TransactionSnapshot?

    package init(transactionalID: String, value: TransactionSnapshot?) {
        self.transactionalID = transactionalID
        self.value = value
    }

    /// Nil for kinds of records that this version does not know.
    ///
    /// - Throws: `WireError`, or ``UnknownTransactionState``.
    package init?(key: ByteBuffer, value: ByteBuffer?) throws {
        var key = key
        guard let keyVersion = key.readInteger(as: Int16.self) else { throw WireError.truncated }
        guard keyVersion == 0 else { return nil }
        transactionalID = try TransactionLogKey(decoding: key, version: keyVersion).transactionalID
        guard var value else { return }
        guard let version = value.readInteger(as: Int16.self) else { throw WireError.truncated }
        self.value = try TransactionSnapshot(try TransactionLogValue(decoding: value, version: version))
    }

    /// The key and value as Kafka writes them, in version 0.
    /// - Throws: if the id is longer than 32767 bytes.
    package func encoded() throws -> (key: ByteBuffer, value: ByteBuffer?) {
        let key = try Self.encoded(TransactionLogKey(transactionalID: transactionalID), 0)
        guard let value else { return (key, nil) }
        return (key, try Self.encoded(TransactionLogValue(value), 0))
    }

    private static func encoded(_ message: some DataMessage, _ version: Int16) throws(WireError) -> ByteBuffer {
        let body = try message.encoded(version: version)
        var bytes = ByteBufferAllocator().buffer(capacity: body.readableBytes + 2)
        bytes.writeInteger(version)
        bytes.writeImmutableBuffer(body)
        return bytes
    }
}

/// A number that no state on a log has.
package struct UnknownTransactionState: Error, Hashable {
    package var number: Int8

    package init(number: Int8) {
        self.number = number
    }
}

extension TransactionSnapshot {
    fileprivate init(_ value: TransactionLogValue) throws(UnknownTransactionState) {
        guard let state = TransactionState(rawValue: value.transactionStatus) else {
            throw UnknownTransactionState(number: value.transactionStatus)
        }
        self.init(
            producer: ProducerIdentity(id: value.producerID, epoch: value.producerEpoch),
            timeout: value.transactionTimeoutMs, state: state, lastUpdate: value.transactionLastUpdateTimestampMs,
            start: value.transactionStartTimestampMs)
        for topic in value.transactionPartitions ?? [] {
            for partition in topic.partitionIDs { partitions.append(TopicPartition(topic.topic, partition)) }
        }
    }
}

extension TransactionLogValue {
    fileprivate init(_ snapshot: TransactionSnapshot) {
        var topics: OrderedDictionary<String, [Int32]> = [:]
        for partition in snapshot.partitions { topics[partition.topic, default: []].append(partition.partition) }
        self.init(
            producerID: snapshot.producer.id, producerEpoch: snapshot.producer.epoch,
            transactionTimeoutMs: snapshot.timeout, transactionStatus: snapshot.state.rawValue,
            // Kafka tells "no transaction" from "none left".
            transactionPartitions: snapshot.state == .empty
                ? nil : topics.map { PartitionsSchema(topic: $0.key, partitionIDs: $0.value) },
            transactionLastUpdateTimestampMs: snapshot.lastUpdate, transactionStartTimestampMs: snapshot.start)
    }
}

extension CoordinatorBatch.Record {
    /// Nil if the id is longer than a record can say.
    init?(_ id: String, _ value: TransactionSnapshot?) {
        guard let (key, value) = try? TransactionRecord(transactionalID: id, value: value).encoded() else { return nil }
        self.init(key: key, value: value)
    }
}
