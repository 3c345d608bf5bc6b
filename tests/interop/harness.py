"""What the interoperability tests share: a real chatd, curl, devices on clients that are not ours.

Frames are canonical JSON objects everywhere, also for devices that speak chat.v1.proto: 64-bit
numbers are strings, bytes are base64, absent fields have their default. Nothing sleeps: every wait
is for an event, with a deadline far beyond what it takes.
"""

import asyncio
import base64
import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import unittest

import websockets

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SCHEMA = ROOT / "core/wire/chat.proto"
DEADLINE_S = 30


class Chatd:
    """A chatd with a data directory of its own, on ports that the system chose."""

    def __init__(self, program, *arguments):
        self.directory = tempfile.mkdtemp(prefix="chatd-interop-")
        self.command = [program, "--data-dir", f"{self.directory}/data",
                        "--listen", "127.0.0.1:0", "--ready-file", f"{self.directory}/ready.json",
                        *arguments]
        self.start()

    def start(self):
        ready_file = pathlib.Path(self.directory, "ready.json")
        ready_file.unlink(missing_ok=True)
        with open(f"{self.directory}/chatd.log", "ab") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log)
        deadline = time.monotonic() + DEADLINE_S
        while not ready_file.exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError("chatd does not serve:\n" + self.log())
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(0.02)
        ready = json.loads(ready_file.read_text())
        self.public, self.admin = ready["public"], ready["admin"]
        self.websocket = self.public.replace("http://", "ws://") + "/v1/ws"

    def log(self):
        return pathlib.Path(self.directory, "chatd.log").read_text(errors="replace")[-4000:]

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        """Ends chatd in order; its exit status."""
        self.process.terminate()
        try:
            status = self.process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError("chatd does not end on SIGTERM:\n" + self.log()) from None
        if status != 0:
            raise AssertionError(f"chatd ended with {status}:\n" + self.log())
        shutil.rmtree(self.directory)
        return status


def curl(method, url, body=None, token=None, raw_body=None):
    """(HTTP status, JSON answer or the text) of a request by the curl program."""
    command = ["curl", "--silent", "--show-error", "--noproxy", "*", "--max-time", str(DEADLINE_S),
               "--request", method, "--write-out", "\n%{http_code}", url]
    if token:
        command += ["--header", f"Authorization: Bearer {token}"]
    data = raw_body if raw_body is not None else None if body is None else json.dumps(body).encode()
    if data is not None:
        command += ["--header", "Content-Type: application/json", "--data-binary", "@-"]
    done = subprocess.run(command, input=data, capture_output=True, check=True)
    text, _, status = done.stdout.decode().rpartition("\n")
    try:
        return int(status), json.loads(text)
    except ValueError:
        return int(status), text


def key(text):
    """A client_msg_id made of a short text: 16 bytes in base64."""
    return base64.b64encode(text.encode().ljust(16, b".")).decode()


def hex_of(chat_id):
    return base64.b64decode(chat_id).hex()


class Device:
    """A connected device: sends frames, remembers those that came until somebody asks for them."""

    def __init__(self, name):
        self.name = name
        self.frames = []
        self.close_code = None
        self.changed = asyncio.Event()
        self.next_id = 1

    def received(self, frame):
        self.frames.append(frame)
        self.changed.set()

    def ended(self, code):
        self.close_code = code
        self.changed.set()

    async def _until(self, condition, what):
        async def wait():
            while not condition():
                self.changed.clear()
                await self.changed.wait()
        try:
            await asyncio.wait_for(wait(), DEADLINE_S)
        except asyncio.TimeoutError:
            raise AssertionError(f"{self.name} waits for {what}, has {self.frames}") from None

    async def take(self, wanted, what):
        """The first frame that is `wanted`; it is removed, frames before it stay."""
        def find():
            return next((i for i, frame in enumerate(self.frames) if wanted(frame)), None)
        await self._until(lambda: find() is not None or self.close_code is not None, what)
        if find() is None:
            raise AssertionError(f"{self.name} was closed with {self.close_code} while it waited "
                                 f"for {what}, has {self.frames}")
        return self.frames.pop(find())

    async def frame(self, kind, **fields):
        """The first frame of a kind whose body has these fields."""
        def wanted(frame):
            body = frame.get(kind)
            return body is not None and all(body.get(k) == v for k, v in fields.items())
        return await self.take(wanted, f"{kind} {fields}")

    async def tell(self, **body):
        """Sends a frame that wants no reply."""
        await self.send_frame(body)

    async def ask(self, **body):
        """Sends a frame and returns its reply."""
        number, self.next_id = self.next_id, self.next_id + 1
        await self.send_frame({"id": number, **body})
        return await self.take(lambda frame: frame.get("replyTo") == number, f"reply to {body}")

    async def hello(self, token, device_id, **more):
        return await self.ask(hello={"token": token, "deviceId": device_id,
                                     "client": {"name": self.name, "version": "1"},
                                     "want": {"receipts": True, "presence": True}, **more})

    async def say(self, text, message_key, **to):
        return await self.ask(send={"clientMsgId": key(message_key), "text": text, **to})

    async def closed(self):
        """The close code, when the server has closed."""
        await self._until(lambda: self.close_code is not None, "the end of the connection")
        return self.close_code


