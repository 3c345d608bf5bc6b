"""Stories of the logs: rooms, what is forgotten, readers that are too slow, a store that is."""

import asyncio
import socket

from protocol_client import Refused, new_key
from protocol_talk import Talk


class Rooms(Talk):
    """Rooms are followed, each with a cursor of its own."""

    async def test_a_room_is_joined_followed_and_left(self):
        ann, bob = await self.people("Ann", "Bob")
        phone, bobs = await ann.device(), await bob.device()
        room = await ann.new_chat(kind="ROOM", title="The room")
        with self.refused("PERMISSION_DENIED"):
            await bobs.follow(room)
        await bob.rest("change_members", hex=room, add=[bob.id])
        joined = await bobs.expect("event", "member", chat_id=room, joined=[bob.id])
        self.assertGreater(joined.inbox_seq, 0)
        await phone.follow(room, from_seq=1)
        for number in range(1, 5):
            await phone.say(f"message {number}", chat_id=room)
        self.assertEqual(await self.heard(phone, room, 6), [1, 2, 3, 4, 5, 6])
        page = await bobs.ask("sync", chat_id=room, from_seq=1, limit=2)
        self.assertEqual((page.chat_id, [entry.event.seq for entry in page.entries], page.next,
                          page.done), (room, [2, 3], 4, False))
        await bobs.follow(room, limit=2)
        await phone.say("message 5", chat_id=room)
        self.assertEqual(await self.heard(bobs, room, 6), [2, 3, 4, 5, 6, 7])
        await self.typing_in(room, phone, bobs, bob)
        await bobs.tell("leave_room", chat_id=room)
        await phone.say("Bob does not hear this", chat_id=room)
        await phone.say("but this", peer_user_id=bob.id)
        await bobs.expect("event", "message", text="but this")
        self.assertEqual(bobs.cursors[room], 7)
        await bobs.follow(room)
        self.assertEqual(await self.heard(bobs, room, 1), [8])
        await bob.rest("change_members", hex=room, remove=[bob.id])
        told = [await bobs.expect("event", "member", chat_id=room, left=[bob.id])
                for _ in ("room", "inbox")]
        self.assertEqual({entry.inbox_seq > 0 for entry in told}, {False, True})
        summary = await bob.summary(room)
        self.assertEqual((summary.left_seq, summary.kind), (told[0].event.seq, "ROOM"))
        with self.refused("PERMISSION_DENIED"):
            await bobs.follow(room)

    async def typing_in(self, room, phone, bobs, bob):
        await bobs.tell("typing", chat_id=room)
        await phone.expect("typing", chat_id=room, user_id=bob.id)

    async def heard(self, device, room, count):
        """The seqs of the next events of a room, which have no inbox_seq."""
        seqs = []
        while len(seqs) < count:
            entry = await device.expect("event", chat_id=room)
            if not entry.inbox_seq:
                seqs.append(entry.event.seq)
        return seqs

    async def test_a_room_is_synced_again_on_each_connection(self):
        ann, bob = await self.people("Ann", "Bob")
        phone, bobs = await ann.device(), await bob.device()
        room = await ann.new_chat(bob, kind="ROOM")
        page = await bobs.follow(room)
        self.assertEqual((page.done, page.next), (True, 2))
        await bobs.drop()
        for number in range(3):
            await phone.say(f"message {number}", chat_id=room)
        await bobs.connect()
        await bobs.follow(room)
        self.assertEqual(await self.heard(bobs, room, 3), [2, 3, 4])
        page = await bobs.follow(room, from_seq=1000)
        self.assertEqual((page.reset, page.done, page.entries, page.next), (True, True, [], 5))
        await phone.say("from the head on", chat_id=room)
        self.assertEqual(await self.heard(bobs, room, 1), [5])


