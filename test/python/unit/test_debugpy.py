"""_debugpy: what happens at an attach and at the end of the adapter, and what a forked child forgets of it."""
import contextlib
import types
import unittest
from unittest import mock

from remote_debug import _debugpy


class Attach(unittest.TestCase):
    def test_the_order_of_what_is_counted_and_what_is_so(self):
        steps = mock.Mock()
        debugger = types.SimpleNamespace(
            on_configuration_done=steps.configured,
            on_disconnect=steps.disconnected,
            do_wait_suspend=None,
            is_attached=lambda: True,
        )
        with contextlib.ExitStack() as stack:
            for owner, name, stand_in in (
                (_debugpy, "_after_end", None),
                (_debugpy, "_py_db", lambda: debugger),
                (_debugpy, "hide_frames", mock.Mock()),
                (_debugpy._debugpy_output, "bound", mock.Mock()),
                (_debugpy._debugpy_output, "end", steps.streams),
                (_debugpy._debugpy_tracing, "on", steps.traced),
                (_debugpy._debugpy_tracing, "off", mock.Mock()),
            ):
                stack.enter_context(mock.patch.object(owner, name, stand_in))
            _debugpy.settle(steps.attach, steps.leave, steps.detach, None)
            debugger.on_configuration_done()
            debugger.on_disconnect()
        self.assertEqual(
            [name for name, _, _ in steps.mock_calls],
            # The main thread goes on as soon as it is configured; a wake as soon as it is disconnected.
            ["traced", "attach", "configured", "leave", "disconnected", "streams", "detach"],
        )


class AfterEnd(unittest.TestCase):
    def setUp(self):
        self.said = []
        self.fails = None
        debugger = types.SimpleNamespace(
            on_configuration_done=None, on_disconnect=None, do_wait_suspend=None
        )
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        for owner, name, stand_in in (
            (_debugpy, "_after_end", None),
            (_debugpy, "_py_db", lambda: debugger),
            (_debugpy, "hide_frames", mock.Mock()),
            (_debugpy._debugpy_output, "bound", mock.Mock()),
            (_debugpy._debugpy_output, "end", self.say("streams")),
            (_debugpy._debugpy_tracing, "off", mock.Mock()),
            (_debugpy._debugpy_tracing, "end", self.say("tracing")),
        ):
            stack.enter_context(mock.patch.object(owner, name, stand_in))
        _debugpy.settle(None, None, None, self.say("record"))

    def say(self, what):
        def say(*_):
            self.said.append(what)
            if what == self.fails:
                raise OSError(what)

        return say

    def test_the_record_comes_last(self):
        _debugpy.after_end()
        self.assertEqual(self.said, ["tracing", "streams", "record"])

    def test_a_step_that_fails_skips_no_other(self):
        for self.fails in ("tracing", "streams", "record"):
            self.said.clear()
            _debugpy.after_end()
            self.assertEqual(self.said, ["tracing", "streams", "record"])

    def test_a_forked_child_leaves_its_parents_record_alone(self):
        _debugpy.forget_in_child()
        _debugpy.after_end()
        self.assertEqual(self.said, [])


if __name__ == "__main__":
    unittest.main()
