// SPDX-License-Identifier: Apache-2.0

package import Coordination
internal import KafkaModel
import KafkaProtocol
package import KafkaRecords

/// Making groups from the log.
extension GroupCoordinator {
    /// Takes the next batch of the partition. Records of unknown kinds are skipped; those that cannot be read are an
    /// error, with which the partition cannot be coordinated (as in Kafka, where loading fails).
    package mutating func load(_ batch: RecordBatch, now: CoordinatorTime) throws {
        let header = batch.header
        if header.isControl {
            if let marker = try batch.endTransactionMarker() {
                let end = Group.TransactionEnd(isCommit: marker.isCommit, markerOffset: header.baseOffset)
                endTransaction(header.producerID) { coordinator, group in
                    coordinator.groups[group]?.endTransaction(header.producerID, end)
                }
            }
            return
        }
        var records = try batch.records()
        while let record = try records.next() {
            guard let key = record.key, let read = try reader.read(key: key, value: record.value) else { continue }
            replay(
                read, at: record.offset, producer: header.isTransactional ? header.producerID : nil, now: now)
        }
    }

    private mutating func replay(
        _ record: OffsetsRecord, at offset: Offset, producer: ProducerID?, now: CoordinatorTime
    ) {
        switch record {
        case .offset(let id, let partition, let value?) where producer == nil:
            groups[id, default: Group(id: id)].keep(
                partition, Group.StoredOffset(committed: CommittedOffset(value), recordOffset: offset))
        case .offset(let id, let partition, let value):
            if groups[id] == nil {
                guard value != nil else { return }
                groups[id] = Group(id: id)
            }
            if let producer {
                groups[id]?.transactionalOffsets[producer, default: [:]][partition] = value.map {
                    Group.PendingTransactionalOffset(
                        stored: Group.StoredOffset(committed: CommittedOffset($0), recordOffset: offset))
                }
                groupsByProducer[producer, default: []].insert(id)
            } else {
                groups[id]?.offsets[partition] = nil
                // Nothing else was known of a group that only kept positions.
                if let group = groups[id], group.stateSince == nil, group.generation == 0, !group.hasOffsets {
                    groups[id] = nil
                }
            }
        case .group(let id, let value?):
            var group = Group(id: id, value, uptime: now.uptime)
            if let known = groups[id] {
                group.offsets = known.offsets
                group.transactionalOffsets = known.transactionalOffsets
            }
            groups[id] = group
        case .group(let id, nil):
            // Positions may outlive the group's state, or come again after it.
            guard let known = groups[id] else { return }
            var group = Group(id: id)
            group.offsets = known.offsets
            group.transactionalOffsets = known.transactionalOffsets
            groups[id] = group.hasOffsets ? group : nil
        }
    }
}
