"""A TCP proxy that treats its connections badly: it splits what passes into small pieces, holds it
up, lets connections stall, and cuts them in the middle of whatever passes, with a reset.

Every byte that arrives is either passed on unchanged and in order, or its connection is cut. The
faults of connection number n are drawn from the seed and n alone.
"""

import asyncio
import contextlib
import dataclasses
import json
import pathlib
import random
import socket
import struct
import threading
import urllib.parse

READ_BYTES = 64 * 1024
RESET = struct.pack("ii", 1, 0)  # SO_LINGER with no time to linger: close() sends RST.


@dataclasses.dataclass
class Faults:
    """Shares are per piece of data that arrives."""
    cut: float = 0.002  # The connection ends here, after half of the piece.
    split: float = 0.3  # The piece goes on in several small ones.
    delay: float = 0.05  # The piece waits up to delay_s.
    delay_s: float = 0.05
    stall: float = 0.0005  # Nothing passes in this direction for stall_s.
    stall_s: float = 2.0


class FaultyProxy:
    """In front of the public port of the chatd whose ready file it is given. `ready_file` names the
    file that says the same with the proxy's port; `counts` what was done so far."""

    def __init__(self, chatd_ready_file, ready_file, seed, faults=None):
        self.chatd_ready_file = pathlib.Path(chatd_ready_file)
        self.ready_file = pathlib.Path(ready_file)
        self.seed, self.faults = seed, faults or Faults()
        self.counts = dict.fromkeys(("connections", "cut", "split", "delayed", "stalled"), 0)
        self.loop = asyncio.new_event_loop()
        self.tasks = set()
        started = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(started,), daemon=True)
        self.thread.start()
        started.wait()
        ready = json.loads(self.chatd_ready_file.read_text())
        self.ready_file.write_text(json.dumps(
            {**ready, "public": f"http://127.0.0.1:{self.port}"}))

    def stop(self):
        self.loop.call_soon_threadsafe(self.stopping.set)
        self.thread.join()

    def _run(self, started):
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self._serve(started))
        self.loop.close()

    async def _serve(self, started):
        self.stopping = asyncio.Event()
        server = await asyncio.start_server(self._connection, "127.0.0.1", 0,
                                            limit=READ_BYTES, backlog=1024)
        self.port = server.sockets[0].getsockname()[1]
        started.set()
        await self.stopping.wait()
        server.close()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def _connection(self, reader, writer):
        self.tasks.add(asyncio.current_task())
        self.counts["connections"] += 1
        chance = random.Random(f"{self.seed}/{self.counts['connections']}")
        writers = [writer]
        try:
            public = urllib.parse.urlsplit(
                json.loads(self.chatd_ready_file.read_text())["public"])
            server = await asyncio.open_connection(public.hostname, public.port, limit=READ_BYTES)
            writers.append(server[1])
            ways = [asyncio.create_task(self._pass_on(reader, server[1], chance)),
                    asyncio.create_task(self._pass_on(server[0], writer, chance))]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
        except (OSError, ValueError):
            pass  # chatd is not there; the client learns it by the reset.
        finally:
            for one in writers:
                self._reset(one)
            self.tasks.discard(asyncio.current_task())

    async def _pass_on(self, reader, writer, chance):
        """Until one side ends or the proxy cuts."""
        faults = self.faults
        with contextlib.suppress(OSError):
            while piece := await reader.read(READ_BYTES):
                if chance.random() < faults.cut:
                    self.counts["cut"] += 1
                    writer.write(piece[:len(piece) // 2])
                    # The half has to arrive: a reset may overtake what still waits here.
                    await self._drained(writer)
                    return
                if chance.random() < faults.stall:
                    self.counts["stalled"] += 1
                    await asyncio.sleep(faults.stall_s)
                elif chance.random() < faults.delay:
                    self.counts["delayed"] += 1
                    await asyncio.sleep(chance.random() * faults.delay_s)
                for part in self._parts(piece, chance):
                    writer.write(part)
                    await self._drained(writer)

    def _parts(self, piece, chance):
        if len(piece) < 2 or chance.random() >= self.faults.split:
            return [piece]
        self.counts["split"] += 1
        cuts = sorted(chance.randrange(1, len(piece)) for _ in range(3))
        return [part for part in (piece[a:b] for a, b in zip([0, *cuts], [*cuts, None])) if part]

    @staticmethod
    async def _drained(writer):
        """The kernel has all of it, so that the next write is a segment of its own."""
        writer.transport.set_write_buffer_limits(0)
        await writer.drain()

    @staticmethod
    def _reset(writer):
        sock = writer.get_extra_info("socket")
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        writer.transport.abort()
