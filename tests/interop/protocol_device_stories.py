"""Stories of accounts, log-ins, devices and connections, presence and typing."""

import asyncio

import websockets

from protocol_client import Closed, Connection, Rest, new_key
from protocol_schema import Json
from protocol_talk import Person, Talk, note


class Accounts(Talk):
    """Accounts, log-ins and tokens by REST."""

    async def test_an_account_is_made_once_and_can_be_renamed(self):
        ann = await self.person("Ann")
        nobody = Rest(self.chatd.public, trace=note)
        await nobody("alive")
        await nobody("ready")
        with self.refused("ALREADY_EXISTS", 409):
            await nobody("sign_up", email=ann.email, password="another one", user_name="Another")
        with self.refused("INVALID_ARGUMENT", 400):
            await nobody("sign_up", email="new@example.org", password="short", user_name="New")
        with self.refused("UNAUTHENTICATED", 401):
            await nobody("log_in", email=ann.email, password="a wrong one")
        with self.refused("UNAUTHENTICATED", 401):
            await nobody("account")
        renamed = await ann.rest("rename", user_name=f"{ann.name}a")
        account = await ann.rest("account")
        self.assertEqual(account, renamed)
        self.assertEqual((account.user_id, account.email, account.user_name),
                         (ann.id, ann.email.lower(), f"{ann.name}a"))

    async def test_events_carry_a_new_name_from_the_next_token_on(self):
        ann, bob = await self.people("Ann", "Bob")
        bobs = await bob.device()
        await ann.rest("rename", user_name=f"{ann.name}a")
        tokens = await ann.rest("refresh", refresh_token=ann.tokens.refresh_token)
        phone = await Person(self, ann.name, tokens).device()
        await phone.say("hi", peer_user_id=bob.id)
        entry = await bobs.expect("event")
        self.assertEqual(entry.event.actor.name, f"{ann.name}a")

    async def test_a_refresh_token_that_is_used_twice_ends_the_login(self):
        ann = await self.person("Ann")
        phone = await ann.device()
        refresh_token = ann.tokens.refresh_token
        tokens = await ann.rest("refresh", refresh_token=refresh_token)
        self.assertEqual((tokens.user_id, tokens.expires_in_s), (ann.id, 3600))
        self.assertNotEqual(tokens.refresh_token, refresh_token)
        with self.refused("UNAUTHENTICATED", 401):
            await ann.rest("refresh", refresh_token=refresh_token)
        self.assertEqual(await phone.closed(), 4101)
        with self.refused("UNAUTHENTICATED", 401):
            await ann.rest("refresh", refresh_token=tokens.refresh_token)

    async def test_logins_are_listed_and_ended_with_their_connections(self):
        ann = await self.person("Ann")
        others = [Person(self, ann.name, await ann.rest("log_in", email=ann.email,
                                                        password=ann.password))
                  for _ in range(3)]
        devices = [await other.device(f"device {number}") for number, other in enumerate(others)]
        logins = (await ann.rest("logins")).logins
        self.assertEqual([login.current for login in logins].count(True), 1)
        theirs = [next(login.login_id for login in (await other.rest("logins")).logins
                       if login.current) for other in others]
        await ann.rest("end_login", id=theirs[0])
        self.assertEqual(await devices[0].closed(), 4101)
        with self.refused("UNAUTHENTICATED", 401):
            await others[0].rest("account")
        await others[1].rest("log_out")
        self.assertEqual(await devices[1].closed(), 4101)
        await ann.rest("end_other_logins")
        self.assertEqual(await devices[2].closed(), 4101)
        self.assertEqual(len((await ann.rest("logins")).logins), 1)
        with self.refused("NOT_FOUND", 404):
            await ann.rest("end_login", id=theirs[0])
        with self.refused("UNAUTHENTICATED"):
            await devices[2].connect()
        self.assertEqual(await devices[2].closed(), 4100)


