// SPDX-License-Identifier: Apache-2.0

import BrokerServer
import BrokerSettings
@preconcurrency import Dispatch
import Logging

#if canImport(Glibc)
import Glibc
#endif

/// `martlet broker`: reads the settings, runs a broker until SIGTERM or SIGINT, and tells systemd how it fares.
enum BrokerProgram {
    static let version = Broker.version

    private static let usage = "USAGE: martlet broker [-daemon] server.properties [--override property=value]*"

    /// - Returns: the process's exit code, one of ``ExitCode``: 0 after an orderly stop.
    static func run(_ arguments: [String]) async -> Int32 {
        if arguments.first == "-daemon" {
            let rest = Array(arguments.dropFirst())
            guard parse(rest) != nil else {
                Usage.complain(usage)
                return ExitCode.failure
            }
            return DaemonProgram.start(CommandLine.arguments.dropLast(arguments.count) + rest)
        }
        // A peer that closes its connection is an error of that write, not the end of the process.
        signal(SIGPIPE, SIG_IGN)
        Broker.tuneProcess()
        let levels = LogLevels(root: level)
        LoggingSystem.bootstrap { KafkaLogHandler(label: $0, threshold: levels.threshold($0)) }
        let logger = Logger(label: "kafka.server.KafkaServer")
        guard let (file, overrides) = parse(arguments) else {
            Usage.complain(usage)
            return ExitCode.failure
        }
        let configuration: BrokerConfiguration
        do {
            let properties = try PropertiesFile.parse(try FileContent.read(file))
            let parsed = try BrokerConfiguration.parse(properties: properties, overrides: overrides)
            configuration = parsed.configuration
            for warning in parsed.warnings { logger.warning("\(warning)") }
        } catch {
            Usage.complain("martlet: \(error)")
            return ExitCode.failure
        }
        return await serve(configuration, levels, logger)
    }

    private enum Event: Sendable {
        /// SIGTERM or SIGINT.
        case signal
        case started(Result<Broker, StartError>)
        /// The broker cannot go on; why.
        case failed(String)
    }

    /// Starts the broker and lets it run until something ends it.
    private static func serve(
        _ configuration: BrokerConfiguration, _ levels: LogLevels, _ logger: Logger
    ) async -> Int32 {
        let (events, happened) = AsyncStream<Event>.makeStream()
        let signals = Signals { happened.yield(.signal) }
        defer { signals.stop() }
        let notifier = ServiceNotifier(notifySocket: getenv("NOTIFY_SOCKET").map { String(cString: $0) })
        // A task of its own, since a signal need not wait for it: it may be waiting for ZooKeeper, or recovering logs.
        Task {
            do throws(StartError) {
                happened.yield(
                    .started(
                        .success(
                            try await Broker.start(
                                configuration, levels: levels, notifier: notifier, logger: logger))))
            } catch {
                happened.yield(.started(.failure(error)))
            }
        }
        var running: (broker: Broker, watchdog: Watchdog?)?
        for await event in events {
            var failure: String?
            switch event {
            case .started(.failure(let error)):
                Usage.complain("martlet: \(error)")
                return error.mayPass ? ExitCode.temporaryFailure : ExitCode.failure
            case .started(.success(let broker)):
                notifier?.ready(status: "Broker \(broker.id) is serving")
                running = (broker, notifier.flatMap { Watchdog($0, broker) })
                // Ends with the process at the latest.
                Task { if let reason = await broker.waitForFailure() { happened.yield(.failed(reason)) } }
                continue
            case .signal: break
            case .failed(let reason):
                logger.critical("The broker cannot go on: \(reason)")
                failure = reason
            }
            notifier?.stopping()
            guard let (broker, watchdog) = running else {
                // As Kafka does: the next start finds what a kill would have left.
                logger.warning("Stopped while starting")
                return ExitCode.failure
            }
            await broker.shutDown()
            watchdog?.stop()
            return failure == nil ? ExitCode.success : ExitCode.failure
        }
        return ExitCode.failure
    }

    private static func parse(_ arguments: [String]) -> (file: String, overrides: [String])? {
        guard let file = arguments.first, !file.hasPrefix("-") else { return nil }
        var overrides: [String] = []
        var rest = arguments.dropFirst()
        while let option = rest.popFirst() {
            if option == "--override", let value = rest.popFirst() {
                overrides.append(value)
            } else if option.hasPrefix("--override=") {
                overrides.append(String(option.dropFirst("--override=".count)))
            } else {
                return nil
            }
        }
        return (file, overrides)
    }

    /// `MARTLET_LOG_LEVEL`, one of swift-log's names; info unless set.
    private static var level: Logger.Level {
        getenv("MARTLET_LOG_LEVEL").flatMap { Logger.Level(rawValue: String(cString: $0).lowercased()) } ?? .info
    }
}

/// SIGTERM and SIGINT, as an event.
private final class Signals: Sendable {
    private let sources: [any DispatchSourceSignal]

    init(_ handler: @escaping @Sendable () -> Void) {
        sources = [SIGTERM, SIGINT].map { number in
            // The source sees it all the same, and the process is not ended by it.
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler(handler: handler)
            source.resume()
            return source
        }
    }

    func stop() { for source in sources { source.cancel() } }
}

/// Tells systemd at half of `WatchdogSec` that the broker makes progress, as long as it does.
private final class Watchdog: Sendable {
    private let timer: any DispatchSourceTimer

    /// Nil when the unit asks for none.
    init?(_ notifier: ServiceNotifier, _ broker: Broker) {
        guard let text = getenv("WATCHDOG_USEC").map({ String(cString: $0) }), let microseconds = Int(text),
            microseconds > 0
        else { return nil }
        timer = DispatchSource.makeTimerSource(queue: .global())
        timer.schedule(deadline: .now(), repeating: .microseconds(microseconds / 2))
        timer.setEventHandler { [weak broker] in
            if broker?.makesProgress == true { notifier.alive() }
        }
        timer.resume()
    }

    func stop() { timer.cancel() }
}
