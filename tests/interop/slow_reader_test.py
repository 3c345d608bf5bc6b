#!/usr/bin/env python3
"""Readers that stop reading, over real sockets: what chatd drops, when it tells them to sync and
when it closes them, each with a counter of its own in /metrics. Those who wait lose nothing.

usage: slow_reader_test.py CHATD
"""

import asyncio
import re
import socket
import sys
import unittest
import urllib.parse

import websockets

from harness import DEADLINE_S, Chatd, DeviceTest, JsonDevice, People, curl

CHATD = sys.argv.pop(1)
TEXT = "x" * 16_000
COUNTERS = ("ephemeral_dropped", "durable_dropped", "slow_readers_lagged", "slow_reader_stalls",
            "slow_reader_overflows")


class SlowDevice(JsonDevice):
    """A device that can stop reading. Its kernel takes little meanwhile."""

    @classmethod
    async def connect(cls, url, name):
        device = cls(name)
        address = urllib.parse.urlsplit(url)
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.connect((address.hostname, address.port))
        device.socket = await websockets.connect(url, subprotocols=["chat.v1.json"], sock=sock,
                                                 ping_interval=None, max_size=None)
        device.reader = asyncio.create_task(device._read())
        return device

    def stop_reading(self):
        self.socket.transport.pause_reading()

    def read_again(self):
        self.socket.transport.resume_reading()


def setUpModule():
    global chatd, people
    chatd = Chatd(CHATD, "--reactors", "2")
    people = People(chatd)


def tearDownModule():
    chatd.stop()


def counted():
    """The counters of slow readers, as Prometheus reads them."""
    _, page = curl("GET", f"{chatd.admin}/metrics")
    return {name: sum(int(float(value)) for value in
                      re.findall(rf"^chatd_engine_{name}_total(?:\{{.*\}})? (\S+)$", page, re.M))
            for name in COUNTERS}


class SlowReaderTest(DeviceTest):
    async def join(self, kind, name):
        token = people.token(name)  # Before there is a connection that waits for a Hello.
        device = await self.connect(kind, chatd.websocket, name)
        self.assertIn("welcome", await device.hello(token, "phone"))
        await device.ask(sync={"fromInboxSeq": "0"})
        return device

    async def until_counted(self, before, **at_least):
        """Waits until each counter has risen by that much; all that rose."""
        deadline = asyncio.get_running_loop().time() + DEADLINE_S
        while True:
            risen = {name: value - before[name] for name, value in counted().items()}
            if all(risen[name] >= n for name, n in at_least.items()):
                return {name: n for name, n in risen.items() if n > 0}
            self.assertLess(asyncio.get_running_loop().time(), deadline, risen)
            await asyncio.sleep(0.05)

    async def fill(self, writer, chat_id, count, start=0):
        """Messages for everybody in the chat; the writer acknowledges what it gets."""
        for number in range(start, start + count):
            answer = await writer.say(TEXT, f"{writer.name} {number}", chatId=chat_id)
            self.assertEqual(answer["sendAck"]["status"], "STORED")

    async def test_frames_are_dropped_it_is_told_to_sync_and_misses_nothing(self):
        slow = await self.join(SlowDevice, "slow-1")
        writer = await self.join(JsonDevice, "writer-1")
        chat = people.new_group("lagging", "writer-1", "slow-1")
        before = counted()
        slow.stop_reading()
        await self.fill(writer, chat, 60)
        risen = await self.until_counted(before, slow_readers_lagged=1, durable_dropped=1)
        # The writer has read; nobody needs to hear that at once.
        await writer.tell(read={"chatId": chat, "upToSeq": "40"})
        risen = await self.until_counted(before, ephemeral_dropped=1)
        self.assertEqual(set(risen), {"slow_readers_lagged", "durable_dropped",
                                      "ephemeral_dropped"})
        slow.read_again()
        next_seq = int((await slow.frame("lagged"))["lagged"]["fromInboxSeq"])
        pushed = [int(f["inboxSeq"]) for f in slow.frames if "event" in f]
        self.assertEqual(pushed[-1] + 1, next_seq)
        while True:
            page = (await slow.ask(sync={"fromInboxSeq": str(next_seq)}))["syncPage"]
            pushed += [int(entry["inboxSeq"]) for entry in page.get("entries", [])]
            next_seq = int(page["next"])
            if page.get("done"):
                break
        self.assertEqual(pushed, list(range(pushed[0], pushed[0] + len(pushed))))
        self.assertEqual(len(pushed), 61)  # With the members' event.

    async def test_without_progress_for_ten_seconds_it_is_closed(self):
        slow = await self.join(SlowDevice, "slow-2")
        writer = await self.join(JsonDevice, "writer-2")
        chat = people.new_group("stalled", "writer-2", "slow-2")
        before = counted()
        slow.stop_reading()
        await self.fill(writer, chat, 30)
        await self.until_counted(before, slow_reader_stalls=1)
        self.assertEqual(counted()["slow_reader_overflows"], before["slow_reader_overflows"])
        slow.read_again()
        # What was on the way comes, then the close frame, unless chatd had to cut it off.
        self.assertIn(await slow.closed(), (4002, 1006))

    async def test_over_a_megabyte_of_answers_it_is_closed(self):
        slow = await self.join(SlowDevice, "slow-3")
        writer = await self.join(JsonDevice, "writer-3")
        chat = people.new_group("asking", "writer-3", "slow-3")
        await self.fill(writer, chat, 3)
        before = counted()
        slow.stop_reading()
        for number in range(100, 160):
            await slow.send_frame({"id": number, "history": {"chatId": chat}})
        await self.until_counted(before, slow_reader_overflows=1)
        self.assertEqual(counted()["slow_reader_stalls"], before["slow_reader_stalls"])
        # Nobody else noticed.
        answer = await writer.say("still here", "after", chatId=chat)
        self.assertEqual(answer["sendAck"]["status"], "STORED")


if __name__ == "__main__":
    unittest.main()
