# SPDX-License-Identifier: Apache-2.0
"""Three ZooKeeper servers, each on a host of its own where the machine allows it."""

import os
import re
import socket
import subprocess

import harness
import networks
from harness import CLASSPATH, directory, eventually, free_port, tail

_ensemble = None


def ensemble():
    """The ensemble of this run; clusters live under chroots of their own."""
    global _ensemble
    if _ensemble is None:
        _ensemble = Ensemble().start()
    return _ensemble


class Server:
    def __init__(self, number):
        network = networks.network()
        self.number = number
        self.host = network and network.host(f"zookeeper-{number}")
        self.address = self.host.address if self.host else "127.0.0.1"
        self.port, self.peer_port, self.election_port = free_port(), free_port(), free_port()
        self.home = directory()
        self.log = os.path.join(self.home, "log")
        self.process = None

    def start(self, servers):
        os.makedirs(os.path.join(self.home, "data"), exist_ok=True)
        with open(os.path.join(self.home, "data/myid"), "w") as file:
            file.write(f"{self.number}\n")
        configuration = os.path.join(self.home, "zoo.cfg")
        with open(configuration, "w") as file:
            file.write(
                f"dataDir={self.home}/data\nclientPort={self.port}\nclientPortAddress={self.address}\ntickTime=500\n"
                "initLimit=20\nsyncLimit=10\nminSessionTimeout=1000\nmaxSessionTimeout=60000\n"
                "admin.enableServer=false\n4lw.commands.whitelist=srvr,mntr\nmaxClientCnxns=0\nsnapCount=100000\n")
            file.writelines(f"server.{s.number}={s.address}:{s.peer_port}:{s.election_port}\n" for s in servers)
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [*(self.host.launcher if self.host else []), "java", "-Xmx128m", "-XX:+UseSerialGC",
                 "-XX:TieredStopAtLevel=1", "-cp", CLASSPATH, "-Dzookeeper.forceSync=no",
                 "org.apache.zookeeper.server.quorum.QuorumPeerMain", configuration],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        harness._processes.append(self.process)

    @property
    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        self.process.kill()
        self.process.wait()

    def terminate(self):
        self.process.terminate()
        self.process.wait(30)

    def ask(self, word):
        """Its answer to one of the four-letter words."""
        with socket.create_connection((self.address, self.port), 1) as connection:
            connection.settimeout(2)
            connection.sendall(word.encode())
            return b"".join(iter(lambda: connection.recv(4096), b"")).decode()

    def mode(self):
        """leader, follower, or None when it serves nobody."""
        try:
            found = re.search(r"Mode: (\w+)", self.ask("srvr"))
        except OSError:
            return None
        return found and found.group(1)


class Ensemble:
    def __init__(self, count=3):
        self.servers = [Server(number) for number in range(1, count + 1)]

    def start(self):
        """Starts every server that does not run, and waits until all serve. A port that was free may be taken a moment later,
        and servers that have missed one another take their time: so there is a second try."""
        for attempt in range(2):
            for server in self.servers:
                if not server.is_running:
                    server.start(self.servers)
            try:
                eventually(self.serves, 40)
                return self
            except AssertionError:
                if attempt > 0:
                    said = "\n".join(tail(server.log) for server in self.servers)
                    raise AssertionError(f"the ensemble does not serve: {said}") from None
                self.kill()

    def serves(self):
        modes = sorted(server.mode() or "" for server in self.servers)
        return modes == ["follower"] * (len(self.servers) - 1) + ["leader"]

    def leader(self):
        return eventually(lambda: next((s for s in self.servers if s.mode() == "leader"), None), 30)

    def kill(self):
        for server in self.servers:
            server.kill()

    def connect(self, chroot):
        return ",".join(f"{s.address}:{s.port}" for s in self.servers) + f"/{chroot}"

    def watches(self):
        """How many there are, on nodes and on their children, of all clusters."""
        told = [server.ask("mntr") for server in self.servers]
        return sum(int(re.search(r"^zk_watch_count\t(\d+)$", words, re.MULTILINE).group(1)) for words in told)
