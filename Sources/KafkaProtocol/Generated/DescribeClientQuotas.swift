// SPDX-License-Identifier: Apache-2.0
// Generated from Schema/DescribeClientQuotas.schema by ProtocolGenerator.

import KafkaModel

/// Lists quotas by entity (KIP-546).
///
/// Versions 0 to 1, flexible from 1; request.
package struct DescribeClientQuotasRequest: RequestMessage {
    package typealias Response = DescribeClientQuotasResponse
    package static var apiKey: ApiKey { .describeClientQuotas }
    package static var versions: ClosedRange<Int16> { 0...1 }
    package static var firstFlexibleVersion: Int16 { 1 }
    package static var minimumSize: Int { 3 }

    package var components: [ComponentData] = []
    package var strict: Bool = false
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(components: [ComponentData] = [], strict: Bool = false) {
        self.components = components
        self.strict = strict
    }

    package init(from reader: inout WireReader) throws(WireError) {
        components = try reader.read()
        strict = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(components)
        try writer.write(strict)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension DescribeClientQuotasRequest {
    /// An element of `components`.
    package struct ComponentData: WireMessage {
        package static var minimumSize: Int { 4 }

        package var entityType: String = ""
        /// 0: this name; 1: the default; 2: any name.
        package var matchType: Int8 = 0
        package var match: String? = ""
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(entityType: String = "", matchType: Int8 = 0, match: String? = "") {
            self.entityType = entityType
            self.matchType = matchType
            self.match = match
        }

        package init(from reader: inout WireReader) throws(WireError) {
            entityType = try reader.read()
            matchType = try reader.read()
            match = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(entityType)
            try writer.write(matchType)
            try writer.write(match)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}

/// Lists quotas by entity (KIP-546).
///
/// Versions 0 to 1, flexible from 1; response.
package struct DescribeClientQuotasResponse: ThrottledResponse {
    package static var apiKey: ApiKey { .describeClientQuotas }
    package static var versions: ClosedRange<Int16> { 0...1 }
    package static var firstFlexibleVersion: Int16 { 1 }
    package static var minimumSize: Int { 9 }

    package var throttleTimeMs: Int32 = 0
    package var errorCode: ErrorCode = .none
    package var errorMessage: String? = ""
    package var entries: [EntryData]? = []
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(
        throttleTimeMs: Int32 = 0,
        errorCode: ErrorCode = .none,
        errorMessage: String? = "",
        entries: [EntryData]? = []
    ) {
        self.throttleTimeMs = throttleTimeMs
        self.errorCode = errorCode
        self.errorMessage = errorMessage
        self.entries = entries
    }

    package init(from reader: inout WireReader) throws(WireError) {
        throttleTimeMs = try reader.read()
        errorCode = try reader.read()
        errorMessage = try reader.read()
        entries = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(throttleTimeMs)
        try writer.write(errorCode)
        try writer.write(errorMessage)
        try writer.write(entries)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension DescribeClientQuotasResponse {
    /// An element of `entries`.
    package struct EntryData: WireMessage {
        package static var minimumSize: Int { 3 }

        package var entity: [EntityData] = []
        package var values: [ValueData] = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(entity: [EntityData] = [], values: [ValueData] = []) {
            self.entity = entity
            self.values = values
        }

        package init(from reader: inout WireReader) throws(WireError) {
            entity = try reader.read()
            values = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(entity)
            try writer.write(values)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }

    /// An element of `entity`.
    package struct EntityData: WireMessage {
        package static var minimumSize: Int { 3 }

        package var entityType: String = ""
        package var entityName: String? = ""
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(entityType: String = "", entityName: String? = "") {
            self.entityType = entityType
            self.entityName = entityName
        }

        package init(from reader: inout WireReader) throws(WireError) {
            entityType = try reader.read()
            entityName = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(entityType)
            try writer.write(entityName)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }

    /// An element of `values`.
    package struct ValueData: WireMessage {
        package static var minimumSize: Int { 10 }

        package var key: String = ""
        package var value: Double = 0
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(key: String = "", value: Double = 0) {
            self.key = key
            self.value = value
        }

        package init(from reader: inout WireReader) throws(WireError) {
            key = try reader.read()
            value = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(key)
            try writer.write(value)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}
