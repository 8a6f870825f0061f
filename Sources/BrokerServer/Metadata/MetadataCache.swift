// SPDX-License-Identifier: Apache-2.0

import ClusterMetadata
import KafkaModel
import Synchronization

/// The broker's view of the cluster: the image that the controller's last UpdateMetadata left.
///
/// Replaced whole under a lock that is held for the exchange of a reference; whoever read an image keeps it. The only
/// source for Metadata, FindCoordinator and their like: a broker that is not controller learns nothing of topics and
/// leaders from ZooKeeper.
final class MetadataCache: Sendable {
    private let image: Mutex<MetadataImage>

    init(clusterID: String) {
        image = Mutex(MetadataImage(clusterID: clusterID))
    }

    var current: MetadataImage { image.withLock { $0 } }

    /// Applies what the controller says and returns the image before and after.
    func apply(_ update: MetadataUpdate) -> (before: MetadataImage, after: MetadataImage) {
        image.withLock { image in
            let before = image
            image = before.applying(update)
            return (before, image)
        }
    }
}