class JsonDevice(Device):
    """Python's `websockets` in chat.v1.json."""

    @classmethod
    async def connect(cls, url, name):
        device = cls(name)
        device.socket = await websockets.connect(url, subprotocols=["chat.v1.json"],
                                                 ping_interval=None, max_size=None)
        assert device.socket.subprotocol == "chat.v1.json"
        device.reader = asyncio.create_task(device._read())
        return device

    async def _read(self):
        with contextlib.suppress(websockets.ConnectionClosed):
            async for message in self.socket:
                assert isinstance(message, str), "a binary message in chat.v1.json"
                for frame in json.loads(message)["frames"]:
                    self.received(frame)
        self.ended(self.socket.close_code)

    async def send_frame(self, frame):
        await self.socket.send(json.dumps({"frames": [frame]}))

    async def send_raw(self, message):
        await self.socket.send(message)

    async def close(self, code=1000):
        await self.socket.close(code)
        await self.reader

    async def drop(self):
        """The connection is gone without a word."""
        self.socket.transport.abort()
        await self.reader

    dispose = drop


class ProtoDevice(Device):
    """The npm package `ws` in chat.v1.proto, in a node process (ws_client.js)."""

    @classmethod
    async def connect(cls, url, name):
        device = cls(name)
        paths = [os.environ.get("NODE_PATH"), "/usr/share/nodejs"]
        device.process = await asyncio.create_subprocess_exec(
            "node", str(ROOT / "tests/interop/ws_client.js"), url, str(SCHEMA),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=1 << 22,
            env={**os.environ, "NODE_PATH": ":".join(p for p in paths if p)})
        first = json.loads(await device.process.stdout.readline())
        assert first == {"open": "chat.v1.proto"}, first
        device.reader = asyncio.create_task(device._read())
        return device

    async def _read(self):
        async for line in self.process.stdout:
            said = json.loads(line)
            if "frame" in said:
                self.received(said["frame"])
            elif "closed" in said:
                self.ended(said["closed"])
        await self.process.wait()

    async def _command(self, **command):
        self.process.stdin.write(json.dumps(command).encode() + b"\n")
        await self.process.stdin.drain()

    async def send_frame(self, frame):
        await self._command(frame=frame)

    async def send_raw(self, message):
        if isinstance(message, str):
            await self._command(text=message)
        else:
            await self._command(raw=base64.b64encode(message).decode())

    async def close(self, code=1000):
        await self._command(close=code)
        await self.reader

    async def drop(self):
        await self._command(abort=1)
        await self.reader

    async def dispose(self):
        self.process.stdin.close()
        await self.reader


class DeviceTest(unittest.IsolatedAsyncioTestCase):
    """A test with devices: none outlives it."""

    async def connect(self, kind, url, name):
        device = await kind.connect(url, name)
        self.addAsyncCleanup(device.dispose)
        return device


class People:
    """Accounts on a chatd, made by REST on first use."""

    def __init__(self, chatd):
        self.chatd = chatd
        self.tokens = {}

    def __getitem__(self, name):
        """The v1.Tokens of a user."""
        if name not in self.tokens:
            status, tokens = curl("POST", f"{self.chatd.public}/v1/accounts", {
                "email": f"{name}@example.org", "password": f"password of {name}",
                "userName": name})
            assert status in (200, 201), tokens
            self.tokens[name] = tokens
        return self.tokens[name]

    def id(self, name):
        return self[name]["userId"]

    def token(self, name):
        return self[name]["accessToken"]

    def new_group(self, title, owner, *members, kind="GROUP"):
        """The chat_id of a new chat."""
        status, chat = curl("POST", f"{self.chatd.public}/v1/chats", {
            "kind": kind, "title": title, "memberIds": [self.id(name) for name in members]},
            token=self.token(owner))
        assert status in (200, 201), chat
        return chat["chat"]["chatId"]
