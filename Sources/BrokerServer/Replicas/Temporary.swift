// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import KafkaRecords
import LogStorage

extension ValidatedBatches: AppendableBatches {
    package mutating func assign(baseOffset: Offset, leaderEpoch: LeaderEpoch, now: Timestamp) {
        assign(
            baseOffset: baseOffset, leaderEpoch: leaderEpoch, logAppendTime: timestampType == .logAppendTime ? now : nil)
    }
}
