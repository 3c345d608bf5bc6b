#!/usr/bin/env python3
"""Log-ins over a real chatd with several reactors: log-out, revocation, new tokens on a live
session, and an ordered end with GoAway, seen by clients that are not ours.

usage: logins_test.py CHATD CHATCTL
"""

import asyncio
import json
import signal
import subprocess
import sys
import unittest

from harness import DEADLINE_S, Chatd, DeviceTest, JsonDevice, People, curl

CHATD = sys.argv.pop(1)
CHATCTL = sys.argv.pop(1)

REVOKED, BAD_TOKEN, DRAINING = 4101, 4100, 4000


def chatctl(chatd, *arguments):
    """The JSON answer of a verb."""
    done = subprocess.run([CHATCTL, "--admin", chatd.admin, "-o", "json", *arguments],
                          capture_output=True, text=True, timeout=DEADLINE_S)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


class LoginsTest(DeviceTest):
    def serve(self, *arguments):
        chatd = Chatd(CHATD, "--reactors", "3", *arguments)
        self.addCleanup(chatd.stop)
        return chatd, People(chatd)

    def log_in(self, chatd, name):
        status, tokens = curl("POST", f"{chatd.public}/v1/login", {
            "email": f"{name}@example.org", "password": f"password of {name}"})
        self.assertEqual(status, 200, tokens)
        return tokens

    def logins(self, chatd, tokens):
        status, answer = curl("GET", f"{chatd.public}/v1/logins", token=tokens["accessToken"])
        self.assertEqual(status, 200, answer)
        return answer["logins"]

    def own_login(self, chatd, tokens):
        return next(one["loginId"] for one in self.logins(chatd, tokens) if one.get("current"))

    async def join(self, chatd, tokens, device_id):
        device = await self.connect(JsonDevice, chatd.websocket, device_id)
        self.assertIn("welcome", await device.hello(tokens["accessToken"], device_id))
        return device

    def assert_ended(self, chatd, tokens):
        """Neither token of the log-in is taken any more."""
        status, error = curl("GET", f"{chatd.public}/v1/me", token=tokens["accessToken"])
        self.assertEqual((status, error["code"]), (401, "UNAUTHENTICATED"))
        self.assertIn("has ended", error["message"])
        status, error = curl("POST", f"{chatd.public}/v1/refresh",
                             {"refreshToken": tokens["refreshToken"]})
        self.assertEqual((status, error["code"]), (401, "UNAUTHENTICATED"))

    async def presence_of(self, watcher, user_id):
        batch = await watcher.ask(presenceWatch={"userIds": [user_id]})
        return batch["presence"]["entries"][0]["state"]

    async def test_a_log_out_closes_the_connection_and_ends_presence_at_once(self):
        chatd, people = self.serve()
        ann = await self.join(chatd, people["ann"], "phone")
        ben = await self.join(chatd, people["ben"], "laptop")
        self.assertEqual(await self.presence_of(ben, people.id("ann")), "ONLINE")
        status, answer = curl("POST", f"{chatd.public}/v1/logout", token=people.token("ann"))
        self.assertEqual(status, 200, answer)
        self.assertEqual(await ann.closed(), REVOKED)
        self.assertEqual(await self.presence_of(ben, people.id("ann")), "OFFLINE")
        self.assert_ended(chatd, people["ann"])
        self.assertIn("welcome", await (await self.connect(
            JsonDevice, chatd.websocket, "again")).hello(
                self.log_in(chatd, "ann")["accessToken"], "phone"))

    async def test_a_revoked_log_in_loses_its_connections_on_every_reactor(self):
        chatd, people = self.serve()
        stolen, own = people["ann"], self.log_in(chatd, "ann")
        thieves = [await self.join(chatd, stolen, f"thief-{i}") for i in range(12)]
        mine = [await self.join(chatd, own, f"mine-{i}") for i in range(3)]
        sessions = chatctl(chatd, "session", "list")["sessions"]
        self.assertGreater(len({one["engine"] for one in sessions}), 1, "one reactor has them all")
        self.assertEqual(len(self.logins(chatd, own)), 2)
        login = self.own_login(chatd, stolen)
        status, answer = curl("DELETE", f"{chatd.public}/v1/logins/{login}",
                              token=own["accessToken"])
        self.assertEqual(status, 200, answer)
        for thief in thieves:
            self.assertEqual(await thief.closed(), REVOKED)
        self.assert_ended(chatd, stolen)
        for device in mine:
            self.assertIn("heartbeatAck", await device.ask(heartbeat={}))
        self.assertEqual([one["loginId"] for one in self.logins(chatd, own)],
                         [self.own_login(chatd, own)])

    async def test_others_log_ins_cannot_be_ended_nor_unknown_ones(self):
        chatd, people = self.serve()
        foreign = self.own_login(chatd, people["ben"])
        for login in (foreign, "0", "none", str(2**63)):
            status, error = curl("DELETE", f"{chatd.public}/v1/logins/{login}",
                                 token=people.token("ann"))
            self.assertEqual((status, error["code"]), (404, "NOT_FOUND"), login)
        self.assertEqual(len(self.logins(chatd, people["ben"])), 1)

    async def test_all_other_log_ins_end_and_stay_ended_after_a_crash(self):
        chatd, people = self.serve()
        first, own = people["ann"], self.log_in(chatd, "ann")
        second = self.log_in(chatd, "ann")
        device = await self.join(chatd, second, "second")
        self.assertEqual(curl("DELETE", f"{chatd.public}/v1/logins",
                              token=own["accessToken"])[0], 200)
        self.assertEqual(await device.closed(), REVOKED)
        chatd.kill()
        chatd.start()
        for ended in (first, second):
            self.assert_ended(chatd, ended)
            device = await self.connect(JsonDevice, chatd.websocket, "again")
            answer = await device.hello(ended["accessToken"], "again")
            self.assertEqual(answer["error"]["code"], "UNAUTHENTICATED")
            self.assertEqual(await device.closed(), BAD_TOKEN)
        await self.join(chatd, own, "own")

    async def test_an_operator_ends_one_log_in_or_all_with_the_tokens_he_made(self):
        chatd, people = self.serve()
        one, other = people["ann"], self.log_in(chatd, "ann")
        made = chatctl(chatd, "token", "mint", people.id("ann"))["tokens"][0]["token"]
        devices = [await self.join(chatd, tokens, name) for name, tokens in (
            ("one", one), ("other", other), ("made", {"accessToken": made}))]
        status, error = curl("POST", f"{chatd.public}/v1/logout", {}, token=made)
        self.assertEqual((status, error["code"]), (400, "INVALID_ARGUMENT"))
        listed = chatctl(chatd, "logins", "ann")["logins"]
        self.assertEqual({login["loginId"] for login in listed},
                         {self.own_login(chatd, one), self.own_login(chatd, other)})
        chatctl(chatd, "logout", "ann", self.own_login(chatd, one))
        self.assertEqual(await devices[0].closed(), REVOKED)
        self.assertIn("heartbeatAck", await devices[1].ask(heartbeat={}))
        self.assertEqual(chatctl(chatd, "logout", "ann")["logins_ended"], 1)
        for device in devices[1:]:
            self.assertEqual(await device.closed(), REVOKED)
        self.assertEqual(curl("GET", f"{chatd.public}/v1/me", token=made)[0], 401)
        await self.join(chatd, self.log_in(chatd, "ann"), "afterwards")

    async def test_a_token_is_replaced_without_a_new_connection(self):
        chatd, people = self.serve()

        def mint(ttl):
            made = chatctl(chatd, "token", "mint", people.id("ann"), "--ttl", ttl)
            return made["tokens"][0]["token"]
        people["ben"]
        ann = await self.join(chatd, {"accessToken": mint("12s")}, "phone")
        refused = await ann.ask(refreshToken={"token": people.token("ben")})
        self.assertEqual(refused["error"]["code"], "UNAUTHENTICATED")
        taken = await ann.ask(refreshToken={"token": mint("30s")})
        self.assertGreater(int(taken["tokenExpiring"]["inMs"]), 12_000)
        # The warning comes long after the end of the first token.
        await ann.frame("tokenExpiring")
        taken = await ann.ask(refreshToken={"token": people.token("ann")})
        self.assertGreater(int(taken["tokenExpiring"]["inMs"]), 3_000_000)
        ack = await ann.say("still here", "k", peerUserId=people.id("ben"))
        self.assertEqual(ack["sendAck"]["status"], "STORED")
        curl("POST", f"{chatd.public}/v1/logout", token=people.token("ann"))
        self.assertEqual(await ann.closed(), REVOKED)

    async def test_a_session_ends_with_its_token(self):
        chatd, people = self.serve()
        made = chatctl(chatd, "token", "mint", people.id("ann"), "--ttl", "9s")["tokens"][0]
        ann = await self.join(chatd, {"accessToken": made["token"]}, "phone")
        self.assertIn("tokenExpiring", await ann.frame("tokenExpiring"))
        self.assertEqual(await ann.closed(), BAD_TOKEN)

    async def test_an_operator_closes_a_session_and_its_client_comes_back(self):
        chatd, people = self.serve()
        ann = await self.join(chatd, people["ann"], "phone")
        found = chatctl(chatd, "session", "list")["sessions"][0]
        chatctl(chatd, "session", "close", found["engine"], found["conn"])
        self.assertEqual(await ann.closed(), DRAINING)
        await self.join(chatd, people["ann"], "phone")


