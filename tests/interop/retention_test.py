#!/usr/bin/env python3
"""What chats forget and how they end, on a real chatd that is killed in between: retention,
temporary chats, chats that everybody has left, and the life-cycle journal.

usage: retention_test.py CHATD
"""

import json
import pathlib
import re
import sys
import tempfile
import time
import unittest

from harness import DEADLINE_S, Chatd, DeviceTest, JsonDevice, People, curl, hex_of, key

CHATD = sys.argv.pop(1)

RETENTION_MS = 1_500
TTL_MS = 2_500
EAGER = ("--policy-upkeep-interval", "100ms", "--policy-prune-interval-min", "200ms",
         "--policy-empty-chat-grace", "1s")
LAZY = ()  # Half a minute passes before anything is pruned or ended.


def setUpModule():
    global chatd, command, people, journal_file
    directory = tempfile.TemporaryDirectory(prefix="chatd-journal-")
    unittest.addModuleCleanup(directory.cleanup)
    journal_file = pathlib.Path(directory.name, "journal")
    chatd = Chatd(CHATD, "--journal", str(journal_file))
    unittest.addModuleCleanup(chatd.stop)
    command = chatd.command
    people = People(chatd)


def until(condition, what):
    """Asks again and again, until the answer is yes."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not in time: {what}\n" + chatd.log())


def rows_reclaimed():
    """As the metrics tell it, of all engines of this life."""
    text = curl("GET", f"{chatd.admin}/metrics")[1]
    values = re.findall(r"^chatd_engine_rows_reclaimed_total\{.*\} (\S+)$", text, re.M)
    assert values, text
    return sum(float(value) for value in values)


def counter(name):
    return curl("GET", f"{chatd.admin}/admin/v1/status")[1]["counters"][name]


def journal(chat_id, whole=False):
    """(what, user, by) of each entry of a chat; without those that a crash has repeated, unless the
    whole is asked for."""
    told, known = [], set()
    for line in journal_file.read_text().splitlines():
        entry = json.loads(line)
        if entry["chat"] != hex_of(chat_id):
            continue
        name = (entry["seq"], entry["what"], entry.get("user"))
        if whole or name not in known:
            told.append((entry["what"], entry.get("user"), entry.get("by")))
        known.add(name)
    return told


class ForgettingTest(DeviceTest):
    def kill_and_start(self, options):
        chatd.kill()
        chatd.command = [*command, *options]
        chatd.start()

    def rest(self, method, path, name, body=None, expected=200):
        status, answer = curl(method, f"{chatd.public}/v1/{path}", body, token=people.token(name))
        self.assertEqual(status, expected, answer)
        return answer

    def new_chat(self, owner, *members, kind="GROUP", **settings):
        """The chat_id of a new chat, whose last event is its first one."""
        made = self.rest("POST", "chats", owner, {
            "kind": kind, "title": "T", "memberIds": [people.id(name) for name in members],
            **settings})
        return made["chat"]["chatId"]

    def say(self, name, chat_id, text, expected=200):
        return self.rest("POST", f"chats/{hex_of(chat_id)}/messages", name,
                         {"clientMsgId": key(text), "text": text}, expected)

    def change(self, name, chat_id, expected=200, **lists):
        """ChangeMembers with lists of names."""
        body = {field: [people.id(who) for who in names] for field, names in lists.items()}
        return self.rest("POST", f"chats/{hex_of(chat_id)}/members", name, body, expected)

    async def cursor_of(self, name):
        """The (epoch, inbox_seq) of a device that was there once and goes away."""
        device = await self.connect(JsonDevice, chatd.websocket, name)
        epoch = (await device.hello(people.token(name), "phone"))["welcome"]["epoch"]
        page = (await device.ask(sync={"fromInboxSeq": "0"}))["syncPage"]
        await device.close()
        return epoch, int(page["next"]) - 1

    async def come_back(self, name, cursor):
        """The device and the entries that it gets from its cursor on."""
        epoch, at = cursor
        device = await self.connect(JsonDevice, chatd.websocket, name)
        resume = {"epoch": epoch, "inboxSeq": str(at)}
        welcome = (await device.hello(people.token(name), "phone", resume=resume))["welcome"]
        self.assertTrue(welcome["recovered"])
        entries, done = [], welcome.get("live", False)
        first, next_seq = at + 1, at + 1
        while not done:
            page = (await device.ask(sync={"fromInboxSeq": str(next_seq)}))["syncPage"]
            self.assertFalse(page.get("reset"), page)
            entries += page.get("entries", [])
            next_seq, done = int(page["next"]), page.get("done", False)
        self.assertEqual([int(entry["inboxSeq"]) for entry in entries],
                         list(range(first, first + len(entries))), "positions without gaps")
        return device, entries

    @staticmethod
    def of_chat(entries, chat_id):
        """What entries tell of a chat: (pruned, [seq]…) and (kind of event, seq)."""
        told = []
        for entry in entries:
            if entry.get("pruned", {}).get("chatId") == chat_id:
                told.append(("pruned", entry["pruned"]["seq"]))
            event = entry.get("event", {})
            if event.get("chatId") == chat_id:
                (kind,) = {"message", "member", "expired"} & event.keys()
                told.append((kind, event["seq"]))
        return told

    # ------------------------------------------------------------ retention

    def oldest(self, name, chat_id):
        return self.rest("GET", f"chats/{hex_of(chat_id)}", name)["chat"]["oldestSeq"]

    async def what_is_seen(self, name, chats, cursor):
        """All that a member and its device, which was away since `cursor`, are told of chats."""
        seen = {}
        device, entries = await self.come_back(name, cursor)
        for what, chat_id in chats.items():
            path = f"chats/{hex_of(chat_id)}"
            seen[what] = {
                "inbox": self.of_chat(entries, chat_id),
                "oldest": self.oldest(name, chat_id),
                "newest": self.rest("GET", f"{path}/messages", name),
                "from the oldest": self.rest("GET", f"{path}/messages?after_seq=0", name),
                "after the first": curl("GET", f"{chatd.public}/v1/{path}/messages?after_seq=1",
                                        token=people.token(name)),
                "after the first, by WebSocket":
                    (await device.ask(history={"chatId": chat_id, "afterSeq": "1"}))
                    .get("error", {}).get("code")}
        page = (await device.ask(sync={"chatId": chats["room"], "fromSeq": "1"}))["syncPage"]
        seen["room"]["page"] = self.of_chat(page.get("entries", []), chats["room"])
        await device.close()
        return seen

    def judge_forgotten(self, seen):
        pruned = [("pruned", str(seq)) for seq in range(1, 5)]
        self.assertEqual(seen["group"]["inbox"], pruned)
        self.assertEqual(seen["room"]["inbox"], pruned[:1], "of a room its members' changes only")
        self.assertEqual(seen["room"]["page"], pruned)
        for forgetting in (seen["group"], seen["room"]):
            self.assertEqual(forgetting["oldest"], "5")
            for page in ("newest", "from the oldest"):
                self.assertEqual(forgetting[page].get("events", []), [])
            status, error = forgetting["after the first"]
            self.assertEqual((status, error["code"]), (410, "RANGE_PRUNED"))
            self.assertEqual(forgetting["after the first, by WebSocket"], "RANGE_PRUNED")
        self.assertEqual(seen["kept"]["inbox"],
                         [("member", "1"), ("message", "2"), ("message", "3"), ("message", "4")])
        self.assertEqual(len(seen["kept"]["newest"]["events"]), 4)
        self.assertEqual(seen["kept"]["after the first"][0], 200)

    async def test_what_is_too_old_is_pruned_and_reclaimed_and_stays_so_after_a_kill(self):
        self.kill_and_start(EAGER)
        cursor = await self.cursor_of("ben")
        chats = {"group": self.new_chat("ann", "ben", retentionMs=str(RETENTION_MS)),
                 "room": self.new_chat("ann", "ben", kind="ROOM", retentionMs=str(RETENTION_MS)),
                 "kept": self.new_chat("ann", "ben")}
        for chat_id in chats.values():
            for number in range(3):
                self.say("ann", chat_id, f"{number}")
        for what in ("group", "room"):
            until(lambda c=chats[what]: self.oldest("ann", c) == "5", "everything is too old")
        until(lambda: rows_reclaimed() >= 8, "both chats are reclaimed")
        seen = await self.what_is_seen("ben", chats, cursor)
        self.judge_forgotten(seen)
        self.kill_and_start(LAZY)
        self.assertEqual(await self.what_is_seen("ben", chats, cursor), seen)
        again = self.say("ann", chats["group"], "0")
        self.assertEqual((again["status"], again["seq"]), ("DUPLICATE", "2"))

        # A kill before it comes to that, and nobody asks for the chat.
        for number in range(3, 6):
            self.say("ann", chats["group"], f"{number}")
        self.kill_and_start(EAGER)
        until(lambda: rows_reclaimed() >= 3, "what came before the kill is reclaimed")
        _, entries = await self.come_back("ben", cursor)
        self.assertEqual(self.of_chat(entries, chats["group"]),
                         [("pruned", str(seq)) for seq in range(1, 8)])

    # ------------------------------------------------------------ temporary chats

    async def test_a_temporary_chat_ends_for_those_who_are_away_too(self):
        self.kill_and_start(LAZY)
        cursor, chats = await self.cursor_of("cleo"), []
        for kind in ("GROUP", "ROOM"):
            chats.append(self.new_chat("ann", "ben", "cleo", kind=kind, ttlMs=str(TTL_MS)))
            self.say("ann", chats[-1], "for a moment")
        self.kill_and_start(EAGER)
        ben, _ = await self.come_back("ben", await self.cursor_of("ben"))
        pushed = self.new_chat("ann", "ben", ttlMs=str(TTL_MS))
        event = await ben.take(lambda frame: frame.get("event", {}).get("chatId") == pushed
                               and "expired" in frame["event"], "the end of a temporary chat")
        self.assertEqual(event["event"]["expired"], {"upToSeq": "1", "reason": "TTL"})
        for chat_id in chats:
            until(lambda c=chat_id: ("ended_ttl", None, None) in journal(c), "the end is told")
        until(lambda: rows_reclaimed() >= 5, "what they held is reclaimed")
        for is_again in (False, True):
            if is_again:
                self.kill_and_start(EAGER)
            _, entries = await self.come_back("cleo", cursor)
            group, room = (self.of_chat(entries, chat_id) for chat_id in chats)
            self.assertEqual(group, [("pruned", "1"), ("pruned", "2"), ("expired", "3")])
            self.assertEqual(room, [("pruned", "1"), ("expired", "3")])
            for chat_id in chats:
                self.judge_over(chat_id)

    def judge_over(self, chat_id):
        path = f"chats/{hex_of(chat_id)}"
        refused = self.say("ann", chat_id, "too late", expected=404)
        self.assertEqual((refused["code"], refused["message"]), ("NOT_FOUND", "the chat is over"))
        self.rest("PATCH", path, "ann", {"title": "Longer"}, expected=404)
        (last,) = self.rest("GET", f"{path}/messages", "cleo")["events"]
        self.assertEqual((last["seq"], last["expired"]), ("3", {"upToSeq": "2", "reason": "TTL"}))
        status, _ = curl("GET", f"{chatd.public}/v1/{path}/messages?after_seq=1",
                         token=people.token("cleo"))
        self.assertEqual(status, 410)

    # ------------------------------------------------------------ chats that everybody has left

    async def test_a_chat_without_members_is_cleaned_up_though_chatd_was_killed(self):
        self.kill_and_start(LAZY)
        empty = [self.new_chat("ann", "ben", kind=kind) for kind in ("GROUP", "ROOM")]
        used = self.new_chat("ann", "ben")
        for chat_id in (*empty, used):
            self.say("ann", chat_id, "is anybody there")
            self.change("ben", chat_id, remove=["ben"])
        for chat_id in empty:
            self.change("ann", chat_id, remove=["ann"])
        self.kill_and_start(EAGER)
        for chat_id in empty:
            until(lambda c=chat_id: journal(c)[-1] == ("ended_empty", None, None), "it ends")
        until(lambda: counter("chats_dropped") >= 2, "they are dropped")
        self.assertGreaterEqual(rows_reclaimed(), 10)
        self.kill_and_start(EAGER)
        listed = [chat["chatId"] for chat in self.rest("GET", "chats?limit=500", "ann")["chats"]]
        for chat_id in empty:
            self.assertNotIn(chat_id, listed)
            self.rest("GET", f"chats/{hex_of(chat_id)}", "ann", expected=403)
            self.change("ann", chat_id, expected=404, add=["ann"])
        self.assertIn(used, listed)
        self.assertEqual(self.say("ann", used, "I am")["status"], "STORED")
        self.assertNotIn("ended_empty", [what for what, _, _ in journal(used)])

    # ------------------------------------------------------------ the journal

    async def test_the_journal_equals_what_was_done_in_its_order_over_kills(self):
        ann, ben, cleo, dan = (int(people.id(name)) for name in ("ann", "ben", "cleo", "dan"))
        chat_id = self.new_chat("ann", "ben")
        expected = [("created", ann, ann), ("enter", ann, ann), ("enter", ben, ann)]
        self.say("ann", chat_id, "not of interest")
        for actor, lists, kill, told in (
                ("ann", {"add": ["cleo"]}, False, [("enter", cleo, ann)]),
                ("ben", {"remove": ["ben"]}, True, [("exit", ben, ben)]),
                ("ann", {"ban": ["cleo"]}, False, [("banned", cleo, ann)]),
                ("ann", {"ban": ["dan"]}, True, [("banned", dan, ann)]),
                ("ann", {"unban": ["cleo"], "add": ["ben"]}, True,
                 [("unbanned", cleo, ann), ("enter", ben, ann)]),
                ("ann", {"add": ["cleo"], "remove": ["ben"]}, False,
                 [("enter", cleo, ann), ("exit", ben, ann)])):
            self.change(actor, chat_id, **lists)
            expected += told
            if kill:
                self.kill_and_start(LAZY)
        self.change("ann", chat_id, expected=403, add=["dan"])
        self.rest("DELETE", f"chats/{hex_of(chat_id)}", "ann")
        self.kill_and_start(LAZY)
        expected.append(("ended_deleted", None, ann))
        until(lambda: len(journal(chat_id)) >= len(expected), "everything is told")
        self.assertEqual(journal(chat_id), expected)

    async def test_without_a_kill_the_journal_tells_nothing_twice(self):
        ann, ben = int(people.id("ann")), int(people.id("ben"))
        chat_id = self.new_chat("ann", "ben")
        self.change("ben", chat_id, remove=["ben"])
        self.change("ann", chat_id, add=["ben"])
        self.rest("DELETE", f"chats/{hex_of(chat_id)}", "ann")
        expected = [("created", ann, ann), ("enter", ann, ann), ("enter", ben, ann),
                    ("exit", ben, ben), ("enter", ben, ann), ("ended_deleted", None, ann)]
        until(lambda: journal(chat_id)[-1:] == expected[-1:], "the end is told")
        self.assertEqual(journal(chat_id, whole=True), expected)
        for line in journal_file.read_text().splitlines():
            self.assertGreater(json.loads(line)["at_ms"], 0)


if __name__ == "__main__":
    unittest.main()
