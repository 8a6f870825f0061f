// SPDX-License-Identifier: Apache-2.0

import KafkaModel

/// Why a log refused or failed. ``errorCode`` is what a client is told.
package enum LogError: Error, Sendable {
    // The caller's mistakes.

    /// A read below the log's start or beyond its end.
    case offsetOutOfRange(requested: Offset, logStart: Offset, logEnd: Offset)
    /// An append that is larger than a segment may be.
    case recordListTooLarge(bytes: Int, limit: Int)
    /// A batch that is larger than `max.message.bytes`.
    case batchTooLarge(bytes: Int, limit: Int)
    /// Bytes that are no sound batch, with what is wrong.
    case corruptBatch(String)
    /// A follower was given batches that do not follow its log's end.
    case unexpectedAppendOffset(expected: Offset, found: Offset)
    /// The producer's epoch is older than the one known here (KIP-98).
    case invalidProducerEpoch(ProducerID, epoch: ProducerEpoch, current: ProducerEpoch)
    /// The batch's first sequence number does not follow the producer's last.
    case outOfOrderSequence(ProducerID, epoch: ProducerEpoch, sequence: Int32, last: Int32)
    /// A batch outside of a transaction inside one, or a transactional one that was not verified (KIP-890).
    case invalidTransactionState(ProducerID)
    /// A transaction marker of a coordinator that has been replaced.
    case transactionCoordinatorFenced(ProducerID, coordinatorEpoch: Int32, current: Int32)
    /// DeleteRecords beyond the high watermark.
    case deleteBeyondHighWatermark(requested: Offset, highWatermark: Offset)
    /// The directory belongs to another topic of this name (KIP-516).
    case inconsistentTopicID(path: String, found: KafkaUUID, expected: KafkaUUID)

    // The world's failures.

    /// The disk is full. Nothing was acknowledged, nothing of it is left; the log goes on serving reads, retention and
    /// deletion, and appends once space returns.
    case diskFull(FileError)
    /// A system call failed: the directory has gone offline.
    case file(FileError)
    /// A file's content is not what its format says.
    case malformed(MalformedFile)
    /// Batches that an earlier process has left are not what they were. They are not served; sound ones before and behind
    /// them are.
    case damagedRecords(MalformedFile)
    /// The directory of this log is offline since an earlier failure.
    case directoryOffline(path: String)
    /// The log was closed or deleted meanwhile.
    case closed

    init(_ error: FileError) {
        if error.isTooLarge {
            // The disk has done nothing wrong.
            self = .malformed(
                MalformedFile(
                    error.path, .wholeFile, "is larger than any such file can be",
                    advice: "stop the broker, and restore the file or move it away"))
        } else {
            self = error.isDiskFull ? .diskFull(error) : .file(error)
        }
    }
}

extension LogError {
    /// What a Kafka client is told about it.
    package var errorCode: ErrorCode {
        switch self {
        case .offsetOutOfRange, .deleteBeyondHighWatermark: .offsetOutOfRange
        case .recordListTooLarge: .recordListTooLarge
        case .batchTooLarge: .messageTooLarge
        case .corruptBatch, .damagedRecords: .corruptMessage
        case .unexpectedAppendOffset: .unknownServerError
        case .invalidProducerEpoch: .invalidProducerEpoch
        case .outOfOrderSequence: .outOfOrderSequenceNumber
        case .invalidTransactionState: .invalidTxnState
        case .transactionCoordinatorFenced: .transactionCoordinatorFenced
        case .inconsistentTopicID: .inconsistentTopicID
        // Retriable: the client refreshes its metadata and tries again. For a full disk too: Kafka has no code of its
        // own, takes the directory offline and answers with this one, so that all producers know to repeat the batch.
        case .diskFull, .file, .malformed, .directoryOffline: .kafkaStorageError
        case .closed: .notLeaderOrFollower
        }
    }

    /// Whether the directory that holds the log can no longer be trusted.
    package var condemnsDirectory: Bool {
        switch self {
        case .file(let error): !error.isOutOfHandles
        default: false
        }
    }

    /// The process has all the files open that it may: others will be closed.
    package var isOutOfHandles: Bool { if case .file(let error) = self { error.isOutOfHandles } else { false } }

    package var isDiskFull: Bool { if case .diskFull = self { true } else { false } }
}

extension LogError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .offsetOutOfRange(let requested, let logStart, let logEnd):
            "offset \(requested) is outside of [\(logStart), \(logEnd)]"
        case .recordListTooLarge(let bytes, let limit):
            "\(bytes) bytes of batches are more than the \(limit) of a segment (segment.bytes)"
        case .batchTooLarge(let bytes, let limit):
            "a batch of \(bytes) bytes is larger than \(limit) (max.message.bytes)"
        case .corruptBatch(let problem): "corrupt batch: \(problem)"
        case .unexpectedAppendOffset(let expected, let found):
            "batches from offset \(found) do not follow the log's end \(expected)"
        case .invalidProducerEpoch(let id, let epoch, let current):
            "producer \(id) writes with epoch \(epoch), the current one is \(current)"
        case .outOfOrderSequence(let id, let epoch, let sequence, let last):
            "producer \(id) with epoch \(epoch) sent sequence \(sequence), the last one was \(last)"
        case .invalidTransactionState(let id): "the batch of producer \(id) does not fit its transaction's state"
        case .transactionCoordinatorFenced(let id, let epoch, let current):
            "marker for producer \(id) with coordinator epoch \(epoch), the current one is \(current)"
        case .deleteBeyondHighWatermark(let requested, let highWatermark):
            "cannot delete up to offset \(requested), the high watermark is \(highWatermark)"
        case .inconsistentTopicID(let path, let found, let expected):
            "\(path) belongs to the topic with id \(found), not \(expected)"
        case .diskFull(let error), .file(let error): error.description
        case .malformed(let file), .damagedRecords(let file): file.description
        case .directoryOffline(let path): "log directory \(path) is offline"
        case .closed: "the log is closed"
        }
    }
}

/// Runs file operations as part of a log's: their errors become the log's.
func logErrors<Result>(_ body: () throws(FileError) -> Result) throws(LogError) -> Result {
    do throws(FileError) { return try body() } catch { throw LogError(error) }
}

/// Runs what may as well be done later: a full disk puts it off. Returns whether it was done.
@discardableResult
func unlessFull(_ body: () throws(LogError) -> Void) throws(LogError) -> Bool {
    do throws(LogError) {
        try body()
        return true
    } catch {
        guard error.isDiskFull else { throw error }
        return false
    }
}
