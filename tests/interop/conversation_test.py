#!/usr/bin/env python3
"""Clients that are not ours hold a conversation: Python's `websockets` in chat.v1.json and the npm
package `ws` in chat.v1.proto, through one chatd.

usage: conversation_test.py CHATD CHATCTL
"""

import json
import subprocess
import sys
import unittest

from harness import Chatd, DeviceTest, JsonDevice, People, ProtoDevice, curl, hex_of, key

CHATD, CHATCTL = sys.argv[1:3]
del sys.argv[1:3]


def setUpModule():
    global chatd, people
    chatd = Chatd(CHATD)
    people = People(chatd)


def tearDownModule():
    chatd.stop()


async def sync_from(device, inbox_seq):
    """All entries after a cursor; the device is live afterwards."""
    entries, at = [], int(inbox_seq) + 1
    while True:
        page = (await device.ask(sync={"fromInboxSeq": str(at)}))["syncPage"]
        entries += page.get("entries", [])
        if page.get("done"):
            return entries
        at = int(page["next"])


class ConversationTest(DeviceTest):
    """Every test has its own pair of users, once in each role."""

    pairs = 0

    async def asyncSetUp(self):
        ConversationTest.pairs += 1
        self.ann, self.ben = f"ann{self.pairs}", f"ben{self.pairs}"
        self.a = await self.live_device(JsonDevice, self.ann)
        self.b = await self.live_device(ProtoDevice, self.ben)

    async def live_device(self, kind, name, device_id="one"):
        """A device that has no past: it says hello and syncs if the server wants it to."""
        device = await self.connect(kind, chatd.websocket, name)
        device.welcome = (await device.hello(people.token(name), device_id))["welcome"]
        if not device.welcome.get("live"):
            await sync_from(device, -1)
        return device

    async def said(self, sender, receiver, to, text, message_key):
        """One message from one device to the other; the receiver's Event frame."""
        ack = (await sender.say(text, message_key, **to))["sendAck"]
        self.assertEqual((ack["status"], ack["clientMsgId"]), ("STORED", key(message_key)))
        own = await sender.frame("event", chatId=ack["chatId"], seq=ack["seq"])
        self.assertEqual(own["clientMsgId"], key(message_key))
        got = await receiver.frame("event", chatId=ack["chatId"], seq=ack["seq"])
        self.assertEqual(got["event"]["message"]["text"], text)
        self.assertEqual(got["event"]["serverTsMs"], ack["serverTsMs"])
        self.assertNotIn("clientMsgId", got)
        return got

    async def test_welcome_tells_who_one_is_and_the_limits(self):
        for device, name in ((self.a, self.ann), (self.b, self.ben)):
            self.assertEqual(device.welcome["userId"], people.id(name))
            self.assertEqual(device.welcome["heartbeatIntervalMs"], 30000)
            self.assertEqual(device.welcome["limits"]["messageBytesMax"], 16384)
        self.assertEqual(self.a.welcome["epoch"], self.b.welcome["epoch"])

    async def test_a_direct_chat_in_both_directions(self):
        first = await self.said(self.a, self.b, {"peerUserId": people.id(self.ben)},
                                "Grüße, 你好 👋", "one")
        self.assertEqual(first["event"]["actor"], {"userId": people.id(self.ann), "name": self.ann})
        chat = {"chatId": first["event"]["chatId"]}
        second = await self.said(self.b, self.a, chat, "back", "two")
        third = await self.said(self.a, self.b, {"peerUserId": people.id(self.ben)}, "3", "three")
        self.assertEqual(third["event"]["chatId"], chat["chatId"])
        seqs = [int(event["event"]["seq"]) for event in (first, second, third)]
        self.assertEqual(seqs, [seqs[0], seqs[0] + 1, seqs[0] + 2])
        self.assertGreater(int(third["inboxSeq"]), int(first["inboxSeq"]))

    async def test_a_group_and_a_room(self):
        for kind in ("GROUP", "ROOM"):
            with self.subTest(kind=kind):
                chat = {"chatId": people.new_group("Lunch", self.ann, self.ben, kind=kind)}
                if kind == "ROOM":  # A session takes part in a room from its Sync on.
                    for device in (self.a, self.b):
                        page = await device.ask(sync={**chat, "fromSeq": "1"})
                        self.assertTrue(page["syncPage"]["done"], page)
                await self.said(self.a, self.b, chat, f"hello {kind}", f"g1{kind}")
                await self.said(self.b, self.a, chat, f"hello back {kind}", f"g2{kind}")

    async def test_the_same_key_is_stored_once(self):
        to = {"peerUserId": people.id(self.ben)}
        got = await self.said(self.a, self.b, to, "once", "same")
        again = (await self.a.say("once", "same", **to))["sendAck"]
        self.assertEqual((again["status"], again["seq"]), ("DUPLICATE", got["event"]["seq"]))
        other = (await self.a.say("something else", "same", **to))["error"]
        self.assertEqual(other["code"], "IDEMPOTENCY_MISMATCH")
        self.assertEqual(other["clientMsgId"], key("same"))
        after = await self.said(self.a, self.b, to, "after", "next")
        self.assertEqual(int(after["event"]["seq"]), int(got["event"]["seq"]) + 1)

    async def test_acknowledged_and_read_come_back_as_receipts(self):
        got = await self.said(self.a, self.b, {"peerUserId": people.id(self.ben)}, "read me", "r")
        chat_id, seq = got["event"]["chatId"], got["event"]["seq"]
        await self.b.tell(ack={"inboxSeq": got["inboxSeq"]})
        receipt = await self.a.frame("receipt", chatId=chat_id, userId=people.id(self.ben),
                                     deliveredSeq=seq)
        await self.b.tell(read={"chatId": chat_id, "upToSeq": seq})
        while receipt["receipt"].get("readSeq") != seq:
            receipt = await self.a.frame("receipt", chatId=chat_id, userId=people.id(self.ben))

    async def drop_and_resume(self, device, name, other, other_name):
        to, back = {"peerUserId": people.id(name)}, {"peerUserId": people.id(other_name)}
        before = await self.said(other, device, to, "before", "before")
        await device.drop()
        for n in range(3):
            ack = await other.say(f"missed {n}", f"missed {n}", **to)
            self.assertEqual(ack["sendAck"]["status"], "STORED")
        again = await self.connect(type(device), chatd.websocket, name)
        welcome = (await again.hello(people.token(name), "one", resume={
            "epoch": device.welcome["epoch"],
            "inboxSeq": before["inboxSeq"]}))["welcome"]
        self.assertTrue(welcome.get("recovered"), welcome)
        entries = []
        if not welcome.get("live"):
            entries = await sync_from(again, before["inboxSeq"])
        while len(entries) < 3:  # What comes to the inbox after the last page is pushed.
            entries.append(await again.frame("event"))
        self.assertEqual([entry["event"]["message"]["text"] for entry in entries],
                         ["missed 0", "missed 1", "missed 2"])
        first = int(before["inboxSeq"]) + 1
        self.assertEqual([int(entry["inboxSeq"]) for entry in entries],
                         [first, first + 1, first + 2])
        await self.said(other, again, to, "live again", "live")
        await self.said(again, other, back, "me too", "me too")

    async def test_a_dropped_json_device_resumes_where_it_was(self):
        await self.drop_and_resume(self.a, self.ann, self.b, self.ben)

    async def test_a_dropped_proto_device_resumes_where_it_was(self):
        await self.drop_and_resume(self.b, self.ben, self.a, self.ann)

    async def test_history_reads_both_ways(self):
        to = {"peerUserId": people.id(self.ben)}
        events = [await self.said(self.a, self.b, to, f"h{n}", f"h{n}") for n in range(5)]
        chat_id = events[0]["event"]["chatId"]
        seqs = [event["event"]["seq"] for event in events]

        async def history(device, **request):
            page = (await device.ask(history={"chatId": chat_id, **request}))["historyPage"]
            return [event["seq"] for event in page["events"]], page.get("complete", False)

        for device in (self.a, self.b):
            self.assertEqual(await history(device, limit=2), (seqs[3:], False))
            self.assertEqual(await history(device, beforeSeq=seqs[2], limit=1), ([seqs[1]], False))
            self.assertEqual(await history(device, afterSeq=seqs[2], forward=True, limit=10),
                             (seqs[3:], True))

    async def test_presence_follows_the_session(self):
        async def state():
            batch = await self.a.ask(presenceWatch={"userIds": [people.id(self.ben)]})
            return batch["presence"]["entries"][0]["state"]

        self.assertEqual(await state(), "ONLINE")
        await self.b.close(1000)
        while await state() != "OFFLINE":  # The edge travels from engine to engine.
            pass

    async def test_a_heartbeat_that_asks_is_answered_with_the_head(self):
        got = await self.said(self.b, self.a, {"peerUserId": people.id(self.ann)}, "x", "hb")
        for device in (self.a, self.b):
            answer = (await device.ask(heartbeat={}))["heartbeatAck"]
            self.assertGreaterEqual(int(answer["inboxHead"]), 1)
        answer = (await self.a.ask(heartbeat={"inboxSeq": got["inboxSeq"]}))["heartbeatAck"]
        self.assertEqual(answer["inboxHead"], got["inboxSeq"])

    async def test_a_second_connection_of_a_device_replaces_the_first(self):
        second = await self.connect(JsonDevice, chatd.websocket, self.ann)
        self.assertIn("welcome", await second.hello(people.token(self.ann), "one"))
        self.assertEqual(await self.a.closed(), 4006)

    async def test_two_devices_of_a_user_both_get_everything(self):
        tablet = await self.live_device(ProtoDevice, self.ann, "tablet")
        to = {"peerUserId": people.id(self.ann)}
        got = await self.said(self.b, self.a, to, "to both", "2d")
        same = await tablet.frame("event", seq=got["event"]["seq"])
        self.assertEqual(same["inboxSeq"], got["inboxSeq"])
        ack = (await self.a.say("from one", "2e", peerUserId=people.id(self.ben)))["sendAck"]
        own = await tablet.frame("event", seq=ack["seq"])
        self.assertEqual(own["clientMsgId"], key("2e"))

    async def test_a_message_is_edited_reacted_to_and_deleted(self):
        got = await self.said(self.a, self.b, {"peerUserId": people.id(self.ben)}, "typo", "u")
        target = {"chatId": got["event"]["chatId"], "targetSeq": got["event"]["seq"]}
        changes = {
            "edited": {"edit": {**target, "clientOpId": key("o1"), "text": "fixed"}},
            "reaction": {"react": {**target, "clientOpId": key("o2"), "reaction": "+1"}},
            "deleted": {"deleteMessage": {**target, "clientOpId": key("o3")}},
        }
        for kind, body in changes.items():
            ack = (await self.a.ask(**body))["sendAck"]
            self.assertEqual(ack["status"], "STORED")
            for device in (self.a, self.b):
                event = (await device.frame("event", seq=ack["seq"]))["event"]
                self.assertEqual(event[kind]["targetSeq"], got["event"]["seq"])
        refused = await self.b.ask(deleteMessage={**target, "clientOpId": key("o4")})
        self.assertEqual(refused["error"]["code"], "NOT_FOUND")

    async def test_what_rest_sends_reaches_sockets_and_the_other_way_round(self):
        chat_id = people.new_group("Mixed", self.ann, self.ben)
        url = f"{chatd.public}/v1/chats/{hex_of(chat_id)}/messages"
        body = {"clientMsgId": key("rest"), "text": "by curl"}
        status, ack = curl("POST", url, body, token=people.token(self.ann))
        self.assertEqual((status, ack["status"]), (200, "STORED"))
        for device in (self.a, self.b):
            got = await device.frame("event", chatId=chat_id, seq=ack["seq"])
            self.assertEqual(got["event"]["message"]["text"], "by curl")
        again = await self.a.say("by curl", "rest", chatId=chat_id)
        self.assertEqual(again["sendAck"]["status"], "DUPLICATE")
        _, page = curl("GET", f"{url}?after_seq=0&limit=50", token=people.token(self.ben))
        texts = [e["message"]["text"] for e in page["events"] if "message" in e]
        self.assertEqual(texts, ["by curl"])

    async def test_chatctl_sees_the_users_sessions_and_chats(self):
        chat_id = people.new_group("Seen", self.ann, self.ben)

        def chatctl(*arguments):
            done = subprocess.run([CHATCTL, "--admin", chatd.admin, "-o", "json", *arguments],
                                  capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done)
            return json.loads(done.stdout)

        self.assertGreaterEqual(chatctl("status")["sessions"], 2)
        self.assertEqual(chatctl("user", "show", self.ann)["userId"], people.id(self.ann))
        chats = chatctl("chat", "list", "--limit", "0")["chats"]
        self.assertIn(chat_id, [chat["chatId"] for chat in chats])
        members = chatctl("chat", "members", hex_of(chat_id))["members"]
        self.assertEqual({m["userId"] for m in members},
                         {people.id(self.ann), people.id(self.ben)})
        states = chatctl("presence", "get", people.id(self.ann), people.id(self.ben))
        self.assertEqual({e["state"] for e in states["entries"]}, {"ONLINE"})
        sessions = chatctl("session", "list", "--user", people.id(self.ben))["sessions"]
        self.assertEqual([(s["deviceId"], s["encoding"]) for s in sessions],
                         [("one", "chat.v1.proto")])
        token = chatctl("token", "mint", people.id(self.ann))["tokens"][0]["token"]
        minted = await self.connect(JsonDevice, chatd.websocket, self.ann)
        welcome = (await minted.hello(token, "minted"))["welcome"]
        self.assertEqual(welcome["userId"], people.id(self.ann))


if __name__ == "__main__":
    unittest.main()
