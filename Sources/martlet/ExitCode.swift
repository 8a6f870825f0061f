// SPDX-License-Identifier: Apache-2.0

/// How a broker's process ends.
enum ExitCode {
    /// It was asked to stop, and stopped in order.
    static let success: Int32 = 0
    /// Something is wrong that stays so until somebody mends it: the command line, a setting, a directory.
    static let failure: Int32 = 1
    /// The start may succeed later, with nothing changed here (`EX_TEMPFAIL` of sysexits.h). Kafka ends with 1 for this as
    /// well; a service manager needs the difference to know what to try again.
    static let temporaryFailure: Int32 = 75
}
