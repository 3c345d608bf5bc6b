"""The messages of docs/protocol.md, copied from its reference, and their two encodings.

A message is a `Record`: the fields that are set, by their names on the page. Numbers are ints,
bytes are bytes, an enum is the name of its value, a message is a Record.
"""

import base64
import json
import re

MESSAGES = """
# Envelope
ClientBatch: frames 1 ClientFrame[]
ServerBatch: frames 1 ServerFrame[]
ClientFrame: id 1 uint32, hello 2 Hello | heartbeat 3 Heartbeat | ack 4 Ack | send 5 Send |
    edit 6 Edit | delete_message 7 Delete | react 8 React | read 9 Read | typing 10 TypingStart |
    presence_watch 11 PresenceWatch | sync 12 Sync | history 13 History |
    refresh_token 14 RefreshToken | get_receipts 15 GetReceipts | leave_room 16 LeaveRoom
ServerFrame: reply_to 1 uint32, inbox_seq 2 uint64, client_msg_id 3 bytes, welcome 4 Welcome |
    heartbeat_ack 5 HeartbeatAck | send_ack 6 SendAck | event 7 Event | receipt 8 Receipt |
    typing 9 Typing | presence 10 PresenceBatch | sync_page 11 SyncPage | lagged 12 Lagged |
    history_page 13 HistoryPage | token_expiring 14 TokenExpiring | go_away 15 GoAway |
    error 16 Error | receipt_summary 17 ReceiptSummary
# Session
Hello: token 1 string, device_id 2 string, client 3 ClientInfo, features 4 string[],
    resume 5 Resume, want 6 Want
ClientInfo: name 1 string, version 2 string
Resume: epoch 1 uint64, inbox_seq 2 uint64, rooms 3 RoomCursor[]
RoomCursor: chat_id 1 bytes, seq 2 uint64
Want: presence 1 bool, typing 2 bool, receipts 3 bool, receipts_since_ms 4 int64
Welcome: session_id 1 uint64, epoch 2 uint64, inbox_head 3 uint64, recovered 4 bool,
    features 5 string[], heartbeat_interval_ms 6 uint32, server_time_ms 7 int64, limits 8 Limits,
    reconnect_window_ms 9 uint32, token_ttl_ms 10 int64, user_id 11 uint64, live 12 bool,
    presence_mode 13 PresenceMode
Limits: message_bytes_max 1 uint32, frame_bytes_max 2 uint32, sends_unanswered_max 3 uint32,
    sync_events_max 4 uint32, history_events_max 5 uint32, group_members_max 6 uint32
Heartbeat: inbox_seq 1 uint64
HeartbeatAck: inbox_head 1 uint64, receipts_through_ms 2 int64
Ack: inbox_seq 1 uint64, rooms 2 RoomCursor[]
RefreshToken: token 1 string
TokenExpiring: in_ms 1 int64
GoAway: reason 1 string, reconnect_after_ms 2 uint32, url 3 string
Lagged: from_inbox_seq 1 uint64, rooms 2 LaggedRoom[]
LaggedRoom: chat_id 1 bytes, from_seq 2 uint64
Error: code 1 ErrorCode, message 2 string, temporary 3 bool, retry_after_ms 4 uint32,
    client_msg_id 5 bytes
# Messages
Send: chat_id 1 bytes | peer_user_id 2 uint64, client_msg_id 3 bytes, text 4 string,
    attachments 5 Attachment[], reply_to_seq 6 uint64, client_time_ms 7 int64, mentions 8 uint64[]
Attachment: id 1 string, url 2 string, mime_type 3 string, size_bytes 4 uint64
Edit: chat_id 1 bytes, target_seq 2 uint64, client_op_id 3 bytes, text 4 string
Delete: chat_id 1 bytes, target_seq 2 uint64, client_op_id 3 bytes
React: chat_id 1 bytes, target_seq 2 uint64, client_op_id 3 bytes, reaction 4 string,
    remove 5 bool
SendAck: client_msg_id 1 bytes, chat_id 2 bytes, seq 3 uint64, server_ts_ms 4 int64,
    status 5 SendStatus
# Events
Event: chat_id 1 bytes, seq 2 uint64, server_ts_ms 3 int64, actor 4 Actor, message 5 Message |
    edited 6 Edited | deleted 7 Deleted | reaction 8 Reaction | member 9 MemberChange |
    chat_updated 10 ChatUpdated | expired 11 Expired | tombstone 12 Tombstone
Actor: user_id 1 uint64, name 2 string
Message: text 1 string, attachments 2 Attachment[], reply_to_seq 3 uint64, client_time_ms 4 int64,
    mentions 5 uint64[]
Edited: target_seq 1 uint64, text 2 string
Deleted: target_seq 1 uint64
Reaction: target_seq 1 uint64, reaction 2 string, removed 3 bool
Tombstone: deleted_by_seq 1 uint64
MemberChange: joined 1 uint64[], left 2 uint64[], banned 3 uint64[], unbanned 4 uint64[],
    roles 5 RoleChange[]
RoleChange: user_id 1 uint64, role 2 Role
ChatUpdated: title 1 string, retention_ms 2 int64
Expired: up_to_seq 1 uint64, reason 2 ExpiryReason
# Receipts, typing, presence
Read: chat_id 1 bytes, up_to_seq 2 uint64
Receipt: chat_id 1 bytes, user_id 2 uint64, delivered_seq 3 uint64, read_seq 4 uint64,
    through_ms 5 int64
GetReceipts: chat_id 1 bytes, seq 2 uint64
ReceiptSummary: chat_id 1 bytes, seq 2 uint64, member_count 3 uint32, delivered_count 4 uint32,
    read_count 5 uint32, receipts 6 Receipt[]
TypingStart: chat_id 1 bytes
Typing: chat_id 1 bytes, user_id 2 uint64, expires_in_ms 3 uint32
PresenceWatch: user_ids 1 uint64[]
PresenceBatch: entries 1 PresenceEntry[], mode 2 PresenceMode
PresenceEntry: user_id 1 uint64, state 2 PresenceState, last_seen_ms 3 int64
# Pages
Sync: from_inbox_seq 1 uint64, chat_id 2 bytes, from_seq 3 uint64, limit 4 uint32
LeaveRoom: chat_id 1 bytes
SyncPage: chat_id 1 bytes, entries 2 SyncEntry[], next 3 uint64, done 4 bool, reset 5 bool,
    chats 6 ChatSummary[], chats_complete 7 bool
SyncEntry: inbox_seq 1 uint64, client_msg_id 2 bytes, event 3 Event | receipt 4 Receipt |
    pruned 5 Pruned
Pruned: chat_id 1 bytes, seq 2 uint64
History: chat_id 1 bytes, before_seq 2 uint64, after_seq 3 uint64, limit 4 uint32, forward 5 bool
HistoryPage: chat_id 1 bytes, events 2 Event[], complete 3 bool, oldest_seq 4 uint64,
    last_seq 5 uint64
# Chats
ChatSummary: chat_id 1 bytes, kind 2 ChatKind, title 3 string, role 4 Role, last_seq 5 uint64,
    joined_seq 6 uint64, left_seq 7 uint64, delivered_seq 8 uint64, read_seq 9 uint64,
    member_count 10 uint32, unread_count 11 uint32, unread_mentions 12 uint32,
    retention_ms 13 int64, expires_ms 14 int64, oldest_seq 15 uint64
CreateChat: kind 1 ChatKind, title 2 string, member_ids 3 uint64[], chat_id 4 bytes,
    retention_ms 5 int64, ttl_ms 6 int64
UpdateChat: chat_id 1 bytes, client_op_id 2 bytes, title 3 string?, retention_ms 4 int64?
ChangeMembers: chat_id 1 bytes, add 2 uint64[], remove 3 uint64[], client_op_id 4 bytes,
    ban 5 uint64[], unban 6 uint64[], set_roles 7 RoleChange[]
ChatInfo: chat 1 ChatSummary, members 2 MemberInfo[], fanned_seq 3 uint64
MemberInfo: user_id 1 uint64, role 2 Role, joined_seq 3 uint64, left_seq 4 uint64,
    delivered_seq 5 uint64, read_seq 6 uint64, banned 7 bool
ChatList: chats 1 ChatSummary[], next_after_chat_id 2 bytes
AuthoredList: events 1 Event[], next_after_chat_id 2 bytes, next_after_seq 3 uint64
# Accounts
SignUp: email 1 string, password 2 string, user_name 3 string
LogIn: email 1 string, password 2 string
Refresh: refresh_token 1 string
Tokens: user_id 1 uint64, access_token 2 string, expires_in_s 3 int64, refresh_token 4 string
Account: user_id 1 uint64, email 2 string, user_name 3 string, created_ms 4 int64
UpdateAccount: user_name 1 string
LoginList: logins 1 LoginInfo[]
LoginInfo: login_id 1 string, created_ms 2 int64, last_used_ms 3 int64, current 4 bool
DeviceList: devices 1 DeviceInfo[], inbox_head 2 uint64
DeviceInfo: device_id 1 string, inbox_seq 2 uint64, last_seen_ms 3 int64, online 4 bool,
    client 5 string
"""

