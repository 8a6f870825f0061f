#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Breaks the coordinators in one place after the other and expects a simulation to notice.

    mutants.py [NAME…]

Works on a copy of the sources; builds only the simulation. Prints for each mutant the first seed that found it, and ends
with 1 if any was not found. The list with its results is in Coordination's documentation. With MUTANTS_COPY=directory the
copy is made there and kept, which saves the next run most of its first build.
"""

import contextlib
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
GROUP, TRANSACTION = "Sources/GroupCoordination/", "Sources/TransactionCoordination/"
LOG = "Sources/LogStorage/Producer/"
# Seeds and steps.
EXTENT = {"groups": (150, 3000), "transactions": (150, 3000), "together": (24, 6000)}

# name (its first word is the simulation that should notice), file, what stands there, what the mutant has instead
MUTANTS = [
    ("groups: a rebalance keeps the generation", GROUP + "Group+Rebalance.swift",
     "        generation &+= 1\n", "        if generation == 0 { generation = 1 }\n"),
    ("groups: a commit is answered before the log has it", GROUP + "Group+Offsets.swift",
     "        turn.append(\n            batch,\n            then: .commit(",
     "        turn.reply(token, .commit(answer))\n        for entry in stored where request.producer == nil { keep(entry.partition, StoredOffset(committed: entry.offset, recordOffset: .max)) }\n"
     "        turn.append(\n            batch,\n            then: true ? .nothing : .commit("),
    ("groups: an assignment is told before the log has it", GROUP + "Group+Rebalance.swift",
     "            store(\n                assignments: assignments, then: .assignment(",
     "            assignmentStored(.none, generation, assignments, &turn)\n            store(\n                assignments: assignments, then: true ? .nothing : .assignment("),
    ("groups: sessions do not start again after loading", GROUP + "Group+Membership.swift",
     "        for id in members.keys { members[id]?.heard(at: turn.uptime) }",
     "        for id in members.keys { members[id]?.deadline = .max }"),
    ("groups: the deadline is not queued again after an early wake", GROUP + "GroupCoordinator.swift",
     "                coordinator.groups[wake.group]?.queuedWake = nil\n", ""),
    ("groups: who has not joined again stays", GROUP + "Group+Rebalance.swift",
     "        for member in members.values where member.awaitingJoin == nil && member.instanceID == nil {\n            remove(member.id)\n        }\n", ""),
    ("groups: a past generation may commit", GROUP + "Group+Offsets.swift",
     "            return request.generation == generation ? nil : .illegalGeneration", "            return nil"),
    ("groups: an aborted transaction's positions count", GROUP + "Group+Offsets.swift",
     "                if end.isCommit { keep(partition, stored) }\n                pending.stored = nil",
     "                keep(partition, stored)\n                pending.stored = nil"),
    ("groups: positions of a transaction count at once", GROUP + "Group+Offsets.swift",
     "                pending.stored = stored\n", "                pending.stored = stored\n                keep(partition, stored)\n"),
    ("groups: an older record of a position overwrites a newer one", GROUP + "Group+Offsets.swift",
     "        if offsets.values[place].recordOffset > stored.recordOffset { return }\n", ""),
    ("groups: loading forgets the positions of open transactions", GROUP + "GroupCoordinator+Loading.swift",
     "                groupsByProducer[producer, default: []].insert(id)\n", ""),
    ("groups: heartbeats do not count", GROUP + "Group+Membership.swift",
     "        case .completingRebalance, .stable:\n            members[request.memberID]?.heard(at: uptime)\n", "        case .completingRebalance, .stable:\n"),
    ("groups: sessions go by the wall clock", GROUP + "Turn.swift",
     "var uptime: Int64 { now.uptime }", "var uptime: Int64 { now.wallClock &- 1_699_999_000_000 }"),
    ("groups: unload answers no joins", GROUP + "Group+Membership.swift",
     "                turn.reply(token, .join(JoinAnswer(error: .notCoordinator, memberID: member.id)))", "                _ = token"),
    ("groups: a replaced static member is not fenced", GROUP + "Group.swift",
     "            guard current == memberID else { return .fencedInstanceID }\n", "            _ = current\n            if members[memberID] == nil { return nil }\n"),
    ("transactions: a successor gets the same epoch", TRANSACTION + "TransactionCoordinator+Producers.swift",
     "        guard let expected = request.expected else {\n            return initialize(\n                request, epoch: current.epoch &+ 1,",
     "        guard let expected = request.expected else {\n            return initialize(\n                request, epoch: current.epoch,"),
    ("transactions: the end is answered before the log has it", TRANSACTION + "TransactionCoordinator+Ending.swift",
     "            return began ? nil : .invalidRequest\n        // The answer was lost.", "            return began ? ErrorCode.none : .invalidRequest\n        // The answer was lost."),
    ("transactions: markers are sent before the decision is on the log", TRANSACTION + "TransactionCoordinator+Ending.swift",
     "            let began = begin(\n                request.transactionalID,\n",
     "            turn.write(TransactionMarkers(transactionalID: request.transactionalID, producer: request.producer, isCommit: request.isCommit, coordinatorEpoch: coordinatorEpoch, partitions: Array(logged.partitions)))\n            let began = begin(\n                request.transactionalID,\n"),
    ("transactions: decided ones are not taken up after loading", TRANSACTION + "TransactionCoordinator.swift",
     "            for id in prepared.keys.sorted() { coordinator.beginMarking(id, &turn) }", "            _ = (prepared, turn.uptime)"),
    ("transactions: failed markers are not tried again", TRANSACTION + "TransactionCoordinator+Ending.swift",
     "            if mustRetry { coordinator.retryLater(id, turn) }", "            _ = mustRetry"),
    ("transactions: the first marker completes", TRANSACTION + "TransactionCoordinator+Ending.swift",
     "case .none, .unsupportedForMessageFormat: marking.remaining.remove(partition)", "case .none, .unsupportedForMessageFormat: marking.remaining = []"),
    ("transactions: an error counts as a marker", TRANSACTION + "TransactionCoordinator+Ending.swift",
     "                default: mustRetry = true", "                default: marking.remaining.remove(partition)"),
    ("transactions: every marker commits", TRANSACTION + "TransactionCoordinator+Ending.swift",
     "transactionalID: id, producer: logged.producer, isCommit: isCommit,", "transactionalID: id, producer: logged.producer, isCommit: true,"),
    ("transactions: nothing times out", TRANSACTION + "TransactionCoordinator+Ending.swift",
     "return logged.start &+ Int64(logged.timeout) < now.wallClock", "return false && logged.start < now.wallClock"),
    ("transactions: a change on its way is not waited for", TRANSACTION + "TransactionalID.swift",
     "        return pending == nil ? nil : .concurrentTransactions", "        return nil"),
    ("transactions: any epoch may end a transaction", TRANSACTION + "TransactionalID.swift",
     "        guard currentEpoch(logged) == producer.epoch else { return .producerFenced }\n", ""),
    ("transactions: registered partitions are answered before the log has them", TRANSACTION + "TransactionCoordinator+Partitions.swift",
     "        return began ? nil : .invalidRequest", "        return began ? ErrorCode.none : .invalidRequest"),
    ("transactions: a new transaction keeps the old one's partitions out", TRANSACTION + "TransactionCoordinator+Partitions.swift",
     "        next.partitions.append(contentsOf: request.partitions)", "        if !isOngoing { next.partitions.append(contentsOf: request.partitions.prefix(1)) }"),
    ("transactions: who asks is always told that the partition belongs to it", TRANSACTION + "TransactionCoordinator+Partitions.swift",
     "logged.partitions.contains($0) ? .none : .transactionAbortable", "$0.partition < 0 ? .transactionAbortable : .none"),
    ("together: a zombie's positions need no generation", GROUP + "Group+Offsets.swift",
     "            return request.generation == generation ? nil : .illegalGeneration",
     "            return request.generation == generation || request.producer != nil ? nil : .illegalGeneration"),
    ("together: stable positions do not wait for transactions", GROUP + "Group+Offsets.swift",
     "        pendingOffsets[partition] != nil || transactionalOffsets.values.contains { $0[partition] != nil }",
     "        pendingOffsets[partition] != nil"),
    ("together: positions are stored without their proof", GROUP + "Group+Offsets.swift",
     "            batch.proof = producer.proof\n", ""),
    ("together: positions stay pending behind their marker", GROUP + "GroupCoordinator+Offsets.swift",
     "markerOffset: markerOffset)\n            coordinator", "markerOffset: 0)\n            coordinator"),
    ("together: loading passes markers over", GROUP + "GroupCoordinator+Loading.swift",
     "            if let marker = try batch.endTransactionMarker() {", "            if let marker = try batch.endTransactionMarker(), phase != .loading {"),
    ("together: loading takes every marker for a commit", GROUP + "GroupCoordinator+Loading.swift",
     "Group.TransactionEnd(isCommit: marker.isCommit,", "Group.TransactionEnd(isCommit: true,"),
    ("together: a group's coordinator that is loading serves", GROUP + "GroupCoordinator.swift",
     "        case .loading: .coordinatorLoadInProgress\n        case .active: nil", "        case .loading, .active: nil"),
    ("together: a coordinator that is loading knows no transactions", TRANSACTION + "TransactionCoordinator+Partitions.swift",
     "        if let error = error(request.transactionalID) { return all(error) }\n", ""),
    ("together: who takes over does not wait for the end", TRANSACTION + "TransactionCoordinator+Producers.swift",
     "        case .prepareCommit, .prepareAbort: return .concurrentTransactions\n",
     "        case .prepareCommit, .prepareAbort: return bump(request, known, logged, token, &turn)\n"),
    ("together: a transaction begins before the last is complete", TRANSACTION + "TransactionCoordinator+Partitions.swift",
     "        guard let logged = known.logged, !logged.state.isPrepared else {", "        guard let logged = known.logged else {"),
    ("together: markers leave the group's partition out", TRANSACTION + "TransactionCoordinator+Ending.swift",
     "TransactionalID.Marking(remaining: logged.partitions)",
     "TransactionalID.Marking(remaining: logged.partitions.filter { $0.topic == \"out\" })"),
    ("together: the log asks for no proof", LOG + "ProducerStateManager.swift",
     "            guard isProven else {", "            guard isProven || mapEnd >= 0 else {"),
]

# What chance has not shown yet; a unit test is there for each, named in Coordination's documentation.
NOT_FOUND_YET = [
    ("groups: a static member removed while it comes back is not told", GROUP + "Group+Membership.swift",
     "for id in pendingSync.sorted() { dismiss(id, &turn) }",
     "for id in pendingSync.sorted() {\n            if let token = members[id]?.awaitingSync { turn.reply(token, .sync(SyncAnswer(error: .unknownMemberID))) }\n            remove(id)\n        }"),
    ("together: a zombie's positions need no membership", GROUP + "Group+Offsets.swift",
     "            if let error = error(memberID: request.memberID, instanceID: request.instanceID) { return error }",
     "            if let error = error(memberID: request.memberID, instanceID: request.instanceID), request.producer == nil { return error }"),
    ("together: a copy that fails takes what is stored with it", GROUP + "Group+Offsets.swift",
     "        pending.underway -= 1\n", "        pending.underway -= 1\n        if stored == nil { pending.stored = nil }\n"),
    ("together: a copy on its way hides what is stored", GROUP + "Group+Offsets.swift",
     "transactionalOffsets[producer.id, default: [:]][entry.partition, default: .init()].underway += 1",
     "transactionalOffsets[producer.id, default: [:]][entry.partition] = PendingTransactionalOffset(underway: 1)"),
    ("together: the log takes markers of past coordinators", LOG + "ProducerStateManager.swift",
     "            if state.coordinatorEpoch > marker.coordinatorEpoch {", "            if state.coordinatorEpoch > marker.coordinatorEpoch, mapEnd < 0 {"),
    ("together: the log takes epochs from the past", LOG + "ProducerStateManager.swift",
     "        if batch.epoch < state.epoch {", "        if batch.epoch < state.epoch, mapEnd < 0 {"),
    ("together: the log takes an answer about the transaction before", LOG + "TransactionVerifications.swift",
     "        return verificationGuard == opening", "        return verificationGuard == opening || true"),
    ("transactions: a timed out transaction keeps its epoch", TRANSACTION + "TransactionCoordinator+Ending.swift",
     "(logged.producer.epoch == .max ? .max : logged.producer.epoch &+ 1)", "logged.producer.epoch"),
    ("transactions: the fence is forgotten when its record fails", TRANSACTION + "TransactionCoordinator.swift",
     "        ids[id]?.pending = nil\n", "        ids[id]?.pending = nil\n        if !error.isNone { ids[id]?.fencingEpoch = nil }\n"),
    ("log: a marker leaves the guard valid", LOG + "ProducerStateManager.swift",
     "            verifications.end(batch.producerID)\n", ""),
]


def run(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, **options)


def simulate(program, simulation):
    """What is found; None if nothing is."""
    seeds, steps = EXTENT[simulation]
    # Of the processor's time: what else runs on the machine does not matter.
    ran = run(program, simulation, "1", str(seeds), str(steps),
              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (120, 120)))
    if ran.returncode == 0:
        return None
    if ran.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        return f"{simulation}: it does not end"
    said = (ran.stdout.strip() or ran.stderr.strip()).splitlines()
    return f"{simulation}: {said[-1] if said else ran.returncode}"


def workplace():
    """A directory for the copy."""
    kept = os.environ.get("MUTANTS_COPY")
    if not kept:
        return tempfile.TemporaryDirectory(prefix="martlet-mutants-", dir=os.environ.get("TMPDIR", "/var/tmp"))
    os.makedirs(kept, exist_ok=True)
    return contextlib.nullcontext(kept)


def fill(copy):
    for part in ("Package.swift", "Package.resolved"):
        shutil.copy2(os.path.join(ROOT, part), copy)
    for part in ("Sources", "Tests"):
        # What has not changed keeps its time, so that it is not built again.
        shutil.rmtree(os.path.join(copy, part), ignore_errors=True)
        shutil.copytree(os.path.join(ROOT, part), os.path.join(copy, part), symlinks=True)
    if os.path.isdir(os.path.join(copy, ".build")):
        return
    # Only what was downloaded: what was built names the place where it was built.
    os.mkdir(os.path.join(copy, ".build"))
    for part in ("checkouts", "repositories"):
        shutil.copytree(os.path.join(ROOT, ".build", part), os.path.join(copy, ".build", part), symlinks=True)
    shutil.copy(os.path.join(ROOT, ".build/workspace-state.json"), os.path.join(copy, ".build"))


def main():
    chosen = [m for m in MUTANTS + NOT_FOUND_YET if any(word in m[0] for word in sys.argv[1:])] or MUTANTS
    survivors = 0
    with workplace() as copy:
        fill(copy)
        for name, path, before, after in chosen:
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
                program = os.path.join(copy, ".build/debug/simulate-coordinators")
                # What its own simulation does not notice, that of both may.
                area = name.split(":")[0]
                found = area in EXTENT and simulate(program, area) or simulate(program, "together")
                survivors += found is None
                print(f"{name}: {found or 'NOT FOUND'}", flush=True)
            with open(file, "w") as opened:
                opened.write(original)
    print(f"{len(chosen)} mutants, {survivors} not found")
    sys.exit(1 if survivors else 0)


if __name__ == "__main__":
    main()
