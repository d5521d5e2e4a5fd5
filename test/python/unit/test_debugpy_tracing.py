"""_debugpy_tracing: one switch at a time, and nothing of it comes out in the program but what is the program's."""
import sys
import threading
import time
import types
import unittest
from unittest import mock

from remote_debug import _debugpy_tracing
from remote_debug._main_thread import MainThread


class Debugger(types.SimpleNamespace):
    """Stands for debugpy: says what is done to it, slowly."""

    frame_eval_func = None

    def __init__(self):
        super().__init__(said=[], tracing=False)

    def say(self, what):
        self.said.append((threading.get_ident(), what))
        time.sleep(0.02)

    def trace_dispatch(self, frame, event, arg):
        pass

    def set_tracing_for_untraced_contexts(self):
        self.say("contexts")

    # Those of pydevd_tracing.

    def set_trace_to_threads(self, function, **_):
        self.function = function
        self.tracing = function == self.trace_dispatch
        self.say("threads")

    def replace_sys_set_trace_func(self):
        self.say("replace")

    def restore_sys_set_trace_func(self):
        self.say("restore")


class Switching(unittest.TestCase):
    def setUp(self):
        self.debugger = Debugger()
        for patch in (
            mock.patch.dict(sys.modules, {"pydevd_tracing": self.debugger}),
            mock.patch.object(_debugpy_tracing, "main_thread", MainThread(lambda wanted: None)),
            mock.patch.object(_debugpy_tracing, "_over", False),
        ):
            patch.start()
            self.addCleanup(patch.stop)
        self.addCleanup(self.wait_for_the_second_time)
        self.addCleanup(threading.settrace, None)
        go_on = threading.Event()
        other = threading.Thread(target=go_on.wait)
        other.start()
        self.addCleanup(other.join)
        self.addCleanup(go_on.set)

    def wait_for_the_second_time(self):
        for thread in threading.enumerate():
            if thread.name == "rdg tracing":
                thread.join()


class OneAtATime(Switching):
    def together(self, *functions):
        threads = [threading.Thread(target=function, args=(self.debugger,)) for function in functions]
        for thread in threads:
            thread.pydev_do_not_trace = True
            thread.start()
        for thread in threads:
            thread.join()

    def test_on_and_off(self):
        self.together(*[_debugpy_tracing.on, _debugpy_tracing.off] * 3)
        idents = [ident for ident, _ in self.debugger.said]
        turns = [ident for i, ident in enumerate(idents) if i == 0 or idents[i - 1] != ident]
        self.assertEqual(len(turns), len(set(turns)), self.debugger.said)

    def test_the_adapter_dies_while_a_client_attaches(self):
        def end(debugger):
            while not debugger.said:
                time.sleep(0.001)
            _debugpy_tracing.end(debugger)

        self.together(_debugpy_tracing.on, end)
        self.assertFalse(self.debugger.tracing)
        _debugpy_tracing.on(self.debugger)
        self.assertFalse(self.debugger.tracing)
        self.assertFalse(_debugpy_tracing.main_thread.wanted)

    def test_the_second_time_leaves_a_client_that_comes_meanwhile_alone(self):
        frames, under_way = _debugpy_tracing._own.give_back_frames, threading.Event()

        def give_back_frames():
            frames()
            if threading.current_thread().name == "rdg tracing":
                under_way.set()
                time.sleep(0.1)
                self.debugger.said.append("second time")

        with mock.patch.object(_debugpy_tracing._own, "give_back_frames", give_back_frames):
            _debugpy_tracing.off(self.debugger)
            self.debugger.said.clear()
            under_way.wait()
            _debugpy_tracing.on(self.debugger)
            self.assertEqual(self.debugger.said[0], "second time")
            self.wait_for_the_second_time()
        self.assertTrue(_debugpy_tracing.main_thread.wanted)


class NothingComesOut(Switching):
    """Of what runs within the program, as a trace function does."""

    def test_of_a_thread_that_leaves(self):
        _debugpy_tracing.off(self.debugger)
        with mock.patch.object(_debugpy_tracing, "_stop_here", side_effect=RecursionError):
            self.assertIsNone(self.debugger.function(sys._getframe(), "call", None))

    def test_of_a_thread_that_begins(self):
        # The second one fails within the standard library.
        for enable in (mock.Mock(side_effect=RecursionError), threading.Thread.start):
            with mock.patch.object(Debugger, "enable_tracing", enable, create=True):
                _debugpy_tracing.on(self.debugger)
                self.debugger.enable_tracing()

    def test_but_what_a_handler_of_the_programs_raises(self):
        def enable_tracing(_):
            raise KeyError("own")

        with mock.patch.object(Debugger, "enable_tracing", enable_tracing, create=True):
            _debugpy_tracing.on(self.debugger)
            with self.assertRaises(KeyError):
                self.debugger.enable_tracing()


class OwnErrors(unittest.TestCase):
    def test_they_are_not_the_programs(self):
        try:
            _debugpy_tracing._own.give_back_frame(None)
        except AttributeError as error:
            error.__traceback__ = error.__traceback__.tb_next
            self.assertFalse(_debugpy_tracing._is_from_program(error))
        try:
            threading.Thread(target=None).join()
        except RuntimeError as error:
            self.assertTrue(_debugpy_tracing._is_from_program(error))
            error.__traceback__ = error.__traceback__.tb_next
            self.assertFalse(_debugpy_tracing._is_from_program(error))


if __name__ == "__main__":
    unittest.main()
