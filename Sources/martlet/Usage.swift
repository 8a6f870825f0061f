// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
import Glibc
#endif

/// What the program says of itself.
enum Usage {
    static func text(commands: [String]) -> String {
        """
        Martlet: a Kafka broker for ZooKeeper ensembles.

        martlet broker [-daemon] FILE [--override NAME=VALUE]...
                                                         runs a broker with the settings in FILE (server.properties);
                                                         with -daemon in the background, its output in
                                                         $LOG_DIR/kafkaServer.out (LOG_DIR: /var/log/kafka)
        martlet fence [--broker ID] [--config FILE]      ends the ZooKeeper session of a broker that has died
        martlet COMMAND [OPTION]...                      runs one of Kafka's commands
        martlet --commands                               lists the commands, one per line
        martlet --version

        Commands: \(commands.joined(separator: ", "))
        Each has Apache's options and output; called through a link named kafka-COMMAND or kafka-COMMAND.sh, the
        program is that command.
        """
    }

    /// One line on standard error.
    static func complain(_ line: String) {
        FileContent.write(line + "\n", to: STDERR_FILENO)
    }
}
