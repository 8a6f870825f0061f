// SPDX-License-Identifier: Apache-2.0

import ClusterControl
import KafkaModel
import KafkaProtocol
import OrderedCollections

/// UpdateFeatures, 0–1, on the controller: changes the finalized features (KIP-584).
///
/// v1 tells kinds of downgrades apart (KIP-778). A cluster in ZooKeeper mode has no features, so that whatever is asked is
/// refused, each feature with the reason.
struct UpdateFeaturesHandler: WaitingApiHandler {
    typealias Request = UpdateFeaturesRequest

    let controller: ControllerService
    /// Whether the inter-broker protocol knows features: from 2.7 on.
    let hasFeatures: Bool

    func answer(
        _ request: UpdateFeaturesRequest, _ context: RequestContext<UpdateFeaturesResponse>
    ) async -> UpdateFeaturesResponse {
        guard controller.isActive else { return UpdateFeaturesResponse(ControllerError(.notController)) }
        guard hasFeatures else {
            return UpdateFeaturesResponse(ControllerError(.invalidRequest, "Feature versioning system is disabled."))
        }
        // A map in Kafka: of a feature that is named again the last update counts.
        let wishes = request.featureUpdates.map { ($0.feature, FeatureWish($0, version: context.version)) }
        let asked = OrderedDictionary(wishes, uniquingKeysWith: { $1 })
        let sound = asked.values.filter { $0.refusal == nil }
        let reply = await controller.request(.updateFeatures(sound.map(\.update)))
        guard case .updateFeatures(let errors) = reply else {
            if case .refused(let error) = reply { return UpdateFeaturesResponse(error) }
            return UpdateFeaturesResponse(ControllerError(.unknownServerError))
        }
        return UpdateFeaturesResponse(asked.map { name, wish in (name, wish.refusal ?? errors[name] ?? nil) })
    }
}

/// What is asked of one feature, and whether that can be meant.
struct FeatureWish {
    private enum Kind: Int8 {
        case upgrade = 1
        case safeDowngrade = 2
        case unsafeDowngrade = 3
    }

    let update: ControllerRequest.FeatureUpdate
    /// In Kafka's order and words; nil when the controller is to decide.
    let refusal: ControllerError?

    init(_ wire: UpdateFeaturesRequest.FeatureUpdateKey, version: Int16) {
        let kind = version == 0 ? (wire.allowDowngrade ? .safeDowngrade : .upgrade) : Kind(rawValue: wire.upgradeType)
        let (name, level) = (wire.feature, wire.maxVersionLevel)
        update = ControllerRequest.FeatureUpdate(
            name: name, maximumLevel: level, allowsDowngrade: kind != .upgrade)
        let message: String? =
            if name.isEmpty {
                "Feature name can not be empty."
            } else if kind == nil {
                "Received unknown upgrade type."
            } else if level < 1, kind == .upgrade {
                "Can not provide maxVersionLevel: \(level) less than 1 for feature: '\(name)' without setting the "
                    + "allowDowngrade flag to true in the request."
            } else {
                nil
            }
        refusal = message.map { ControllerError(.invalidRequest, $0) }
    }
}

extension UpdateFeaturesResponse {
    /// The whole request is refused.
    fileprivate init(_ error: ControllerError) {
        self.init(errorCode: error.code, errorMessage: error.message ?? error.code.message)
    }

    fileprivate init(_ outcomes: [(feature: String, error: ControllerError?)]) {
        self.init(errorMessage: nil)
        results = outcomes.map { feature, error in
            UpdatableFeatureResult(
                feature: feature, errorCode: error?.code ?? .none,
                errorMessage: error.map { $0.message ?? $0.code.message })
        }
    }
}
