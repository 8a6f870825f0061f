// SPDX-License-Identifier: Apache-2.0
// Generated from Schema/AlterUserScramCredentials.schema by ProtocolGenerator.

import KafkaModel

/// Sets and removes SCRAM credentials (KIP-554).
///
/// Version 0, flexible from 0; request.
package struct AlterUserScramCredentialsRequest: RequestMessage {
    package typealias Response = AlterUserScramCredentialsResponse
    package static var apiKey: ApiKey { .alterUserScramCredentials }
    package static var versions: ClosedRange<Int16> { 0...0 }
    package static var firstFlexibleVersion: Int16 { 0 }
    package static var minimumSize: Int { 3 }

    package var deletions: [ScramCredentialDeletion] = []
    package var upsertions: [ScramCredentialUpsertion] = []
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(deletions: [ScramCredentialDeletion] = [], upsertions: [ScramCredentialUpsertion] = []) {
        self.deletions = deletions
        self.upsertions = upsertions
    }

    package init(from reader: inout WireReader) throws(WireError) {
        deletions = try reader.read()
        upsertions = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(deletions)
        try writer.write(upsertions)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension AlterUserScramCredentialsRequest {
    /// An element of `deletions`.
    package struct ScramCredentialDeletion: WireMessage {
        package static var minimumSize: Int { 3 }

        package var name: String = ""
        /// 1: SCRAM-SHA-256; 2: SCRAM-SHA-512.
        package var mechanism: Int8 = 0
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(name: String = "", mechanism: Int8 = 0) {
            self.name = name
            self.mechanism = mechanism
        }

        package init(from reader: inout WireReader) throws(WireError) {
            name = try reader.read()
            mechanism = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(name)
            try writer.write(mechanism)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }

    /// An element of `upsertions`.
    package struct ScramCredentialUpsertion: WireMessage {
        package static var minimumSize: Int { 9 }

        package var name: String = ""
        /// 1: SCRAM-SHA-256; 2: SCRAM-SHA-512.
        package var mechanism: Int8 = 0
        package var iterations: Int32 = 0
        package var salt: [UInt8] = []
        package var saltedPassword: [UInt8] = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(
            name: String = "",
            mechanism: Int8 = 0,
            iterations: Int32 = 0,
            salt: [UInt8] = [],
            saltedPassword: [UInt8] = []
        ) {
            self.name = name
            self.mechanism = mechanism
            self.iterations = iterations
            self.salt = salt
            self.saltedPassword = saltedPassword
        }

        package init(from reader: inout WireReader) throws(WireError) {
            name = try reader.read()
            mechanism = try reader.read()
            iterations = try reader.read()
            salt = try reader.read()
            saltedPassword = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(name)
            try writer.write(mechanism)
            try writer.write(iterations)
            try writer.write(salt)
            try writer.write(saltedPassword)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}

/// Sets and removes SCRAM credentials (KIP-554).
///
/// Version 0, flexible from 0; response.
package struct AlterUserScramCredentialsResponse: ThrottledResponse {
    package static var apiKey: ApiKey { .alterUserScramCredentials }
    package static var versions: ClosedRange<Int16> { 0...0 }
    package static var firstFlexibleVersion: Int16 { 0 }
    package static var minimumSize: Int { 6 }

    package var throttleTimeMs: Int32 = 0
    package var results: [AlterUserScramCredentialsResult] = []
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(throttleTimeMs: Int32 = 0, results: [AlterUserScramCredentialsResult] = []) {
        self.throttleTimeMs = throttleTimeMs
        self.results = results
    }

    package init(from reader: inout WireReader) throws(WireError) {
        throttleTimeMs = try reader.read()
        results = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(throttleTimeMs)
        try writer.write(results)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension AlterUserScramCredentialsResponse {
    /// An element of `results`.
    package struct AlterUserScramCredentialsResult: WireMessage {
        package static var minimumSize: Int { 5 }

        package var user: String = ""
        package var errorCode: ErrorCode = .none
        package var errorMessage: String? = ""
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(user: String = "", errorCode: ErrorCode = .none, errorMessage: String? = "") {
            self.user = user
            self.errorCode = errorCode
            self.errorMessage = errorMessage
        }

        package init(from reader: inout WireReader) throws(WireError) {
            user = try reader.read()
            errorCode = try reader.read()
            errorMessage = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(user)
            try writer.write(errorCode)
            try writer.write(errorMessage)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}
