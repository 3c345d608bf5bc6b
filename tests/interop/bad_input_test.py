#!/usr/bin/env python3
"""What chatd answers to clients that break the protocol: each mistake has one answer, and nobody
else notices.

usage: bad_input_test.py CHATD
"""

import base64
import json
import shutil
import sys
import unittest

import websockets
from harness import Chatd, DeviceTest, JsonDevice, People, ProtoDevice, curl, key

CHATD = sys.argv.pop(1)

BAD_TOKEN, PROTOCOL_ERROR = 4100, 4102
TOO_BIG = 1009  # RFC 6455, sent by the WebSocket layer itself.

HAVE_NODE = shutil.which("node") is not None


def setUpModule():
    global chatd, people
    chatd = Chatd(CHATD)
    people = People(chatd)


def tearDownModule():
    chatd.stop()


class HandshakeTest(unittest.IsolatedAsyncioTestCase):
    async def test_a_client_that_names_no_known_subprotocol_gets_400(self):
        for subprotocols in (None, ["chat.v9.proto"], ["mqtt", "graphql-ws"]):
            with self.subTest(subprotocols=subprotocols):
                with self.assertRaises(websockets.InvalidStatusCode) as refused:
                    await websockets.connect(chatd.websocket, subprotocols=subprotocols)
                self.assertEqual(refused.exception.status_code, 400)

    async def test_the_first_known_subprotocol_of_the_list_is_taken(self):
        for offered, taken in ((["mqtt", "chat.v1.json", "chat.v1.proto"], "chat.v1.json"),
                               (["chat.v1.proto", "chat.v1.json"], "chat.v1.proto")):
            socket = await websockets.connect(chatd.websocket, subprotocols=offered)
            self.assertEqual(socket.subprotocol, taken)
            await socket.close()


