// SPDX-License-Identifier: Apache-2.0

import BrokerSettings
import KafkaModel
import Synchronization

/// The settings of each topic, as `/config/topics` has them over the broker's defaults.
///
/// Owner: its lock. Filled at the start of the broker with all topics, by LeaderAndIsr with topics that are new, and by change
/// notifications from then on.
final class TopicSettingsRegistry: Sendable {
    private struct State {
        var configuration: BrokerConfiguration
        var defaults: TopicSettings
        var topics: [String: TopicSettings] = [:]
    }

    private let state: Mutex<State>

    init(_ configuration: BrokerConfiguration) {
        state = Mutex(State(configuration: configuration, defaults: TopicSettings(configuration.topicDefaults)))
    }

    /// The topic's settings; the broker's defaults for one that has none.
    func settings(of topic: String) -> TopicSettings { state.withLock { $0.topics[topic] ?? $0.defaults } }

    /// The topics that are known, with their settings.
    var all: [String: TopicSettings] { state.withLock { $0.topics } }

    func isKnown(_ topic: String) -> Bool { state.withLock { $0.topics[topic] != nil } }

    /// The topic's own settings, as written.
    func overrides(of topic: String) -> [String: String] {
        state.withLock { $0.topics[topic]?.configuration.overrides ?? [:] }
    }

    /// Takes over a topic's own settings.
    ///
    /// - Returns: the new settings, and what was wrong: a value that is not allowed is left out, as in Kafka, since the
    ///   topic must go on working.
    func update(_ topic: String, overrides: [String: String]) -> (settings: TopicSettings, problem: SettingsError?) {
        state.withLock { state in
            var usable = overrides
            var problem: SettingsError?
            while true {
                do throws(SettingsError) {
                    let settings = TopicSettings(try state.configuration.topicConfiguration(usable))
                    state.topics[topic] = settings
                    return (settings, problem)
                } catch {
                    problem = error
                    // Find the one to blame; when none is alone to blame, leave all of them out.
                    let culprit = usable.keys.sorted().first { name in
                        (try? state.configuration.topicConfiguration([name: usable[name] ?? ""])) == nil
                    }
                    guard let culprit else {
                        state.topics[topic] = state.defaults
                        return (state.defaults, problem)
                    }
                    usable[culprit] = nil
                }
            }
        }
    }

    func forget(_ topic: String) { state.withLock { $0.topics[topic] = nil } }

    /// The broker's defaults changed: all topics are made anew over them.
    func reconfigure(_ configuration: BrokerConfiguration) -> [String: TopicSettings] {
        let overrides = state.withLock { state in
            state.configuration = configuration
            state.defaults = TopicSettings(configuration.topicDefaults)
            return state.topics.mapValues(\.configuration.overrides)
        }
        var changed: [String: TopicSettings] = [:]
        for (topic, overrides) in overrides { changed[topic] = update(topic, overrides: overrides).settings }
        return changed
    }
}
