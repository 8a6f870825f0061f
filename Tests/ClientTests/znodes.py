# SPDX-License-Identifier: Apache-2.0
"""As much of ZooKeeper's protocol as it takes to edit znodes by hand."""

import socket
import struct

NO_NODE, NOT_EMPTY = -101, -111


class ZNodeError(Exception):
    def __init__(self, code, path):
        super().__init__(f"{path}: error {code}")
        self.code = code


def buffer(data):
    return struct.pack(">i", -1) if data is None else struct.pack(">i", len(data)) + data


class ZNodes:
    """A session of its own; paths are below the chroot."""

    def __init__(self, port, chroot, host="127.0.0.1"):
        self.chroot = f"/{chroot}"
        self.xid = 0
        self.socket = socket.create_connection((host, port), 10)
        self.send(struct.pack(">iqiq", 0, 0, 10000, 0) + buffer(bytes(16)))
        self.receive()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, frame):
        self.socket.sendall(struct.pack(">i", len(frame)) + frame)

    def receive(self):
        size = struct.unpack(">i", self.exactly(4))[0]
        return self.exactly(size)

    def exactly(self, count):
        data = b""
        while len(data) < count:
            more = self.socket.recv(count - len(data))
            if not more:
                raise EOFError("ZooKeeper has closed the connection")
            data += more
        return data

    def ask(self, kind, path, rest=b""):
        """Sends a request and returns the body of its reply."""
        self.xid += 1
        full = (self.chroot + path).encode()
        self.send(struct.pack(">ii", self.xid, kind) + buffer(full) + rest)
        while True:
            reply = self.receive()
            xid, _, error = struct.unpack(">iqi", reply[:16])
            if xid != self.xid:
                continue
            if error != 0:
                raise ZNodeError(error, path)
            return reply[16:]

    def create(self, path, data=None):
        everybody = struct.pack(">ii", 1, 31) + buffer(b"world") + buffer(b"anyone")
        self.ask(1, path, buffer(data) + everybody + struct.pack(">i", 0))

    def delete(self, path):
        self.ask(2, path, struct.pack(">i", -1))

    def get(self, path):
        body = self.ask(4, path, b"\0")
        size = struct.unpack(">i", body[:4])[0]
        return None if size < 0 else body[4:4 + size]

    def set(self, path, data):
        self.ask(5, path, buffer(data) + struct.pack(">i", -1))

    def children(self, path):
        body = self.ask(8, path, b"\0")
        names, at = [], 4
        for _ in range(struct.unpack(">i", body[:4])[0]):
            size = struct.unpack(">i", body[at:at + 4])[0]
            names.append(body[at + 4:at + 4 + size].decode())
            at += 4 + size
        return names

    def created(self, path):
        """The number of the transaction that has created it."""
        return struct.unpack(">q", self.ask(3, path, b"\0")[:8])[0]

    def tree(self, path=""):
        """The paths of all that is below, whatever others delete there meanwhile."""
        try:
            children = [f"{path}/{name}" for name in self.children(path)]
        except ZNodeError as error:
            if error.code != NO_NODE:
                raise
            return []
        return children + [below for child in children for below in self.tree(child)]

    def delete_all(self, path):
        """The node and all below it, whatever others make there meanwhile."""
        while True:
            try:
                for child in self.children(path):
                    self.delete_all(f"{path}/{child}")
                return self.delete(path)
            except ZNodeError as error:
                if error.code == NO_NODE:
                    return
                if error.code != NOT_EMPTY:
                    raise
