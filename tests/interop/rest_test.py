#!/usr/bin/env python3
"""The REST interface by curl: accounts, chats, messages, and how mistakes are answered.

usage: rest_test.py CHATD
"""

import sys
import time
import unittest

from harness import DEADLINE_S, Chatd, People, curl, hex_of, key

CHATD = sys.argv.pop(1)
NOBODY = str(2**62)


def setUpModule():
    global chatd, people
    chatd = Chatd(CHATD)
    people = People(chatd)


def tearDownModule():
    chatd.stop()


class RestTest(unittest.TestCase):
    def call(self, method, path, body=None, **more):
        return curl(method, chatd.public + path, body, **more)

    def ok(self, method, path, body=None, **more):
        status, answer = self.call(method, path, body, **more)
        self.assertIn(status, (200, 201), answer)
        return answer

    def refused(self, status, code, method, path, body=None, **more):
        answer = self.call(method, path, body, **more)
        self.assertEqual((answer[0], answer[1]["code"]), (status, code), answer)
        self.assertTrue(answer[1]["message"])

    # -- accounts

    def test_sign_up_log_in_refresh_and_me(self):
        first = people["carl"]
        self.assertGreater(int(first["expiresInS"]), 0)
        log_in = {"email": "carl@example.org", "password": "password of carl"}
        tokens = self.ok("POST", "/v1/login", log_in)
        self.assertEqual(tokens["userId"], first["userId"])
        fresh = self.ok("POST", "/v1/refresh", {"refreshToken": tokens["refreshToken"]})
        for token in (first["accessToken"], tokens["accessToken"], fresh["accessToken"]):
            me = self.ok("GET", "/v1/me", token=token)
            self.assertEqual((me["userId"], me["userName"], me["email"]),
                             (first["userId"], "carl", "carl@example.org"))
            self.assertNotIn("password", str(me))
        renamed = self.ok("PATCH", "/v1/me", {"userName": "Carl"}, token=first["accessToken"])
        self.assertEqual(renamed["userName"], "Carl")

    def test_wrong_credentials_are_refused_alike(self):
        people["dora"]
        for email, password in (("dora@example.org", "wrong password"),
                                ("nobody@example.org", "password of dora")):
            self.refused(401, "UNAUTHENTICATED", "POST", "/v1/login",
                         {"email": email, "password": password})
        self.refused(401, "UNAUTHENTICATED", "POST", "/v1/refresh", {"refreshToken": "x"})
        for token in (None, "x", people.token("dora")[:-2] + "xx"):
            self.refused(401, "UNAUTHENTICATED", "GET", "/v1/me", token=token)
            self.refused(401, "UNAUTHENTICATED", "GET", "/v1/chats", token=token)

    def test_an_address_signs_up_once(self):
        people["emil"]
        self.refused(409, "ALREADY_EXISTS", "POST", "/v1/accounts", {
            "email": "emil@example.org", "password": "another one", "userName": "emil2"})

    def test_incomplete_accounts_are_refused(self):
        for body in ({}, {"email": "x@example.org"},
                     {"email": "no address", "password": "long enough", "userName": "x"},
                     {"email": "y@example.org", "password": "", "userName": "y"}):
            self.refused(400, "INVALID_ARGUMENT", "POST", "/v1/accounts", body)

    # -- chats

    def test_create_list_and_change_a_chat(self):
        owner, token = people.id("fay"), people.token("fay")
        chat_id = people.new_group("Plans", "fay", "gus")
        path = f"/v1/chats/{hex_of(chat_id)}"
        chat = self.ok("GET", path, token=token)
        self.assertEqual((chat["chat"]["kind"], chat["chat"]["title"]), ("GROUP", "Plans"))
        self.assertEqual({m["userId"]: m["role"] for m in chat["members"]},
                         {owner: "OWNER", people.id("gus"): "MEMBER"})
        changed = self.ok("POST", path + "/members", {
            "add": [people.id("hal")], "remove": [people.id("gus")], "clientOpId": key("op")},
            token=token)
        present = {m["userId"] for m in changed["members"] if m.get("leftSeq", "0") == "0"}
        self.assertEqual(present, {owner, people.id("hal")})
        for name in ("fay", "hal"):
            self.expect_chats(name, {chat_id})

    def chats_of(self, name):
        """All chat_ids of a user, in pages of one."""
        chats, after = [], ""
        while True:
            page = self.ok("GET", f"/v1/chats?limit=1{after}", token=people.token(name))
            chats += [chat["chatId"] for chat in page.get("chats", [])]
            if not page.get("nextAfterChatId"):
                return chats
            after = "&after=" + hex_of(page["nextAfterChatId"])

    def expect_chats(self, name, wanted):
        """A chat enters a user's list with its first entry in the inbox, soon after the answer."""
        deadline = time.monotonic() + DEADLINE_S
        while not wanted <= set(listed := self.chats_of(name)):
            self.assertLess(time.monotonic(), deadline, f"{name} has {listed}")
        return listed

    def test_lists_are_paged(self):
        made = {people.new_group(f"n{n}", "ida") for n in range(3)}
        listed = self.expect_chats("ida", made)
        self.assertEqual((set(listed), len(listed)), (made, 3))

    def test_messages_are_sent_read_and_listed(self):
        token = people.token("jan")
        chat_id = people.new_group("Log", "jan", "kim")
        path = f"/v1/chats/{hex_of(chat_id)}"
        acks = [self.ok("POST", path + "/messages", {"clientMsgId": key(f"m{n}"), "text": f"t{n}"},
                        token=token) for n in range(3)]
        self.assertEqual([ack["status"] for ack in acks], ["STORED"] * 3)
        again = self.ok("POST", path + "/messages", {"clientMsgId": key("m0"), "text": "t0"},
                        token=token)
        self.assertEqual((again["status"], again["seq"]), ("DUPLICATE", acks[0]["seq"]))
        page = self.ok("GET", f"{path}/messages?after_seq={int(acks[0]['seq']) - 1}&limit=2",
                       token=people.token("kim"))
        self.assertEqual([event["message"]["text"] for event in page["events"]], ["t0", "t1"])
        page = self.ok("GET", f"{path}/messages?before_seq={acks[2]['seq']}&limit=1", token=token)
        self.assertEqual([event["message"]["text"] for event in page["events"]], ["t1"])
        receipt = self.ok("POST", path + "/read", {"upToSeq": acks[1]["seq"]},
                          token=people.token("kim"))
        self.assertEqual(receipt["readSeq"], acks[1]["seq"])

    def test_a_direct_chat_begins_with_its_first_message(self):
        ack = self.ok("POST", "/v1/messages", {"peerUserId": people.id("mia"), "text": "hi",
                                               "clientMsgId": key("d")}, token=people.token("lea"))
        self.assertEqual(ack["status"], "STORED")
        self.expect_chats("mia", {ack["chatId"]})

    def test_messages_are_edited_reacted_to_and_deleted(self):
        quin, rosa = people.token("quin"), people.token("rosa")
        path = f"/v1/chats/{hex_of(people.new_group('Changes', 'quin', 'rosa'))}"
        seq = self.ok("POST", path + "/messages", {"clientMsgId": key("a"), "text": "secret"},
                      token=quin)["seq"]
        message = f"{path}/messages/{seq}"
        edit = {"clientOpId": key("b"), "text": "more secret"}
        self.assertEqual(self.ok("PATCH", message, edit, token=quin)["status"], "STORED")
        self.assertEqual(self.ok("PATCH", message, edit, token=quin)["status"], "DUPLICATE")
        self.refused(409, "IDEMPOTENCY_MISMATCH", "PATCH", message,
                     {"clientOpId": key("b"), "text": "other"}, token=quin)
        self.refused(403, "PERMISSION_DENIED", "PATCH", message,
                     {"clientOpId": key("c"), "text": "mine"}, token=rosa)
        smile = {"clientOpId": key("d"), "reaction": "\U0001f642"}
        self.ok("POST", message + "/reactions", smile, token=rosa)
        self.ok("DELETE", f"{message}/reactions?reaction=%F0%9F%99%82&client_op_id={'5' * 32}",
                token=rosa)
        self.refused(403, "PERMISSION_DENIED", "DELETE", f"{message}?client_op_id={'6' * 32}",
                     token=rosa)
        for status in ("STORED", "DUPLICATE"):
            gone = self.ok("DELETE", f"{message}?client_op_id={'7' * 32}", token=quin)
            self.assertEqual(gone["status"], status)
        log = self.ok("GET", path + "/messages?offset=1&limit=9", token=rosa)["events"]
        self.assertEqual([next(kind for kind in ("tombstone", "reaction", "deleted")
                               if kind in event) for event in log],
                         ["tombstone", "tombstone", "reaction", "reaction", "deleted"])
        self.assertEqual([event["reaction"]["reaction"] for event in log[2:4]],
                         ["\U0001f642"] * 2)
        self.assertNotIn("secret", str(log))
        self.refused(404, "NOT_FOUND", "POST", message + "/reactions",
                     {"clientOpId": key("e"), "reaction": "+1"}, token=rosa)

    def test_offset_and_limit_page_through_a_chat(self):
        token = people.token("sara")
        path = f"/v1/chats/{hex_of(people.new_group('Pages', 'sara'))}/messages"
        for n in range(5):
            self.ok("POST", path, {"clientMsgId": key(f"p{n}"), "text": f"t{n}"}, token=token)
        seqs = []
        for offset in range(0, 6, 2):
            page = self.ok("GET", f"{path}?offset={offset}&limit=2", token=token)
            seqs += [event["seq"] for event in page["events"]]
        self.assertEqual(seqs, [str(seq) for seq in range(1, 7)])
        self.assertTrue(page["complete"])

    def test_a_user_lists_the_own_messages(self):
        token = people.token("tina")
        path = f"/v1/chats/{hex_of(people.new_group('Mine', 'tina', 'udo'))}/messages"
        for n in range(3):
            self.ok("POST", path, {"clientMsgId": key(f"o{n}"), "text": f"t{n}"}, token=token)
        self.ok("POST", path, {"clientMsgId": key("u"), "text": "of udo"},
                token=people.token("udo"))
        deadline = time.monotonic() + DEADLINE_S
        while (texts := self.authored(token)) != ["t0", "t1", "t2"]:
            self.assertLess(time.monotonic(), deadline, texts)

    def authored(self, token):
        texts, after = [], ""
        while True:
            page = self.ok("GET", f"/v1/messages?limit=1{after}", token=token)
            texts += [event["message"]["text"] for event in page.get("events", [])]
            if not page.get("nextAfterChatId"):
                return texts
            after = (f"&after_chat={hex_of(page['nextAfterChatId'])}"
                     f"&after_seq={page['nextAfterSeq']}")

    def test_a_message_keeps_the_name_that_its_author_had(self):
        path = f"/v1/chats/{hex_of(people.new_group('Names', 'xena', 'yara'))}/messages"
        self.ok("POST", path, {"clientMsgId": key("n1"), "text": "before"},
                token=people.token("xena"))
        self.ok("PATCH", "/v1/me", {"userName": "Xena the Second"}, token=people.token("xena"))
        renamed = self.ok("POST", "/v1/login", {"email": "xena@example.org",
                                                "password": "password of xena"})
        self.ok("POST", path, {"clientMsgId": key("n2"), "text": "after"},
                token=renamed["accessToken"])
        log = self.ok("GET", path, token=people.token("yara"))["events"]
        self.assertEqual({event["message"]["text"]: event["actor"]["name"]
                          for event in log if "message" in event},
                         {"before": "xena", "after": "Xena the Second"})

    def test_members_are_banned_and_promoted_and_a_chat_ends(self):
        owner, other = people.token("vera"), people.token("will")
        will = people.id("will")
        path = f"/v1/chats/{hex_of(people.new_group('Rules', 'vera', 'will'))}"
        self.refused(403, "PERMISSION_DENIED", "PATCH", path, {"title": "Mine"}, token=other)
        self.ok("POST", path + "/members", {"setRoles": [{"userId": will, "role": "ADMIN"}]},
                token=owner)
        chat = self.ok("PATCH", path, {"title": "New rules"}, token=other)
        self.assertEqual(chat["chat"]["title"], "New rules")
        self.refused(403, "PERMISSION_DENIED", "POST", path + "/members",
                     {"ban": [people.id("vera")]}, token=other)
        banned = self.ok("POST", path + "/members", {"ban": [will]}, token=owner)
        self.assertIn((will, True), [(m["userId"], m.get("banned")) for m in banned["members"]])
        self.refused(403, "PERMISSION_DENIED", "POST", path + "/members", {"add": [will]},
                     token=owner)
        self.ok("POST", path + "/members", {"unban": [will], "add": [will]}, token=owner)
        self.refused(403, "PERMISSION_DENIED", "DELETE", path, token=other)
        self.ok("DELETE", f"{path}?client_op_id={'8' * 32}", token=owner)
        self.refused(404, "NOT_FOUND", "POST", path + "/messages",
                     {"clientMsgId": key("z"), "text": "too late"}, token=other)

    # -- mistakes

    def test_chats_of_others_stay_closed(self):
        chat_id = people.new_group("Secret", "nina")
        path = f"/v1/chats/{hex_of(chat_id)}"
        token = people.token("otto")
        for method, rest, body in (("GET", "", None), ("GET", "/messages", None),
                                   ("POST", "/messages", {"clientMsgId": key("x"), "text": "x"}),
                                   ("POST", "/read", {"upToSeq": "1"}),
                                   ("POST", "/members", {"add": [people.id("otto")]})):
            with self.subTest(call=method + rest):
                status, answer = self.call(method, path + rest, body, token=token)
                self.assertIn((status, answer["code"]),
                              ((403, "PERMISSION_DENIED"), (404, "NOT_FOUND")))
        log = self.ok("GET", path + "/messages", token=people.token("nina"))
        self.assertNotIn("message", str(log.get("events", [])))

    def test_what_does_not_exist_is_not_found(self):
        token = people.token("pia")
        self.refused(404, "NOT_FOUND", "GET", "/v1/nothing", token=token)
        # Who is no member does not learn whether there is such a chat.
        self.refused(403, "PERMISSION_DENIED", "GET", f"/v1/chats/{'8' + 31 * '0'}", token=token)
        for peer in (NOBODY,):
            self.refused(404, "NOT_FOUND", "POST", "/v1/messages", {
                "peerUserId": peer, "clientMsgId": key("x"), "text": "anybody there?"}, token=token)

    def test_broken_requests_say_what_is_wrong(self):
        token = people.token("pia")
        self.refused(400, "INVALID_ARGUMENT", "GET", "/v1/chats/zz", token=token)
        self.refused(400, "INVALID_ARGUMENT", "POST", "/v1/chats", raw_body=b"{broken", token=token)
        self.refused(400, "INVALID_ARGUMENT", "POST", "/v1/chats",
                     {"kind": "GROUP", "memberIds": {}}, token=token)
        self.refused(400, "INVALID_ARGUMENT", "POST", "/v1/messages", {
            "peerUserId": people.id("pia"), "clientMsgId": key("x"), "text": "to myself"},
            token=token)
        self.refused(400, "INVALID_ARGUMENT", "POST", "/v1/messages", {
            "peerUserId": people.id("otto"), "clientMsgId": "c2hvcnQ=", "text": "short key"},
            token=token)

    def test_bodies_and_messages_have_a_limit(self):
        token = people.token("pia")
        self.refused(413, "TOO_LARGE", "POST", "/v1/messages", {
            "peerUserId": people.id("otto"), "clientMsgId": key("x"), "text": "x" * 20_000},
            token=token)
        status, _ = self.call("POST", "/v1/messages", raw_body=b"x" * 2_000_000, token=token)
        self.assertEqual(status, 413)

    def test_health_is_public(self):
        for path in ("/healthz", "/readyz"):
            self.assertEqual(self.call("GET", path)[0], 200)
            self.assertEqual(curl("GET", chatd.admin + path)[0], 200)


if __name__ == "__main__":
    unittest.main()