class Devices(Talk):
    """The life of a device."""

    options = ("--policy-reset-gap", "100", "--policy-hello-timeout", "3s")

    async def test_a_device_gets_what_it_missed_once_and_in_order(self):
        ann, bob = await self.people("Ann", "Bob")
        phone, bobs, tablet = await ann.device(), bob.new_device(), await bob.device("tablet")
        welcome = await bobs.connect()
        self.assertEqual((welcome.user_id, welcome.recovered, welcome.live, welcome.inbox_head),
                         (bob.id, False, False, 0))
        chat = (await phone.say("message 0", peer_user_id=bob.id)).chat_id
        await bobs.expect("event", text="message 0", body="message")
        await bobs.drop()
        for number in range(1, 8):
            await phone.say(f"message {number}", chat_id=chat)
        await tablet.expect("event", "message", text="message 7")
        welcome = await bobs.connect(sync=False)
        self.assertEqual((welcome.recovered, welcome.live, welcome.inbox_head), (True, False, 8))
        page = await bobs.ask("sync", from_inbox_seq=2, limit=3)
        self.assertEqual(([entry.inbox_seq for entry in page.entries], page.next, page.done),
                         ([2, 3, 4], 5, False))
        await bobs.catch_up(limit=3)
        await phone.say("message 8", chat_id=chat)
        for number in range(1, 9):
            entry = await bobs.expect("event")
            self.assertEqual((entry.inbox_seq, entry.event.message.text),
                             (number + 1, f"message {number}"))
        await bobs.ask("heartbeat", inbox_seq=bobs.cursor)
        await bobs.close()
        welcome = await bobs.connect()
        self.assertEqual((welcome.recovered, welcome.live), (True, True))
        await phone.say("message 9", chat_id=chat)
        await bobs.expect("event", "message", text="message 9")

    async def test_a_cursor_of_another_epoch_or_too_far_behind_is_void(self):
        ann, bob = await self.people("Ann", "Bob")
        phone, bobs, tablet = await ann.device(), await bob.device(), await bob.device("tablet")
        chat = await ann.new_chat(bob)
        await bobs.expect("event", "member")
        await bobs.close()
        bobs.epoch += 1
        self.assertFalse((await bobs.connect()).recovered)
        self.assertEqual([(each.chat_id, each.kind) for each in bobs.chats], [(chat, "GROUP")])
        await bobs.close()
        for number in range(110):
            await phone.say(f"message {number}", chat_id=chat)
        await tablet.expect("event", "message", text="message 109")
        welcome = await bobs.connect(sync=False)
        self.assertEqual((welcome.recovered, bobs.cursor), (False, None))
        page = await bobs.catch_up()
        self.assertEqual((page.reset, page.chats_complete), (True, True))
        self.assertGreater(bobs.cursor, 100)
        page = await bobs.ask("history", chat_id=chat, limit=2)
        self.assertEqual([event.message.text for event in page.events],
                         ["message 108", "message 109"])

    async def test_devices_are_listed_and_a_forgotten_one_is_closed_and_new_again(self):
        ann, bob = await self.people("Ann", "Bob")
        phone, tablet = await ann.device(), await ann.device("tablet")
        await phone.say("hi", peer_user_id=bob.id)
        for device in (phone, tablet):
            await device.expect("event", "message")
            await device.ask("heartbeat", inbox_seq=1)
        devices = await ann.rest("devices")
        self.assertEqual({(each.device_id, each.online, each.inbox_seq, each.client)
                          for each in devices.devices},
                         {(device.device_id, True, 1, "protocol_client")
                          for device in (phone, tablet)})
        self.assertEqual(devices.inbox_head, 1)
        left = await ann.rest("forget_device", id=tablet.device_id)
        self.assertEqual([each.device_id for each in left.devices], [phone.device_id])
        self.assertEqual(await tablet.closed(), 4101)
        with self.refused("NOT_FOUND", 404):
            await ann.rest("forget_device", id="no such device")
        await tablet.connect()

    async def test_a_second_connection_of_a_device_replaces_the_first(self):
        ann = await self.person("Ann")
        phone, same = await ann.device(), ann.new_device()
        await same.connect()
        self.assertEqual(await phone.closed(), 4006)

    async def test_who_breaks_the_protocol_is_closed(self):
        ann = await self.person("Ann")
        with self.assertRaises(websockets.InvalidStatusCode) as caught:
            await websockets.connect(self.chatd.websocket, subprotocols=["chat.v9"])
        self.assertEqual(caught.exception.status_code, 400)
        silent = await self.stranger()
        self.assertEqual(await self.close_code(silent), 4103)
        hasty = await self.stranger()
        await hasty.tell({"typing": {"chat_id": bytes(16)}})
        self.assertEqual(await self.close_code(hasty), 4102)
        phone = await ann.device()
        await phone.connection.socket.send("not a batch" if self.encoding is Json else b"\xff\xff")
        self.assertEqual(await phone.closed(), 4102)
        self.assertEqual((await phone.expect("error")).error.code, "INVALID_ARGUMENT")
        unknown = ann.new_device()
        unknown.token = "not a token"
        with self.refused("UNAUTHENTICATED"):
            await unknown.connect()
        self.assertEqual(await unknown.closed(), 4100)

    async def stranger(self):
        """A connection without Hello."""
        connection = await Connection.open(self.chatd.websocket, self.encoding,
                                           lambda frame: None, note)
        self.addAsyncCleanup(connection.close)
        return connection

    @staticmethod
    async def close_code(connection):
        await asyncio.wait_for(connection.reader, 60)
        return connection.socket.close_code

    async def test_what_a_server_does_not_know_is_skipped(self):
        ann = await self.person("Ann")
        phone = await ann.device()
        if self.encoding is Json:
            await phone.connection.socket.send('{"frames":[{"id":77,"dance":{}},{"later":1}]}')
        else:
            await phone.connection.socket.send(bytes.fromhex("0a07084dda3f020801"))
        self.assertEqual((await phone.ask("heartbeat")).inbox_head, 0)


