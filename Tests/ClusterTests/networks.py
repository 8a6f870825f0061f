# SPDX-License-Identifier: Apache-2.0
"""Hosts with addresses of their own, whose links can be cut, one way or both.

Every host is a network namespace, joined to the others by a bridge. All lies in the namespace that `run.py` has made
for the whole run, so nothing of the machine's own network is touched, and everything vanishes with its processes. The
test itself sits at the bridge and reaches every host, whatever is cut between them.
"""

import os
import subprocess

import harness
from harness import eventually

OWN_NETWORK = "MARTLET_TESTS_IN_OWN_NETWORK"
PREFIX = "10.99.0"
# Where the test itself is.
BRIDGE_ADDRESS = f"{PREFIX}.254"
# A station that does not exist: what is sent to it is lost without a trace, as with a pulled cable.
NOBODY = "02:00:00:00:00:99"
BRIDGE_STATION = "02:00:00:00:00:01"

_network = None


def reexecute(arguments):
    """Replaces this process by itself in a network namespace of its own, where the machine allows that."""
    if OWN_NETWORK in os.environ:
        return
    unshare = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--net"]
    probe = (
        "ip link set lo up && ip link add bridge0 type bridge && ip link add probe0 type veth peer name probe1")
    try:
        allowed = subprocess.run(
            [*unshare, "sh", "-c", probe], stdin=subprocess.DEVNULL, capture_output=True, timeout=10)
        reason = "" if allowed.returncode == 0 else allowed.stderr.decode(errors="replace").strip().split("\n")[-1]
    except (OSError, subprocess.TimeoutExpired) as error:
        reason = repr(error)
    os.environ[OWN_NETWORK] = reason
    if reason == "":
        os.execvp(unshare[0], [*unshare, *arguments])


def run(*command):
    result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if result.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: {result.stderr.strip()}")


def network():
    """The network of this run; None, and then `why_not` tells the reason, if the machine does not allow one."""
    global _network
    if os.environ.get(OWN_NETWORK, "not asked for") != "":
        return None
    if _network is None:
        _network = Network()
    return _network


def why_not():
    return f"no network namespaces: {os.environ.get(OWN_NETWORK, 'run by another way than run.py')}"


class Network:
    def __init__(self):
        self.hosts = {}
        run("ip", "link", "set", "lo", "up")
        # A station of its own: otherwise it is that of some host's cable, and changes with them.
        run("ip", "link", "add", "bridge0", "address", BRIDGE_STATION, "type", "bridge")
        run("ip", "address", "add", f"{BRIDGE_ADDRESS}/24", "dev", "bridge0")
        run("ip", "link", "set", "bridge0", "up")

    def host(self, name):
        if name not in self.hosts:
            self.hosts[name] = Host(name, len(self.hosts) + 1)
        return self.hosts[name]

    def heal(self):
        for host in self.hosts.values():
            host.heal()


class Host:
    def __init__(self, name, number):
        self.name, self.number, self.address = name, number, f"{PREFIX}.{number}"
        self.unreachable = set()
        # Its namespace lives as long as a process in it; it must not outlive this one, however this one ends.
        self.holder = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "unshare", "--net", "sleep", "infinity"], stdin=subprocess.DEVNULL)
        harness._processes.append(self.holder)
        self.namespace = f"/proc/{self.holder.pid}/ns/net"
        eventually(lambda: os.readlink(self.namespace) != os.readlink("/proc/self/ns/net"), 10)
        run("ip", "link", "add", f"host{number}", "type", "veth", "peer", "name", "eth0", "netns", str(self.holder.pid))
        run("ip", "link", "set", f"host{number}", "master", "bridge0", "up")
        self.run("ip", "link", "set", "lo", "up")
        self.run("ip", "address", "add", f"{self.address}/24", "dev", "eth0")
        self.run("ip", "link", "set", "eth0", "up")

    @property
    def launcher(self):
        """What has to stand before a command for it to run on this host; the process is then the command's."""
        return ["nsenter", f"--net={self.namespace}", "--"]

    def run(self, *command):
        run(*self.launcher, *command)

    def lose(self, *others):
        """Nothing that this host sends to the others arrives; what they send does."""
        for other in others:
            self.unreachable.add(other)
            self.run("ip", "neighbour", "replace", other.address, "lladdr", NOBODY, "dev", "eth0", "nud", "permanent")

    def cut(self, *others):
        """Nothing arrives, either way."""
        self.lose(*others)
        for other in others:
            other.lose(self)

    def heal(self):
        """What this host sends arrives again."""
        for other in list(self.unreachable):
            self.heal_to(other)

    def heal_to(self, other):
        """What this host sends to that one arrives again."""
        if other in self.unreachable:
            self.unreachable.discard(other)
            self.run("ip", "neighbour", "delete", other.address, "dev", "eth0")

    def off_the_bridge(self):
        """Takes the host's cable off the bridge, and puts another one there. Returns the two loose ends, that of the
        host and that of the bridge: whoever wants something to arrive has to carry it from one to the other."""
        own, wire = f"host{self.number}", f"wire{self.number}"
        run("ip", "link", "set", own, "nomaster", "arp", "off")
        run("ip", "link", "add", wire, "arp", "off", "type", "veth", "peer", "name", f"{wire}-far")
        run("ip", "link", "set", f"{wire}-far", "master", "bridge0", "up")
        run("ip", "link", "set", wire, "up")
        return own, wire

    def on_the_bridge(self):
        run("ip", "link", "delete", f"wire{self.number}")
        run("ip", "link", "set", f"host{self.number}", "arp", "on", "master", "bridge0")
