"""_door_users tells whose process is at the other end, by the exact way and by the table."""
import os
import socket
import subprocess
import sys
import unittest
from unittest import mock

from remote_debug import _door_users, _listening
from remote_debug._door_users import NOBODY, Users

OTHER = 65534
RESET_ON_CLOSE = b"\1\0\0\0\0\0\0\0"
CONNECTS = """
import encodings.idna, os, socket, sys  # The first while root can still read this interpreter.
os.setgroups([]); os.setresgid(%d, %d, %d); os.setresuid(%d, %d, %d)
sock = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
print("connected", flush=True)
sys.stdin.read()
""" % ((OTHER,) * 6)


def by_table():
    users = Users()
    users.close()
    return users


class Both(unittest.TestCase):
    """What the exact way and the table must both tell."""

    def setUp(self):
        self.ways = {"exact": Users(), "table": by_table()}
        for users in self.ways.values():
            self.addCleanup(users.close)

    def listener(self, bind="127.0.0.1"):
        listener = _listening.open_socket(bind, 0)
        self.addCleanup(listener.close)
        return listener

    def pair(self, listener, to=None):
        """The client's end and the listener's."""
        client = socket.create_connection(to or listener.getsockname()[:2])
        self.addCleanup(client.close)
        sock, _ = listener.accept()
        self.addCleanup(sock.close)
        return client, sock

    def check(self, sock, wanted, message=None):
        for way, users in self.ways.items():
            with self.subTest(way):
                self.assertEqual(users.of([sock]), {sock: wanted}, message)

    def test_own(self):
        for bind in ("127.0.0.1", "::1"):
            client, sock = self.pair(self.listener(bind))
            self.check(sock, os.getuid(), bind)
            self.check(client, os.getuid(), bind)

    def test_by_ipv4_on_an_ipv6_port(self):
        listener = socket.socket(socket.AF_INET6)
        self.addCleanup(listener.close)
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.bind(("::", 0))
        listener.listen(5)
        client, sock = self.pair(listener, ("127.0.0.1", listener.getsockname()[1]))
        self.assertEqual(sock.getpeername()[0], "::ffff:127.0.0.1")
        self.check(sock, os.getuid())
        self.check(client, os.getuid())

    def test_half_closed_is_still_held(self):
        client, sock = self.pair(self.listener())
        client.shutdown(socket.SHUT_WR)
        self.check(sock, os.getuid())

    def test_closed_is_held_by_nobody(self):
        client, sock = self.pair(self.listener())
        client.close()
        self.check(sock, NOBODY)

    def test_reset_is_held_by_nobody(self):
        client, sock = self.pair(self.listener())
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        client.close()
        self.check(sock, NOBODY)

    def test_not_accepted_is_held_by_nobody(self):
        listener = self.listener()
        client = socket.create_connection(listener.getsockname()[:2])
        self.addCleanup(client.close)
        self.check(client, NOBODY)

    def test_many_at_once(self):
        listener = self.listener()
        socks = [self.pair(listener)[1] for _ in range(100)]
        for way, users in self.ways.items():
            with self.subTest(way):
                self.assertEqual(users.of(socks), dict.fromkeys(socks, os.getuid()))
                self.assertEqual(users.of([]), {})

    @unittest.skipIf(os.getuid() != 0, "only root can become another user")
    def test_another_user(self):
        listener = self.listener()
        other = subprocess.Popen(
            [sys.executable, "-I", "-c", CONNECTS, str(listener.getsockname()[1])],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        try:
            self.assertEqual(other.stdout.readline(), b"connected\n")
            sock, _ = listener.accept()
            self.addCleanup(sock.close)
            self.check(sock, OTHER)
        finally:
            other.communicate()


class Exact(unittest.TestCase):
    def setUp(self):
        self.listener = _listening.open_socket("127.0.0.1", 0)
        self.client = socket.create_connection(self.listener.getsockname()[:2])
        self.sock, _ = self.listener.accept()
        self.users = Users()
        for thing in (self.listener, self.client, self.sock, self.users):
            self.addCleanup(thing.close)

    def without_table(self):
        return mock.patch.object(_door_users, "_tables", side_effect=AssertionError("read"))

    def without_answer(self):
        return mock.patch.object(_door_users, "_request", return_value=None)

    def test_reads_no_table(self):
        with self.without_table():
            self.assertEqual(self.users.of([self.sock]), {self.sock: os.getuid()})

    def test_finds_a_socket_that_is_bound_to_a_device(self):
        client = socket.socket()
        self.addCleanup(client.close)
        try:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo")
        except PermissionError:
            self.skipTest("this kernel lets only root bind to a device")
        client.connect(self.listener.getsockname())
        sock, _ = self.listener.accept()
        self.addCleanup(sock.close)
        with self.without_table():
            self.assertEqual(self.users.of([sock]), {sock: os.getuid()})

    def test_takes_no_listener_for_a_peer(self):
        pair = (_door_users._end(self.listener.getsockname()), _door_users._end(("127.0.0.1", 1)))
        self.assertEqual(self.users._ask([pair[::-1]]), None)
        self.assertEqual(self.users.of([self.sock]), {self.sock: os.getuid()})
        self.assertEqual(self.users._ask([pair]), {pair: None})

    def test_takes_no_answer_for_a_stranger_once_it_has_told(self):
        self.users.of([self.sock])
        with self.without_answer(), self.without_table():
            self.assertEqual(self.users.of([self.sock]), {self.sock: None})

    def test_falls_back_on_the_table_where_the_kernel_never_tells(self):
        with self.without_answer():
            self.assertEqual(self.users.of([self.sock]), {self.sock: os.getuid()})

    def test_falls_back_on_the_table_when_asking_fails(self):
        with mock.patch.object(_door_users, "_request", side_effect=socket.timeout):
            self.assertEqual(self.users.of([self.sock]), {self.sock: os.getuid()})
        with self.without_answer():
            self.assertEqual(self.users.of([self.sock]), {self.sock: os.getuid()})

    def test_falls_back_on_the_table_where_there_is_no_netlink(self):
        with mock.patch.object(_door_users.socket, "socket", side_effect=PermissionError):
            users = Users()
        self.assertEqual(users.of([self.sock]), {self.sock: os.getuid()})


class Table(unittest.TestCase):
    def setUp(self):
        self.listener = _listening.open_socket("127.0.0.1", 0)
        self.client = socket.create_connection(self.listener.getsockname()[:2])
        self.sock, _ = self.listener.accept()
        for thing in (self.listener, self.client, self.sock):
            self.addCleanup(thing.close)

    def test_is_read_again_while_a_line_is_missing(self):
        whole = _door_users._tables()
        with mock.patch.object(_door_users, "_tables", side_effect=[{}, whole]) as tables:
            self.assertEqual(by_table().of([self.sock]), {self.sock: os.getuid()})
        self.assertEqual(tables.call_count, 2)

    def test_is_read_a_bounded_number_of_times(self):
        with mock.patch.object(_door_users, "_tables", return_value={}) as tables:
            self.assertEqual(by_table().of([self.sock]), {self.sock: None})
        self.assertEqual(tables.call_count, _door_users.READS)

    def test_is_read_once_for_other_machines(self):
        ends = (("192.0.2.1", 1), ("192.0.2.2", 2))
        sock = mock.Mock(getpeername=lambda: ends[0], getsockname=lambda: ends[1])
        with mock.patch.object(_door_users, "_tables", return_value={}) as tables:
            self.assertEqual(by_table().of([sock]), {sock: None})
        self.assertEqual(tables.call_count, 1)

    def test_says_nothing_where_no_table_can_be_opened(self):
        users = by_table()
        with mock.patch.object(_door_users, "open", side_effect=OSError(24, "EMFILE"), create=True):
            self.assertEqual(users.of([self.sock]), {})


class Loopback(unittest.TestCase):
    def test_addresses(self):
        for host in ("127.0.0.1", "127.3.2.1", "::1", "::ffff:127.0.0.1"):
            self.assertTrue(_door_users.is_loopback(host), host)
        for host in ("10.0.0.1", "fe80::1", "::ffff:10.0.0.1", "::"):
            self.assertFalse(_door_users.is_loopback(host), host)


if __name__ == "__main__":
    unittest.main()
