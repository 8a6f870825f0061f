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
    static let version = "0.1.0"

    /// - Returns: the process's exit code: 0 after an orderly stop, 1 when the settings or the start failed.
    static func run(_ arguments: [String]) async -> Int32 {
        // A peer that closes its connection is an error of that write, not the end of the process.
        signal(SIGPIPE, SIG_IGN)
        Broker.tuneProcess()
        LoggingSystem.bootstrap { KafkaLogHandler(label: $0) }
        var logger = Logger(label: "kafka.server.KafkaServer")
        logger.logLevel = level
        guard let (file, overrides) = parse(arguments) else {
            Usage.complain("USAGE: martlet broker server.properties [--override property=value]*")
            return 1
        }
        let configuration: BrokerConfiguration
        do {
            let properties = try PropertiesFile.parse(try FileContent.read(file))
            let parsed = try BrokerConfiguration.parse(properties: properties, overrides: overrides)
            configuration = parsed.configuration
            for warning in parsed.warnings { logger.warning("\(warning)") }
        } catch {
            Usage.complain("martlet: \(error)")
            return 1
        }
        let notifier = ServiceNotifier(notifySocket: getenv("NOTIFY_SOCKET").map { String(cString: $0) })
        notifier?.status("Starting")
        let signals = Signals()
        do throws(StartError) {
            let broker = try await Broker.start(configuration, logger: logger)
            notifier?.ready(status: "Broker \(broker.id) is serving")
            let watchdog = notifier.flatMap { Watchdog($0, broker) }
            let failure = await ending(of: broker, signals)
            if let failure { logger.critical("The broker cannot go on: \(failure)") }
            notifier?.stopping()
            await broker.shutDown()
            watchdog?.stop()
            return failure == nil ? 0 : 1
        } catch {
            Usage.complain("martlet: \(error)")
            return 1
        }
    }

    /// Waits for a signal, or for the broker to fail; returns why it failed.
    private static func ending(of broker: Broker, _ signals: Signals) async -> String? {
        await withTaskGroup(of: String?.self) { group in
            group.addTask {
                await signals.wait()
                return nil
            }
            group.addTask { await broker.waitForFailure() }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first
        }
    }

    private static func parse(_ arguments: [String]) -> (file: String, overrides: [String])? {
        guard let file = arguments.first, !file.hasPrefix("--") else { return nil }
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

/// SIGTERM and SIGINT, as something to wait for.
private final class Signals: Sendable {
    private let stream: AsyncStream<Int32>
    private let sources: [any DispatchSourceSignal]

    init() {
        let (stream, continuation) = AsyncStream<Int32>.makeStream()
        self.stream = stream
        sources = [SIGTERM, SIGINT].map { number in
            // The source sees it all the same, and the process is not ended by it.
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { continuation.yield(number) }
            source.resume()
            return source
        }
    }

    func wait() async {
        for await _ in stream { return }
    }
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
