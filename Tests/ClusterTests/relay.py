# SPDX-License-Identifier: Apache-2.0
"""A listener between brokers that holds back, delays or loses what they say of one API."""

import socket
import struct
import threading


class Gate:
    """Open unless a test holds it; tells when something has come to it."""

    def __init__(self):
        self.open, self.reached = threading.Event(), threading.Event()
        self.open.set()

    def hold(self):
        self.reached.clear()
        self.open.clear()

    def let_pass(self):
        self.open.set()

    def enter(self):
        self.reached.set()
        self.open.wait()


class Relay:
    """Stands before a broker's port; frames of one API wait at its gates, and everything else passes. A frame that waits
    holds back what is behind it on its connection."""

    def __init__(self, target, api):
        self.target, self.api = target, api
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.requests, self.answers = Gate(), Gate()
        self.concerned = []
        threading.Thread(target=self.accept, daemon=True).start()

    def cut(self):
        """Ends the connections on which the API was used, then lets everything pass."""
        for connection in self.concerned:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.concerned.clear()
        self.requests.let_pass()
        self.answers.let_pass()

    def close(self):
        self.listener.close()
        self.cut()

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
                far = socket.create_connection(("127.0.0.1", self.target), 10)
            except OSError:
                return
            far.settimeout(None)
            keys = {}
            for source, sink, forward in (near, far, self.request), (far, near, self.answer):
                threading.Thread(target=self.carry, args=(source, sink, forward, keys, near), daemon=True).start()

    def carry(self, source, sink, forward, keys, near):
        try:
            stream = source.makefile("rb")
            while len(head := stream.read(4)) == 4:
                frame = stream.read(struct.unpack(">i", head)[0])
                forward(frame, keys, near)
                sink.sendall(head + frame)
        except OSError:
            pass
        for connection in source, sink:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def request(self, frame, keys, near):
        key, _, correlation = struct.unpack_from(">hhi", frame)
        if key == self.api:
            keys[correlation] = key
            self.concerned.append(near)
            self.requests.enter()

    def answer(self, frame, keys, near):
        if keys.pop(struct.unpack_from(">i", frame)[0], None) is not None:
            self.answers.enter()
