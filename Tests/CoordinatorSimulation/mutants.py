#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Breaks the coordinators in one place after the other and expects a simulation to notice.

    mutants.py [NAME…]

Works on a copy of the sources; builds only the simulation. Prints for each mutant the first seed that found it, and ends
with 1 if any was not found. The list with its results is in Coordination's documentation.
"""

import os
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
GROUP, TRANSACTION = "Sources/GroupCoordination/", "Sources/TransactionCoordination/"
SEEDS = 150

# name, simulation, file, what stands there, what the mutant has instead
MUTANTS = [
    ("groups: a rebalance keeps the generation", "groups", GROUP + "Group+Rebalance.swift",
     "        generation &+= 1\n", "        if generation == 0 { generation = 1 }\n"),
    ("groups: a commit is answered before the log has it", "groups", GROUP + "Group+Offsets.swift",
     "        turn.append(\n            batch,\n            then: .commit(",
     "        turn.reply(token, .commit(answer))\n        for entry in stored where request.producer == nil { keep(entry.partition, entry.offset, .max) }\n"
     "        turn.append(\n            batch,\n            then: true ? .nothing : .commit("),
    ("groups: an assignment is told before the log has it", "groups", GROUP + "Group+Rebalance.swift",
     "            store(\n                assignments: assignments, then: .assignment(",
     "            assignmentStored(.none, generation, assignments, &turn)\n            store(\n                assignments: assignments, then: true ? .nothing : .assignment("),
    ("groups: sessions do not start again after loading", "groups", GROUP + "Group+Membership.swift",
     "        for id in members.keys { members[id]?.heard(at: turn.uptime) }",
     "        for id in members.keys { members[id]?.deadline = .max }"),
    ("groups: the deadline is not queued again after an early wake", "groups", GROUP + "GroupCoordinator.swift",
     "                coordinator.groups[wake.group]?.queuedWake = nil\n", ""),
    ("groups: who has not joined again stays", "groups", GROUP + "Group+Rebalance.swift",
     "        for member in members.values where member.awaitingJoin == nil && member.instanceID == nil {\n            remove(member.id)\n        }\n", ""),
    ("groups: a past generation may commit", "groups", GROUP + "Group+Offsets.swift",
     "            return request.generation == generation ? nil : .illegalGeneration", "            return nil"),
    ("groups: an aborted transaction's positions count", "groups", GROUP + "Group+Offsets.swift",
     "removeValue(forKey: producer), isCommit else { return }", "removeValue(forKey: producer) else { return }"),
    ("groups: positions of a transaction count at once", "groups", GROUP + "Group+Offsets.swift",
     "                    transactionalOffsets[producer.id]?[entry.partition]?.recordOffset = recordOffset",
     "                    transactionalOffsets[producer.id]?[entry.partition]?.recordOffset = recordOffset\n                    keep(entry.partition, entry.offset, recordOffset)"),
    ("groups: an older record of a position overwrites a newer one", "groups", GROUP + "Group+Offsets.swift",
     "        if offsets.values[place].recordOffset > recordOffset { return }\n", ""),
    ("groups: loading forgets the positions of open transactions", "groups", GROUP + "GroupCoordinator+Loading.swift",
     "                groupsByProducer[producer, default: []].insert(id)\n", ""),
    ("groups: heartbeats do not count", "groups", GROUP + "Group+Membership.swift",
     "        case .completingRebalance, .stable:\n            members[request.memberID]?.heard(at: uptime)\n", "        case .completingRebalance, .stable:\n"),
    ("groups: sessions go by the wall clock", "groups", GROUP + "Turn.swift",
     "var uptime: Int64 { now.uptime }", "var uptime: Int64 { now.wallClock &- 1_699_999_000_000 }"),
    ("groups: unload answers no joins", "groups", GROUP + "Group+Membership.swift",
     "                turn.reply(token, .join(JoinAnswer(error: .notCoordinator, memberID: member.id)))", "                _ = token"),
    ("groups: a static member removed while it comes back is not told", "groups", GROUP + "Group+Membership.swift",
     "for id in pendingSync.sorted() { dismiss(id, &turn) }",
     "for id in pendingSync.sorted() {\n            if let token = members[id]?.awaitingSync { turn.reply(token, .sync(SyncAnswer(error: .unknownMemberID))) }\n            remove(id)\n        }"),
    ("groups: a replaced static member is not fenced", "groups", GROUP + "Group.swift",
     "            guard current == memberID else { return .fencedInstanceID }\n", "            _ = current\n            if members[memberID] == nil { return nil }\n"),
    ("transactions: a successor gets the same epoch", "transactions", TRANSACTION + "TransactionCoordinator+Producers.swift",
     "        guard let expected = request.expected else {\n            return initialize(\n                request, epoch: current.epoch &+ 1,",
     "        guard let expected = request.expected else {\n            return initialize(\n                request, epoch: current.epoch,"),
    ("transactions: the end is answered before the log has it", "transactions", TRANSACTION + "TransactionCoordinator+Ending.swift",
     "            return began ? nil : .invalidRequest\n        // The answer was lost.", "            return began ? ErrorCode.none : .invalidRequest\n        // The answer was lost."),
    ("transactions: markers are sent before the decision is on the log", "transactions", TRANSACTION + "TransactionCoordinator+Ending.swift",
     "            let began = begin(\n                request.transactionalID,\n",
     "            turn.write(TransactionMarkers(transactionalID: request.transactionalID, producer: request.producer, isCommit: request.isCommit, coordinatorEpoch: coordinatorEpoch, partitions: Array(logged.partitions)))\n            let began = begin(\n                request.transactionalID,\n"),
    ("transactions: decided ones are not taken up after loading", "transactions", TRANSACTION + "TransactionCoordinator.swift",
     "            for id in prepared.keys.sorted() { coordinator.beginMarking(id, &turn) }", "            _ = (prepared, turn.uptime)"),
    ("transactions: failed markers are not tried again", "transactions", TRANSACTION + "TransactionCoordinator+Ending.swift",
     "            if mustRetry { coordinator.retryLater(id, turn) }", "            _ = mustRetry"),
    ("transactions: the first marker completes", "transactions", TRANSACTION + "TransactionCoordinator+Ending.swift",
     "case .none, .unsupportedForMessageFormat: marking.remaining.remove(partition)", "case .none, .unsupportedForMessageFormat: marking.remaining = []"),
    ("transactions: an error counts as a marker", "transactions", TRANSACTION + "TransactionCoordinator+Ending.swift",
     "                default: mustRetry = true", "                default: marking.remaining.remove(partition)"),
    ("transactions: every marker commits", "transactions", TRANSACTION + "TransactionCoordinator+Ending.swift",
     "transactionalID: id, producer: logged.producer, isCommit: isCommit,", "transactionalID: id, producer: logged.producer, isCommit: true,"),
    ("transactions: nothing times out", "transactions", TRANSACTION + "TransactionCoordinator+Ending.swift",
     "return logged.start &+ Int64(logged.timeout) < now.wallClock", "return false && logged.start < now.wallClock"),
    ("transactions: a change on its way is not waited for", "transactions", TRANSACTION + "TransactionalID.swift",
     "        return pending == nil ? nil : .concurrentTransactions", "        return nil"),
    ("transactions: any epoch may end a transaction", "transactions", TRANSACTION + "TransactionalID.swift",
     "        guard currentEpoch(logged) == producer.epoch else { return .producerFenced }\n", ""),
    ("transactions: registered partitions are answered before the log has them", "transactions", TRANSACTION + "TransactionCoordinator+Partitions.swift",
     "        return began ? nil : .invalidRequest", "        return began ? ErrorCode.none : .invalidRequest"),
    ("transactions: a new transaction keeps the old one's partitions out", "transactions", TRANSACTION + "TransactionCoordinator+Partitions.swift",
     "        next.partitions.append(contentsOf: request.partitions)", "        if !isOngoing { next.partitions.append(contentsOf: request.partitions.prefix(1)) }"),
]

# What chance has not shown yet; a unit test is there for each, named in Coordination's documentation.
NOT_FOUND_YET = [
    ("transactions: a timed out transaction keeps its epoch", "transactions", TRANSACTION + "TransactionCoordinator+Ending.swift",
     "(logged.producer.epoch == .max ? .max : logged.producer.epoch &+ 1)", "logged.producer.epoch"),
    ("transactions: the fence is forgotten when its record fails", "transactions", TRANSACTION + "TransactionCoordinator.swift",
     "        ids[id]?.pending = nil\n", "        ids[id]?.pending = nil\n        if !error.isNone { ids[id]?.fencingEpoch = nil }\n"),
    ("transactions: who asks is always told that the partition belongs to it", "transactions", TRANSACTION + "TransactionCoordinator+Partitions.swift",
     "logged.partitions.contains($0) ? .none : .transactionAbortable", "$0.partition < 0 ? .transactionAbortable : .none"),
    ("log: a marker leaves the guard valid", "transactions", "Sources/LogStorage/Producer/ProducerStateManager.swift",
     "        if batch.isTransactional { verifications.end(batch.producerID) }\n", "        if batch.isTransactional, !batch.isControl { verifications.end(batch.producerID) }\n"),
]


def run(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, **options)


def simulate(program, simulation):
    """None if it does not end."""
    try:
        return run(program, simulation, "1", str(SEEDS), timeout=300)
    except subprocess.TimeoutExpired:
        return None


def main():
    chosen = [m for m in MUTANTS + NOT_FOUND_YET if any(word in m[0] for word in sys.argv[1:])] or MUTANTS
    survivors = 0
    with tempfile.TemporaryDirectory(prefix="martlet-mutants-", dir=os.environ.get("TMPDIR", "/var/tmp")) as copy:
        for part in ("Package.swift", "Package.resolved", "Sources", "Tests"):
            source = os.path.join(ROOT, part)
            if os.path.isdir(source):
                shutil.copytree(source, os.path.join(copy, part), symlinks=True)
            else:
                shutil.copy(source, copy)
        # Only what was downloaded: what was built names the place where it was built.
        os.mkdir(os.path.join(copy, ".build"))
        for part in ("checkouts", "repositories"):
            shutil.copytree(os.path.join(ROOT, ".build", part), os.path.join(copy, ".build", part), symlinks=True)
        shutil.copy(os.path.join(ROOT, ".build/workspace-state.json"), os.path.join(copy, ".build"))
        for name, simulation, path, before, after in chosen:
            file = os.path.join(copy, path)
            with open(file) as opened:
                original = opened.read()
            if original.count(before) != 1:
                print(f"{name}: the place to break is there {original.count(before)} times", flush=True)
                survivors += 1
                continue
            with open(file, "w") as opened:
                opened.write(original.replace(before, after))
            built = run("swift", "build", "--product", "simulate-coordinators", cwd=copy)
            if built.returncode != 0:
                errors = [line for line in built.stdout.splitlines() if "error:" in line]
                print(f"{name}: does not compile: {errors[:1]}", flush=True)
                survivors += 1
            else:
                ran = simulate(os.path.join(copy, ".build/debug/simulate-coordinators"), simulation)
                if ran is None:
                    print(f"{name}: goes round in circles", flush=True)
                elif ran.returncode == 0:
                    survivors += 1
                    print(f"{name}: NOT FOUND in {SEEDS} seeds", flush=True)
                else:
                    said = (ran.stdout.strip() or ran.stderr.strip()).splitlines()
                    print(f"{name}: {said[-1] if said else ran.returncode}", flush=True)
            with open(file, "w") as opened:
                opened.write(original)
    print(f"{len(chosen)} mutants, {survivors} not found")
    sys.exit(1 if survivors else 0)


if __name__ == "__main__":
    main()
