"""Wakes that come together, near the recursion limit, or too late, and clients that leave too early.
What stops and what waits is a stand-in."""
import contextlib
import os
import signal
import sys
import threading
import unittest
from unittest import mock

from remote_debug import _arm, _config, _debugpy, _say, _session, _signals

NUMBER = signal.SIGRTMIN + 6


class Wakes(unittest.TestCase):
    def setUp(self):
        self.session = _session.Session(dict(_config.DEFAULTS, signal=NUMBER), [])
        self.stops = []
        self.within = lambda: None  # what happens while the program stands still
        self.session._stop_for_client = self.stop
        for patch in (
            mock.patch.object(_session, "current", lambda: self.session),
            mock.patch.object(_signals, "_on_wake", _arm.on_wake),
            mock.patch.dict(_signals._theirs, clear=True),
        ):
            patch.start()
            self.addCleanup(patch.stop)
        self.addCleanup(signal.signal, NUMBER, signal.signal(NUMBER, _signals._handle))

    def stop(self):
        self.stops.append(sys.getrecursionlimit())
        if len(self.stops) == 1:
            self.within()

    def wake(self):
        os.kill(os.getpid(), NUMBER)

    def test_one_stops_once(self):
        self.wake()
        self.assertEqual(len(self.stops), 1)
        self.assertFalse(self.session.busy)

    def test_one_within_another_is_known_as_such(self):
        inner = []

        def on_wake(frame):
            inner.append(_signals.is_handling(frame))
            if len(inner) < 3:
                self.wake()

        with mock.patch.object(_signals, "_on_wake", on_wake):
            self.wake()
        self.assertEqual(inner, [False, True, True])

    def test_one_more_while_a_client_looks_is_answered_already(self):
        self.session._attached = lambda: True
        self.within = self.wake
        self.wake()
        self.assertEqual(len(self.stops), 1)

    def test_one_more_after_the_client_has_gone_stops_again(self):
        self.session._attached = lambda: False
        self.within = self.wake
        self.wake()
        self.assertEqual(len(self.stops), 2)

    def test_one_more_for_the_next_client_stops_again(self):
        def within():
            self.session._clients += 1
            self.wake()

        self.session._attached = lambda: True
        self.within = within
        self.wake()
        self.assertEqual(len(self.stops), 2)

    def test_one_at_a_breakpoint_is_answered_already(self):
        self.session._attached = lambda: True
        with mock.patch.object(_debugpy, "is_stopped", lambda: True):
            self.wake()
        self.assertEqual(self.stops, [])
        with mock.patch.object(_debugpy, "is_stopped", lambda: False):
            self.wake()
        self.assertEqual(len(self.stops), 1)

    def test_one_while_this_thread_waits_says_where_to_connect_once_more(self):
        shown = []
        self.session.show_paused = lambda: shown.append(1)
        self.session.waiting = True
        self.session._waiting_thread = threading.get_ident()
        self.wake()
        self.assertEqual((self.stops, shown), ([], [1]))
        self.session._waiting_thread += 1  # another thread waits: this one is to stop
        self.wake()
        self.assertEqual((len(self.stops), shown), (1, [1]))

    def test_a_program_that_ends_is_left_alone(self):
        self.session.close()
        self.wake()
        self.assertEqual(self.stops, [])

    def test_near_the_recursion_limit_there_is_room(self):
        limit = sys.getrecursionlimit()
        self.wake()
        self.assertEqual(self.stops, [limit + 1000])
        self.assertEqual(sys.getrecursionlimit(), limit)

    def test_a_limit_that_was_changed_meanwhile_stays(self):
        limit = sys.getrecursionlimit()
        self.addCleanup(sys.setrecursionlimit, limit)
        self.within = lambda: sys.setrecursionlimit(limit + 7)
        self.wake()
        self.assertEqual(sys.getrecursionlimit(), limit + 7)

    def test_no_error_reaches_the_program(self):
        def fail(frame):
            raise MemoryError("no more")

        with mock.patch.object(_signals, "_on_wake", fail), mock.patch.object(_say, "_write") as write:
            write.side_effect = lambda fd, data: len(data)
            self.wake()
        self.assertIn(b"Cannot open the debugger: no more", write.call_args[0][1])

    def test_greenlets_instead_of_threads_are_left_alone(self):
        with mock.patch("_thread.allocate_lock"), mock.patch.object(_say, "_write") as write:
            # As eventlet's does in its event loop.
            with mock.patch("os.write", side_effect=RuntimeError("do not call blocking functions")):
                write.side_effect = lambda fd, data: len(data)
                self.wake()
        self.assertEqual(self.stops, [])
        self.assertIn(b"gevent or eventlet", write.call_args[0][1])

    def test_one_more_as_the_awaited_client_comes_is_answered_by_its_stop(self):
        del self.session._stop_for_client

        def wait(*_):
            self.session._clients += 1
            self.session._attached = lambda: True
            self.wake()
            return True

        stop = mock.Mock()
        with contextlib.ExitStack() as stack:
            for owner, name, stand_in in (
                (self.session, "_load", mock.Mock()),
                (self.session, "_attached", lambda: False),
                (self.session, "listen", mock.Mock()),
                (self.session, "show_paused", mock.Mock()),
                (self.session, "wait", wait),
                (_debugpy, "threads_left", lambda: None),
                (_debugpy, "is_stopped", lambda: False),
                (_debugpy, "stop_now", stop),
            ):
                stack.enter_context(mock.patch.object(owner, name, stand_in))
            self.wake()
        stop.assert_called_once_with()

    def test_what_ends_the_program_does(self):
        def leave():
            raise SystemExit(3)

        self.within = leave
        with self.assertRaises(SystemExit):
            self.wake()
        self.assertFalse(self.session.busy)


