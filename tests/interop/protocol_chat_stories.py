"""Stories of messages: sending, changing, receipts, unread counts, history, members."""

from protocol_client import Refused, direct_chat_id, new_key
from protocol_talk import Talk

THUMB = "\N{THUMBS UP SIGN}"


class Messages(Talk):
    """What is said in chats."""

    async def test_a_first_message_begins_the_direct_chat_and_is_stored_once(self):
        ann, bob = await self.people("Ann", "Bob")
        phone, bobs = await ann.device(), await bob.device()
        key = new_key()
        ack = await phone.say("hi", key, peer_user_id=bob.id)
        self.assertEqual((ack.status, ack.seq, ack.client_msg_id), ("STORED", 1, key))
        self.assertEqual(ack.chat_id, direct_chat_id(ann.id, bob.id))
        mine, his = await phone.expect("event"), await bobs.expect("event")
        self.assertEqual(mine.event, his.event)
        self.assertEqual((mine.client_msg_id, his.client_msg_id), (key, b""))
        self.assertEqual((his.event.seq, his.event.server_ts_ms), (1, ack.server_ts_ms))
        self.assertEqual(his.event.actor, {"user_id": ann.id, "name": ann.name})
        again = await phone.say("hi", key, peer_user_id=bob.id)
        self.assertEqual((again.status, again.seq), ("DUPLICATE", 1))
        again = await ann.rest("send", hex=ack.chat_id, client_msg_id=key, text="hi")
        self.assertEqual((again.status, again.seq), ("DUPLICATE", 1))
        with self.refused("IDEMPOTENCY_MISMATCH") as caught:
            await phone.say("other content", key, peer_user_id=bob.id)
        self.assertEqual(caught.exception.error.client_msg_id, key)
        self.assertFalse(caught.exception.error.temporary)
        by_rest = await bob.rest("send_to_user", peer_user_id=ann.id, client_msg_id=new_key(),
                                 text="by REST")
        self.assertEqual((by_rest.chat_id, by_rest.seq), (ack.chat_id, 2))
        await phone.expect("event", "message", seq=2, text="by REST")

    async def test_what_is_wrong_with_a_send_is_answered_with_its_code(self):
        ann, bob = await self.people("Ann", "Bob")
        phone = await ann.device()
        group = await bob.new_chat()
        for code, status, fields in [
                ("NOT_FOUND", 404, {"peer_user_id": 1 << 40}),
                ("PERMISSION_DENIED", 403, {"chat_id": group}),
                ("TOO_LARGE", 413, {"peer_user_id": bob.id, "text": "x" * 16385}),
                ("INVALID_ARGUMENT", 400, {"peer_user_id": bob.id, "reply_to_seq": 7}),
                ("INVALID_ARGUMENT", 400, {"peer_user_id": bob.id, "text": ""}),
                ("INVALID_ARGUMENT", 400, {"peer_user_id": bob.id, "client_msg_id": b"short"})]:
            fields = {"text": "hello", "client_msg_id": new_key(), **fields}
            with self.subTest(code, **fields):
                with self.refused(code):
                    await phone.ask("send", **fields)
                with self.refused(code, status):
                    await ann.rest("send" if "chat_id" in fields else "send_to_user",
                                   hex=fields.get("chat_id"), **fields)

    async def test_a_message_keeps_all_that_its_author_said(self):
        ann, bob = await self.people("Ann", "Bob")
        phone, bobs = await ann.device(), await bob.device()
        await phone.say("hi", peer_user_id=bob.id)
        said = {"text": "look, @Ann", "reply_to_seq": 1, "mentions": [ann.id, bob.id],
                "client_time_ms": 1795193520000,
                "attachments": [{"id": "7", "url": "https://files.example.org/7",
                                 "mime_type": "image/png", "size_bytes": 81920}]}
        await bobs.ask("send", peer_user_id=ann.id, client_msg_id=new_key(), **said)
        heard = await phone.expect("event", "message", seq=2)
        self.assertEqual(heard.event.message, said)

    async def test_a_message_is_edited_and_reacted_to_and_deleted(self):
        ann, bob, cid = await self.people("Ann", "Bob", "Cid")
        phone, bobs, away = [await who.device() for who in (ann, bob, cid)]
        chat = await ann.new_chat(bob, cid)
        await away.expect("event", "member", chat_id=chat)
        await away.close()
        first = (await phone.say("first", chat_id=chat)).seq
        second = (await phone.say("second", chat_id=chat)).seq
        at_first = {"chat_id": chat, "target_seq": first}
        at_second = {"chat_id": chat, "target_seq": second}
        await phone.ask("edit", client_op_id=new_key(), text="better", **at_first)
        edited = await bobs.expect("event", "edited", target_seq=first, text="better")
        with self.refused("PERMISSION_DENIED"):
            await bobs.ask("edit", client_op_id=new_key(), text="worse", **at_first)
        await bobs.ask("react", client_op_id=new_key(), reaction=THUMB, **at_second)
        await phone.expect("event", "reaction", target_seq=second, reaction=THUMB, removed=False)
        await bobs.ask("react", client_op_id=new_key(), reaction=THUMB, remove=True, **at_second)
        await phone.expect("event", "reaction", target_seq=second, reaction=THUMB, removed=True)
        key = new_key()
        with self.refused("PERMISSION_DENIED"):
            await bobs.ask("delete_message", client_op_id=new_key(), **at_first)
        gone = await phone.ask("delete_message", client_op_id=key, **at_first)
        self.assertEqual((gone.status, gone.client_msg_id), ("STORED", key))
        await bobs.expect("event", "deleted", seq=gone.seq, target_seq=first)
        again = await phone.ask("delete_message", client_op_id=key, **at_first)
        self.assertEqual((again.status, again.seq), ("DUPLICATE", gone.seq))
        with self.refused("NOT_FOUND"):
            await bobs.ask("react", client_op_id=new_key(), reaction=THUMB, **at_first)
        await away.connect()
        for seq, kind in [(first, "tombstone"), (second, "message"),
                          (edited.event.seq, "tombstone"), (edited.event.seq + 1, "reaction"),
                          (edited.event.seq + 2, "reaction"), (gone.seq, "deleted")]:
            entry = await away.expect("event", chat_id=chat)
            self.assertEqual((entry.event.seq, entry.event.body), (seq, kind))
            if kind == "tombstone":
                self.assertEqual(entry.event.tombstone.deleted_by_seq, gone.seq)
                self.assertEqual(entry.event.actor.name, ann.name)

    async def test_messages_are_changed_by_rest_as_well(self):
        ann, bob = await self.people("Ann", "Bob")
        bobs = await bob.device()
        chat = await ann.new_chat(bob)
        sent = await ann.rest("send", hex=chat, client_msg_id=new_key(), text="by REST")
        where = {"hex": chat, "seq": sent.seq, "client_op_id": new_key()}
        await ann.rest("edit", text="changed", **where)
        await bobs.expect("event", "edited", target_seq=sent.seq, text="changed")
        with self.refused("IDEMPOTENCY_MISMATCH", 409):
            await ann.rest("edit", text="another", **where)
        where["client_op_id"] = new_key()
        await ann.rest("react", reaction=THUMB, **where)
        await bobs.expect("event", "reaction", removed=False)
        where["client_op_id"] = new_key()
        await ann.rest("take_back", reaction=THUMB, **where)
        await bobs.expect("event", "reaction", removed=True)
        where["client_op_id"] = new_key()
        await ann.rest("delete_message", **where)
        await bobs.expect("event", "deleted", target_seq=sent.seq)
        page = await bob.rest("history", hex=chat, after_seq=sent.seq - 1, limit=1)
        self.assertEqual(page.events[0].body, "tombstone")

    async def test_a_message_is_edited_a_hundred_times_at_most(self):
        ann, bob = await self.people("Ann", "Bob")
        phone = await ann.device()
        sent = await phone.say("0", peer_user_id=bob.id)
        answers = [await phone.connection.start("edit", chat_id=sent.chat_id, target_seq=sent.seq,
                                                client_op_id=new_key(), text=str(number))
                   for number in range(50)]
        for answer in answers:
            await answer
        for number in range(50):
            await phone.ask("edit", chat_id=sent.chat_id, target_seq=sent.seq,
                            client_op_id=new_key(), text=str(number))
        with self.refused("LIMIT_REACHED"):
            await phone.ask("edit", chat_id=sent.chat_id, target_seq=sent.seq,
                            client_op_id=new_key(), text="once more")

    async def test_who_sends_too_fast_is_refused_and_sends_again_with_the_same_key(self):
        ann, bob = await self.people("Ann", "Bob")
        phone, bobs = await ann.device(), await bob.device()
        texts = {new_key(): f"message {number}" for number in range(250)}
        await phone.connection.tell(*(
            {"send": {"peer_user_id": bob.id, "client_msg_id": key, "text": text}}
            for key, text in texts.items()))
        refused = await phone.expect("error", code="RATE_LIMITED")
        self.assertTrue(refused.error.temporary)
        key = refused.error.client_msg_id
        await self.until_stored(phone, key, peer_user_id=bob.id, text=texts[key])
        await bobs.expect("event", "message", text=texts[key])

    async def until_stored(self, device, key, **send):
        while True:
            try:
                return await device.ask("send", client_msg_id=key, **send)
            except Refused as refused:
                self.assertEqual(refused.code, "RATE_LIMITED")
                await self.pause(refused.error.retry_after_ms / 1000)


