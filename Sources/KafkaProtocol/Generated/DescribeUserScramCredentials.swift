// SPDX-License-Identifier: Apache-2.0
// Generated from Schema/DescribeUserScramCredentials.schema by ProtocolGenerator.

import KafkaModel

/// Lists the users that have SCRAM credentials, without the credentials (KIP-554).
///
/// Version 0, flexible from 0; request.
package struct DescribeUserScramCredentialsRequest: RequestMessage {
    package typealias Response = DescribeUserScramCredentialsResponse
    package static var apiKey: ApiKey { .describeUserScramCredentials }
    package static var versions: ClosedRange<Int16> { 0...0 }
    package static var firstFlexibleVersion: Int16 { 0 }
    package static var minimumSize: Int { 2 }

    package var users: [UserName]? = []
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(users: [UserName]? = []) {
        self.users = users
    }

    package init(from reader: inout WireReader) throws(WireError) {
        users = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(users)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension DescribeUserScramCredentialsRequest {
    /// An element of `users`.
    package struct UserName: WireMessage {
        package static var minimumSize: Int { 2 }

        package var name: String = ""
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(name: String = "") {
            self.name = name
        }

        package init(from reader: inout WireReader) throws(WireError) {
            name = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(name)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}

/// Lists the users that have SCRAM credentials, without the credentials (KIP-554).
///
/// Version 0, flexible from 0; response.
package struct DescribeUserScramCredentialsResponse: ThrottledResponse {
    package static var apiKey: ApiKey { .describeUserScramCredentials }
    package static var versions: ClosedRange<Int16> { 0...0 }
    package static var firstFlexibleVersion: Int16 { 0 }
    package static var minimumSize: Int { 9 }

    package var throttleTimeMs: Int32 = 0
    package var errorCode: ErrorCode = .none
    package var errorMessage: String? = ""
    package var results: [DescribeUserScramCredentialsResult] = []
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(
        throttleTimeMs: Int32 = 0,
        errorCode: ErrorCode = .none,
        errorMessage: String? = "",
        results: [DescribeUserScramCredentialsResult] = []
    ) {
        self.throttleTimeMs = throttleTimeMs
        self.errorCode = errorCode
        self.errorMessage = errorMessage
        self.results = results
    }

    package init(from reader: inout WireReader) throws(WireError) {
        throttleTimeMs = try reader.read()
        errorCode = try reader.read()
        errorMessage = try reader.read()
        results = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(throttleTimeMs)
        try writer.write(errorCode)
        try writer.write(errorMessage)
        try writer.write(results)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension DescribeUserScramCredentialsResponse {
    /// An element of `results`.
    package struct DescribeUserScramCredentialsResult: WireMessage {
        package static var minimumSize: Int { 6 }

        package var user: String = ""
        package var errorCode: ErrorCode = .none
        package var errorMessage: String? = ""
        package var credentialInfos: [CredentialInfo] = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(
            user: String = "",
            errorCode: ErrorCode = .none,
            errorMessage: String? = "",
            credentialInfos: [CredentialInfo] = []
        ) {
            self.user = user
            self.errorCode = errorCode
            self.errorMessage = errorMessage
            self.credentialInfos = credentialInfos
        }

        package init(from reader: inout WireReader) throws(WireError) {
            user = try reader.read()
            errorCode = try reader.read()
            errorMessage = try reader.read()
            credentialInfos = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(user)
            try writer.write(errorCode)
            try writer.write(errorMessage)
            try writer.write(credentialInfos)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }

    /// An element of `credentialInfos`.
    package struct CredentialInfo: WireMessage {
        package static var minimumSize: Int { 6 }

        /// 1: SCRAM-SHA-256; 2: SCRAM-SHA-512.
        package var mechanism: Int8 = 0
        package var iterations: Int32 = 0
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(mechanism: Int8 = 0, iterations: Int32 = 0) {
            self.mechanism = mechanism
            self.iterations = iterations
        }

        package init(from reader: inout WireReader) throws(WireError) {
            mechanism = try reader.read()
            iterations = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(mechanism)
            try writer.write(iterations)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}
