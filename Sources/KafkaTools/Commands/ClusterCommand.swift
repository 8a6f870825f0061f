// SPDX-License-Identifier: Apache-2.0

import KafkaClient
import KafkaModel
import KafkaProtocol

/// `kafka-cluster`: prints the cluster's id.
enum ClusterCommand: ToolCommand {
    static let name = "cluster"
    private static let usage = """
        usage: kafka-cluster [-h] {cluster-id,unregister} ...

        The Kafka cluster tool.

        positional arguments:
          {cluster-id,unregister}
            cluster-id           Get information about the ID of a cluster.
            unregister           Unregister a broker.

        named arguments:
          -h, --help             show this help message and exit
        """

    static func run(arguments: [String], console: Console) async -> Int32 {
        guard let action = arguments.first, action != "-h", action != "--help" else {
            console.print(usage)
            return arguments.isEmpty ? 1 : 0
        }
        guard action == "cluster-id" || action == "unregister" else {
            console.error("usage: kafka-cluster [-h] {cluster-id,unregister} ...")
            console.error("kafka-cluster: error: invalid choice: '\(action)' (choose from 'cluster-id', 'unregister')")
            return 1
        }
        do {
            let options = try grammar.parse(Array(arguments.dropFirst()))
            guard options.has("bootstrap-server") != options.has("bootstrap-controller") else {
                console.error("usage: kafka-cluster [-h] {cluster-id,unregister} ...")
                console.error(
                    "kafka-cluster: error: one of the arguments --bootstrap-server/-b --bootstrap-controller/-C is required"
                )
                return 1
            }
            if action == "unregister", !options.has("id") {
                console.error("kafka-cluster: error: argument --id/-i is required")
                return 1
            }
            let configuration = try adminConfiguration(
                options, file: "config",
                servers: options.has("bootstrap-server") ? "bootstrap-server" : "bootstrap-controller")
            try await withAdmin(configuration, console) { admin in
                if action == "unregister" {
                    // No broker that keeps its cluster in ZooKeeper has it.
                    _ = try await admin.send(DescribeClusterRequest(), to: .anyBroker, call: "describeCluster")
                    return console.print("The target cluster does not support the broker unregistration API.")
                }
                let response = try await admin.send(DescribeClusterRequest(), to: .anyBroker, call: "listNodes")
                guard response.errorCode.isNone else { throw KafkaError(response.errorCode, response.errorMessage) }
                console.print(
                    response.clusterID.isEmpty
                        ? "No cluster ID found. The Kafka version is probably too old."
                        : "Cluster ID: \(response.clusterID)")
            }
            return 0
        } catch {
            return printUncaught(error, console)
        }
    }

    static let grammar: OptionGrammar = {
        var grammar = OptionGrammar(common: false)
        grammar.add(
            .init(
                names: ["bootstrap-server", "b"], argument: .required(.string, nil), defaults: [],
                summary: "A list of host/port pairs to use for establishing the connection to the Kafka cluster."))
        grammar.add(
            .init(
                names: ["bootstrap-controller", "C"], argument: .required(.string, nil), defaults: [],
                summary: "A list of host/port pairs to use for establishing the connection to the KRaft controllers."))
        grammar.add(
            .init(
                names: ["config", "c"], argument: .required(.string, nil), defaults: [],
                summary: "A property file containing configurations for the Admin client."))
        grammar.add(
            .init(
                names: ["id", "i"], argument: .required(.integer, nil), defaults: [],
                summary: "The ID of the broker to unregister."))
        return grammar
    }()
}
