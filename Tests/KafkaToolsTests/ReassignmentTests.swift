// SPDX-License-Identifier: Apache-2.0

import ClusterControl
import KafkaClient
import Testing

@testable import KafkaTools

private func partition(_ topic: String, _ number: Int32) -> KafkaClient.TopicPartition { .init(topic, number) }

@Suite struct ReassignmentFileTests {
    private func message(_ text: String) -> String? {
        do {
            try ReassignmentFile(text).checkForExecution()
            return nil
        } catch {
            return JavaException(error).message
        }
    }

    @Test func partitionsAndDirectoriesAreRead() throws {
        let file = try ReassignmentFile(
            #"{"version":1,"partitions":[{"topic":"t","partition":1,"replicas":[3,1],"log_dirs":["any","/d"]},{"topic":"t","partition":0,"replicas":[2]}]}"#
        )
        #expect(
            file.entries == [
                .init(partition: partition("t", 1), replicas: [3, 1]),
                .init(partition: partition("t", 0), replicas: [2]),
            ])
        #expect(file.directories == [PartitionReplica(partition("t", 1), broker: 1): "/d"])
        try file.checkForExecution()
    }

    @Test(arguments: [
        (#"{"version":2,"partitions":[]}"#, "Not supported version field value 2"),
        (#"{"partitions":[]}"#, "Partition reassignment list cannot be empty"),
        (#"{}"#, "Partition reassignment list cannot be empty"),
        (
            #"{"partitions":[{"topic":"t","partition":0,"replicas":[]}]}"#,
            "Partition replica list cannot be empty"
        ),
        (
            #"{"partitions":[{"topic":"t","partition":0,"replicas":[1,2,1]}]}"#,
            "Partition replica lists may not contain duplicate entries: t-0 contains multiple entries for 1"
        ),
        (
            #"{"partitions":[{"topic":"t","partition":0,"replicas":[1]},{"topic":"t","partition":0,"replicas":[2]}]}"#,
            "Partition reassignment contains duplicate topic partitions: t-0"
        ),
        (
            #"{"partitions":[{"topic":"t","partition":0,"replicas":[1,2],"log_dirs":["any"]}]}"#,
            "Size of replicas list [1, 2] is different from size of log dirs list [any] for partition t-0"
        ),
        (#"{"partitions":[{"topic":"t","replicas":[1]}]}"#, "No such field exists: `partition`"),
        (
            #"{"partitions":[{"topic":"t","partition":"0","replicas":[1]}]}"#,
            "Expected `Integer` value, received \"0\""
        ),
        (
            #"{"partitions":[{"topic":"t","partition":4294967296,"replicas":[1]}]}"#,
            "Expected `Integer` value, received 4294967296"
        ),
        (#"{"partitions":{"topic":"t"}}"#, #"Expected JSON array, received {"topic":"t"}"#),
        (#"[]"#, "Expected JSON object, received []"),
        (#"{"#, "Unexpected end-of-input"),
    ])
    func whatIsUnsoundIsRefusedInApachesWords(text: String, expected: String) {
        #expect(message(text) == expected)
    }

    @Test func anAssignmentIsWrittenByTopicAndPartition() {
        let text = ReassignmentFile.format([
            partition("b", 0): [2], partition("a", 10): [1, 2], partition("a", 9): [3, 1],
        ])
        #expect(
            text
                == #"{"version":1,"partitions":[{"topic":"a","partition":9,"replicas":[3,1],"log_dirs":["any","any"]},{"topic":"a","partition":10,"replicas":[1,2],"log_dirs":["any","any"]},{"topic":"b","partition":0,"replicas":[2],"log_dirs":["any"]}]}"#
        )
    }

    @Test func topicsAndBrokersToMoveAreRead() throws {
        #expect(try ReassignmentFile.topics(#"{"topics":[{"topic":"a"},{"topic":"b"}]}"#) == ["a", "b"])
        #expect(try ReassignmentFile.brokers("3,1") == [3, 1])
        #expect(throws: JavaException.self) {
            try ReassignmentFile.topics(#"{"topics":[{"topic":"a"},{"topic":"a"}]}"#)
        }
        #expect(throws: JavaException.self) { try ReassignmentFile.brokers("1,2,1") }
        #expect(throws: JavaException.self) { try ReassignmentFile.brokers("1,x") }
    }
}

@Suite struct ReassignmentMovesTests {
    @Test func whoHasItSendsAndWhoGetsItReceives() {
        let moves = ReassignmentMoves(
            running: [:], proposed: [partition("t", 0): [3, 2], partition("t", 10): [4]],
            current: [partition("t", 0): [1, 2], partition("t", 10): [1]])
        // Sorted as text, as Apache's tool writes them.
        #expect(moves.leaderThrottles == ["t": "0:1,0:2,10:1"])
        #expect(moves.followerThrottles == ["t": "0:3,10:4"])
        #expect(moves.brokers == [1, 2, 3, 4])
    }

    @Test func aPartitionThatMovesAlreadySendsFromWhereItWas() {
        // It moves from 1, 2 to 3; now it shall go to 4 instead. 3 has not got it all, so 3 is no source.
        let running = PartitionReassignment(replicas: [3, 1, 2], adding: [3], removing: [1, 2])
        let moves = ReassignmentMoves(
            running: [partition("t", 0): running, partition("u", 0): running], proposed: [partition("t", 0): [4]],
            current: [partition("t", 0): [3, 1, 2]])
        #expect(moves.moves[partition("t", 0)] == .init(sources: [1, 2], destinations: [4]))
        // The throttle is for the others, too.
        #expect(moves.moves[partition("u", 0)] == .init(sources: [1, 2], destinations: [3]))
    }
}

@Suite struct ReassignmentProposalTests {
    @Test func eachTopicKeepsItsPartitionsAndReplicas() throws {
        let current = [
            partition("a", 0): [Int32(1), 2], partition("a", 1): [2, 1], partition("a", 2): [1, 2],
            partition("b", 0): [5],
        ]
        let proposed = try ReassignmentProposal.propose(current, over: [3, 4, 5].map { .init(id: $0) }, start: 0)
        #expect(Set(proposed.keys) == Set(current.keys))
        #expect(proposed[partition("a", 0)] == [3, 4])
        #expect(proposed[partition("a", 1)] == [4, 5])
        #expect(proposed[partition("a", 2)] == [5, 3])
        #expect(proposed[partition("b", 0)] == [3])
    }

    @Test func tooFewBrokersAreRefused() {
        #expect {
            try ReassignmentProposal.propose([partition("a", 0): [1, 2]], over: [.init(id: 3)])
        } throws: { error in
            JavaException(error).message == "Replication factor: 2 larger than available brokers: 1."
        }
    }
}

@Suite struct ReassignmentStatusTests {
    @Test func aPartitionIsThereOrUnderWayOrElsewhere() {
        let name = partition("t", 3)
        #expect(
            ReassignmentStatus.line(name, target: [1, 2], current: [1, 2])
                == "Reassignment of partition t-3 is completed.")
        #expect(
            ReassignmentStatus.line(name, target: [1, 2], current: nil)
                == "Reassignment of partition t-3 is still in progress.")
        #expect(
            ReassignmentStatus.line(name, target: [1, 2], current: [2, 3])
                == "There is no active reassignment of partition t-3, but replica set is 2,3 rather than 1,2.")
    }

    @Test func aMoveIsListedWithWhoComesAndWhoGoes() {
        #expect(
            ReassignmentStatus.line(
                partition("t", 3), PartitionReassignment(replicas: [1, 2, 3], adding: [3], removing: [1]))
                == "t-3: replicas: 1,2,3. adding: 3. removing: 1.")
        #expect(
            ReassignmentStatus.line(
                partition("t", 3), PartitionReassignment(replicas: [1, 2], adding: [2], removing: []))
                == "t-3: replicas: 1,2. adding: 2.")
    }

    @Test(arguments: [
        (ReplicaDirectories(), DirectoryMove.missing, false),
        (ReplicaDirectories(current: "/new"), .completed, true),
        (ReplicaDirectories(current: "/old"), .cancelled(current: "/old", target: "/new"), true),
        (
            ReplicaDirectories(current: "/old", future: "/new"), .active(future: "/new", target: "/new"), false
        ),
        (
            ReplicaDirectories(current: "/old", future: "/other"), .active(future: "/other", target: "/new"),
            false
        ),
    ])
    func aDirectoryMoveIsJudgedByWhereTheReplicaLies(
        directories: ReplicaDirectories, expected: DirectoryMove, isDone: Bool
    ) {
        let move = DirectoryMove(directories, target: "/new")
        #expect(move == expected)
        #expect(move.isDone == isDone)
    }
}

