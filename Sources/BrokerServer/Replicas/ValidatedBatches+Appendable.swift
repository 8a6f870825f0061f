// SPDX-License-Identifier: Apache-2.0

import KafkaRecords
import LogStorage

extension ValidatedBatches: AppendableBatches {}
