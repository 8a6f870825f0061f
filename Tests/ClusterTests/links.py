# SPDX-License-Identifier: Apache-2.0
"""Links that are slow, uneven, or break again and again: a proxy before each listener, since not every kernel can delay
packets."""

import asyncio
import random
import threading


class Link:
    """What connects to `port` reaches the target, each way after `delay` and up to `jitter` seconds more, in order."""

    def __init__(self, host, port, delay=0.0, jitter=0.0):
        self.target, self.delay, self.jitter = (host, port), delay, jitter
        self.isUp = True
        self.connections = set()
        self.port = None
        self.loop = asyncio.new_event_loop()
        ready = threading.Event()
        self.thread = threading.Thread(target=self.run, args=(ready,), daemon=True)
        self.thread.start()
        ready.wait(10)

    def run(self, ready):
        asyncio.set_event_loop(self.loop)

        async def listen():
            server = await asyncio.start_server(self.connected, "127.0.0.1", 0)
            self.port = server.sockets[0].getsockname()[1]
            ready.set()

        self.loop.create_task(listen())
        self.loop.run_forever()

    async def connected(self, reader, writer):
        if not self.isUp:
            writer.close()
            return
        await asyncio.sleep(self.delay)
        try:
            far_reader, far_writer = await asyncio.open_connection(*self.target)
        except OSError:
            writer.close()
            return
        pair = (writer, far_writer)
        self.connections.add(pair)
        try:
            await asyncio.gather(self.carry(reader, far_writer), self.carry(far_reader, writer))
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self.connections.discard(pair)
            for end in pair:
                end.close()

    async def carry(self, reader, writer):
        """Reading goes on while what was read is still on its way."""
        queue = asyncio.Queue(1000)

        async def deliver():
            while True:
                due, data = await queue.get()
                await asyncio.sleep(max(0, due - self.loop.time()))
                if not data:
                    writer.close()
                    return
                writer.write(data)
                await writer.drain()

        delivering = self.loop.create_task(deliver())
        due = 0.0
        try:
            while True:
                try:
                    data = await reader.read(1 << 16)
                except OSError:
                    data = b""
                due = max(due, self.loop.time() + self.delay + random.random() * self.jitter)
                await queue.put((due, data))
                if not data:
                    break
            await delivering
        finally:
            delivering.cancel()

    def set(self, isUp):
        """Takes the link down, with all its connections, or up again."""
        def change():
            self.isUp = isUp
            if not isUp:
                for pair in list(self.connections):
                    for end in pair:
                        end.transport.abort()
        self.loop.call_soon_threadsafe(change)

    def close(self):
        async def end():
            tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self.loop.stop()

        self.set(False)
        asyncio.run_coroutine_threadsafe(end(), self.loop)
        self.thread.join(10)
