// SPDX-License-Identifier: Apache-2.0

import Metrics

// What there is to see, in one table. Names are those that Kafka's dashboards know: what the Prometheus exporter for
// Java makes of Kafka's own (`kafka.server:type=BrokerTopicMetrics,name=BytesInPerSec`) with its usual rules, in small
// letters and with `_total` for counts. What Kafka has no name for begins with `martlet_`, the process's with `process_`.

// MARK: Topics

extension MetricFamily {
    private static func topic(_ name: String, _ help: String) -> MetricFamily {
        .counter("kafka_server_brokertopicmetrics_\(name)_total", "\(help) Without a topic: all.", labels: "topic")
    }

    static let messagesIn = topic("messagesin", "Records appended by this broker as leader.")
    static let bytesIn = topic("bytesin", "Bytes of batches appended by this broker as leader.")
    static let bytesOut = topic("bytesout", "Bytes of batches sent to consumers.")
    static let bytesRejected = topic("bytesrejected", "Bytes of batches that were refused for what they are.")
    static let replicationBytesIn = topic("replicationbytesin", "Bytes of batches fetched from leaders.")
    static let replicationBytesOut = topic("replicationbytesout", "Bytes of batches sent to followers.")
    static let produceRequests = topic("totalproducerequests", "Partitions in produce requests.")
    static let fetchRequests = topic("totalfetchrequests", "Partitions read for fetch requests.")
    static let failedProduceRequests = topic("failedproducerequests", "Partitions whose records were refused.")
    static let failedFetchRequests = topic("failedfetchrequests", "Partitions that could not be read for a fetch.")
}

// MARK: Requests and connections

extension MetricFamily {
    private static func time(_ name: String, _ help: String) -> MetricFamily {
        .summary(
            "kafka_network_requestmetrics_\(name)timems",
            "\(help) In milliseconds; quantiles of the last minute or two.", labels: "request")
    }

    static let requests = counter(
        "kafka_network_requestmetrics_requests_total", "Requests answered.", labels: "request", "version")
    static let requestErrors = counter(
        "kafka_network_requestmetrics_errors_total", "Errors told in answers, each as often as it was told.",
        labels: "request", "error")
    static let requestBytes = counter(
        "kafka_network_requestmetrics_requestbytes_total", "Bytes of requests.", labels: "request")
    static let responseBytes = counter(
        "kafka_network_requestmetrics_responsebytes_total", "Bytes of answers.", labels: "request")
    static let requestTimes: [RequestMetrics.Phase: MetricFamily] = [
        .total: time("total", "From the request's last byte to the answer in the socket."),
        .queue: time("requestqueue", "Waiting for earlier requests of the same connection."),
        .local: time("local", "What this broker itself had to do."),
        .remote: time("remote", "Waiting for other brokers, for records, or for ZooKeeper."),
        .response: time("responsesend", "From the answer to its being handed to the socket."),
    ]
    static let requestDuration = histogram(
        "martlet_request_duration_seconds", "From the request's last byte to the answer in the socket.",
        labels: "request")

    private static func socket(_ name: String, _ kind: MetricFamily.Kind, _ help: String) -> MetricFamily {
        let name = "kafka_server_socket_server_metrics_\(name)"
        return kind == .counter ? .counter(name, help, labels: "listener") : .gauge(name, help, labels: "listener")
    }

    static let connections = socket("connection_count", .gauge, "Open connections.")
    static let connectionsMade = socket("connection_creation_total", .counter, "Connections accepted.")
    static let connectionsClosed = socket("connection_close_total", .counter, "Connections closed.")
    static let connectionsRefused = counter(
        "martlet_connections_refused_total", "Connections closed at once for a limit.", labels: "listener")
    static let socketRequests = socket("request_total", .counter, "Requests begun.")
    static let incomingBytes = socket("incoming_byte_total", .counter, "Bytes of requests received.")
    static let outgoingBytes = socket("outgoing_byte_total", .counter, "Bytes of answers handed to sockets.")

    static let networkIdle = gauge(
        "kafka_network_socketserver_networkprocessoravgidle_percent",
        "The share of the last while, from 0 to 1, in which event loops had nothing to do.")
    static let networkBusy = counter(
        "martlet_network_busy_seconds_total", "CPU time of event loops.", labels: "processor")
    static let logThreadIdle = gauge(
        "kafka_server_kafkarequesthandlerpool_requesthandleravgidle_percent",
        "The share of the last while, from 0 to 1, in which log threads had nothing to do.")
    static let requestQueue = gauge(
        "kafka_network_requestchannel_requestqueuesize", "Appends and changes of role that wait for a log thread.")