class Waits(unittest.TestCase):
    """A client comes and leaves while the program still says where to connect: nobody is waited for."""

    def setUp(self):
        self.session = _session.Session(dict(_config.DEFAULTS), [])
        values = {"exception": None, "waiting": False, "address": {"host": "n7", "port": 1}, "remotePath": "/"}
        self.session._record = mock.Mock(values=values)
        self.notes = []
        self.over = []
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        for owner, name, stand_in in (
            (self.session, "_load", mock.Mock()),
            (self.session, "_attached", lambda: False),
            (self.session, "listen", mock.Mock()),
            (self.session, "show_paused", lambda *_: self.session._on_leave()),
            (_debugpy, "threads_left", lambda: None),
            (_debugpy, "wait", lambda limit, is_over: self.over.append(is_over())),
            (_say, "note", self.notes.append),
        ):
            stack.enter_context(mock.patch.object(owner, name, stand_in))

    def test_after_a_wake(self):
        self.session.on_wake()
        self.assertEqual(self.over, [True])
        self.assertIn("The debugger has left: the program goes on", self.notes[0])

    def test_one_more_before_the_wait_has_ended_is_waited_for_again(self):
        wait = _debugpy.wait

        def wake_and_wait(limit, is_over):
            if not self.over:
                self.session.on_another_wake()
            return wait(limit, is_over)

        with mock.patch.object(_debugpy, "wait", wake_and_wait):
            self.session.on_wake()
        self.assertEqual(self.over, [True, True])

    def test_at_the_start(self):
        _arm._wait(self.session)
        self.assertEqual((self.over, self.notes), ([True], ["The debugger has left: the program goes on"]))

    def test_in_a_call_of_the_programs(self):
        self.session.start(wait=True)
        self.assertEqual(self.over, [True])

    def test_one_that_left_earlier_ends_no_wait(self):
        self.session._on_leave()
        with mock.patch.object(self.session, "show_paused"):
            self.session.on_wake()
            self.session.start(wait=True)
        self.assertEqual(self.over, [False, False])
        self.assertIn("Nobody attached: the program goes on", self.notes[0])


if __name__ == "__main__":
    unittest.main()
