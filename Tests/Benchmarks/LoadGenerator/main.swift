// SPDX-License-Identifier: Apache-2.0
//
// Loads a broker over plain sockets with frames made beforehand, so that the client costs little, and reads the
// broker's CPU time and memory from the kernel.
//
//   loadgen produce  --port N --pid N [--topic T] [--record 1024] [--batch 131072] [--gigabytes 1] [--acks 1]
//   loadgen fetch    --port N --pid N [--topic T] [--gigabytes 1] [--partition-bytes 1048576]
//   loadgen latency  --port N --pid N [--topic T] [--record 100] [--count 20000] [--acks 1] [--connections 1]
//   loadgen create   --port N [--topic T] [--partitions 1 | --replicas 0,1,2] [--flush-messages N]
//   loadgen await    --port N [--since NANOSECONDS]   until ApiVersions is answered; since the epoch
//   loadgen serve    [--port 0] [--work none|sum|append]   a listener with a handler that does next to nothing
//
// produce, fetch and latency take --runs (3) and print medians; --pid takes several, whose costs are added up.

import BenchmarkKit
import Glibc

let options = Options(CommandLine.arguments.dropFirst(2))
switch CommandLine.arguments.dropFirst().first {
case "produce": produce()
case "fetch": fetch()
case "latency": latency()
case "create": createTopic()
case "await": awaitBroker()
case "serve": await serve()
default: fail("usage: loadgen produce|fetch|latency|create|await|serve [--option value]…")
}