class Reading(Talk):
    """Who has got and read what."""

    async def test_three_people_learn_how_far_a_message_has_come(self):
        ann, bob, cid = await self.people("Ann", "Bob", "Cid")
        phone, bobs, bobs_tablet = [await ann.device(), await bob.device(),
                                    await bob.device("tablet")]
        chat = await ann.new_chat(bob, cid)
        seq = (await phone.say("who has read this?", chat_id=chat)).seq
        await phone.expect("receipt", chat_id=chat, user_id=bob.id, delivered_seq=seq, read_seq=0)
        summary = await phone.ask("get_receipts", chat_id=chat, seq=seq)
        self.assertEqual((summary.member_count, summary.delivered_count, summary.read_count),
                         (2, 1, 0))
        mark = await bobs.ask("read", chat_id=chat, up_to_seq=seq)
        self.assertEqual((mark.user_id, mark.read_seq), (bob.id, seq))
        await phone.expect("receipt", chat_id=chat, user_id=bob.id, delivered_seq=seq,
                           read_seq=seq)
        for own in (bobs, bobs_tablet):
            entry = await own.expect("receipt", chat_id=chat, user_id=bob.id, read_seq=seq)
            self.assertGreater(entry.inbox_seq, 0)
        cids = await cid.device()
        await cid.rest("read", hex=chat, up_to_seq=seq + 1000)
        await phone.expect("receipt", chat_id=chat, user_id=cid.id, read_seq=seq)
        await cids.expect("receipt", chat_id=chat, user_id=cid.id, read_seq=seq)
        summary = await ann.rest("receipts", hex=chat, seq=0)
        self.assertEqual((summary.seq, summary.delivered_count, summary.read_count), (seq, 2, 2))
        self.assertEqual({mark.user_id: mark.read_seq for mark in summary.receipts
                          if mark.user_id != ann.id}, {bob.id: seq, cid.id: seq})
        stranger = await self.person("Dan")
        with self.refused("PERMISSION_DENIED", 403):
            await stranger.rest("receipts", hex=chat)

    async def test_receipts_of_the_time_away_are_told_again(self):
        ann, bob = await self.people("Ann", "Bob")
        phone, bobs = await ann.device(), await bob.device()
        sent = await phone.say("read this when I am away", peer_user_id=bob.id)
        await phone.expect("receipt", user_id=bob.id, delivered_seq=1)
        await phone.drop()
        await bobs.ask("read", chat_id=sent.chat_id, up_to_seq=sent.seq)
        await phone.connect()
        await phone.expect("receipt", user_id=bob.id, read_seq=1)
        ack = await phone.ask("heartbeat", inbox_seq=phone.cursor)
        self.assertEqual(ack.inbox_head, phone.cursor)
        self.assertGreater(ack.receipts_through_ms, 0)

    async def test_unread_messages_are_counted(self):
        ann, bob = await self.people("Ann", "Bob")
        phone, tablet = await ann.device(), await bob.device("tablet")
        chat = await ann.new_chat(bob)
        await phone.say("one", chat_id=chat)
        await phone.say("two, @Bob", chat_id=chat, mentions=[bob.id])
        gone = await phone.say("three", chat_id=chat)
        await phone.ask("delete_message", chat_id=chat, target_seq=gone.seq,
                        client_op_id=new_key())
        await tablet.expect("event", "deleted", chat_id=chat)
        bobs = await bob.device()
        for summary in (bobs.chats[0], await bob.summary(chat)):
            self.assertEqual((summary.unread_count, summary.unread_mentions), (2, 1))
            self.assertEqual((summary.role, summary.member_count), ("MEMBER", 2))
        mark = await bobs.ask("read", chat_id=chat, up_to_seq=1 << 40)
        self.assertEqual(mark.read_seq, gone.seq + 1)
        summary = await bob.summary(chat)
        self.assertEqual((summary.unread_count, summary.unread_mentions), (0, 0))
        self.assertEqual((summary.read_seq, summary.last_seq), (gone.seq + 1, gone.seq + 1))
        info = await ann.rest("chat", hex=chat)
        self.assertEqual({member.user_id: member.read_seq for member in info.members},
                         {ann.id: 0, bob.id: gone.seq + 1})

    async def test_what_a_device_did_reaches_the_others_of_its_user(self):
        ann, bob = await self.people("Ann", "Bob")
        phone, bobs, tablet = await ann.device(), await bob.device(), await ann.device("tablet")
        await tablet.drop()
        key = new_key()
        chat = (await phone.say("hi", key, peer_user_id=bob.id)).chat_id
        await bobs.say("hello", chat_id=chat)
        await phone.expect("event", "message", text="hello")
        await phone.ask("read", chat_id=chat, up_to_seq=2)
        await phone.expect("receipt", user_id=ann.id, read_seq=2)
        await tablet.connect()
        mine = await tablet.expect("event", "message", text="hi")
        self.assertEqual((mine.type, mine.client_msg_id), ("SyncEntry", key))
        await tablet.expect("receipt", chat_id=chat, user_id=ann.id, read_seq=2)
        summary = await ann.summary(chat)
        self.assertEqual((summary.kind, summary.read_seq), ("DIRECT", 2))

    async def test_history_is_read_in_both_directions(self):
        ann, bob = await self.people("Ann", "Bob")
        phone = await ann.device()
        chat = await ann.new_chat(bob)
        for number in range(2, 11):
            await phone.say(f"message {number}", chat_id=chat)
        pages = [("newest", {}, [7, 8, 9, 10], False), ("before", {"before_seq": 7}, [3, 4, 5, 6],
                                                        False),
                 ("first", {"before_seq": 3}, [1, 2], True),
                 ("after", {"after_seq": 6}, [7, 8, 9, 10], True),
                 ("further", {"after_seq": 2}, [3, 4, 5, 6], False),
                 ("oldest", {"forward": True}, [1, 2, 3, 4], False)]
        for name, fields, seqs, complete in pages:
            with self.subTest(name):
                page = await phone.ask("history", chat_id=chat, limit=4, **fields)
                self.assertEqual([event.seq for event in page.events], seqs)
                self.assertEqual((page.complete, page.oldest_seq, page.last_seq),
                                 (complete, 1, 10))
        for fields, seqs in [({"after_seq": 6}, [7, 8]), ({"before_seq": 7}, [5, 6]),
                             ({"offset": 3}, [4, 5]), ({"after_seq": 0}, [1, 2]), ({}, [9, 10])]:
            with self.subTest("REST", **fields):
                page = await bob.rest("history", hex=chat, limit=2, **fields)
                self.assertEqual([event.seq for event in page.events], seqs)

    async def test_ones_own_messages_are_listed_by_pages(self):
        ann, bob = await self.people("Ann", "Bob")
        phone, bobs = await ann.device(), await bob.device()
        chats = {await ann.new_chat(bob, title=title) for title in ("Lunch", "Dinner", "Tea")}
        said = set()
        for chat in chats:
            said.add((chat, (await phone.say("what shall we eat?", chat_id=chat)).seq))
            await bobs.say("bread", chat_id=chat)
            await phone.expect("event", "message", chat_id=chat, text="bread")
        listed, after = [], {}
        while True:
            page = await ann.rest("authored", limit=1, **after)
            listed += [(event.chat_id, event.seq) for event in page.events]
            if not page.next_after_chat_id:
                break
            after = {"after_chat": page.next_after_chat_id, "after_seq": page.next_after_seq}
        self.assertEqual((len(listed), set(listed)), (3, said))
        found = []
        after = {}
        while True:
            page = await ann.rest("chats", limit=2, **after)
            found += [chat.chat_id for chat in page.chats]
            if not page.next_after_chat_id:
                break
            after = {"after": page.next_after_chat_id}
        self.assertEqual((len(found), set(found)), (3, chats))