@Suite struct ReassignPartitionsOptionTests {
    private func firstLine(_ arguments: String...) async -> String {
        let console = Console.memory()
        let code = await KafkaTools.run(command: "reassign-partitions", arguments: arguments, console: console)
        #expect(code == 1)
        return String((console.errorOutput + console.output).prefix { $0 != "\n" })
    }

    @Test func exactlyOneActionWithItsOwnOptions() async {
        #expect(
            await firstLine("--bootstrap-server", "h:1")
                == "Command must include exactly one action: --generate, --execute, --verify, --cancel, --list")
        #expect(
            await firstLine("--list", "--verify", "--bootstrap-server", "h:1")
                == "Command must include exactly one action: --generate, --execute, --verify, --cancel, --list")
        #expect(
            await firstLine("--list") == "Please specify either --bootstrap-server or --bootstrap-controller")
        #expect(
            await firstLine("--list", "--bootstrap-server", "h:1", "--bootstrap-controller", "h:1")
                == "Please don't specify both --bootstrap-server and --bootstrap-controller")
        #expect(
            await firstLine("--execute", "--bootstrap-server", "h:1")
                == "Missing required argument \"[reassignment-json-file]\"")
        #expect(
            await firstLine(
                "--verify", "--bootstrap-server", "h:1", "--reassignment-json-file", "f", "--additional")
                == "Option \"[additional]\" can't be used with action \"[verify]\"")
    }

    @Test func aMissingFileIsNamed() async {
        #expect(
            await firstLine("--verify", "--bootstrap-server", "h:1", "--reassignment-json-file", "/no/such/file")
                == "Error: /no/such/file")
    }
}
