#!/usr/bin/env python3
"""Clients that are not ours join a chat of simulated users: they hear what those say, and the
oracle of chatsim finds that every simulated user got what the guests said.

usage: guests_test.py CHATD CHATSIM
"""

import asyncio
import json
import pathlib
import sys
import tempfile
import unittest

from harness import (DEADLINE_S, ROOT, Chatd, DeviceTest, JsonDevice, People, ProtoDevice, curl,
                     hex_of)

CHATD, CHATSIM = sys.argv[1:3]
del sys.argv[1:3]


def setUpModule():
    global chatd, people
    chatd = Chatd(CHATD)
    people = People(chatd)


def tearDownModule():
    chatd.stop()


class GuestsTest(DeviceTest):
    async def run_of_chatsim(self, directory):
        """A chatsim at work, and the chat that its import made."""
        scenario = ROOT / "tests/interop/guests.yaml"
        sim = await asyncio.create_subprocess_exec(
            CHATSIM, "run", str(scenario), "--target", f"{chatd.directory}/ready.json",
            "--json", f"{directory}/result.json",
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT)
        while True:
            _, chats = curl("GET", f"{chatd.admin}/admin/v1/chats?limit=10")
            if chats.get("chats"):
                return sim, chats["chats"][0]
            self.assertIsNone(sim.returncode)
            await asyncio.sleep(0)

    async def guest(self, kind, name):
        device = await self.connect(kind, chatd.websocket, name)
        self.assertIn("welcome", await device.hello(people.token(name), "guest"))
        page = (await device.ask(sync={"fromInboxSeq": "0"}))["syncPage"]
        self.assertTrue(page["done"])
        return device

    async def test_guests_and_simulated_users_hear_each_other(self):
        with tempfile.TemporaryDirectory() as directory:
            sim, chat = await self.run_of_chatsim(directory)
            guests = [await self.guest(JsonDevice, "gina"), await self.guest(ProtoDevice, "gert")]
            line = {"members": {"chat": chat["title"],
                                "add": [int(people.id(guest.name)) for guest in guests]}}
            status, answer = curl("POST", f"{chatd.admin}/admin/v1/import", line)
            self.assertEqual(status, 200, answer)

            said = []
            for guest in guests:
                for _ in range(3):
                    heard = await guest.take(
                        lambda frame: frame.get("event", {}).get("chatId") == chat["chatId"]
                        and frame["event"].get("actor", {}).get("name", "").startswith("sim-"),
                        "a message of a simulated user")
                    self.assertIn("text", heard["event"]["message"])
                ack = (await guest.say(f"hello from {guest.name}", guest.name,
                                       chatId=chat["chatId"]))["sendAck"]
                self.assertEqual(ack["status"], "STORED")
                said.append(ack["seq"])
            for guest in guests:
                for seq in said:
                    await guest.frame("event", chatId=chat["chatId"], seq=seq)
                await guest.close()

            output, _ = await asyncio.wait_for(sim.communicate(), 4 * DEADLINE_S)
            self.assertEqual(sim.returncode, 0, output.decode())
            result = json.loads(pathlib.Path(directory, "result.json").read_text())
            self.assertTrue(result["valid"], result["invalid_reasons"])
            messages = result["messages"]
            self.assertEqual([messages[name] for name in ("lost", "duplicate", "phantom")], [0] * 3)
            # Every event of the log reached every simulated user, the guests' words included.
            _, log = curl("GET", f"{chatd.admin}/admin/v1/chats/{hex_of(chat['chatId'])}")
            self.assertGreaterEqual(int(messages["expected_deliveries"]),
                                    result["users"]["peak"] * (int(messages["acked"]) + len(said)))
            self.assertGreater(int(log["chat"]["lastSeq"]), max(map(int, said)))


if __name__ == "__main__":
    unittest.main()