    static let purgatory = gauge(
        "kafka_server_delayedoperationpurgatory_purgatorysize",
        "Requests that wait for something to happen, once for each thing.", labels: "delayedOperation")
    static let fetchSessions = gauge(
        "kafka_server_fetchsessioncache_numincrementalfetchsessions", "Incremental fetch sessions.")
}

// MARK: Replicas

extension MetricFamily {
    private static func replica(_ name: String, _ help: String) -> MetricFamily {
        .gauge("kafka_server_replicamanager_\(name)", help)
    }

    static let partitions = replica("partitioncount", "Partitions that this broker holds.")
    static let leaders = replica("leadercount", "Partitions that it leads.")
    static let underReplicated = replica(
        "underreplicatedpartitions", "Partitions led here that replicas are missing from the in-sync set of.")
    static let underMinimumInSync = replica(
        "underminisrpartitioncount", "Partitions led here with fewer in-sync replicas than acks=all needs.")
    static let atMinimumInSync = replica(
        "atminisrpartitioncount", "Partitions led here with just as many in-sync replicas as acks=all needs.")
    static let offlineReplicas = replica("offlinereplicacount", "Replicas here whose log directory has failed.")
    static let inSyncShrinks = counter(
        "kafka_server_replicamanager_isrshrinks_total", "In-sync sets that became smaller.")
    static let inSyncExpansions = counter(
        "kafka_server_replicamanager_isrexpands_total", "In-sync sets that became larger.")
    static let failedInSyncChanges = counter(
        "kafka_server_replicamanager_failedisrupdates_total", "Changes of in-sync sets that were turned down.")
    static let maximumLag = gauge(
        "kafka_server_replicafetchermanager_maxlag",
        "The largest number of committed records that a follower here still lacks.", labels: "clientId")
    static let failedPartitions = gauge(
        "kafka_server_replicafetchermanager_failedpartitionscount",
        "Partitions that are not followed any more, since what the leader sends cannot be appended.", labels: "clientId"
    )
    static let fetcherLag = gauge(
        "kafka_server_fetcherlagmetrics_consumerlag", "Committed records that a follower here still lacks.",
        labels: "topic", "partition")
}

// MARK: Logs

extension MetricFamily {
    private static func log(_ name: String, _ help: String) -> MetricFamily {
        .gauge("kafka_log_log_\(name)", help, labels: "topic", "partition")
    }

    static let logSize = log("size", "Bytes of all segments.")
    static let logSegments = log("numlogsegments", "Segments.")
    static let logStart = log("logstartoffset", "The first offset.")
    static let logEnd = log("logendoffset", "The offset that the next record gets.")

    static let offlineDirectories = gauge(
        "kafka_log_logmanager_offlinelogdirectorycount", "Log directories that have failed.")
    static let directoryOffline = gauge(
        "kafka_log_logmanager_logdirectoryoffline", "1 for a log directory that has failed.", labels: "logDirectory")
    static let directorySpace = gauge(
        "martlet_log_directory_available_bytes", "Room for more on a log directory's disk.", labels: "logDirectory")
    static let logsToRecover = gauge(
        "kafka_log_logmanager_remaininglogstorecover", "Logs that are not opened yet.", labels: "dir")
    static let segmentsToRecover = gauge(
        "kafka_log_logmanager_remainingsegmentstorecover", "Segments that are still to be read after an unclean stop.",
        labels: "dir")
    static let bytesToRecover = gauge(
        "martlet_recovery_remaining_bytes", "Bytes that are still to be read after an unclean stop.", labels: "dir")
    static let recoveryTime = gauge("martlet_recovery_elapsed_seconds", "How long the opening of logs takes, or took.")
    static let recoveryTimeLeft = gauge(
        "martlet_recovery_estimated_remaining_seconds", "How much longer it will take; not there while nobody knows.")
    static let flushes = summary(
        "kafka_log_logflushstats_logflushrateandtimems",
        "Logs made durable. In milliseconds; quantiles of the last minute or two.")

    static let uncleanable = gauge(
        "kafka_log_logcleanermanager_uncleanable_partitions_count",
        "Partitions that cannot be compacted until the next start.", labels: "logDirectory")
    static let uncleanablePartition = gauge(
        "martlet_uncleanable_partition", "1 for each of them.", labels: "topic", "partition")
    static let damagedPlaces = gauge(
        "martlet_damaged_places", "Places in files of records that were found damaged since the start.",
        labels: "logDirectory")
    static let dirtyRatio = gauge(
        "kafka_log_logcleanermanager_max_dirty_percent",
        "The largest share of a log, in percent, that is not compacted.")
    static let sinceLastCleaning = gauge(
        "kafka_log_logcleanermanager_time_since_last_run_ms", "Since it was last looked for something to compact.")
    static let cleanerBufferUse = gauge(
        "kafka_log_logcleaner_max_buffer_utilization_percent", "How full the last compaction's offset map was.")
    static let cleanerRecopied = gauge(
        "kafka_log_logcleaner_cleaner_recopy_percent", "What the last compaction kept of what it read.")
    static let deadCleaners = gauge("kafka_log_logcleaner_deadthreadcount", "Cleaner threads that are missing.")
    static let cleaning = gauge("martlet_cleaning_partitions", "Partitions that are being compacted.")
}

