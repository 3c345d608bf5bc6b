"""What the stories of protocol_test.py have in common: a chatd, people with devices, and a note of
every message, field and call that was used."""

import asyncio
import contextlib
import itertools
import sys
import unittest

from harness import Chatd
from protocol_client import Device, Refused, Rest

SEEN = set()


def note(call, record):
    """Remembers a REST call as METHOD PATH, and Type.field of all that a message has."""
    if call != "WebSocket":
        SEEN.add(call)
    if record is None:
        return
    for name, value in record.items():
        SEEN.add(f"{record.type}.{name}")
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, dict):
                note("WebSocket", each)
            elif isinstance(each, str) and each.isupper():
                SEEN.add(each)


class Person:
    """A user: `rest` makes calls, `device` gives a device that is connected and live."""

    def __init__(self, talk, name, tokens):
        self.talk, self.name, self.tokens = talk, name, tokens
        self.id = tokens.user_id
        self.rest = Rest(talk.chatd.public, tokens.access_token, note)

    @property
    def email(self):
        return f"{self.name}@example.org"

    @property
    def password(self):
        return f"password of {self.name}"

    def new_device(self, name="phone", **want):
        """A device that is not yet connected."""
        want = want or {"receipts": True, "presence": True, "typing": True}
        device = Device(self.talk.chatd.websocket, self.talk.encoding, self.tokens.access_token,
                        f"{name} of {self.name}", note, **want)
        self.talk.addAsyncCleanup(device.close)
        return device

    async def device(self, name="phone", **want):
        device = self.new_device(name, **want)
        await device.connect()
        return device

    async def new_chat(self, *members, kind="GROUP", title="Lunch", **fields):
        """The chat_id of a new group or room."""
        info = await self.rest("create_chat", kind=kind, title=title,
                               member_ids=[member.id for member in members], **fields)
        return info.chat.chat_id

    async def summary(self, chat_id):
        """The user's ChatSummary of a chat."""
        chats = (await self.rest("chats")).chats
        return next(chat for chat in chats if chat.chat_id == chat_id)


class Talk(unittest.IsolatedAsyncioTestCase):
    """Stories on one chatd, in one encoding."""

    options = ()
    encoding = None
    numbers = itertools.count(1)

    @classmethod
    def setUpClass(cls):
        cls.chatd = Chatd(sys.argv[1], *cls.options)

    @classmethod
    def tearDownClass(cls):
        cls.chatd.stop()

    async def person(self, name):
        """A new user, whose name has a number besides."""
        name = f"{name}{next(self.numbers)}"
        tokens = await Rest(self.chatd.public, trace=note)(
            "sign_up", email=f"{name}@example.org", password=f"password of {name}", user_name=name)
        return Person(self, name, tokens)

    async def people(self, *names):
        return [await self.person(name) for name in names]

    @contextlib.contextmanager
    def refused(self, code, status=None):
        """What is done here is answered with this Error."""
        with self.assertRaises(Refused) as caught:
            yield caught
        self.assertEqual(caught.exception.code, code, caught.exception)
        if status is not None:
            self.assertEqual(caught.exception.status, status)

    @staticmethod
    async def pause(seconds):
        """For what the protocol itself says to wait."""
        await asyncio.sleep(seconds)

    async def chatctl(self, *words):
        process = await asyncio.create_subprocess_exec(
            sys.argv[2], *words, "--admin", self.chatd.admin, stdout=asyncio.subprocess.PIPE)
        out, _ = await process.communicate()
        self.assertEqual(process.returncode, 0, words)
        return out.decode()
