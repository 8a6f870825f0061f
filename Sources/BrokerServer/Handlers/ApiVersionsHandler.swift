// SPDX-License-Identifier: Apache-2.0

import KafkaModel
import KafkaProtocol

/// ApiVersions, 0–4: what this broker serves (KIP-35).
///
/// v1 adds the throttle time, v3 the client's software and the features (KIP-511, KIP-584), v4 only allows a feature's
/// minimum to be 0.
struct ApiVersionsHandler: ApiHandler {
    typealias Request = ApiVersionsRequest

    let servedVersions: @Sendable () -> [(key: ApiKey, versions: ClosedRange<Int16>)]
    /// The data version of `/feature`; −1 before it was read, or when features are disabled.
    let finalizedFeaturesEpoch: @Sendable () -> Int64

    func handle(_ request: ApiVersionsRequest, _ context: RequestContext<ApiVersionsResponse>) {
        var response = ApiVersionsResponse()
        if context.version >= 3,
            !Self.isSoftwareName(request.clientSoftwareName) || !Self.isSoftwareName(request.clientSoftwareVersion)
        {
            response.errorCode = .invalidRequest
            return context.answer(response)
        }
        response.apiKeys = servedVersions().map { key, versions in
            var entry = ApiVersionsResponse.ApiVersion()
            entry.apiKey = key.rawValue
            entry.minVersion = versions.lowerBound
            entry.maxVersion = versions.upperBound
            return entry
        }
        response.finalizedFeaturesEpoch = finalizedFeaturesEpoch()
        context.answer(response)
    }

    /// `[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?` (KIP-511).
    static func isSoftwareName(_ name: String) -> Bool {
        func isAlphanumeric(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: false
            }
        }
        guard let first = name.utf8.first, let last = name.utf8.last else { return false }
        return isAlphanumeric(first) && isAlphanumeric(last)
            && name.utf8.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".") }
    }
}
