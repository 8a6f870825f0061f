// SPDX-License-Identifier: Apache-2.0

import KafkaClient

/// The client's own, of the two in sight.
typealias TopicPartition = KafkaClient.TopicPartition
