"""_door lets the owner in whatever comes beside: over real connections, on a clock of the test's."""
import errno
import os
import socket
import threading
import unittest
from unittest import mock

from remote_debug import _door, _door_messages, _door_visitors

TOKEN = "0123456789abcdef" * 4
OTHER = os.getuid() + 1000


def request(seq, command, **arguments):
    message = {"seq": seq, "type": "request", "command": command, "arguments": arguments}
    return _door_messages.frame(message)


class Standing(unittest.TestCase):
    def setUp(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.handed, self.told, self.came = [], [], threading.Semaphore(0)
        self.owners = set()
        self.now = 1000.0
        clock = mock.Mock(monotonic=lambda: self.now)
        for patch in (
            mock.patch.object(_door, "time", clock),
            mock.patch.object(_door.Door, "_patience", lambda door: 0.0),
            mock.patch.object(_door_visitors.Users, "of", lambda users, socks: self.users(socks)),
        ):
            patch.start()
            self.addCleanup(patch.stop)
        self.door = _door.Door(self.listener, TOKEN, {}, self.hand_over, self.told.append)
        self.addCleanup(self.close)

    def close(self):
        # Its thread was never started: the steps are made here.
        self.door.close()
        self.door._run()
        for sock in self.handed:
            sock.close()

    def hand_over(self, handed):
        self.handed.append(handed)
        self.came.release()

    def users(self, socks):
        ports = {sock: sock.getpeername()[1] for sock in socks}
        return {sock: os.getuid() if port in self.owners else OTHER for sock, port in ports.items()}

    def connect(self, data=b"", own=False):
        sock = socket.create_connection(self.listener.getsockname())
        sock.settimeout(10)
        self.addCleanup(sock.close)
        if own:
            self.owners.add(sock.getsockname()[1])
        sock.sendall(data)
        return sock

    def step(self, times=1):
        for _ in range(times):
            self.door._step()

    def hear(self, sock):
        return _door_messages.split_message(bytearray(sock.recv(65536)))

    def assertStands(self, sock):
        """The connection still stands: nothing came, not even its end."""
        sock.setblocking(False)
        with self.assertRaises(BlockingIOError):
            sock.recv(1)
        sock.settimeout(10)

    def test_the_owner_is_not_the_first_to_go_for_being_new(self):
        flood = [self.connect(request(1, "initialize")) for _ in range(300)]
        self.step(30)  # More than there is room for: everybody here was looked up.
        self.assertEqual(len(self.door._visitors), _door_visitors.MAX_VISITORS)
        owner = self.connect(own=True)
        flood += [self.connect(request(1, "initialize")) for _ in range(400)]
        self.step(40)  # Within the same moment, on this clock: nobody has timed out.
        self.assertStands(owner)
        owner.sendall(request(1, "initialize"))
        self.step()
        self.assertTrue(self.hear(owner)["success"])
        flood += [self.connect() for _ in range(200)]
        self.step(20)
        owner.sendall(request(2, "attach", rdgToken=TOKEN))
        self.step()
        self.assertTrue(self.came.acquire(timeout=10))
        self.assertEqual([event["event"] for event in self.told], ["admitted"])

    def test_what_came_with_a_connection_is_heard_before_it_is_judged(self):
        with mock.patch.object(_door_visitors.Users, "of", lambda users, socks: dict.fromkeys(socks)):
            crowd = [self.connect(request(1, "initialize")) for _ in range(_door_visitors.MAX_VISITORS)]
            self.step(20)
            crowd.append(self.connect(request(1, "initialize")))
            self.step()
        self.assertTrue(self.hear(crowd[-1])["success"])
        self.assertStands(crowd[-1])
        self.assertTrue(self.hear(crowd[0])["success"])
        self.assertEqual(crowd[0].recv(1), b"")  # The oldest went, not the newest.

    def test_a_client_that_is_slower_than_the_door_gets_in_among_its_equals(self):
        crowd = [self.connect(request(1, "initialize"), own=True) for _ in range(300)]
        self.step(30)
        owner = self.connect(own=True)
        self.step()  # Taken in before it has said a word: all the others here have.
        self.assertStands(owner)
        crowd += [self.connect(request(1, "initialize"), own=True) for _ in range(80)]
        crowd += [self.connect(own=True) for _ in range(40)]
        self.step(10)
        self.assertStands(owner)
        self.now += 0.1
        owner.sendall(request(1, "initialize"))
        self.step()
        self.assertTrue(self.hear(owner)["success"])
        crowd += [self.connect(request(1, "initialize"), own=True) for _ in range(60)]
        self.step(10)  # More of them than places since it came, but not since it spoke.
        owner.sendall(request(2, "attach", rdgToken=TOKEN))
        self.step()
        self.assertTrue(self.came.acquire(timeout=10))
        self.assertEqual(len(self.door._visitors), _door_visitors.MAX_VISITORS - 1)

    def test_who_is_silent_or_slow_goes_in_time(self):
        silent, slow, greeted = self.connect(), self.connect(), self.connect(request(1, "initialize"))
        self.step()
        for letter in b"Content-L":
            self.now += 1.0
            slow.sendall(bytes([letter]))
            self.step()
        self.assertStands(silent)
        self.assertStands(slow)
        self.now = 1000.0 + _door_visitors.FIRST_MESSAGE_SECONDS
        self.step()
        self.assertEqual((silent.recv(1), len(self.door._visitors)), (b"", 1))
        self.assertTrue(self.hear(greeted)["success"])
        self.now = 1000.0 + _door_visitors.ATTACH_SECONDS
        self.step()
        self.assertEqual((greeted.recv(1), len(self.door._visitors)), (b"", 0))

    def test_what_came_in_time_is_heard_when_the_time_is_up(self):
        greeting, silent = self.connect(), self.connect()
        self.step()
        greeting.sendall(request(1, "initialize"))
        self.now += _door_visitors.FIRST_MESSAGE_SECONDS
        # As after a stop of this process: the wait ends with its time, without a look at the sockets.
        with mock.patch.object(self.door._selector, "select", return_value=[]):
            self.step()
        self.assertEqual((silent.recv(1), len(self.door._visitors)), (b"", 1))
        self.assertTrue(self.hear(greeting)["success"])
        self.assertStands(greeting)

    def test_takes_a_bounded_number_in_a_second(self):
        with mock.patch.object(_door, "MAX_ACCEPTS", 20):
            crowd = [self.connect() for _ in range(50)]
            self.step(10)
            self.assertEqual(len(self.door._visitors), 20)
            self.now += 1.0
            self.step(10)
            self.assertEqual(len(self.door._visitors), 40)
        self.assertEqual(len(crowd), 50)

    def test_without_descriptors_a_stranger_goes_and_the_owner_stays(self):
        owner, stranger = self.connect(own=True), self.connect()
        self.step()
        real = self.door._listener
        self.door._listener = mock.Mock(wraps=real, accept=mock.Mock(side_effect=OSError(errno.EMFILE, "")))
        self.door._accept()
        self.door._listener = real
        self.assertEqual(stranger.recv(1), b"")
        self.assertStands(owner)
        late = self.connect(request(1, "initialize"))
        self.step()
        self.assertStands(late)  # Nobody is taken in for a moment.
        self.now += 0.2
        self.step(2)
        self.assertTrue(self.hear(late)["success"])

    def test_holds_a_wrong_answer_back_but_not_the_right_token(self):
        wrong = request(1, "initialize") + request(2, "attach", rdgToken="wrong")
        first, second = self.connect(wrong), self.connect(wrong)
        self.step()
        self.assertTrue(self.hear(first)["success"])
        self.assertTrue(self.hear(second)["success"])
        self.assertStands(second)
        owner = self.connect(request(1, "initialize") + request(2, "attach", rdgToken=TOKEN))
        self.step()
        self.assertTrue(self.came.acquire(timeout=10))
        self.assertTrue(self.hear(owner)["success"])
        self.assertStands(second)
        self.now += 0.25
        self.step()
        self.assertFalse(self.hear(second)["success"])

    def test_wants_a_long_token(self):
        for token in ("", "short", None, b"0" * 64):
            with self.assertRaises(ValueError):
                _door.Door(None, token, {}, None, None)


if __name__ == "__main__":
    unittest.main()