class Forgetting(Talk):
    """Retention, and chats that end."""

    options = ("--policy-upkeep-interval", "1s", "--policy-empty-chat-grace", "3s",
               "--policy-prune-interval-min", "1s")

    async def test_events_are_pruned_after_the_retention_of_their_chat(self):
        ann, bob = await self.people("Ann", "Bob")
        phone, bobs = await ann.device(), await bob.device()
        group = await ann.new_chat(bob, retention_ms=2000)
        room = await ann.new_chat(bob, kind="ROOM", retention_ms=2000)
        for chat in (group, room):
            await bobs.expect("event", "member", chat_id=chat)
        await bobs.follow(room, from_seq=1)
        await bobs.close()
        key = new_key()
        for chat in (group, room):
            sent = await phone.say("soon forgotten", key, chat_id=chat)
            self.assertEqual(sent.seq, 2)
        for chat in (group, room):
            while (await ann.rest("history", hex=chat)).oldest_seq <= 2:
                await self.pause(0.1)
        with self.refused("RANGE_PRUNED"):
            await phone.ask("history", chat_id=group, after_seq=1)
        with self.refused("RANGE_PRUNED", 410):
            await ann.rest("history", hex=group, after_seq=1)
        await self.until_gone(phone, group, 2)
        await ann.rest("update_chat", hex=group, retention_ms=0)
        page = await phone.ask("history", chat_id=group, forward=True)
        self.assertEqual(([event.seq for event in page.events], page.oldest_seq, page.complete),
                         ([3], 3, True))
        again = await phone.say("soon forgotten", key, chat_id=group)
        self.assertEqual((again.status, again.seq), ("DUPLICATE", 2))
        await bobs.connect()
        pruned = await bobs.expect("pruned", chat_id=group)
        self.assertEqual((pruned.pruned.seq, pruned.inbox_seq), (2, 3))
        await bobs.expect("event", "chat_updated", seq=3, retention_ms=0)
        await bobs.follow(room)
        pruned = await bobs.expect("pruned", chat_id=room)
        self.assertEqual((pruned.pruned.seq, pruned.inbox_seq), (2, 0))

    async def until_gone(self, device, chat, seq):
        """Until the storage of a pruned message is reclaimed: then its receipts are gone too."""
        while True:
            try:
                await device.ask("get_receipts", chat_id=chat, seq=seq)
            except Refused as refused:
                self.assertEqual(refused.code, "RANGE_PRUNED")
                return
            await self.pause(0.1)

    async def test_a_temporary_chat_ends_as_a_whole(self):
        ann, bob = await self.people("Ann", "Bob")
        phone, bobs = await ann.device(), await bob.device()
        chats = [await ann.new_chat(bob, kind=kind, ttl_ms=1500) for kind in ("GROUP", "ROOM")]
        for chat in chats:
            info = await ann.rest("chat", hex=chat)
            self.assertGreater(info.chat.expires_ms, 0)
        for chat in chats:
            for device in (phone, bobs):
                last = await device.expect("event", "expired", chat_id=chat, reason="TTL")
                self.assertGreater(last.inbox_seq, 0)
                self.assertEqual(last.event.expired.up_to_seq, last.event.seq - 1)
                self.assertEqual(last.event.actor.user_id, 0)
            with self.refused("NOT_FOUND"):
                await phone.say("too late", chat_id=chat)
            page = await bobs.ask("history", chat_id=chat, forward=True)
            self.assertEqual([event.body for event in page.events], ["expired"])

    async def test_a_chat_that_its_owner_deletes_is_over_for_all(self):
        ann, bob = await self.people("Ann", "Bob")
        phone, bobs = await ann.device(), await bob.device()
        group = await ann.new_chat(bob)
        await bobs.close()
        await phone.say("nobody will read this", chat_id=group)
        with self.refused("PERMISSION_DENIED", 403):
            await bob.rest("delete_chat", hex=group)
        await ann.rest("delete_chat", hex=group, client_op_id=new_key())
        await phone.expect("event", "expired", chat_id=group, up_to_seq=2, reason="DELETED")
        await bobs.connect()
        await bobs.expect("event", "expired", chat_id=group, up_to_seq=2, reason="DELETED")
        with self.refused("NOT_FOUND", 404):
            await ann.rest("send", hex=group, client_msg_id=new_key(), text="too late")

    async def test_a_chat_that_nobody_is_left_in_ends(self):
        ann = await self.person("Ann")
        group = await ann.new_chat()
        await ann.rest("change_members", hex=group, remove=[ann.id])
        page = await ann.rest("history", hex=group)
        self.assertEqual((page.events[-1].member.left, page.last_seq), ([ann.id], 2))
        while not await self.is_gone(ann, group):
            await self.pause(0.1)

    async def is_gone(self, who, chat):
        """Whether nothing is left of a chat for somebody who has left it."""
        try:
            page = await who.rest("history", hex=chat)
        except Refused as refused:
            self.assertEqual(refused.code, "PERMISSION_DENIED")
            return True
        return page.oldest_seq > page.last_seq