class Presence(Talk):
    """Who is there, and who types."""

    options = ("--policy-presence-grace", "1s", "--policy-presence-coalesce", "100ms")

    async def test_a_watch_is_told_of_changes(self):
        ann, bob = await self.people("Ann", "Bob")
        phone = await ann.device()
        answer = await phone.ask("presence_watch", user_ids=[bob.id, 1 << 40])
        self.assertEqual((answer.mode, {each.user_id: each.state for each in answer.entries}),
                         ("PUSH", {bob.id: "OFFLINE", 1 << 40: "OFFLINE"}))
        bobs = await bob.device()
        self.assertEqual(await self.told(phone), [(bob.id, "ONLINE")])
        await bobs.close()
        self.assertEqual(await self.told(phone), [(bob.id, "OFFLINE")])
        await bobs.connect()
        self.assertEqual(await self.told(phone), [(bob.id, "ONLINE")])
        await bobs.drop()
        self.assertEqual(await self.told(phone), [(bob.id, "OFFLINE")])
        await phone.ask("presence_watch", user_ids=[])

    async def told(self, device):
        """The next change of presence."""
        batch = (await device.expect("presence")).presence
        self.assertEqual(batch.mode, "PUSH")
        return [(each.user_id, each.state) for each in batch.entries]

    async def test_the_operator_can_change_how_presence_is_told(self):
        ann, bob = await self.people("Ann", "Bob")
        phone, bobs = await ann.device(), await bob.device()
        self.addAsyncCleanup(self.chatctl, "limits", "set", "presence_mode=push")
        await phone.ask("presence_watch", user_ids=[bob.id])
        for mode, states in [("FETCH", {bob.id: "ONLINE"}), ("OFF", {})]:
            await self.chatctl("limits", "set", f"presence_mode={mode.lower()}")
            await phone.expect("presence", mode=mode)
            answer = await phone.ask("presence_watch", user_ids=[bob.id])
            self.assertEqual((answer.mode, {each.user_id: each.state for each in answer.entries}),
                             (mode, states))
        await bobs.close()
        self.assertEqual((await bobs.connect()).presence_mode, "OFF")
        await self.chatctl("limits", "set", "presence_mode=push")
        await phone.expect("presence", mode="PUSH")

    async def test_who_types_is_told_to_the_others(self):
        ann, bob = await self.people("Ann", "Bob")
        phone, bobs, tablet = await ann.device(), await bob.device(), await ann.device("tablet")
        chat = (await phone.say("hi", peer_user_id=bob.id)).chat_id
        await bobs.expect("event", "message")
        await phone.tell("typing", chat_id=chat)
        typing = await bobs.expect("typing", chat_id=chat, user_id=ann.id)
        self.assertEqual(typing.typing.expires_in_ms, 6000)
        await bobs.tell("typing", chat_id=chat)
        for device in (phone, tablet):
            await device.expect("typing", chat_id=chat, user_id=bob.id)
            self.assertFalse(any(frame.body == "typing" for frame in device.arrived))


