// SPDX-License-Identifier: Apache-2.0

import BrokerServer
import BrokerSettings
import KafkaTools

#if canImport(Glibc)
import Glibc
#endif

// The one executable: a broker, or one of the commands. Only this file ends the process.

let invocation = Invocation(CommandLine.arguments, tools: KafkaTools.commandNames)
let code: Int32
switch invocation {
case .broker(let arguments):
    code = await BrokerProgram.run(arguments)
case .fence(let arguments):
    code = await FenceProgram.run(arguments)
case .tool(let name, let arguments):
    code = await KafkaTools.run(command: name, arguments: arguments)
case .listCommands:
    print(KafkaTools.commandNames.sorted().joined(separator: "\n"))
    code = 0
case .version:
    print("martlet \(BrokerProgram.version) (Apache Kafka \(KafkaTools.version))")
    code = 0
case .help:
    print(Usage.text(commands: KafkaTools.commandNames.sorted()))
    code = 0
case .unknown(let name):
    Usage.complain("martlet: '\(name)' is not a command. Try 'martlet --help'.")
    code = 1
}
exit(code)
