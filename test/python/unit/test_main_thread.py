"""_main_thread: what handlers of the program's signals raise meanwhile reaches the program."""
import signal
import subprocess
import sys
import time
import unittest

from remote_debug._main_thread import MainThread


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


class AtTheEnd(unittest.TestCase):
    def test_nothing_is_printed(self):
        """Python 3.8 prints an error about each call that it doesn't take any more."""
        lines = [
            "import atexit, threading",
            "from remote_debug._main_thread import MainThread",
            "switched = []",
            "main_thread = MainThread(switched.append)",
            "atexit.register(lambda: print(switched))",
            "atexit.register(lambda: main_thread.trace(False))",
            # While the main thread waits for the others it still takes a call.
            "def late():",
            "    threading.main_thread().join()",
            "    main_thread.trace(True)",
            "threading.Thread(target=late).start()",
        ]
        words = [sys.executable, "-c", "\n".join(lines)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        done = subprocess.run(words, universal_newlines=True, timeout=60, **pipes)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertRegex(done.stdout, r"\[True\b")


if __name__ == "__main__":
    unittest.main()