class Tokens(Talk):
    """Tokens end, sessions need not."""

    options = ("--access-token-ttl", "20s", "--policy-heartbeat-interval", "4s")

    async def test_a_session_needs_signs_of_life_and_a_token(self):
        await asyncio.gather(self.who_is_silent_is_closed(), self.who_has_a_new_token_lives_on())

    async def who_is_silent_is_closed(self):
        device = await (await self.person("Cid")).device()
        device.beating.cancel()
        self.assertEqual(await device.closed(), 4003)

    async def who_has_a_new_token_lives_on(self):
        ann, bob = await self.people("Ann", "Bob")
        phone, bobs = await ann.device(), await bob.device()
        warning = await phone.expect("token_expiring")
        self.assertLess(warning.token_expiring.in_ms, 4000)
        with self.refused("UNAUTHENTICATED"):
            await phone.ask("refresh_token", token=bob.tokens.access_token)
        tokens = await ann.rest("refresh", refresh_token=ann.tokens.refresh_token)
        answer = await phone.ask("refresh_token", token=tokens.access_token)
        self.assertGreater(answer.in_ms, 10000)
        await bobs.expect("token_expiring")
        self.assertEqual(await bobs.closed(), 4100)
        key = new_key()
        sent = await phone.say("you are late", key, peer_user_id=bob.id)
        self.assertEqual((sent.status, sent.seq), ("STORED", 1))
        tokens = await bob.rest("refresh", refresh_token=bob.tokens.refresh_token)
        bobs.token = tokens.access_token
        welcome = await bobs.connect()
        self.assertTrue(welcome.recovered)
        await bobs.expect("event", "message", text="you are late")


class Ending(Talk):
    """A server that ends."""

    options = ("--policy-go-away-patience", "3s")

    async def test_clients_are_told_to_go_and_come_back(self):
        ann, bob = await self.people("Ann", "Bob")
        phone, bobs = await ann.device(), await bob.device()
        await self.chatctl("drain", "--window", "1s", "--reconnect-after", "3s", "--url",
                           "ws://other.example.org/v1/ws")
        told = (await phone.expect("go_away")).go_away
        self.assertGreaterEqual(told.reconnect_after_ms, 3000)
        self.assertEqual(told.url, "ws://other.example.org/v1/ws")
        self.assertTrue(told.reason)
        await phone.close(3000)
        await bobs.expect("go_away")
        self.assertEqual((await bobs.say("wait", peer_user_id=ann.id)).status, "STORED")
        self.assertEqual(await bobs.closed(), 4000)
        with self.assertRaises(Closed):
            await phone.connect()
        self.assertEqual(await phone.closed(), 4000)
