# SPDX-License-Identifier: Apache-2.0
"""Bad weather on a host's link: packets that are lost, late, there twice, in another order, or with a bit flipped.

It is made in user space, since not every kernel has netem: the host's cable is taken off the bridge, and this program,
run as one of its own, carries each packet between the two. It needs nothing but network namespaces and packet sockets.
"""

import array
import fcntl
import heapq
import itertools
import json
import os
import random
import select
import socket
import struct
import subprocess
import sys
import time

HERE = os.path.abspath(__file__)
EVERYTHING = 0x0003
SOL_PACKET, IGNORE_OUTGOING = 263, 23
SET_FLAG = 0x8946
SET_CHECKSUMS = 0x17
HEADER = 14

# Conditions of a `Weather`. Two links lie between two brokers, each of them as bad.
BAD = {"loss": 0.03, "duplication": 0.05, "corruption": 0.04, "reordering": 0.05, "lag": 0.01, "jitter": 0.002}


class Weather:
    """What happens on the links of some hosts until `end`. Chances are per packet and way; delays are in seconds.

    loss, duplication, corruption: the chance that a packet is lost, arrives twice, arrives with one bit flipped
    reordering: the chance that a packet stays behind for `lag`, so that others overtake it
    delay, jitter: what every packet takes, and up to how much more; a jitter reorders, too
    rate: how many bytes pass in a second, per link and way. What would wait for longer than a second is lost.
    to: addresses; only packets to and from them suffer. All if None.
    gusts: (seconds of weather, seconds of calm), in turns. Always weather if None.
    """

    def __init__(self, hosts, seed, **conditions):
        self.hosts = hosts
        links = []
        for host in hosts:
            host.run(sys.executable, HERE, "checksums", "eth0", "0")
            links.append(host.off_the_bridge())
            # What comes from the bridge would lack its checksum, too.
            subprocess.run([sys.executable, HERE, "checksums", f"{links[-1][1]}-far", "0"], check=True)
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", sys.executable, HERE, "carry",
             json.dumps({"links": links, "seed": seed, **conditions})],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "ready\n"

    def met(self):
        """How many packets met with what until now."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def end(self):
        """The links are as they were."""
        if self.process.poll() is None:
            self.process.communicate("", 10)
            for host in self.hosts:
                host.on_the_bridge()
                host.run(sys.executable, HERE, "checksums", "eth0", "1")


def set_checksums(device, to):
    """Whether the network card computes checksums. There is no card, so that without this there are none."""
    value = array.array("I", [SET_CHECKSUMS, to])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SET_FLAG, struct.pack("16sP16x", device.encode(), value.buffer_info()[0]))


class Carrier:
    def __init__(self, links, seed, loss=0, duplication=0, corruption=0, reordering=0, lag=0.02, delay=0, jitter=0,
                 rate=None, to=None, gusts=None):
        self.chances = random.Random(seed)
        self.loss, self.duplication, self.corruption = loss, duplication, corruption
        self.reordering, self.lag, self.delay, self.jitter = reordering, lag, delay, jitter
        self.rate, self.free = rate, {}
        self.far = None if to is None else {socket.inet_aton(address) for address in to}
        self.gusts = gusts
        self.ways, self.outward = {}, {}
        self.waiting = []
        self.numbers = itertools.count()
        self.count = dict.fromkeys(("packets", "lost", "twice", "corrupted", "late"), 0)
        for pair in links:
            ends = [self.listen(device) for device in pair]
            self.ways[ends[0].fileno()] = ends
            self.ways[ends[1].fileno()] = ends[::-1]
            self.outward.update({ends[0].fileno(): True, ends[1].fileno(): False})

    @staticmethod
    def listen(device):
        end = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(EVERYTHING))
        end.setsockopt(SOL_PACKET, IGNORE_OUTGOING, 1)
        end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        end.bind((device, 0))
        end.setblocking(False)
        return end

    def carry(self, questions):
        """Answers each byte of the questions with a line; their end is its own."""
        poll = select.poll()
        for number in [questions, *self.ways]:
            poll.register(number, select.POLLIN)
        began = time.monotonic()
        while True:
            now = time.monotonic()
            pause = max(0, self.waiting[0][0] - now) * 1000 if self.waiting else None
            ready = poll.poll(pause)
            now = time.monotonic()
            calm = self.gusts and (now - began) % sum(self.gusts) > self.gusts[0]
            for number, _ in ready:
                if number != questions:
                    self.take(number, now, calm)
                elif not os.read(questions, 1):
                    return
                else:
                    print(json.dumps(self.count), flush=True)
            while self.waiting and self.waiting[0][0] <= now:
                _, _, to, frame = heapq.heappop(self.waiting)
                self.send(to, frame)

    def take(self, number, now, calm):
        source, to = self.ways[number]
        for _ in range(64):
            try:
                frame = source.recv(1 << 16)
            except BlockingIOError:
                return
            if calm or not self.suffers(frame, self.outward[number]):
                self.send(to, frame)
                continue
            self.count["packets"] += 1
            if self.chances.random() < self.loss:
                self.count["lost"] += 1
                continue
            if self.chances.random() < self.corruption:
                self.count["corrupted"] += 1
                frame = bytearray(frame)
                frame[self.chances.randrange(HEADER, len(frame))] ^= 1 << self.chances.randrange(8)
            sent = self.sent(number, len(frame), now)
            if sent is None:
                self.count["lost"] += 1
                continue
            due = sent + self.delay + self.chances.random() * self.jitter
            if self.chances.random() < self.reordering:
                self.count["late"] += 1
                due += self.lag
            copies = 1
            if self.chances.random() < self.duplication:
                self.count["twice"] += 1
                copies = 2
            for _ in range(copies):
                if due > now:
                    heapq.heappush(self.waiting, (due, next(self.numbers), to, frame))
                else:
                    self.send(to, frame)

    def sent(self, number, size, now):
        """When a packet is through a link of this rate; None if too many wait already."""
        if self.rate is None:
            return now
        begin = max(now, self.free.get(number, 0))
        if begin > now + 1:
            return None
        self.free[number] = begin + size / self.rate
        return self.free[number]

    def suffers(self, frame, outward):
        if frame[12:14] != b"\x08\x00":
            return False
        return self.far is None or (frame[30:34] if outward else frame[26:30]) in self.far

    @staticmethod
    def send(to, frame):
        try:
            to.send(frame)
        except OSError:
            # No room, or the host is gone: a packet is lost.
            pass


if __name__ == "__main__":
    if sys.argv[1] == "checksums":
        set_checksums(sys.argv[2], int(sys.argv[3]))
    else:
        carrier = Carrier(**json.loads(sys.argv[2]))
        print("ready", flush=True)
        carrier.carry(sys.stdin.fileno())
