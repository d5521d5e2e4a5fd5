"""_block says where to connect."""
import os
import socket
import tempfile
import time
import unittest
from unittest import mock

from remote_debug import _block


def resolver(*names):
    return mock.patch(
        "socket.getaddrinfo", return_value=[(None, None, None, name, None) for name in names]
    )


class Qualified(unittest.TestCase):
    def test_full_names_only_and_never_doubled(self):
        for host, names, wanted in [
            ("login1", ["login1.hpc.edu"], "login1.hpc.edu"),
            ("login1", ["login1.hpc.edu."], "login1.hpc.edu"),
            ("login1", ["login1"], "login1"),
            ("login1", ["login10.hpc.edu"], "login1"),
            ("login1", ["localhost.localdomain"], "login1"),
            ("login1", ["", "login1.x"], "login1.x"),
            ("login1.hpc.edu", ["login1.hpc.edu.hpc.edu"], "login1.hpc.edu"),
        ]:
            with self.subTest(host=host, names=names), resolver(*names):
                self.assertEqual(_block.qualified(host), wanted)

    def test_a_resolver_that_fails_or_sleeps(self):
        with mock.patch("socket.getaddrinfo", side_effect=socket.gaierror):
            self.assertEqual(_block.qualified("n"), "n")
        with mock.patch("socket.getaddrinfo", side_effect=lambda *a: time.sleep(1) or []):
            before = time.monotonic()
            self.assertEqual(_block.qualified("n", limit=0.05), "n")
            self.assertLess(time.monotonic() - before, 0.9)


class LookedUpOnce(unittest.TestCase):
    def test_the_second_time_no_thread_is_started(self):
        values = {
            "address": {"host": "n7", "port": 4000},
            "user": "me",
            "host": "n7",
            "hostname": "n7",
            "submitHost": "once",
            "job": {"id": "36", "display": "36"},
        }
        with mock.patch.dict(_block._names):
            with resolver("once.hpc.edu"):
                first = _block.tunnel(values)
            with mock.patch("threading.Thread.start", side_effect=AssertionError):
                self.assertEqual(_block.tunnel(values), first)
        self.assertTrue(first.endswith("me@once.hpc.edu"), first)


class Tunnel(unittest.TestCase):
    def tunnel(self, **changes):
        values = {
            "address": {"host": "n7", "port": 4000},
            "user": "me",
            "host": "n7",
            "hostname": "n7",
            "submitHost": "login",
            "job": {"id": "36", "display": "36"},
        }
        values.update(changes)
        with resolver("login.hpc.edu"):
            return _block.tunnel(values)

    def test_lines(self):
        local = {"id": "local", "display": "local"}
        loopback = {"host": "127.0.0.1", "port": 4000}
        for changes, wanted in [
            ({}, "n7:4000 me@login.hpc.edu"),
            ({"submitHost": None}, "n7:4000 <user@login.hostname>"),
            ({"submitHost": None, "job": local}, "n7:4000 me@n7"),
            ({"submitHost": None, "job": local, "address": loopback}, "127.0.0.1:4000 me@n7"),
            ({"address": loopback}, "127.0.0.1:4000 -J me@login.hpc.edu me@n7"),
        ]:
            with self.subTest(changes):
                self.assertEqual(self.tunnel(**changes), "ssh -N -L 5678:" + wanted)

    def test_is_loopback(self):
        wanted = {"127.0.0.1": True, "127.1.2.3": True, "::1": True, "localhost": True}
        wanted.update({"0.0.0.0": False, "n7": False, "10.0.0.1": False, "1270": False})
        for address, is_loopback in wanted.items():
            self.assertEqual(_block.is_loopback(address), is_loopback, address)


class Private(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        os.chmod(self.folder, 0o755)
        self.path = os.path.join(self.folder, "out")

    def private(self, file_mode, folder_mode):
        fd = os.open(self.path, os.O_WRONLY | os.O_CREAT)
        try:
            os.fchmod(fd, file_mode)
            os.chmod(self.folder, folder_mode)
            return _block.is_private(fd)
        finally:
            os.close(fd)

    def test_by_mode(self):
        self.assertTrue(self.private(0o600, 0o755))
        self.assertFalse(self.private(0o640, 0o755))
        self.assertFalse(self.private(0o604, 0o755))

    def test_by_a_folder_above(self):
        self.assertTrue(self.private(0o644, 0o700))
        self.assertTrue(self.private(0o644, 0o744))
        self.assertFalse(self.private(0o644, 0o711))

    def test_pipes_devices_and_closed_ones_are_not(self):
        for fd in os.pipe():
            self.assertFalse(_block.is_private(fd))
            os.close(fd)
            self.assertFalse(_block.is_private(fd))
        null = os.open(os.devnull, os.O_WRONLY)
        self.assertFalse(_block.is_private(null))
        os.close(null)

    def test_a_terminal_is(self):
        import pty

        master, slave = pty.openpty()
        self.assertTrue(_block.is_private(slave))
        os.close(master)
        os.close(slave)

    def test_a_deleted_file_is_not_unless_its_mode_says_so(self):
        fd = os.open(self.path, os.O_WRONLY | os.O_CREAT)
        os.fchmod(fd, 0o644)
        os.unlink(self.path)
        self.assertFalse(_block.is_private(fd))
        os.close(fd)

    def test_token_only_where_private(self):
        values = {
            "address": {"host": "127.0.0.1", "port": 1},
            "remotePath": "/x",
            "rank": 1,
            "worldSize": 4,
            "auth": True,
            "ownNetwork": False,
            "token": "t" * 64,
            "user": "me",
            "host": "h",
            "hostname": "h",
            "submitHost": "login.a",
            "job": {"id": "36", "display": "36_1"},
        }
        with mock.patch.object(_block, "is_private", return_value=True):
            self.assertIn("Token: " + "t" * 64, _block.details(values))
        with mock.patch.object(_block, "is_private", return_value=False):
            text = _block.details(values)
        self.assertNotIn("ttt", text)
        self.assertIn("Token: run `rdg attach 36_1` or `rdg sessions --token`\n", text)
        self.assertIn("Rank: 1 of 4\n", text)
        self.assertNotIn("container", text)
        self.assertIn("--network=host", _block.details(dict(values, ownNetwork=True)))
