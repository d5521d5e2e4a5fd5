"""_door_messages takes DAP messages apart, and bounds what strangers send."""
import json
import unittest

from remote_debug import _door_messages


def framed(value):
    return bytearray(_door_messages.frame(value))


class SplitMessage(unittest.TestCase):
    def test_takes_one_message_and_leaves_the_rest(self):
        buffer = framed({"seq": 1}) + framed({"seq": 2})
        self.assertEqual(_door_messages.split_message(buffer), {"seq": 1})
        self.assertEqual(buffer, framed({"seq": 2}))

    def test_waits_for_every_byte(self):
        whole = bytes(framed({"command": "initialize"}))
        for size in range(len(whole)):
            self.assertIsNone(_door_messages.split_message(bytearray(whole[:size])), size)

    def test_takes_other_headers_and_any_case(self):
        for head in (b"content-length: 2", b"Content-Type: x\r\nContent-Length:2", b"CONTENT-LENGTH: 2\t"):
            self.assertEqual(_door_messages.split_message(bytearray(head + b"\r\n\r\n{}")), {}, head)

    def test_refuses_two_lengths(self):
        with self.assertRaises(_door_messages.BadInput):
            _door_messages.split_message(bytearray(b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}"))

    def test_refuses_at_the_first_wrong_byte(self):
        for start in (b"G", b"\x16", b"Content:", b"\r\n"):
            with self.assertRaises(_door_messages.BadInput):
                _door_messages.split_message(bytearray(start))

    def test_bounds_the_length(self):
        with self.assertRaises(_door_messages.BadInput):
            _door_messages.split_message(bytearray(b"Content-Length: %d\r\n\r\n" % (_door_messages.MAX_BODY + 1)))


class ParseBody(unittest.TestCase):
    def test_bounds_the_depth(self):
        def nested(depth):
            return ('{"a":' * depth + "1" + "}" * depth).encode()

        _door_messages.parse_body(nested(_door_messages.MAX_DEPTH))
        with self.assertRaises(_door_messages.BadInput):
            _door_messages.parse_body(nested(_door_messages.MAX_DEPTH + 1))

    def test_counts_no_brackets_within_strings(self):
        text = '[{"\\' * 500
        self.assertEqual(_door_messages.parse_body(json.dumps({"a": text}).encode()), {"a": text})

    def test_takes_wide_messages(self):
        value = {"pathMappings": [{"localRoot": "a", "remoteRoot": "b"}] * 500}
        self.assertEqual(_door_messages.parse_body(json.dumps(value).encode()), value)


if __name__ == "__main__":
    unittest.main()