class DrainTest(DeviceTest):
    async def join(self, chatd, people, name):
        device = await self.connect(JsonDevice, chatd.websocket, name)
        self.assertIn("welcome", await device.hello(people.token(name), name))
        return device

    async def wait_for_end(self, chatd):
        status = await asyncio.to_thread(chatd.process.wait, DEADLINE_S)
        self.assertEqual(status, 0, chatd.log())

    async def test_sigterm_tells_clients_to_go_and_closes_who_stays(self):
        chatd = Chatd(CHATD, "--reactors", "2", "--drain-window", "1s")
        people = People(chatd)
        leaving = await self.join(chatd, people, "ann")
        staying = await self.join(chatd, people, "ben")
        chatd.process.send_signal(signal.SIGTERM)
        for device in (leaving, staying):
            told = await device.frame("goAway")
            self.assertTrue(told["goAway"]["reason"])
            self.assertLessEqual(told["goAway"].get("reconnectAfterMs", 0), 60_000)
        ack = await staying.say("last words", "k", peerUserId=people.id("ann"))
        self.assertEqual(ack["sendAck"]["status"], "STORED")
        await leaving.close(DRAINING)
        self.assertEqual(await staying.closed(), DRAINING)
        await self.wait_for_end(chatd)
        chatd.start()
        # What was said at last is kept, and whoever comes back gets it.
        ann = await self.connect(JsonDevice, chatd.websocket, "ann")
        await ann.hello(people.token("ann"), "ann")
        page = await ann.ask(sync={"fromInboxSeq": "1"})
        self.assertEqual([entry["event"]["message"]["text"]
                          for entry in page["syncPage"]["entries"]], ["last words"])
        chatd.stop()

    async def test_a_second_sigterm_ends_at_once(self):
        chatd = Chatd(CHATD, "--reactors", "1", "--drain-window", "0s",
                      "--policy-go-away-patience", "1h")
        device = await self.join(chatd, People(chatd), "ann")
        chatd.process.send_signal(signal.SIGTERM)
        await device.frame("goAway")
        late = await self.connect(JsonDevice, chatd.websocket, "late")
        self.assertEqual(await late.closed(), DRAINING)
        chatd.process.send_signal(signal.SIGTERM)
        await self.wait_for_end(chatd)
        self.assertIsNotNone(await device.closed())

    async def test_a_server_without_connections_ends_without_waiting_for_the_window(self):
        chatd = Chatd(CHATD, "--drain-window", "1h", "--policy-go-away-patience", "1h")
        chatd.stop()

    async def test_a_drained_server_takes_no_clients_and_goes_on(self):
        chatd = Chatd(CHATD, "--reactors", "2")
        people = People(chatd)
        device = await self.join(chatd, people, "ann")
        answer = chatctl(chatd, "drain", "--window", "0s", "--reconnect-after", "9s",
                         "--url", "wss://b.example/v1/ws")
        self.assertTrue(answer["draining"])
        told = (await device.frame("goAway"))["goAway"]
        self.assertEqual(told["url"], "wss://b.example/v1/ws")
        self.assertGreaterEqual(told["reconnectAfterMs"], 9_000)
        self.assertEqual(await device.closed(), DRAINING)
        late = await self.connect(JsonDevice, chatd.websocket, "late")
        self.assertEqual(await late.closed(), DRAINING)
        self.assertEqual(curl("GET", f"{chatd.public}/readyz")[0], 503)
        self.assertEqual(curl("GET", f"{chatd.public}/healthz")[0], 200)
        chatd.stop()


if __name__ == "__main__":
    unittest.main()
