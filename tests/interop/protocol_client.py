"""A client of chatd, written from docs/protocol.md and nothing else.

`Rest` makes the calls below /v1. `Device` is a device of a user: it keeps its cursors, syncs after
each connection until it is live, takes each entry once and in order, and acknowledges it. Frames
and bodies are Records (protocol_schema.py).
"""

import asyncio
import contextlib
import http.client
import json
import os
import random
import urllib.parse

import websockets

from protocol_schema import Record, TYPES, from_json, to_json

# METHOD path?query, body, answer: as in the page's table; HEX, SEQ and ID are replaced.
CALLS = {
    "sign_up": ("POST /v1/accounts", "SignUp", "Tokens"),
    "log_in": ("POST /v1/login", "LogIn", "Tokens"),
    "refresh": ("POST /v1/refresh", "Refresh", "Tokens"),
    "log_out": ("POST /v1/logout", None, None),
    "logins": ("GET /v1/logins", None, "LoginList"),
    "end_login": ("DELETE /v1/logins/ID", None, None),
    "end_other_logins": ("DELETE /v1/logins", None, None),
    "account": ("GET /v1/me", None, "Account"),
    "rename": ("PATCH /v1/me", "UpdateAccount", "Account"),
    "create_chat": ("POST /v1/chats", "CreateChat", "ChatInfo"),
    "chats": ("GET /v1/chats", None, "ChatList"),
    "chat": ("GET /v1/chats/HEX", None, "ChatInfo"),
    "update_chat": ("PATCH /v1/chats/HEX", "UpdateChat", "ChatInfo"),
    "delete_chat": ("DELETE /v1/chats/HEX", None, "ChatInfo"),
    "change_members": ("POST /v1/chats/HEX/members", "ChangeMembers", "ChatInfo"),
    "send": ("POST /v1/chats/HEX/messages", "Send", "SendAck"),
    "send_to_user": ("POST /v1/messages", "Send", "SendAck"),
    "history": ("GET /v1/chats/HEX/messages", None, "HistoryPage"),
    "authored": ("GET /v1/messages", None, "AuthoredList"),
    "edit": ("PATCH /v1/chats/HEX/messages/SEQ", "Edit", "SendAck"),
    "delete_message": ("DELETE /v1/chats/HEX/messages/SEQ", None, "SendAck"),
    "react": ("POST /v1/chats/HEX/messages/SEQ/reactions", "React", "SendAck"),
    "take_back": ("DELETE /v1/chats/HEX/messages/SEQ/reactions", None, "SendAck"),
    "read": ("POST /v1/chats/HEX/read", "Read", "Receipt"),
    "receipts": ("GET /v1/chats/HEX/receipts", None, "ReceiptSummary"),
    "devices": ("GET /v1/devices", None, "DeviceList"),
    "forget_device": ("DELETE /v1/devices/ID", None, "DeviceList"),
    "alive": ("GET /healthz", None, None),
    "ready": ("GET /readyz", None, None),
}
WAIT_S = 60
INBOX = b""  # beside the ids of rooms, as in SyncPage.chat_id


class Refused(Exception):
    """The server answered with an Error; `status` is that of HTTP."""

    def __init__(self, error, status=None):
        super().__init__(f"{status or ''} {error}")
        self.error = error
        self.code = error.code
        self.status = status


class Closed(Exception):
    """The connection has ended."""


def new_key():
    """A client_msg_id or client_op_id."""
    return os.urandom(16)


def matches(record, body, fields):
    """Whether a frame's body has these fields, an event's kind may have them as well."""
    inner = record[body] if body else record
    return all(getattr(inner if name in TYPES[inner.type] else record, name) == value
               for name, value in fields.items())


def direct_chat_id(one, other):
    return min(one, other).to_bytes(8, "big") + max(one, other).to_bytes(8, "big")


