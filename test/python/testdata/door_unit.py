"""Tests of the door's parts, without a network; run by test/python/door_test.ts."""

import json
import os
import socket
import sys
import tempfile
import threading
import types
import unittest
import unittest.mock

from remote_debug import _adapter, _adapter_process, _door, _door_handed, _door_messages, _door_users

TOKEN = "0123456789abcdef" * 4


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


class Handed(unittest.TestCase):
    def setUp(self):
        self.client, sock = socket.socketpair()
        self.client.settimeout(10)
        self.channel = types.SimpleNamespace(_seq_iter=iter(()))
        self.handed = _door_handed.HandedSocket(sock, b"Content-Length: 2\r\n\r\n{}", TOKEN, (7, 3))
        self.addCleanup(self.client.close)
        self.addCleanup(self.handed.close)

    def heard(self):
        return _door_messages.split_message(bytearray(self.client.recv(65536)))

    def settle(self):
        self.handed.settle(self.channel)
        answer = {"seq": 2, "type": "response", "request_seq": 7, "command": "initialize"}
        self.handed.write(_door_messages.frame(answer))

    def message(self):
        """The next message as debugpy's reader would take it; None at the end."""
        length = None
        try:
            for line in iter(self.handed.readline, b"\r\n"):
                length = int(line.partition(b":")[2])
        except EOFError:
            return None
        return self.handed.read(length)

    def test_replays_and_then_reads_on(self):
        self.handed.settle(self.channel)
        self.client.sendall(b"Content-Length: 3\r\n\r\nabcContent-Le")
        self.assertEqual(self.message(), b"{}")
        self.assertEqual(self.message(), b"abc")

    def test_says_goodbye_for_a_client_that_is_gone(self):
        for rest in (b"", b"Content-Le", b"Content-Length: 3\r\n", b"Content-Length: 3\r\n\r\nab"):
            self.setUp()
            self.settle()
            self.assertFalse(self.handed.leaving())
            self.client.sendall(rest)
            self.client.shutdown(socket.SHUT_WR)
            self.assertEqual(self.message(), b"{}")
            goodbye = json.loads(self.message().decode())
            self.assertEqual(goodbye["command"], "disconnect")
            self.assertEqual(goodbye["arguments"], {"terminateDebuggee": False})
            self.assertTrue(self.handed.leaving())
            answer = {"seq": 9, "type": "response", "command": "disconnect", "success": True}
            self.handed.write(_door_messages.frame(answer))
            self.assertIsNone(self.message())

    def test_adds_no_goodbye_to_the_clients_own(self):
        self.settle()
        own = _door_messages.frame({"seq": 9, "type": "request", "command": "disconnect"})
        other = _door_messages.frame({"seq": 8, "type": "request", "arguments": {"expression": "disconnect"}})
        self.client.sendall(other + own)
        self.assertEqual(self.message(), b"{}")
        self.assertIn(b"expression", self.message())
        self.assertIn(b"command", self.message())
        self.handed.write(_door_messages.frame({"seq": 9, "type": "response", "command": "disconnect"}))
        self.client.close()
        self.assertIsNone(self.message())

    def test_writes_to_a_client_that_is_gone_are_no_error(self):
        self.settle()
        self.client.close()
        for _ in range(3):
            self.assertEqual(self.handed.write(_door_messages.frame({"seq": 9})), len(_door_messages.frame({"seq": 9})))
        self.assertTrue(self.handed.leaving())

    def test_renumbers_until_it_swallows_initialize(self):
        self.handed.write(_door_messages.frame({"seq": 1, "type": "event", "event": "output"}))
        self.assertEqual(self.heard()["seq"], 4)
        self.settle()
        self.assertEqual(next(self.channel._seq_iter), 5)
        self.handed.write(_door_messages.frame({"seq": 5, "type": "event", "event": "initialized"}))
        self.assertEqual(self.heard(), {"seq": 5, "type": "event", "event": "initialized"})

    def test_gives_the_token_back_with_a_child(self):
        self.settle()
        event = {"seq": 5, "type": "event", "event": "debugpyAttach", "body": {"subProcessId": 1}}
        self.handed.write(_door_messages.frame(event))
        self.assertEqual(self.heard()["body"], {"subProcessId": 1, "rdgToken": TOKEN})
        request = {"seq": 6, "type": "request", "command": "startDebugging"}
        request["arguments"] = {"request": "attach", "configuration": {"rdgToken": "own"}}
        self.handed.write(_door_messages.frame(request))
        self.assertEqual(self.heard()["arguments"]["configuration"], {"rdgToken": "own"})

    def test_gives_the_token_to_nothing_else(self):
        self.settle()
        for message in (
            {"seq": 5, "type": "response", "command": "startDebugging", "success": False},
            {"seq": 6, "type": "event", "event": "output", "body": {"output": '"debugpyAttach"'}},
            {"seq": 7, "type": "event", "event": "x", "body": {"event": "debugpyAttach"}},
        ):
            self.handed.write(_door_messages.frame(message))
            self.assertEqual(self.heard(), message)

    def test_close_wakes_a_reader_and_tells_once(self):
        told = []
        self.handed.on_close = lambda: told.append(1)
        ended = threading.Event()

        def read():
            try:
                while True:
                    self.handed.readline()
            except (EOFError, OSError, ValueError):
                ended.set()

        threading.Thread(target=read, daemon=True).start()
        self.handed.settle(self.channel)
        self.handed.close()
        self.handed.close()
        self.assertTrue(ended.wait(10))
        self.assertEqual(told, [1])
        self.assertTrue(self.handed.ended.is_set())