class SessionTest(DeviceTest):
    """In both encodings, by clients that are not ours."""

    async def asyncSetUp(self):
        self.kinds = [JsonDevice, ProtoDevice] if HAVE_NODE else [JsonDevice]

    async def greeted(self, kind, name="rita"):
        device = await self.connect(kind, chatd.websocket, name)
        reply = await device.hello(people.token(name), f"phone of {kind.__name__}")
        self.assertIn("welcome", reply)
        return device

    async def alive(self, device):
        self.assertIn("heartbeatAck", await device.ask(heartbeat={}))

    async def error_of(self, device, code, **body):
        """The frame is refused with this code and the session goes on."""
        error = (await device.ask(**body))["error"]
        self.assertEqual(error["code"], code, error)
        self.assertTrue(error["message"])
        self.assertFalse(error.get("temporary", False))
        await self.alive(device)
        return error

    async def test_a_wrong_token_closes_with_4100(self):
        good = people.token("rita")
        for kind in self.kinds:
            for token in ("", "x", good[:-4] + "AAAA", good + "x"):
                with self.subTest(kind=kind.__name__, token=token[:8]):
                    device = await self.connect(kind, chatd.websocket, "rita")
                    await device.tell(hello={"token": token, "deviceId": "phone"})
                    self.assertEqual(await device.closed(), BAD_TOKEN)

    async def test_anything_before_hello_closes_with_4102(self):
        for kind in self.kinds:
            device = await self.connect(kind, chatd.websocket, "rita")
            await device.tell(heartbeat={})
            self.assertEqual(await device.closed(), PROTOCOL_ERROR)

    async def test_a_second_hello_closes_with_4102(self):
        for kind in self.kinds:
            device = await self.greeted(kind)
            await device.tell(hello={"token": people.token("rita"), "deviceId": "phone"})
            self.assertEqual(await device.closed(), PROTOCOL_ERROR)

    async def test_messages_that_do_not_decode_close_with_4102(self):
        broken = {JsonDevice: ["", "{", "[]", '{"frames": 3}', '{"frames": [{"id": "x"}]}',
                               '{"frames": [{"hello": {"token": 1e400}}]}', '{"frames": [' * 200],
                  ProtoDevice: [b"\x0a", b"\x0a\x05\x08", b"\xff" * 20, b"\x0a\x02\x12\x7f"]}
        for kind in self.kinds:
            for message in broken[kind]:
                with self.subTest(kind=kind.__name__, message=message[:30]):
                    device = await self.greeted(kind)
                    await device.send_raw(message)
                    self.assertEqual(await device.closed(), PROTOCOL_ERROR)

    async def test_text_in_the_binary_protocol_and_the_reverse_close_with_4102(self):
        for kind, message in ((JsonDevice, b'{"frames": []}'), (ProtoDevice, "text")):
            if kind in self.kinds:
                device = await self.greeted(kind)
                await device.send_raw(message)
                self.assertEqual(await device.closed(), PROTOCOL_ERROR)

    async def test_unknown_fields_are_skipped(self):
        device = await self.greeted(JsonDevice)
        await device.send_raw(json.dumps({"frames": [
            {"id": 77, "heartbeat": {"later": 1}, "more": {"x": [1]}}], "extra": True}))
        await device.take(lambda frame: frame.get("replyTo") == 77, "the reply")
        if HAVE_NODE:
            device = await self.greeted(ProtoDevice)
            heartbeat = b"\x08\x4d\x1a\x00"  # id 77, heartbeat {}
            unknown = b"\xfa\x3e\x03abc"     # field 1007, three bytes
            frame = heartbeat + unknown
            await device.send_raw(b"\x0a" + bytes([len(frame)]) + frame + unknown)
            await device.take(lambda frame: frame.get("replyTo") == 77, "the reply")

    async def test_an_oversize_message_ends_the_connection(self):
        for kind in self.kinds:
            device = await self.greeted(kind)
            await device.send_raw("x" * 300_000 if kind is JsonDevice else b"x" * 300_000)
            self.assertIn(await device.closed(), (TOO_BIG, PROTOCOL_ERROR))

    async def test_a_text_over_the_limit_is_refused_and_the_session_goes_on(self):
        for kind in self.kinds:
            device = await self.greeted(kind)
            error = await self.error_of(device, "TOO_LARGE", send={
                "peerUserId": people.id("sven"), "clientMsgId": key("big"), "text": "x" * 17_000})
            self.assertEqual(error["clientMsgId"], key("big"))

    async def test_sends_without_a_proper_key_or_receiver_are_refused(self):
        for kind in self.kinds:
            device = await self.greeted(kind)
            sven = people.id("sven")
            for send in ({"peerUserId": sven, "text": "no key"},
                         {"peerUserId": sven, "text": "short", "clientMsgId": "c2hvcnQ="},
                         {"text": "to nobody", "clientMsgId": key("n")},
                         {"chatId": "AAAA", "text": "no chat id", "clientMsgId": key("c")},
                         {"peerUserId": people.id("rita"), "text": "me", "clientMsgId": key("m")}):
                with self.subTest(kind=kind.__name__, send=send):
                    await self.error_of(device, "INVALID_ARGUMENT", send=send)
            await self.error_of(device, "NOT_FOUND", send={
                "peerUserId": str(2**62), "text": "a user who is not", "clientMsgId": key("u")})

    async def test_chats_of_others_stay_closed(self):
        chat_id = people.new_group("Secret", "tina")
        unknown = base64.b64encode(b"\x80" + b"\x01" * 15).decode()
        for kind in self.kinds:
            device = await self.greeted(kind)
            for target in (chat_id, unknown):
                for body in ({"send": {"chatId": target, "clientMsgId": key("x"), "text": "x"}},
                             {"history": {"chatId": target}},
                             {"read": {"chatId": target, "upToSeq": "1"}},
                             {"sync": {"chatId": target, "fromSeq": "1"}}):
                    with self.subTest(kind=kind.__name__, body=body):
                        error = (await device.ask(**body))["error"]
                        self.assertIn(error["code"], ("PERMISSION_DENIED", "NOT_FOUND"))
            await self.alive(device)

    async def test_the_others_do_not_notice(self):
        quiet = await self.greeted(JsonDevice, "uwe")
        for kind in self.kinds:
            device = await self.greeted(kind)
            await device.send_raw("{" if kind is JsonDevice else b"\xff")
            await device.closed()
        await self.alive(quiet)
        self.assertEqual(curl("GET", chatd.admin + "/readyz")[0], 200)
        status = curl("GET", chatd.admin + "/admin/v1/status")[1]
        self.assertGreaterEqual(status["counters"]["protocol_errors"], 1)


if __name__ == "__main__":
    unittest.main()
