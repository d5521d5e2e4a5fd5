"""_door_handed is a socket as debugpy's adapter wants it, whatever the client does."""
import json
import socket
import threading
import types
import unittest

from remote_debug import _door_handed, _door_messages

TOKEN = "0123456789abcdef" * 4


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


if __name__ == "__main__":
    unittest.main()
