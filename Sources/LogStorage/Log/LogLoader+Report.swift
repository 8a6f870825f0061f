// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import Logging

extension LogLoader {
    /// What a log's start found, for the operator.
    enum LoadReport: Sendable {
        case removedLeftover(path: String)
        case completedSwap(path: String)
        case rebuiltIndex(path: String)
        case malformed(MalformedFile)
        case recovering(base: Offset, number: Int, of: Int)
        /// So much of a segment was read since the last such report.
        case scanned(bytes: Int64)
        case recovered(base: Offset, bytes: Int64)
        case truncated(base: Offset, to: Offset, position: Int64, problem: String, lostBytes: Int64)
        case removedSegments(count: Int, after: Offset)
        case closedHole(from: Offset, to: Offset)
        case startedOver(logEnd: Offset, logStart: Offset)
        case impossibleStart(logEnd: Offset, logStart: Offset)
        case diskFull(path: String)
    }
}

extension LogLoader.LoadReport {
    func log(to logger: Logger) {
        switch self {
        case .removedLeftover(let path):
            logger.debug("Removed what a crash had left", metadata: [LogKey.path: "\(path)"])
        case .completedSwap(let path):
            logger.info("Found a complete compaction and put it in place", metadata: [LogKey.path: "\(path)"])
        case .rebuiltIndex(let path):
            logger.warning("Built a missing or damaged index anew", metadata: [LogKey.path: "\(path)"])
        case .malformed(let file):
            logger.warning("Damaged file", metadata: [LogKey.error: "\(file)"])
        case .recovering(let base, let number, let count):
            logger.info(
                "Recovering unflushed segment",
                metadata: [LogKey.segment: "\(base)", LogKey.count: "\(number)/\(count)"])
        case .scanned: break
        case .recovered(let base, let bytes):
            logger.debug(
                "Recovered segment", metadata: [LogKey.segment: "\(base)", LogKey.bytes: "\(bytes)"])
        case .truncated(let base, let offset, let position, let problem, let bytes):
            logger.warning(
                "Corruption found in segment, truncating",
                metadata: [
                    LogKey.segment: "\(base)", LogKey.offset: "\(offset)", "kafka.position": "\(position)",
                    LogKey.reason: "\(problem)", LogKey.bytes: "\(bytes)",
                ])
        case .removedSegments(let count, let offset):
            logger.warning(
                "Removed segments behind the corruption",
                metadata: [LogKey.count: "\(count)", LogKey.offset: "\(offset)"])
        case .diskFull(let path):
            logger.warning(
                "The disk is full: what would spare the next start some work is not written",
                metadata: [LogKey.path: "\(path)"])
        case .closedHole(let from, let to):
            logger.info(
                "Offsets are missing between two segments of a compacted log",
                metadata: [LogKey.offset: "\(from)", LogKey.segment: "\(to)"])
        case .impossibleStart(let end, let start):
            logger.error(
                "log-start-offset-checkpoint says that the log starts behind its end: the line is ignored",
                metadata: [LogKey.offset: "\(end)", "kafka.log.start": "\(start)"])
        case .startedOver(let end, let start):
            logger.error(
                "The log ends below its start and is begun anew there",
                metadata: [LogKey.offset: "\(end)", "kafka.log.start": "\(start)"])
        }
    }
}
