"""_adapter says why debugpy's adapter cannot start, and leaves nothing open."""
import os
import sys
import tempfile
import types
import unittest
from unittest import mock

from remote_debug import _adapter

TOKEN = "0123456789abcdef" * 4


class Listen(unittest.TestCase):
    def setUp(self):
        # debugpy is not installed for these tests; that far they don't get.
        api = types.SimpleNamespace(listen=types.SimpleNamespace(called=False), _config={})
        server = types.SimpleNamespace(api=api)
        modules = {"debugpy": server, "debugpy.server": server, "debugpy.server.api": api}
        patch = mock.patch.dict(sys.modules, modules)
        patch.start()
        self.addCleanup(patch.stop)

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
                with mock.patch.multiple(
                    sys, executable=interpreter, _base_executable=interpreter
                ):
                    with mock.patch.object(_adapter, "_debugpy_home", return_value="/nonexistent"):
                        with self.assertRaisesRegex(_adapter.AdapterError, why):
                            _adapter.listen("127.0.0.1", 0, TOKEN)
            self.assertEqual(len(os.listdir("/proc/self/fd")), len(before))

    def test_listen_wants_debugpy(self):
        with mock.patch.object(_adapter.importlib.util, "find_spec", return_value=None):
            with mock.patch.dict(sys.modules):
                sys.modules.pop("debugpy", None)
                with self.assertRaises(ImportError):
                    _adapter.listen("127.0.0.1", 0, TOKEN)


if __name__ == "__main__":
    unittest.main()