class Trouble(Talk):
    """Readers that are too slow, and a store that does not answer."""

    options = ("--fault-injection", "true", "--limits-sends-per-second-user", "0",
               "--limits-sends-per-second-address", "0", "--limits-sends-per-second-chat", "0")

    async def test_a_slow_reader_is_told_to_sync(self):
        ann, bob = await self.people("Ann", "Bob")
        phone, slow = await ann.device(), bob.new_device()
        await slow.connect(sock=self.narrow_socket())
        group = await ann.new_chat(bob)
        room = await ann.new_chat(bob, kind="ROOM")
        await slow.follow(room, from_seq=1)
        heard = {group: [], room: []}
        while not any(frame.body == "lagged" for frame in slow.arrived):
            slow.connection.may_read.clear()
            for _ in range(5):
                await asyncio.gather(*(phone.say("x" * 16000, chat_id=chat)
                                       for chat in (group, room) for _ in range(20)))
            slow.connection.may_read.set()
            for chat, seqs in heard.items():
                seqs += [(await slow.expect("event", "message", chat_id=chat)).event.seq
                         for _ in range(100)]
        for seqs in heard.values():
            self.assertEqual(seqs, list(range(2, 2 + len(seqs))))
        lagged = (await slow.expect("lagged")).lagged
        self.assertGreater(lagged.from_inbox_seq, 0)
        self.assertEqual([each.chat_id for each in lagged.rooms], [room])
        self.assertGreater(lagged.rooms[0].from_seq, 0)

    def narrow_socket(self):
        """A connected socket with a small buffer."""
        host, port = self.chatd.public.removeprefix("http://").split(":")
        narrow = socket.socket()
        narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        narrow.connect((host, int(port)))
        narrow.setblocking(False)
        return narrow

    async def test_a_send_is_delayed_while_the_store_hangs(self):
        ann, bob = await self.people("Ann", "Bob")
        phone, bobs = await ann.device(), await bob.device()
        chat = (await phone.say("hi", peer_user_id=bob.id)).chat_id
        key = new_key()
        await self.chatctl("faults", "set", "store_hang_writes=true")
        self.addAsyncCleanup(self.chatctl, "faults", "set", "store_hang_writes=false")
        for _ in range(2):
            ack = await phone.say("is it stored?", key, chat_id=chat)
            self.assertEqual((ack.status, ack.seq, ack.client_msg_id), ("DELAYED", 0, key))
        with self.refused("UNAVAILABLE") as caught:
            await phone.ask("edit", chat_id=chat, target_seq=1, client_op_id=new_key(), text="x")
        self.assertTrue(caught.exception.error.temporary)
        await self.chatctl("faults", "set", "store_hang_writes=false")
        mine = await phone.expect("event", "message", text="is it stored?")
        self.assertEqual((mine.client_msg_id, mine.event.seq), (key, 2))
        await bobs.expect("event", "message", text="is it stored?", seq=2)
        ack = await phone.say("is it stored?", key, chat_id=chat)
        self.assertEqual((ack.status, ack.seq), ("DUPLICATE", 2))
