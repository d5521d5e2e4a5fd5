"""_door_talk: what a client may say before the token, what it is told, what the adapter then reads."""
import unittest
from unittest import mock

from remote_debug import _door_messages, _door_talk

TOKEN = "0123456789abcdef" * 4


def request(seq, command, arguments=None, **more):
    message = {"seq": seq, "type": "request", "command": command, **more}
    if arguments is not None:
        message["arguments"] = arguments
    return message


class Talking(unittest.TestCase):
    def setUp(self):
        self.talk = _door_talk.Talk(TOKEN, {"supportsX": True})

    def say(self, *message, **more):
        """Says a message; returns the verdict and the answer."""
        self.talk.buffer += _door_messages.frame(request(*message, **more))
        verdict, answer = self.talk.next()
        return verdict, _door_messages.split_message(bytearray(answer)) if answer else None

    def test_waits_for_a_whole_message(self):
        self.assertIsNone(self.talk.next())
        whole = _door_messages.frame(request(1, "initialize"))
        self.talk.buffer += whole[:-1]
        self.assertIsNone(self.talk.next())
        self.talk.buffer += whole[-1:]
        self.assertEqual(self.talk.next()[0], _door_talk.GO_ON)
        self.assertIsNone(self.talk.next())

    def test_answers_initialize_once(self):
        verdict, answer = self.say(1, "initialize", {"clientID": "x"})
        self.assertIs(verdict, _door_talk.GO_ON)
        self.assertEqual((answer["success"], answer["body"]), (True, {"supportsX": True}))
        _, answer = self.say(2, "initialize")
        self.assertEqual((answer["success"], answer["request_seq"], answer["seq"]), (False, 2, 2))
        self.assertEqual(self.talk.initialize["seq"], 1)

    def test_wants_initialize_and_attach_first(self):
        given = {"rdgToken": TOKEN, "expression": "1"}
        for command in ("attach", "launch", "evaluate", "threads", "restart", "pydevdAuthorize"):
            verdict, answer = self.say(1, command, given)
            self.assertIs(verdict, _door_talk.GO_ON, command)
            self.assertEqual(answer["message"], _door_talk.INITIALIZE_FIRST, command)
        self.say(2, "initialize")
        for command in ("launch", "evaluate", "threads", "restart", "pydevdAuthorize"):
            verdict, answer = self.say(3, command, given)
            self.assertIs(verdict, _door_talk.GO_ON, command)
            self.assertEqual((answer["success"], answer["message"]), (False, _door_talk.ATTACH_FIRST))

    def test_refuses_in_the_way_of_dap(self):
        self.say(1, "initialize")
        for given, why, words in (
            ({}, "no token", _door_talk.NO_TOKEN),
            (None, "no token", _door_talk.NO_TOKEN),
            ([TOKEN], "no token", _door_talk.NO_TOKEN),
            ({"rdgToken": ""}, "no token", _door_talk.NO_TOKEN),
            ({"rdgToken": TOKEN[:-1]}, "wrong token", _door_talk.WRONG_TOKEN),
            ({"rdgToken": [TOKEN]}, "wrong token", _door_talk.WRONG_TOKEN),
        ):
            verdict, answer = self.say(2, "attach", given)
            self.assertIs(verdict, _door_talk.REFUSED)
            self.assertEqual((self.talk.why, answer["success"], answer["message"]), (why, False, words))
            self.assertEqual(answer["body"]["error"]["format"], words)
            self.assertTrue(answer["body"]["error"]["showUser"])
            self.assertEqual((answer["command"], answer["request_seq"]), ("attach", 2))
        self.assertEqual(self.talk.wrong, 6)
        self.assertIs(self.say(3, "attach", {"rdgToken": TOKEN})[0], _door_talk.ADMITTED)

    def test_says_goodbye(self):
        verdict, answer = self.say(1, "disconnect")
        self.assertIs(verdict, _door_talk.LEFT)
        self.assertTrue(answer["success"])

    def test_bounds_the_number_of_messages(self):
        for seq in range(_door_talk.MAX_MESSAGES):
            self.say(seq, "threads")
        with self.assertRaises(_door_messages.BadInput):
            self.say(99, "threads")

    def test_wants_requests(self):
        for message in (
            request(1, "initialize", type="event"),
            request("1", "initialize"),
            request(True, "initialize"),
            request(None, "initialize"),
            request(1, {"a": 1}),
            request(1, None),
            request(1, "initialize", [1]),
            {},
        ):
            self.setUp()
            self.talk.buffer += _door_messages.frame(message)
            with self.assertRaises(_door_messages.BadInput, msg=message):
                self.talk.next()


class Token(unittest.TestCase):
    def test_is_known(self):
        for right in (TOKEN, " %s\n" % TOKEN):
            self.assertTrue(_door_talk.is_token(right, TOKEN))
        for wrong in (
            None, "", 7, True, [TOKEN], {"a": TOKEN}, TOKEN[:-1], TOKEN + "0", "\u00e9", "\ud800",
        ):  # fmt: skip
            self.assertFalse(_door_talk.is_token(wrong, TOKEN), wrong)

    def test_is_compared_in_constant_time(self):
        with mock.patch("hmac.compare_digest", return_value=True) as compare:
            self.assertTrue(_door_talk.is_token("wrong", TOKEN))
        compare.assert_called_once_with(b"wrong", TOKEN.encode())


class Replay(unittest.TestCase):
    def admitted(self, here, arguments, rest=b""):
        """The attach that the adapter gets, where the client came in by a local address."""
        talk = _door_talk.Talk(TOKEN, {})
        first = request(1, "initialize", {"clientID": "x"})
        talk.buffer += _door_messages.frame(first)
        talk.buffer += _door_messages.frame(request(2, "attach", arguments)) + rest
        self.assertIs(talk.next()[0], _door_talk.GO_ON)
        self.assertEqual(talk.next(), (_door_talk.ADMITTED, b""))
        replay = bytearray(talk.replay(here))
        self.assertNotIn(TOKEN.encode(), replay)
        self.assertEqual(_door_messages.split_message(replay), first)
        attach = _door_messages.split_message(replay)
        self.assertEqual(replay, rest)
        return attach["arguments"]

    def test_is_attach_without_the_token_and_what_came_after_it(self):
        given = {"rdgToken": TOKEN, "justMyCode": False, "connect": {"port": 5678}}
        self.assertEqual(
            self.admitted(("10.0.0.1", 5), given, b"Content-Len"),
            {"justMyCode": False, "connect": {"port": 5678}},
        )

    def test_says_where_children_can_be_reached(self):
        node = {"connect": {"host": "10.0.0.1", "port": 5}}
        self.assertEqual(self.admitted(("10.0.0.1", 5), {"rdgToken": TOKEN}), node)
        self.assertEqual(self.admitted(("::ffff:10.0.0.1", 5, 0, 0), {"rdgToken": TOKEN}), node)
        self.assertEqual(self.admitted(("127.0.0.1", 5), {"rdgToken": TOKEN}), {"type": "debugpy"})


if __name__ == "__main__":
    unittest.main()