ENUMS = """
SendStatus: STORED 1, DUPLICATE 2, DELAYED 3
ExpiryReason: TTL 1, DELETED 2, EMPTY 3
PresenceMode: PUSH 1, FETCH 2, OFF 3
PresenceState: OFFLINE 1, ONLINE 2
ChatKind: DIRECT 1, GROUP 2, ROOM 3
Role: MEMBER 1, ADMIN 2, OWNER 3
ErrorCode: INVALID_ARGUMENT 1, UNAUTHENTICATED 2, PERMISSION_DENIED 3, NOT_FOUND 4,
    ALREADY_EXISTS 5, TOO_LARGE 6, RATE_LIMITED 7, UNAVAILABLE 8, IDEMPOTENCY_MISMATCH 9,
    RANGE_PRUNED 10, UNIMPLEMENTED 11, LIMIT_REACHED 12, INTERNAL 13
"""


class Field:
    """A field of a message: `name number type`, `[]` a list; `one_of` are those it excludes."""

    def __init__(self, text, one_of):
        self.name, number, kind = text.split()
        self.number = int(number)
        self.repeated = kind.endswith("[]")
        self.type = kind.rstrip("[]?")
        self.one_of = one_of

    @property
    def default(self):
        return [] if self.repeated else DEFAULTS.get(self.type)

    @property
    def json_name(self):
        return re.sub("_(.)", lambda found: found[1].upper(), self.name)