class Rest:
    """REST of one user, or of nobody. `trace` is told all that is sent and got."""

    def __init__(self, url, token=None, trace=None):
        self.address = urllib.parse.urlsplit(url)
        self.token = token
        self.trace = trace or (lambda call, record: None)

    async def __call__(self, name, hex=None, seq=None, id=None, **fields):
        """The answer. `fields` are those of the body, or of the query when there is no body."""
        call, body_type, answer_type = CALLS[name]
        method, path = call.split()
        if hex is not None:
            path = path.replace("HEX", hex.hex())
        path = path.replace("SEQ", str(seq)).replace("ID", urllib.parse.quote(id or "", safe=""))
        body = Record(body_type, **fields) if body_type else None
        if body is None and fields:
            path += "?" + urllib.parse.urlencode({name: each.hex() if isinstance(each, bytes)
                                                  else each for name, each in fields.items()})
        self.trace(call, body)
        status, text = await asyncio.to_thread(self.request, method, path, body)
        if status != 200:
            error = from_json("Error", json.loads(text))
            self.trace(call, error)
            raise Refused(error, status)
        answer = from_json(answer_type, json.loads(text)) if answer_type else text
        self.trace(call, answer if answer_type else None)
        return answer

    def request(self, method, path, body):
        connection = http.client.HTTPConnection(self.address.hostname, self.address.port,
                                                timeout=WAIT_S)
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        text = json.dumps(to_json(body)) if body is not None else ""
        with contextlib.closing(connection):
            connection.request(method, path, text.encode(), headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()


class Connection:
    """One WebSocket: batches of frames, and the answer to each that has an id."""

    def __init__(self, socket, encoding, on_frame, trace):
        self.socket = socket
        self.encoding = encoding
        self.on_frame = on_frame
        self.trace = trace
        self.answers = {}
        self.next_id = 1
        self.may_read = asyncio.Event()
        self.may_read.set()
        self.reader = asyncio.create_task(self._read())

    @classmethod
    async def open(cls, url, encoding, on_frame, trace=None, **options):
        socket = await websockets.connect(url, subprotocols=[encoding.subprotocol],
                                          ping_interval=None, max_size=1 << 20, **options)
        assert socket.subprotocol == encoding.subprotocol
        return cls(socket, encoding, on_frame, trace or (lambda call, record: None))

    async def tell(self, *frames):
        """Sends frames in one batch."""
        batch = Record("ClientBatch", frames=frames)
        self.trace("WebSocket", batch)
        with contextlib.suppress(websockets.ConnectionClosed):
            await self.socket.send(self.encoding.encode(batch))

    async def ask(self, kind, **fields):
        """The body of the answer to one frame."""
        return await (await self.start(kind, **fields))

    async def start(self, kind, **fields):
        """Sends one frame; what it returns is to be awaited for the answer."""
        if self.reader.done():
            raise Closed(self.socket.close_code, self.socket.close_reason)
        number, self.next_id = self.next_id, self.next_id + 1
        self.answers[number] = asyncio.get_running_loop().create_future()
        await self.tell({"id": number, kind: fields})
        return self._answer(number)

    async def _answer(self, number):
        try:
            frame = await asyncio.wait_for(self.answers[number], WAIT_S)
        finally:
            del self.answers[number]
        if frame.error is not None:
            raise Refused(frame.error)
        return frame[frame.body]

    async def _read(self):
        try:
            while True:
                await self.may_read.wait()
                batch = self.encoding.decode("ServerBatch", await self.socket.recv())
                self.trace("WebSocket", batch)
                for frame in batch.frames:
                    self.on_frame(frame)
                    answer = self.answers.get(frame.reply_to)
                    if answer is not None and not answer.done():
                        answer.set_result(frame)
        except websockets.ConnectionClosed:
            for answer in self.answers.values():
                if not answer.done():
                    answer.set_exception(Closed(self.socket.close_code, self.socket.close_reason))
            self.on_frame(None)

    async def close(self, code=1000):
        self.may_read.set()
        await self.socket.close(code)
        await self.reader

    async def drop(self):
        """The connection is gone without a word."""
        self.may_read.set()
        self.socket.transport.abort()
        await self.reader


class Device:
    """A device of a user, over any number of connections.

    What comes for the application is in `arrived` until `expect` takes it: entries of the inbox and
    of the rooms that it follows, each once and in order, whether they were pushed or synced, and
    all other frames that answer nothing.
    """

    def __init__(self, url, encoding, token, device_id, trace=None, **want):
        self.url, self.encoding, self.trace = url, encoding, trace
        self.token, self.device_id, self.want = token, device_id, want
        self.epoch = None
        self.receipts_since_ms = None
        self.cursors = {}
        self.chats = []
        self.arrived = []
        self.changed = asyncio.Event()
        self.tasks = set()
        self.connection = None
        self.failure = None

    @property
    def cursor(self):
        """The last inbox_seq that was dealt with, or None for a new device."""
        return self.cursors.get(INBOX)

    async def connect(self, sync=True, **options):
        """Welcome, after the device has become live."""
        self.syncing = set()
        self.acknowledging = False
        self.connection = await Connection.open(self.url, self.encoding, self._on_frame,
                                                self.trace, **options)
        resume = None
        if self.cursor is not None:
            resume = {"epoch": self.epoch, "inbox_seq": self.cursor}
        welcome = await self.ask("hello", token=self.token, device_id=self.device_id,
                                 client={"name": "protocol_client", "version": "1"},
                                 resume=resume,
                                 want={**self.want, "receipts_since_ms": self.receipts_since_ms})
        self.epoch = welcome.epoch
        self.receipts_since_ms = self.receipts_since_ms or welcome.server_time_ms
        self.beating = self._task(self._beat(welcome.heartbeat_interval_ms / 1000))
        if not welcome.recovered:
            self.cursors.clear()
        if sync and not welcome.live:
            await self.catch_up()
        return welcome

    async def catch_up(self, limit=None):
        """Syncs the inbox from the cursor on until it is live; without a cursor with a reset."""
        self.syncing.add(INBOX)
        while True:
            start = 0 if self.cursor is None else self.cursor + 1
            page = await self.ask("sync", from_inbox_seq=start, limit=limit)
            if page.done:
                return page
            if not page.entries:
                await asyncio.sleep(0.1)

    async def follow(self, chat_id, from_seq=None, limit=None):
        """Syncs a room from its cursor on, or the head, until what is said in it is pushed."""
        self.syncing.add(chat_id)
        while True:
            if from_seq is None:
                from_seq = self.cursors[chat_id] + 1 if chat_id in self.cursors else 0
            self.cursors.setdefault(chat_id, max(from_seq - 1, 0))
            page = await self.ask("sync", chat_id=chat_id, from_seq=from_seq, limit=limit)
            if page.done:
                return page
            from_seq = None
            if not page.entries:
                await asyncio.sleep(0.1)

    def _on_frame(self, frame):
        """Each frame in its order; None is the end of the connection."""
        if frame is None:
            for task in self.tasks:
                task.cancel()
        elif frame.sync_page is not None:
            self._take_page(frame.sync_page)
        elif frame.heartbeat_ack is not None:
            self._receipts_through(frame.heartbeat_ack.receipts_through_ms)
        elif frame.inbox_seq:
            self._take_entry(INBOX, frame)
        elif frame.event is not None:
            self._take_entry(frame.event.chat_id, frame)
        elif not frame.reply_to:
            self.arrived.append(frame)
            if frame.receipt is not None:
                self._receipts_through(frame.receipt.through_ms)
            elif frame.lagged is not None:
                self._lagged(frame.lagged)
        self.changed.set()

    def _lagged(self, lagged):
        """Pushes have stopped for these logs."""
        if lagged.from_inbox_seq and INBOX not in self.syncing:
            self._task(self.catch_up())
        for room in lagged.rooms:
            if room.chat_id not in self.syncing:
                self._task(self.follow(room.chat_id))

    def _receipts_through(self, told_ms):
        """The next connection asks for the receipts since then."""
        self.receipts_since_ms = max(self.receipts_since_ms, told_ms)

    def _take_page(self, page):
        if page.reset and page.chat_id == INBOX:
            self.chats = page.chats
        if page.entries:
            first = page.next - len(page.entries)
            self.cursors[page.chat_id] = max(self.cursors.get(page.chat_id, 0), first - 1)
        for entry in page.entries:
            self._take_entry(page.chat_id, entry)
        if page.reset or page.done:
            self.cursors[page.chat_id] = page.next - 1
        if page.done:
            self.syncing.discard(page.chat_id)

    def _take_entry(self, log, entry):
        """An entry that is the next one of its log; older ones are there already."""
        position = entry.inbox_seq if log == INBOX else (entry.event or entry.pruned).seq
        if position <= self.cursors.get(log, 0):
            return
        if position > self.cursors.get(log, 0) + 1:
            if log not in self.syncing:
                self.syncing.add(log)
                self._task(self.catch_up() if log == INBOX else self.follow(log))
            return
        self.cursors[log] = position
        self.arrived.append(entry)
        if log == INBOX and not self.acknowledging:
            self.acknowledging = True
            self._task(self._acknowledge())

    async def _acknowledge(self):
        self.acknowledging = False
        await self.tell("ack", inbox_seq=self.cursor)

    def _task(self, work):
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self._task_done)
        return task

    def _task_done(self, task):
        self.tasks.discard(task)
        if not task.cancelled() and not isinstance(task.exception(), (Closed, type(None))):
            self.failure = task.exception()
            self.changed.set()

    async def _beat(self, interval_s):
        """A sign of life in each interval; every fourth one is answered."""
        await asyncio.sleep(interval_s * random.random())
        beats = 0
        while True:
            beats += 1
            if beats % 4:
                await self.tell("heartbeat", inbox_seq=self.cursor)
            else:
                await self.ask("heartbeat", inbox_seq=self.cursor)
            await asyncio.sleep(interval_s)

    async def ask(self, kind, **fields):
        return await self.connection.ask(kind, **fields)

    async def tell(self, kind, **fields):
        """Sends a frame that wants no reply."""
        await self.connection.tell({kind: fields})

    async def say(self, text, key=None, **fields):
        """SendAck of a message."""
        return await self.ask("send", client_msg_id=key or new_key(), text=text, **fields)

    async def expect(self, kind, body=None, **fields):
        """The first frame or entry that has come, or comes, of a kind, whose body has these fields.
        Of an event `body` is the kind of it. What came before stays."""
        def found():
            return next((each for each in self.arrived if each.body == kind
                         and (body is None or each.event.body == body)
                         and matches(each[kind], body, fields)), None)
        await self._until(lambda: found() or self._ended, f"{kind} {body or ''} {fields}")
        frame = found()
        if frame is None:
            raise Closed(f"{self.device_id} with {self.connection.socket.close_code}, waits for "
                         f"{kind} {body or ''} {fields}, has {self.arrived[-9:]}")
        self.arrived.remove(frame)
        return frame

    async def closed(self):
        """The close code, when the server has closed."""
        await self._until(lambda: self._ended, "the end")
        return self.connection.socket.close_code

    @property
    def _ended(self):
        return self.connection.reader.done()

    async def _until(self, condition, what):
        async def wait():
            while not condition():
                if self.failure is not None:
                    raise self.failure
                self.changed.clear()
                await self.changed.wait()
        try:
            await asyncio.wait_for(wait(), WAIT_S)
        except asyncio.TimeoutError:
            raise AssertionError(f"{self.device_id} waits for {what}, has at last "
                                 f"{self.arrived[-9:]}") from None

    async def close(self, code=1000):
        if self.connection is not None:
            await self.connection.close(code)

    async def drop(self):
        await self.connection.drop()
