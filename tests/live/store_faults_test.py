#!/usr/bin/env python3
"""The message store is slow, fails or does not say what it did, under load; the delay log hangs or
fails; chatd is killed while sends are DELAYED. Nothing is lost, nothing is there twice, everything
is in order, and nothing is promised that is not kept."""

import asyncio
import json
import time
import unittest

from simulation import ROOT, Chatd, Simulation, counters, programs, wait_s
from harness import DeviceTest, JsonDevice, People, curl, hex_of, key  # noqa: E402

CHATD, CHATSIM = programs()
DEADLINE_S = 60
WORKLOAD = (ROOT / "scenarios/stall.yaml").read_text()
PHASE_S = 7
PHASES = ({"store_slow_ms": 200}, {"store_fail_one_in": 10}, {"store_unknown_one_in": 10})
HANGING_STORE = {"store_hang_reads": True, "store_hang_writes": True}
SENDERS = ("ann", "ben", "cleo", "dan")
SENDS_EACH = 50


def make_faults(chatd, **faults):
    status, answer = curl("PUT", f"{chatd.admin}/admin/v1/faults", faults)
    assert status == 200, answer


def kill_and_start(chatd):
    chatd.kill()
    chatd.start()


def wait_for(chatd, condition, what):
    """Until the counters are as wanted."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition(counters(chatd)):
        assert time.monotonic() < deadline, f"not in time: {what}"
        wait_s(chatd.process, 0.02)


class UnderLoadTest(unittest.TestCase):
    def setUp(self):
        self.chatd = Chatd(CHATD, "--fault-injection", "true")
        self.addCleanup(self.chatd.stop)

    def judge(self, simulation):
        """What the oracle of the run says at its end."""
        wait_for(self.chatd, lambda now: now["delayed_now"] == 0, "nothing is delayed any more")
        simulation.finish()
        result = simulation.result
        messages = result["messages"]
        for name in ("lost", "duplicate", "reordered", "phantom", "stale", "not_sent"):
            self.assertEqual(messages[name], 0, f"{name}: {result['findings']}")
        self.assertEqual(messages["acked"], messages["sent"])
        self.assertEqual(counters(self.chatd)["delayed_unstorable"], 0)
        return messages

    def test_a_store_that_is_slow_fails_or_does_not_say_loses_and_repeats_nothing(self):
        simulation = Simulation(CHATSIM, self.chatd, WORKLOAD,
                                "--duration", f"{PHASE_S * len(PHASES) + 2}s")
        simulation.wait_for_run_second(0)
        none = {name: 0 for phase in PHASES for name in phase}
        for phase in PHASES:
            make_faults(self.chatd, **{**none, **phase})
            wait_s(simulation.process, PHASE_S)
        make_faults(self.chatd, **none)
        messages, counted = self.judge(simulation), counters(self.chatd)
        print(f"slow, failing, silent for {PHASE_S} s each: {messages['sent']} sends, "
              f"{messages['sends_delayed']} DELAYED, {counted['append_unknown']} appends of "
              f"unknown fate, chats in delay {counted['chats_delayed']} times", flush=True)
        self.assertGreater(messages["sent"], 1_000)
        self.assertGreater(counted["append_unknown"], 50)
        self.assertGreater(counted["inbox_unknown"], 50)
        self.assertGreater(counted["chats_delayed"], 10)

    def test_a_kill_while_the_store_hangs_loses_and_repeats_nothing(self):
        simulation = Simulation(CHATSIM, self.chatd, WORKLOAD, "--duration", "7s")
        simulation.wait_for_run_second(0)
        wait_s(simulation.process, 1)
        make_faults(self.chatd, **HANGING_STORE)
        wait_for(self.chatd, lambda now: now["sends_delayed"] > 150, "many sends are DELAYED")
        kill_and_start(self.chatd)
        messages = self.judge(simulation)
        print(f"killed while the store hung: {messages['sends_delayed']} of {messages['sent']} "
              f"sends DELAYED", flush=True)
        self.assertGreater(messages["sends_delayed"], 100)
        self.assertGreater(counters(self.chatd)["delayed_stored"], 100)


class PromiseTest(DeviceTest):
    """Devices that never send again what was answered: what is in the log then, the server kept."""

    async def asyncSetUp(self):
        self.chatd = Chatd(CHATD, "--fault-injection", "true", "--policy-request-timeout", "3s")
        self.addCleanup(self.chatd.stop)
        people = People(self.chatd)
        self.tokens = {name: people.token(name) for name in SENDERS}
        self.chats = [people.new_group(title, *SENDERS) for title in ("One", "Two")]
        await self.connect_all()
        self.sent = {}  # What was acknowledged, by chat and sender, in its order.

    async def connect_all(self):
        self.devices = {}
        for name in SENDERS:
            device = await self.connect(JsonDevice, self.chatd.websocket, name)
            welcome = await device.hello(self.tokens[name], "phone")
            self.assertIn("welcome", welcome)
            self.devices[name] = device

    async def answers(self, name, texts):
        """{text: answer} of sends that are on their way at the same time, to each chat in turn."""
        device = self.devices[name]
        first = device.next_id
        device.next_id += len(texts)
        await device.send_raw(json.dumps({"frames": [
            {"id": first + n, "send": {"chatId": self.chats[n % 2], "clientMsgId": key(text),
                                       "text": text}} for n, text in enumerate(texts)]}))
        return {text: await device.take(lambda frame, i=first + n: frame.get("replyTo") == i, text)
                for n, text in enumerate(texts)}

    async def say_all(self, label, count, wanted):
        """Everybody sends; which answers came, all of them wanted: statuses and codes of errors."""
        def texts(name):
            return [f"{label} {n} {name}" for n in range(count)]
        outcomes = set()
        answered = await asyncio.gather(*(self.answers(name, texts(name)) for name in SENDERS))
        for name, answers in zip(SENDERS, answered):
            for n, (text, answer) in enumerate(answers.items()):
                error = answer.get("error", {})
                outcomes.add(error.get("code") or answer["sendAck"]["status"])
                if error:
                    self.assertTrue(error["temporary"])
                else:
                    self.sent.setdefault((self.chats[n % 2], name), {})[text] = True
        self.assertLessEqual(outcomes, wanted)
        return outcomes

    def judge(self, arrange=list):
        """The logs have what was acknowledged, once and in its order."""
        logs = {who: arrange(texts) for who, texts in self.in_the_logs().items()}
        self.assertEqual(logs, {who: arrange(texts) for who, texts in self.sent.items()})

    def in_the_logs(self):
        """{(chat, sender): [text…]} as REST tells it; no seq is missing."""
        said = {}
        for chat_id in self.chats:
            after = 0
            while True:
                status, page = curl("GET", f"{self.chatd.public}/v1/chats/{hex_of(chat_id)}"
                                    f"/messages?after_seq={after}", token=self.tokens["ann"])
                self.assertEqual(status, 200, page)
                for event in page.get("events", []):
                    after += 1
                    self.assertEqual(int(event["seq"]), after)
                    if "message" in event:
                        who = (chat_id, event["actor"]["name"])
                        said.setdefault(who, []).append(event["message"]["text"])
                if page.get("complete"):
                    break
        return said

    async def test_what_was_delayed_is_stored_once_and_in_order_after_kills(self):
        await self.say_all("stored", 4, {"STORED"})
        make_faults(self.chatd, **HANGING_STORE)
        await self.say_all("delayed", SENDS_EACH, {"DELAYED"})
        self.assertEqual(counters(self.chatd)["sends_delayed"], SENDS_EACH * len(SENDERS))
        kill_and_start(self.chatd)
        kill_and_start(self.chatd)  # While they are being stored, or before, or after.
        wait_for(self.chatd, lambda now: now["delayed_now"] == 0, "nothing is delayed any more")
        self.assertEqual(counters(self.chatd)["delayed_unstorable"], 0)
        self.judge()
        await self.connect_all()
        await self.say_all("after", 4, {"STORED"})
        self.judge()

    async def test_a_delay_log_that_hangs_promises_nothing(self):
        await self.say_all("stored", 2, {"STORED"})
        make_faults(self.chatd, delay_log_hang=True, **HANGING_STORE)
        await self.say_all("refused", 4, {"UNAVAILABLE"})
        self.assertEqual(counters(self.chatd)["sends_delayed"], 0)
        kill_and_start(self.chatd)
        self.judge()
        await self.connect_all()
        await self.say_all("refused", 4, {"STORED"})
        self.judge()

    async def test_a_delay_log_that_fails_promises_nothing(self):
        await self.say_all("stored", 2, {"STORED"})
        make_faults(self.chatd, delay_log_fail_one_in=1, **HANGING_STORE)
        await self.say_all("refused", 4, {"UNAVAILABLE"})
        counted = counters(self.chatd)
        self.assertEqual(counted["sends_delayed"], 0)
        self.assertGreater(counted["delay_log_failures"], 0)
        make_faults(self.chatd, delay_log_fail_one_in=0, store_hang_reads=False,
                    store_hang_writes=False)
        # What was on its way to the store when it hung is there, although nobody was told so.
        anything = {"STORED", "DUPLICATE", "DELAYED", "UNAVAILABLE"}
        deadline = time.monotonic() + DEADLINE_S
        while "UNAVAILABLE" in await self.say_all("refused", 4, anything):
            self.assertLess(time.monotonic(), deadline)
        wait_for(self.chatd, lambda now: now["delayed_now"] == 0, "nothing is delayed any more")
        self.judge(arrange=sorted)


if __name__ == "__main__":
    unittest.main()