def parsed(tables):
    """(name, text of the fields) of each table."""
    joined = re.sub(r"\n    ", " ", tables.strip())
    return (line.split(": ") for line in joined.splitlines() if not line.startswith("#"))


def fields_of(text):
    fields = []
    for part in text.split(", "):
        one_of = part.split(" | ")
        fields += [Field(each, len(one_of) > 1) for each in one_of]
    return {field.name: field for field in fields}


DEFAULTS = {"uint32": 0, "uint64": 0, "int64": 0, "bool": False, "string": "", "bytes": b""}
TYPES = {name: fields_of(text) for name, text in parsed(MESSAGES)}
ENUM_NUMBERS = {name: {value.split()[0]: int(value.split()[1]) for value in text.split(", ")}
                for name, text in parsed(ENUMS)}
ENUM_NAMES = {name: {number: value for value, number in values.items()}
              for name, values in ENUM_NUMBERS.items()}


class Record(dict):
    """A message: `record.name` is the field, or its default when it is left out (None: no message,
    or an enum that is not said)."""

    def __init__(self, type_name, /, **fields):
        unknown = fields.keys() - TYPES[type_name].keys()
        if unknown:
            raise TypeError(f"{type_name} has no {unknown}")
        super().__init__({name: as_record(TYPES[type_name][name], value)
                          for name, value in fields.items() if value is not None})
        self.type = type_name

    def __getattr__(self, name):
        if name not in TYPES[self.type]:
            raise AttributeError(f"{self.type} has no {name}")
        return self.get(name, TYPES[self.type][name].default)

    @property
    def body(self):
        """The name of the one field that is set of those that exclude each other, or None."""
        return next((name for name in self if TYPES[self.type][name].one_of), None)


def as_record(field, value):
    """Dicts in place of messages are for convenience."""
    if field.type not in TYPES:
        return value
    if field.repeated:
        return [Record(field.type, **each) for each in value]
    return Record(field.type, **value)


class Json:
    """chat.v1.json: text messages."""

    subprotocol = "chat.v1.json"

    @staticmethod
    def encode(record):
        return json.dumps(to_json(record))

    @staticmethod
    def decode(kind, message):
        assert isinstance(message, str), "a binary message in chat.v1.json"
        return from_json(kind, json.loads(message))


def to_json(record):
    written = {}
    for name, value in record.items():
        field = TYPES[record.type][name]
        values = value if field.repeated else [value]
        values = [json_value(field.type, each) for each in values]
        written[field.json_name] = values if field.repeated else values[0]
    return written