// MARK: The controller, ZooKeeper, coordinators

extension MetricFamily {
    private static func controller(_ name: String, _ help: String) -> MetricFamily {
        .gauge("kafka_controller_kafkacontroller_\(name)", "\(help) 0 where another broker is the controller.")
    }

    static let activeController = gauge(
        "kafka_controller_kafkacontroller_activecontrollercount", "1 where this broker is the controller.")
    static let offlinePartitions = controller("offlinepartitionscount", "Partitions without a leader.")
    static let preferredImbalance = controller(
        "preferredreplicaimbalancecount", "Partitions that are not led by their first replica.")
    static let activeBrokers = controller("activebrokercount", "Brokers that live.")
    static let globalTopics = controller("globaltopiccount", "Topics of the cluster.")
    static let globalPartitions = controller("globalpartitioncount", "Partitions of the cluster.")
    static let topicsToDelete = controller("topicstodeletecount", "Topics under deletion.")
    static let topicsIneligibleToDelete = controller(
        "topicsineligibletodeletecount", "Topics whose deletion cannot go on now.")
    static let uncleanElections = counter(
        "kafka_controller_controllerstats_uncleanleaderelections_total",
        "Leaders that this controller made of replicas out of sync, which may lose records.")

    private static func session(_ name: String, _ help: String) -> MetricFamily {
        .counter("kafka_server_sessionexpirelistener_\(name)_total", help)
    }

    static let zooKeeperConnects = session("zookeepersyncconnects", "Connections made to ZooKeeper.")
    static let zooKeeperDisconnects = session("zookeeperdisconnects", "Connections to ZooKeeper lost.")
    static let zooKeeperExpirations = session("zookeeperexpires", "ZooKeeper sessions that expired.")
    static let zooKeeperAuthFailures = session("zookeeperauthfailures", "Credentials that ZooKeeper refused.")
    static let zooKeeperConnected = gauge("martlet_zookeeper_connected", "1 while there is a connection to ZooKeeper.")
    static let zooKeeperLatency = summary(
        "kafka_server_zookeeperclientmetrics_zookeeperrequestlatencyms",
        "Requests to ZooKeeper. In milliseconds; quantiles of the last minute or two.")

    private static func groups(_ name: String, _ help: String) -> MetricFamily {
        .gauge("kafka_coordinator_group_groupmetadatamanager_\(name)", help)
    }

    static let groups = groups("numgroups", "Groups coordinated here.")
    static let groupsPreparing = groups("numgroupspreparingrebalance", "Groups whose members are joining.")
    static let groupsCompleting = groups("numgroupscompletingrebalance", "Groups that await their leader's assignment.")
    static let groupsStable = groups("numgroupsstable", "Groups whose members all have an assignment.")
    static let groupsEmpty = groups("numgroupsempty", "Groups without members.")
    static let groupsDead = groups("numgroupsdead", "Groups on their way out.")
    static let groupOffsets = groups("numoffsets", "Committed positions.")
}

// MARK: The broker and its process

extension MetricFamily {
    static let brokerState = gauge(
        "kafka_server_kafkaserver_brokerstate",
        "1 starting, 2 recovering logs, 3 running, 6 handing leaderships over, 7 shutting down.")
    static let ready = gauge("martlet_ready", "1 while clients should be sent here; `/ready` says why not.")
    static let stuckThreads = gauge(
        "martlet_stuck_threads", "Threads that do not answer any more; `/health` names them.")
    static let build = gauge("martlet_build_info", "1, with what runs here.", labels: "version")

    static let cpuSeconds = counter("process_cpu_seconds_total", "User and system CPU time.")
    static let residentBytes = gauge("process_resident_memory_bytes", "Memory in use.")
    static let virtualBytes = gauge("process_virtual_memory_bytes", "Address space in use.")
    static let openFiles = gauge("process_open_fds", "Open files and sockets.")
    static let maxOpenFiles = gauge("process_max_fds", "How many there may be.")
    static let threads = gauge("process_threads", "Threads.")
    static let startTime = gauge("process_start_time_seconds", "When the process started, since 1970.")
}
