// SPDX-License-Identifier: Apache-2.0

extension BrokerSettings {
    /// Metrics.
    static let metrics: [Setting] = [
        Setting(
            "metrics.num.samples", .int, "2", .atLeast(1), relevance: .java,
            documentation: "Samples kept per metric."),
        Setting(
            "metrics.sample.window.ms", .long, "30000", .atLeast(1), relevance: .java,
            documentation: "Length of a metric's sample."),
        Setting(
            "metric.reporters", .list, "", .any, .clusterWide, relevance: .java,
            documentation: "Java classes that report metrics."),
        Setting(
            "metrics.recording.level", .string, "INFO", relevance: .java,
            documentation: "How much is measured: INFO, DEBUG or TRACE."),
        Setting(
            "auto.include.jmx.reporter", .boolean, "true", relevance: .java, deprecated: true,
            documentation: "Report metrics by JMX."),
        Setting(
            "kafka.metrics.reporters", .list, "", relevance: .java,
            documentation: "Java classes that report the older metrics."),
        Setting(
            "kafka.metrics.polling.interval.secs", .int, "10", .atLeast(1), relevance: .java,
            documentation: "How often the older reporters are polled."),
        Setting(
            "telemetry.max.bytes", .int, "1048576", .atLeast(1), relevance: .kraft,
            documentation: "The largest client telemetry push, after compression."),
    ]
}
