// SPDX-License-Identifier: Apache-2.0

/// Deadlines in constant time: a hierarchical timing wheel with a tick of one millisecond.
///
/// Level 0 has a slot for each of the next 64 milliseconds, level 1 for each of the next 64 spans of 64 milliseconds, and
/// so on; an entry moves down a level when its span begins. Adding and cancelling touch one slot. Delayed operations
/// are added by the thousand and mostly cancelled, so both must cost nothing.
///
/// A value without clock or thread: time is what ``advance(to:)`` says. ``TimerThread`` drives it.
struct TimerWheel<Payload> {
    /// Names an entry until it fires or is cancelled.
    struct Handle: Hashable, Sendable {
        fileprivate let id: UInt64
    }

    private struct Entry {
        let id: UInt64
        let deadline: UInt64
        let payload: Payload
    }

    private static var bits: UInt64 { 6 }
    private static var slotsPerLevel: Int { 1 << 6 }
    private static var levels: Int { 7 }

    private var slots: [[Entry]]
    /// Where each living entry lies, so that cancelling finds it.
    private var places: [UInt64: (slot: Int, index: Int)] = [:]
    private var nextID: UInt64 = 0
    /// Milliseconds; everything due at or before it has fired.
    private(set) var now: UInt64

    /// A wheel whose time starts at `now`, in milliseconds of a clock that does not jump.
    init(now: UInt64) {
        self.now = now
        slots = Array(repeating: [], count: Self.levels * Self.slotsPerLevel)
    }

    /// How many entries wait.
    var count: Int { places.count }

    /// Adds an entry that is due at `deadline`; one in the past is due at the next millisecond.
    mutating func add(_ payload: Payload, deadline: UInt64) -> Handle {
        nextID += 1
        place(Entry(id: nextID, deadline: max(deadline, now + 1), payload: payload))
        return Handle(id: nextID)
    }

    /// Takes an entry out again; false when it has fired already.
    @discardableResult
    mutating func cancel(_ handle: Handle) -> Bool {
        guard let place = places.removeValue(forKey: handle.id) else { return false }
        let last = slots[place.slot].removeLast()
        if place.index < slots[place.slot].count {
            slots[place.slot][place.index] = last
            places[last.id] = place
        }
        return true
    }

    /// Moves time forward and returns what became due, in order of deadline.
    mutating func advance(to time: UInt64) -> [Payload] {
        var due: [Entry] = []
        while now < time {
            guard !places.isEmpty else {
                now = time
                break
            }
            // Empty stretches are passed in one step, so that a long sleep costs no walk over its milliseconds.
            let step = nextOccupiedTick(limit: time)
            now = step
            cascade()
            let slot = Int(now & UInt64(Self.slotsPerLevel - 1))
            for entry in slots[slot] { places[entry.id] = nil }
            due += slots[slot]
            slots[slot].removeAll(keepingCapacity: true)
        }
        return due.map(\.payload)
    }

    /// The earliest time at which anything may become due; nil when nothing waits. Never later than the true deadline.
    var nextWakeUp: UInt64? {
        places.isEmpty ? nil : nextOccupiedTick(limit: .max)
    }

    /// The next tick at which a slot of level 0 fires or one of a higher level must be moved down.
    private func nextOccupiedTick(limit: UInt64) -> UInt64 {
        var best = limit
        for level in 0..<Self.levels {
            let shift = UInt64(level) * Self.bits
            let current = now >> shift
            for ahead in 1...UInt64(Self.slotsPerLevel) {
                let tick = current + ahead
                let slot = level * Self.slotsPerLevel + Int(tick & UInt64(Self.slotsPerLevel - 1))
                guard !slots[slot].isEmpty else { continue }
                best = min(best, tick << shift)
                break
            }
        }
        return best
    }

    /// Moves the entries of each higher level whose span begins now to where they belong.
    private mutating func cascade() {
        for level in 1..<Self.levels {
            let shift = UInt64(level) * Self.bits
            guard now & ((1 << shift) - 1) == 0 else { return }
            let slot = level * Self.slotsPerLevel + Int((now >> shift) & UInt64(Self.slotsPerLevel - 1))
            let entries = slots[slot]
            slots[slot].removeAll(keepingCapacity: true)
            for entry in entries { place(entry) }
        }
    }

    private mutating func place(_ entry: Entry) {
        let distance = entry.deadline - min(entry.deadline, now)
        var level = 0
        while level < Self.levels - 1, distance >> (UInt64(level + 1) * Self.bits) != 0 { level += 1 }
        // What lies beyond the last level waits in its furthest slot and is placed anew from there.
        let reach = (UInt64(1) << (UInt64(Self.levels) * Self.bits)) - 1
        let deadline = min(entry.deadline, now + min(reach, UInt64.max - now))
        let slot =
            level * Self.slotsPerLevel
            + Int((deadline >> (UInt64(level) * Self.bits)) & UInt64(Self.slotsPerLevel - 1))
        places[entry.id] = (slot, slots[slot].count)
        slots[slot].append(entry)
    }
}