class Users(unittest.TestCase):
    def test_knows_who_holds_a_connection(self):
        for bind in ("127.0.0.1", "::1"):
            with _adapter_process._listening_socket(bind, 0) as listener:
                with socket.create_connection(listener.getsockname()[:2]) as sock:
                    ends = sock.getsockname()[:2], sock.getpeername()[:2]
                    key = _door_users.socket_key(*ends[0]), _door_users.socket_key(*ends[1])
                    self.assertEqual(_door_users.loopback_users().get(key), os.getuid(), bind)
                self.assertNotIn(key, _door_users.loopback_users())

    def test_loopback_addresses(self):
        for host in ("127.0.0.1", "127.3.2.1", "::1", "::ffff:127.0.0.1"):
            self.assertTrue(_door_users.is_loopback(host), host)
        for host in ("10.0.0.1", "fe80::1", "::ffff:10.0.0.1", "::"):
            self.assertFalse(_door_users.is_loopback(host), host)


class Opening(unittest.TestCase):
    def admitted(self, local, arguments):
        """The attach that the adapter gets, where the client came in by a local address."""
        there, here = socket.socketpair()
        self.addCleanup(there.close)
        result = []
        done = threading.Event()
        door = _door.Door(
            socket.create_server(("127.0.0.1", 0)), TOKEN, {}, lambda h: (result.append(h), done.set()),
            lambda event: None,
        )  # fmt: skip
        sock = types.SimpleNamespace(
            getsockname=lambda: local, setblocking=lambda flag: None, fileno=here.fileno
        )
        visitor = _door.Visitor(sock, ("10.0.0.9", 1), 0.0)
        visitor.initialize = {"seq": 1, "type": "request", "command": "initialize"}
        message = {"seq": 2, "type": "request", "command": "attach", "arguments": arguments}
        door._handle(visitor, message)
        self.assertTrue(done.wait(10))
        replay = bytearray(result[0]._reader.raw._first)
        door._listener.close()
        here.close()
        self.assertEqual(_door_messages.split_message(replay), visitor.initialize)
        return _door_messages.split_message(replay)["arguments"]

    def test_hands_over_attach_without_the_token(self):
        given = {"rdgToken": TOKEN, "justMyCode": False, "connect": {"port": 5678}}
        self.assertEqual(
            self.admitted(("10.0.0.1", 5), given), {"justMyCode": False, "connect": {"port": 5678}}
        )

    def test_says_where_children_can_be_reached(self):
        node = {"connect": {"host": "10.0.0.1", "port": 5}}
        self.assertEqual(self.admitted(("10.0.0.1", 5), {"rdgToken": TOKEN}), node)
        self.assertEqual(self.admitted(("::ffff:10.0.0.1", 5, 0, 0), {"rdgToken": TOKEN}), node)
        self.assertEqual(self.admitted(("127.0.0.1", 5), {"rdgToken": TOKEN}), {"type": "debugpy"})

    def test_wants_a_long_token(self):
        for token in ("", "short", None, b"0" * 64):
            with self.assertRaises(ValueError):
                _door.Door(None, token, {}, None, None)

    def test_knows_the_token(self):
        door = _door.Door(socket.create_server(("127.0.0.1", 0)), TOKEN, {}, None, None)
        for right in (TOKEN, " %s\n" % TOKEN):
            self.assertTrue(door._is_token(right))
        for wrong in (None, "", 7, True, [TOKEN], {"a": TOKEN}, TOKEN[:-1], TOKEN + "0", "\u00e9", "\ud800"):
            self.assertFalse(door._is_token(wrong), wrong)
        door._listener.close()


class Failing(unittest.TestCase):
    def test_listen_says_why_the_adapter_cannot_start_and_leaves_nothing_open(self):
        with tempfile.TemporaryDirectory() as folder:
            quiet = os.path.join(folder, "python")
            with open(quiet, "w") as script:
                script.write("#!/bin/sh\nexit 0\n")
            os.chmod(quiet, 0o755)
            before = os.listdir("/proc/self/fd")
            for interpreter, why in (
                ("", "no Python interpreter"),
                ("/bin/false", "status 1"),
                ("/nonexistent", "no Python interpreter"),
                (quiet, "ended while it started"),
            ):
                with unittest.mock.patch.multiple(
                    sys, executable=interpreter, _base_executable=interpreter
                ):
                    with self.assertRaisesRegex(_adapter.AdapterError, why):
                        _adapter.listen("127.0.0.1", 0, TOKEN)
            self.assertEqual(len(os.listdir("/proc/self/fd")), len(before))

    def test_listen_wants_debugpy(self):
        with unittest.mock.patch.object(_adapter.importlib.util, "find_spec", return_value=None):
            with unittest.mock.patch.dict(sys.modules):
                sys.modules.pop("debugpy", None)
                with self.assertRaises(ImportError):
                    _adapter.listen("127.0.0.1", 0, TOKEN)


if __name__ == "__main__":
    unittest.main()
