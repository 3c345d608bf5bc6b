#!/usr/bin/env python3
"""chatd behind a stock nginx on another port, with the configuration of docs/operations.md:
WebSockets and REST pass, close codes too, and limits go by the addresses of the clients.

usage: nginx_test.py NGINX CHATD
"""

import asyncio
import contextlib
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time
import unittest

import websockets

from harness import DEADLINE_S, ROOT, Chatd, DeviceTest, JsonDevice, People, curl, hex_of, key

NGINX, CHATD = sys.argv[1:3]
del sys.argv[1:3]

RATE = 5  # Sends per second of an address; the burst is twice that.

FRAME = """daemon off;
pid {directory}/nginx.pid;
error_log stderr;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
{documented}
}}
"""


def documented_configuration():
    """What the operator is told to put into nginx's http block."""
    page = (ROOT / "docs/operations.md").read_text()
    return re.search(r"```nginx\n(.*?)```", page, re.S).group(1)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Nginx:
    """A stock nginx in front of a chatd, unprivileged, in a directory of its own."""

    def __init__(self, chatd):
        self.directory = tempfile.mkdtemp(prefix="chat-nginx-")
        backend = chatd.public.removeprefix("http://")
        # nginx cannot listen on port 0, so somebody may take the port before it does.
        for _ in range(5):
            self.port = free_port()
            documented = documented_configuration().replace("listen 80;",
                                                            f"listen 127.0.0.1:{self.port};")
            documented = documented.replace("127.0.0.1:8080", backend)
            path = pathlib.Path(self.directory, "nginx.conf")
            path.write_text(FRAME.format(directory=self.directory, documented=documented))
            with open(f"{self.directory}/nginx.log", "ab") as log:
                self.process = subprocess.Popen(
                    [NGINX, "-p", self.directory, "-e", "stderr", "-c", str(path)],
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            if self.serves():
                return
        raise AssertionError(pathlib.Path(self.directory, "nginx.log").read_text())

    def serves(self):
        deadline = time.monotonic() + DEADLINE_S
        while self.process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(OSError), \
                    socket.create_connection(("127.0.0.1", self.port), DEADLINE_S):
                return True
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(0.02)
        return False

    def stop(self):
        self.process.terminate()
        self.process.wait(DEADLINE_S)


class FromAddress(JsonDevice):
    """A device whose connections come from a loopback address of its own."""

    @classmethod
    async def connect_from(cls, address, url, name, **headers):
        device = cls(name)
        device.socket = await websockets.connect(
            url, subprotocols=["chat.v1.json"], ping_interval=None, max_size=None,
            local_addr=(address, 0), extra_headers=headers)
        device.reader = asyncio.create_task(device._read())
        return device


def setUpModule():
    global chatd, people, nginx, front, websocket
    chatd = Chatd(CHATD, "--trusted-proxies", "127.0.0.1",
                  "--limits-sends-per-second-address", str(RATE))
    people = People(chatd)
    nginx = Nginx(chatd)
    front = f"http://127.0.0.1:{nginx.port}"
    websocket = f"ws://127.0.0.1:{nginx.port}/v1/ws"


def tearDownModule():
    nginx.stop()
    chatd.stop()


class NginxTest(DeviceTest):
    async def join(self, name, address, **headers):
        token = people.token(name)  # Before there is a connection that waits for a Hello.
        device = await FromAddress.connect_from(address, websocket, name, **headers)
        self.addAsyncCleanup(device.dispose)
        self.assertIn("welcome", await device.hello(token, "phone"))
        await device.ask(sync={"fromInboxSeq": "0"})
        return device

    def address_of(self, name):
        _, sessions = curl("GET", f"{chatd.admin}/admin/v1/sessions?user={people.id(name)}")
        return [session["address"] for session in sessions["sessions"]]

    async def test_devices_talk_and_large_messages_pass(self):
        ann, ben = await self.join("ann", "127.0.2.1"), await self.join("ben", "127.0.2.2")
        text = "x" * 16_000
        ack = await ann.say(text, "nginx-1", peerUserId=people.id("ben"))
        self.assertEqual(ack["sendAck"]["status"], "STORED")
        event = await ben.frame("event")
        self.assertEqual(event["event"]["message"]["text"], text)
        self.assertIn("heartbeatAck", await ben.ask(heartbeat={"inboxSeq": event["inboxSeq"]}))

    async def test_rest_passes_with_bodies_and_answers(self):
        dora = await self.join("dora", "127.0.2.3")
        status, tokens = curl("POST", f"{front}/v1/accounts", {
            "email": "cleo@example.org", "password": "a password", "userName": "cleo"})
        self.assertEqual(status, 200, tokens)
        status, ack = curl("POST", f"{front}/v1/messages", {
            "peerUserId": people.id("dora"), "clientMsgId": "MDEyMzQ1Njc4OWFiY2RlZg==",
            "text": "by rest"}, token=tokens["accessToken"])
        self.assertEqual((status, ack["status"]), (200, "STORED"))
        self.assertEqual((await dora.frame("event"))["event"]["message"]["text"], "by rest")
        status, page = curl("GET", f"{front}/v1/chats/{hex_of(ack['chatId'])}/messages",
                            token=tokens["accessToken"])
        self.assertEqual(status, 200)
        self.assertEqual(page["events"][0]["message"]["text"], "by rest")
        self.assertEqual(curl("GET", f"{front}/v1/me")[0], 401)

    async def test_close_codes_of_chatd_reach_the_client(self):
        device = await FromAddress.connect_from("127.0.2.4", websocket, "nobody")
        self.addAsyncCleanup(device.dispose)
        await device.tell(hello={"token": "no token", "deviceId": "phone"})
        self.assertEqual(await device.closed(), 4100)

    async def test_chatd_sees_the_addresses_of_clients_and_no_invented_ones(self):
        await self.join("emma", "127.0.2.5")
        self.assertEqual(self.address_of("emma"), ["127.0.2.5"])
        await self.join("finn", "127.0.2.6", **{"X-Forwarded-For": "203.0.113.7"})
        self.assertEqual(self.address_of("finn"), ["127.0.2.6"])

    async def test_a_flood_from_one_address_does_not_stop_another(self):
        flooder = await self.join("gus", "127.0.2.7")
        neighbour = await self.join("hal", "127.0.2.8")
        for number in range(4 * RATE):
            await flooder.send_frame({"id": 1000 + number, "send": {
                "clientMsgId": key(f"flood {number}"), "text": "!",
                "peerUserId": people.id("hal")}})
        refusal = await flooder.frame("error", code="RATE_LIMITED")
        self.assertTrue(refusal["error"]["temporary"])
        self.assertGreater(refusal["error"]["retryAfterMs"], 0)
        ack = await neighbour.say("calm", "nginx-2", peerUserId=people.id("gus"))
        self.assertEqual(ack["sendAck"]["status"], "STORED")


if __name__ == "__main__":
    unittest.main()
