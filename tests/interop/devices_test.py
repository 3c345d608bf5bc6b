#!/usr/bin/env python3
"""Devices over real sockets: what waits for one that was away, receipts through crashes, unread
counts, the list of devices.

usage: devices_test.py CHATD
"""

import asyncio
import json
import sys
import unittest

from harness import Chatd, DeviceTest, JsonDevice, People, curl, hex_of, key

CHATD = sys.argv[1]
del sys.argv[1]

WRITERS = 20
MESSAGES_PER_WRITER = 490
IN_FLIGHT = 40


def setUpModule():
    global chatd, people
    chatd = Chatd(CHATD)
    people = People(chatd)


def tearDownModule():
    chatd.stop()


class DevicesTest(DeviceTest):
    async def device(self, name, device_id="one", since_ms=0, **resume):
        """A device that said hello; with a cursor if one is given. It is not synced yet."""
        device = await self.connect(JsonDevice, chatd.websocket, name)
        more = {"want": {"receipts": True, "receiptsSinceMs": str(since_ms)}}
        if resume:
            more["resume"] = {"epoch": resume["epoch"], "inboxSeq": str(resume["inbox_seq"])}
        device.welcome = (await device.hello(people.token(name), device_id, **more))["welcome"]
        return device

    async def live_device(self, name, device_id="one", **more):
        device = await self.device(name, device_id, **more)
        device.entries = []
        if not device.welcome.get("live"):
            cursor = more.get("inbox_seq", -1)
            await self.read_to_head(device, cursor + 1, device.entries)
        return device

    async def read_to_head(self, device, at, entries, between=None):
        """Pages from `at` on, which the device paces itself; how many there were."""
        pages = 0
        while True:
            page = (await device.ask(sync={"fromInboxSeq": str(at)}))["syncPage"]
            pages += 1
            entries += page.get("entries", [])
            if page.get("done"):
                return pages
            at = int(page["next"])
            if between:
                await between(pages)

    def rest(self, method, path, name, expected=200):
        status, answer = curl(method, f"{chatd.public}/v1/{path}", token=people.token(name))
        self.assertEqual(status, expected, answer)
        return answer

    def states(self, name, chat_id, seq):
        """(members, delivered, read) of a message."""
        summary = self.rest("GET", f"chats/{hex_of(chat_id)}/receipts?seq={seq}", name)
        return tuple(summary.get(field, 0)
                     for field in ("memberCount", "deliveredCount", "readCount"))

    def until_states(self, name, chat_id, seq, wanted):
        """Marks are told, then stored: asks until they are there. The test's deadline ends it."""
        while (now := self.states(name, chat_id, seq)) != wanted:
            for has, wants in zip(now, wanted):
                self.assertLessEqual(has, wants, f"{now} goes beyond {wanted}")

    # ------------------------------------------------------------ what waits for a device (R68)

    async def write_many(self, name, chat_id):
        """One user's messages, acknowledged each; refused ones are sent again."""
        device = await self.device(name)  # Never synced, so that nothing is pushed to it.
        left = [f"{name} {n}" for n in range(MESSAGES_PER_WRITER)]
        while left:
            texts, left = left[:IN_FLIGHT], left[IN_FLIGHT:]
            by_id = {n + 1: text for n, text in enumerate(texts)}
            await device.send_raw(json.dumps({"frames": [
                {"id": n, "send": {"chatId": chat_id, "clientMsgId": key(text), "text": text}}
                for n, text in by_id.items()]}))
            for n, text in by_id.items():
                answer = await device.take(lambda frame, n=n: frame.get("replyTo") == n, text)
                if "sendAck" not in answer:
                    self.assertTrue(answer["error"].get("temporary"), answer)
                    left.append(text)
        await device.close()

    async def test_thousands_of_messages_wait_and_come_in_order_while_others_talk(self):
        writers = [f"writer{n}" for n in range(WRITERS)]
        chat_id = people.new_group("Long", "sleeper", *writers)
        sleeper = await self.live_device("sleeper")
        cursor = int(sleeper.welcome.get("inboxHead", 0))
        epoch = sleeper.welcome["epoch"]
        await sleeper.close()
        await asyncio.gather(*(self.write_many(name, chat_id) for name in writers))
        ann, ben = await self.live_device("talker"), await self.live_device("listener")
        sleeper = await self.device("sleeper", epoch=epoch, inbox_seq=cursor)
        self.assertTrue(sleeper.welcome["recovered"])
        self.assertFalse(sleeper.welcome.get("live"))

        async def talk(number):
            """Others go on meanwhile, and the sleeper's own inbox grows."""
            text = f"live {number}"
            await ann.say(text, text, peerUserId=people.id("listener"))
            await ben.take(lambda f: f.get("event", {}).get("message", {}).get("text") == text,
                           text)
            if number <= 5:
                await ann.say(text, f"to sleeper {number}", peerUserId=people.id("sleeper"))

        entries = []
        pages = await self.read_to_head(sleeper, cursor + 1, entries, between=talk)
        self.assertGreater(pages, 15)
        positions = [int(entry["inboxSeq"]) for entry in entries]
        self.assertEqual(positions, list(range(cursor + 1, cursor + 1 + len(entries))))
        events = [e["event"] for e in entries if e["event"]["chatId"] == chat_id]
        messages = [event for event in events if "message" in event]
        self.assertEqual(len(messages), WRITERS * MESSAGES_PER_WRITER)
        seqs = [int(event["seq"]) for event in events]
        self.assertEqual(seqs, sorted(set(seqs)))
        for name in writers:
            own = [e["message"]["text"] for e in messages if e["actor"]["name"] == name]
            self.assertEqual(set(own), {f"{name} {n}" for n in range(MESSAGES_PER_WRITER)})
            self.assertEqual(len(own), MESSAGES_PER_WRITER)
        await ann.say("now pushed", "push", peerUserId=people.id("sleeper"))
        await sleeper.take(
            lambda f: f.get("event", {}).get("message", {}).get("text") == "now pushed", "a push")

    # ------------------------------------------------------------ receipts (R84)

    async def test_sent_delivered_and_read_survive_crashes_between_them(self):
        chat_id = people.new_group("Ticks", "ada", "bob", "cleo")
        ada, bob = await self.live_device("ada"), await self.live_device("bob")
        ack = (await ada.say("three states", "ticks", chatId=chat_id))["sendAck"]
        self.assertEqual(ack["status"], "STORED")
        seq = ack["seq"]
        got = await bob.frame("event", chatId=chat_id, seq=seq)
        at, since = int(got["inboxSeq"]), ada.welcome["serverTimeMs"]
        self.restart()
        self.assertEqual(self.states("ada", chat_id, seq), (2, 0, 0), "sent survives")

        bob = await self.live_device("bob", epoch=bob.welcome["epoch"], inbox_seq=at)
        self.until_states("ada", chat_id, seq, (2, 1, 0))  # A cursor is an acknowledgement.
        self.restart()
        self.assertEqual(self.states("ada", chat_id, seq), (2, 1, 0), "delivered survives")

        bob = await self.live_device("bob", epoch=bob.welcome["epoch"], inbox_seq=at)
        receipt = (await bob.ask(read={"chatId": chat_id, "upToSeq": seq}))["receipt"]
        self.assertEqual(receipt["readSeq"], seq)
        self.restart()  # What was answered is stored; the mark may still be on its way.
        bob = await self.live_device("bob", epoch=bob.welcome["epoch"], inbox_seq=at)
        bob_head = int(bob.welcome["inboxHead"])
        await bob.tell(ack={"inboxSeq": str(bob_head)})
        self.until_states("ada", chat_id, seq, (2, 1, 1))

        cleo = await self.live_device("cleo")  # Away all the time.
        await cleo.tell(ack={"inboxSeq": cleo.welcome["inboxHead"]})
        self.until_states("ada", chat_id, seq, (2, 2, 1))
        await cleo.ask(read={"chatId": chat_id, "upToSeq": seq})
        self.until_states("ada", chat_id, seq, (2, 2, 2))

        ada = await self.live_device("ada", epoch=bob.welcome["epoch"], inbox_seq=at,
                                     since_ms=since)
        for name in ("bob", "cleo"):
            told = await ada.frame("receipt", chatId=chat_id, userId=people.id(name), readSeq=seq)
            self.assertEqual(told["receipt"]["deliveredSeq"], seq)
        self.rest("GET", f"chats/{hex_of(chat_id)}/receipts", "stranger", expected=403)

    def restart(self):
        chatd.kill()
        chatd.start()

    # ------------------------------------------------------------ devices and unread counts

    async def test_devices_are_listed_and_forgotten(self):
        phone = await self.live_device("owner", "phone")
        await self.live_device("owner", "my tablet/2")
        await phone.say("hello", "d1", peerUserId=people.id("friend"))
        got = await phone.frame("event")
        await phone.tell(ack={"inboxSeq": got["inboxSeq"]})
        while True:
            devices = {d["deviceId"]: d for d in self.rest("GET", "devices", "owner")["devices"]}
            self.assertEqual(set(devices), {"phone", "my tablet/2"})
            if devices["phone"].get("inboxSeq") == got["inboxSeq"]:
                break
        self.assertTrue(devices["phone"]["online"])
        left = self.rest("DELETE", "devices/phone", "owner")
        self.assertEqual([d["deviceId"] for d in left["devices"]], ["my tablet/2"])
        self.assertEqual(await phone.closed(), 4101)
        self.rest("DELETE", "devices/phone", "owner", expected=404)
        left = self.rest("DELETE", "devices/my%20tablet%2F2", "owner")
        self.assertEqual(left.get("devices", []), [])
        self.assertEqual(self.rest("GET", "devices", "friend").get("devices", []), [])

    async def test_unread_counts_follow_the_log_and_the_marker(self):
        writer = await self.live_device("writer")
        for number in range(3):
            ack = (await writer.say(f"{number}", f"u{number}",
                                    peerUserId=people.id("reader")))["sendAck"]

        def unread():
            chats = self.rest("GET", "chats", "reader").get("chats", [])
            return [chat.get("unreadCount", 0) for chat in chats]

        while unread() != [3]:
            pass
        status, receipt = curl("POST", f"{chatd.public}/v1/chats/{hex_of(ack['chatId'])}/read",
                               {"upToSeq": "2"}, token=people.token("reader"))
        self.assertEqual((status, receipt["readSeq"]), (200, "2"))
        self.assertEqual(unread(), [1])


if __name__ == "__main__":
    unittest.main()