def json_value(kind, value):
    if kind in TYPES:
        return to_json(value)
    if kind == "bytes":
        return base64.b64encode(value).decode()
    return str(value) if kind in ("uint64", "int64") else value


def from_json(kind, tree):
    record = Record(kind)
    for field in TYPES[kind].values():
        if field.json_name in tree:
            value = tree[field.json_name]
            record[field.name] = ([read_json(field.type, each) for each in value]
                                  if field.repeated else read_json(field.type, value))
    return record


def read_json(kind, value):
    if kind in TYPES:
        return from_json(kind, value)
    if kind == "bytes":
        return base64.b64decode(value, validate=True)
    if kind in ENUM_NUMBERS:
        return value if value in ENUM_NUMBERS[kind] else None
    wanted = {"uint32": int, "bool": bool}.get(kind, str)
    assert type(value) is wanted, f"{value!r} is no {kind}"
    return int(value) if kind in ("uint64", "int64") else value


class Proto:
    """chat.v1.proto: binary messages."""

    subprotocol = "chat.v1.proto"

    @staticmethod
    def encode(record):
        return to_proto(record)

    @staticmethod
    def decode(kind, message):
        assert isinstance(message, bytes), "a text message in chat.v1.proto"
        return from_proto(kind, message)


VARINT, FIXED64, DELIMITED, FIXED32 = 0, 1, 2, 5


def varint(number):
    """Seven bits a byte, the lowest first; negative numbers as 64 bits."""
    number &= (1 << 64) - 1
    written = bytearray()
    while number > 0x7F:
        written.append(number & 0x7F | 0x80)
        number >>= 7
    written.append(number)
    return bytes(written)


def read_varint(data, at):
    """(the number, the place after it)"""
    number = shift = 0
    while True:
        number |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
        if data[at - 1] < 0x80:
            return number, at


def to_proto(record):
    written = bytearray()
    for name, value in record.items():
        field = TYPES[record.type][name]
        if field.repeated and is_number(field.type):
            packed = b"".join(varint(int(each)) for each in value)
            written += tagged(field, packed) if packed else b""
            continue
        for each in value if field.repeated else [value]:
            written += tagged(field, proto_value(field.type, each))
    return bytes(written)


def is_number(kind):
    return kind in ENUM_NUMBERS or type(DEFAULTS.get(kind)) in (int, bool)


def proto_value(kind, value):
    """A number, or the bytes of what is length-delimited."""
    if kind in TYPES:
        return to_proto(value)
    if kind in ENUM_NUMBERS:
        return ENUM_NUMBERS[kind][value]
    return value.encode() if kind == "string" else value


def tagged(field, value):
    if isinstance(value, bytes):
        return varint(field.number << 3 | DELIMITED) + varint(len(value)) + value
    return varint(field.number << 3 | VARINT) + varint(int(value))


def from_proto(kind, data):
    record = Record(kind)
    fields = {field.number: field for field in TYPES[kind].values()}
    for number, value in wire_fields(data):
        field = fields.get(number)
        if field is None:
            continue
        if not field.repeated:
            record[field.name] = read_proto(field.type, value)
        else:
            record.setdefault(field.name, []).extend(read_list(field.type, value))
    return record


def wire_fields(data):
    """(number, int or bytes) of each field of an encoded message."""
    at = 0
    while at < len(data):
        tag, at = read_varint(data, at)
        wire_type = tag & 7
        if wire_type == VARINT:
            value, at = read_varint(data, at)
        else:
            size = {FIXED64: 8, FIXED32: 4}.get(wire_type)
            if wire_type == DELIMITED:
                size, at = read_varint(data, at)
            assert size is not None and at + size <= len(data), "a field that is cut off"
            value, at = data[at:at + size], at + size
        yield tag >> 3, value


def read_list(kind, value):
    """The values of one occurrence of a list: one, or several numbers that are packed."""
    if not is_number(kind) or isinstance(value, int):
        return [read_proto(kind, value)]
    values, at = [], 0
    while at < len(value):
        number, at = read_varint(value, at)
        values.append(read_proto(kind, number))
    return values


def read_proto(kind, value):
    if kind in TYPES:
        return from_proto(kind, value)
    if kind in ENUM_NUMBERS:
        return ENUM_NAMES[kind].get(value)
    if kind == "int64":
        return value - (1 << 64) if value >> 63 else value
    if kind == "string":
        return value.decode()
    return bool(value) if kind == "bool" else value
