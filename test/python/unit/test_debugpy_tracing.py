"""_debugpy_tracing.MainThread: what handlers of the program's signals raise meanwhile reaches the program."""
import signal
import sys
import threading
import time
import unittest

from remote_debug import _debugpy_tracing
from remote_debug._debugpy_tracing import MainThread


class SignalsMeanwhile(unittest.TestCase):
    def setUp(self):
        self.addCleanup(signal.signal, signal.SIGTERM, signal.getsignal(signal.SIGTERM))
        self.switched = []
        self.main_thread = MainThread(self.switch)

    def switch(self, wanted):
        self.switched.append(wanted)
        if len(self.switched) == 1 and self.calls == 0:
            signal.raise_signal(signal.SIGTERM)
            for _ in range(3):
                pass

    def raises(self, raised):
        """Has a handler raise that while the main thread switches; what the program gets of it."""

        def handler(number, frame):
            self.calls += 1
            raise raised

        self.calls = 0
        signal.signal(signal.SIGTERM, handler)
        try:
            self.main_thread.trace(True)
            until = time.monotonic() + 10
            while time.monotonic() < until:
                pass
        except BaseException as error:
            self.assertIs(error, raised)
        else:
            self.fail("it was swallowed")
        self.assertEqual(self.calls, 1, "the handler runs once")
        # Tracing is switched all the same: the switch that was left halfway, and the next one.
        self.main_thread.trace(False)
        while self.main_thread._under_way:
            time.sleep(0.01)

    def test_ctrl_c(self):
        self.raises(KeyboardInterrupt())
        self.assertEqual(self.switched, [True, True, False])

    def test_an_exit(self):
        self.raises(SystemExit(3))
        self.assertEqual(self.switched, [True, True, False])

    def test_an_error_of_the_programs_own(self):
        self.raises(ValueError("own"))
        self.assertEqual(self.switched, [True, True, False])

    def test_at_the_very_beginning(self):
        def tracer(frame, event, arg):
            if frame.f_code is MainThread._call.__code__ and self.calls == 0:
                signal.raise_signal(signal.SIGTERM)

        self.addCleanup(sys.settrace, sys.gettrace())
        sys.settrace(tracer)
        self.raises(KeyboardInterrupt())
        self.assertEqual(self.switched, [False])


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