class Members(Talk):
    """Who belongs to a chat, and who may do what."""

    async def test_roles_say_who_may_add_ban_and_change_the_chat(self):
        ann, bob, cid, dan = await self.people("Ann", "Bob", "Cid", "Dan")
        phone, cids = await ann.device(), await cid.device()
        chat = await ann.new_chat(bob, cid)
        with self.refused("PERMISSION_DENIED", 403):
            await bob.rest("change_members", hex=chat, add=[dan.id])
        await ann.rest("change_members", hex=chat,
                       set_roles=[{"user_id": bob.id, "role": "ADMIN"}])
        change = await phone.expect("event", "member", roles=[{"user_id": bob.id,
                                                               "role": "ADMIN"}])
        self.assertEqual(change.event.actor.user_id, ann.id)
        await bob.rest("change_members", hex=chat, add=[dan.id], ban=[cid.id])
        await phone.expect("event", "member", joined=[dan.id])
        await cids.expect("event", "member", banned=[cid.id])
        with self.refused("PERMISSION_DENIED"):
            await cids.say("I am still here", chat_id=chat)
        with self.refused("PERMISSION_DENIED", 403):
            await bob.rest("change_members", hex=chat, add=[cid.id])
        change = {"unban": [cid.id], "add": [cid.id], "client_op_id": new_key()}
        done = [await bob.rest("change_members", hex=chat, chat_id=chat, **change)
                for _ in range(2)]
        self.assertEqual(done[0].chat.last_seq, done[1].chat.last_seq)
        await phone.expect("event", "member", unbanned=[cid.id])
        await dan.rest("change_members", hex=chat, remove=[dan.id])
        await phone.expect("event", "member", left=[dan.id])
        with self.refused("PERMISSION_DENIED", 403):
            await bob.rest("change_members", hex=chat, ban=[ann.id])
        info = await ann.rest("chat", hex=chat)
        self.assertEqual({member.user_id: member.role for member in info.members
                          if not member.left_seq},
                         {ann.id: "OWNER", bob.id: "ADMIN", cid.id: "MEMBER"})

    async def test_settings_are_changed_and_a_repeated_change_is_done_once(self):
        ann, bob = await self.people("Ann", "Bob")
        bobs = await bob.device()
        chat = await ann.new_chat(bob, title="Lunch")
        with self.refused("PERMISSION_DENIED", 403):
            await bob.rest("update_chat", hex=chat, title="Dinner")
        key = new_key()
        for _ in range(2):
            info = await ann.rest("update_chat", hex=chat, chat_id=chat, title="Dinner",
                                  client_op_id=key)
            self.assertEqual((info.chat.title, info.chat.last_seq), ("Dinner", 2))
        update = await bobs.expect("event", "chat_updated", seq=2)
        self.assertEqual((update.event.chat_updated.title,
                          update.event.chat_updated.retention_ms), ("Dinner", 0))
        await ann.rest("update_chat", hex=chat, retention_ms=86400000)
        await bobs.expect("event", "chat_updated", seq=3, title="Dinner", retention_ms=86400000)
        self.assertEqual((await bob.summary(chat)).retention_ms, 86400000)
