// SPDX-License-Identifier: Apache-2.0
// Generated from Schema/AlterClientQuotas.schema by ProtocolGenerator.

import KafkaModel

/// Changes quotas of entities (KIP-546).
///
/// Versions 0 to 1, flexible from 1; request.
package struct AlterClientQuotasRequest: RequestMessage {
    package typealias Response = AlterClientQuotasResponse
    package static var apiKey: ApiKey { .alterClientQuotas }
    package static var versions: ClosedRange<Int16> { 0...1 }
    package static var firstFlexibleVersion: Int16 { 1 }
    package static var minimumSize: Int { 3 }

    package var entries: [EntryData] = []
    package var validateOnly: Bool = false
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(entries: [EntryData] = [], validateOnly: Bool = false) {
        self.entries = entries
        self.validateOnly = validateOnly
    }

    package init(from reader: inout WireReader) throws(WireError) {
        entries = try reader.read()
        validateOnly = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(entries)
        try writer.write(validateOnly)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension AlterClientQuotasRequest {
    /// An element of `entries`.
    package struct EntryData: WireMessage {
        package static var minimumSize: Int { 3 }

        package var entity: [EntityData] = []
        package var ops: [OpData] = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(entity: [EntityData] = [], ops: [OpData] = []) {
            self.entity = entity
            self.ops = ops
        }

        package init(from reader: inout WireReader) throws(WireError) {
            entity = try reader.read()
            ops = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(entity)
            try writer.write(ops)
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

    /// An element of `ops`.
    package struct OpData: WireMessage {
        package static var minimumSize: Int { 11 }

        package var key: String = ""
        package var value: Double = 0
        package var remove: Bool = false
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(key: String = "", value: Double = 0, remove: Bool = false) {
            self.key = key
            self.value = value
            self.remove = remove
        }

        package init(from reader: inout WireReader) throws(WireError) {
            key = try reader.read()
            value = try reader.read()
            remove = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(key)
            try writer.write(value)
            try writer.write(remove)
            try writer.writeTaggedFields(unknownTaggedFields)
        }
    }
}

/// Changes quotas of entities (KIP-546).
///
/// Versions 0 to 1, flexible from 1; response.
package struct AlterClientQuotasResponse: ThrottledResponse {
    package static var apiKey: ApiKey { .alterClientQuotas }
    package static var versions: ClosedRange<Int16> { 0...1 }
    package static var firstFlexibleVersion: Int16 { 1 }
    package static var minimumSize: Int { 6 }

    package var throttleTimeMs: Int32 = 0
    package var entries: [EntryData] = []
    package var unknownTaggedFields: [UnknownTaggedField] = []

    package init() {}

    package init(throttleTimeMs: Int32 = 0, entries: [EntryData] = []) {
        self.throttleTimeMs = throttleTimeMs
        self.entries = entries
    }

    package init(from reader: inout WireReader) throws(WireError) {
        throttleTimeMs = try reader.read()
        entries = try reader.read()
        unknownTaggedFields = try reader.readTaggedFields()
    }

    package func write(to writer: inout WireWriter) throws(WireError) {
        try writer.write(throttleTimeMs)
        try writer.write(entries)
        try writer.writeTaggedFields(unknownTaggedFields)
    }
}

extension AlterClientQuotasResponse {
    /// An element of `entries`.
    package struct EntryData: WireMessage {
        package static var minimumSize: Int { 5 }

        package var errorCode: ErrorCode = .none
        package var errorMessage: String? = ""
        package var entity: [EntityData] = []
        package var unknownTaggedFields: [UnknownTaggedField] = []

        package init() {}

        package init(errorCode: ErrorCode = .none, errorMessage: String? = "", entity: [EntityData] = []) {
            self.errorCode = errorCode
            self.errorMessage = errorMessage
            self.entity = entity
        }

        package init(from reader: inout WireReader) throws(WireError) {
            errorCode = try reader.read()
            errorMessage = try reader.read()
            entity = try reader.read()
            unknownTaggedFields = try reader.readTaggedFields()
        }

        package func write(to writer: inout WireWriter) throws(WireError) {
            try writer.write(errorCode)
            try writer.write(errorMessage)
            try writer.write(entity)
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
}
