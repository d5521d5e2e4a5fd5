"""_moment puts a wake off while a lock or a half-made import is in the way, and sends it again."""
import os
import sys
import tempfile
import threading
import types
import unittest
from importlib.machinery import ModuleSpec
from unittest import mock

from remote_debug import _crash, _debugpy_tracing, _main_thread, _moment, _record, _session, _signals


def here():
    return sys._getframe(1)


def frame_of(name):
    """A frame of code that calls itself ``name``."""
    space = {"sys": sys}
    exec(compile("def inner():\n return sys._getframe()\nframe = inner()\n", name, "exec"), space)
    return space["frame"]


class Moment(unittest.TestCase):
    def setUp(self):
        self.sent = []
        for name, value in (("_since", 0.0), ("_coming", 0)):
            patch = mock.patch.object(_moment, name, value)
            patch.start()
            self.addCleanup(patch.stop)
        patch = mock.patch.object(_moment, "_start_thread", lambda f, args: self.sent.append((f, args)))
        patch.start()
        self.addCleanup(patch.stop)

    def test_an_ordinary_line_is_good(self):
        self.assertTrue(_moment.is_good(here(), 40))
        self.assertEqual(self.sent, [])

    def test_locks_of_threading_put_it_off(self):
        names = [n for n in ("_active_limbo_lock", "_shutdown_locks_lock") if hasattr(threading, n)]
        for name in names:
            with self.subTest(name), getattr(threading, name):
                _moment._coming = 0
                self.assertFalse(_moment.is_good(here(), 40))
                self.assertEqual(self.sent.pop()[1][:2], (os.getpid(), 40))

    def test_tracing_that_is_being_switched_puts_it_off(self):
        with _debugpy_tracing.lock:
            self.assertFalse(_moment.is_good(here(), 40))

    def test_own_code_that_holds_locks_puts_it_off(self):
        for module in (_session, _record, _debugpy_tracing, _main_thread):
            with self.subTest(module.__name__):
                _moment._coming = 0
                self.assertFalse(_moment.is_good(frame_of(module.__file__), 40))
        # What it calls of the program's, a hook or a handler, may take long.
        for module in (_signals, _crash):
            with self.subTest(module.__name__):
                _moment._coming = 0
                self.assertTrue(_moment.is_good(frame_of(module.__file__), 40))

    def test_many_at_once_are_one(self):
        with threading._active_limbo_lock:
            for _ in range(20):
                self.assertFalse(_moment.is_good(here(), 40))
        self.assertEqual(len(self.sent), 1)
        self.assertFalse(_moment.is_good(here(), 40))
        with mock.patch("os.kill") as kill, mock.patch("time.sleep"):
            function, args = self.sent[0]
            function(*args)
        kill.assert_called_once_with(os.getpid(), 40)
        self.assertTrue(_moment.is_good(here(), 40))

    def test_the_import_system_puts_it_off(self):
        for name in ("<frozen importlib._bootstrap>", "<frozen importlib._bootstrap_external>"):
            with self.subTest(name):
                _moment._coming = 0
                self.assertFalse(_moment.is_good(frame_of(name), 40))

    def test_a_half_imported_library_puts_it_off_and_a_program_does_not(self):
        library = os.path.join(os.path.dirname(os.__file__), "half.py")
        for origin, wanted in (
            (library, False),
            (os.path.join(os.path.dirname(library), "site-packages", "half.py"), True),
            (os.path.join(tempfile.gettempdir(), "half.py"), True),
        ):
            with self.subTest(origin):
                _moment._coming = 0
                module = types.ModuleType("half")
                module.__spec__ = ModuleSpec("half", None, origin=origin)
                module.__spec__._initializing = True
                with mock.patch.dict(sys.modules, half=module):
                    self.assertEqual(_moment.is_good(here(), 40), wanted)

    def test_an_import_of_the_programs_own_only_for_a_while(self):
        outer = frame_of("<frozen importlib._bootstrap>")
        frame = types.SimpleNamespace(f_code=here().f_code, f_back=outer)
        clock = [100.0]
        with mock.patch("time.monotonic", lambda: clock[0]):
            self.assertFalse(_moment.is_good(frame, 40))
            _moment._coming = 0
            clock[0] += _moment.PATIENCE + 0.1
            self.assertTrue(_moment.is_good(frame, 40))

    def test_imports_without_an_end_are_looked_at_more_often(self):
        clock = [100.0]
        frame = frame_of("<frozen importlib._bootstrap>")
        pauses = []
        with mock.patch("time.monotonic", lambda: clock[0]):
            for _ in range(2):
                self.assertFalse(_moment.is_good(frame, 40))
                pauses.append(self.sent.pop()[1][2])
                _moment._coming = 0
                clock[0] += _moment.PATIENCE
        self.assertLess(pauses[1], pauses[0] / 10)

    def test_nothing_puts_it_off_for_ever(self):
        clock = [100.0]
        with mock.patch("time.monotonic", lambda: clock[0]), threading._active_limbo_lock:
            self.assertFalse(_moment.is_good(here(), 40))
            _moment._coming = 0
            clock[0] += _moment.LONGEST
            self.assertTrue(_moment.is_good(here(), 40))

    def test_no_thread_can_be_had(self):
        def refuse(function, args):
            raise RuntimeError("can't start new thread")

        with mock.patch.object(_moment, "_start_thread", refuse), threading._active_limbo_lock:
            self.assertTrue(_moment.is_good(here(), 40))


if __name__ == "__main__":
    unittest.main()
