"""_tracing_count brings CPython's number of traced threads back to what it was (3.8 and 3.9)."""
import sys
import threading
import unittest

from remote_debug import _tracing_count


def traced(frame, event, arg):
    return None


@unittest.skipUnless(sys.version_info < (3, 10), "later versions keep no such number")
class Count(unittest.TestCase):
    def setUp(self):
        _tracing_count.find()

    def number(self):
        return _tracing_count._memory[_tracing_count._index]

    def test_it_is_the_number_of_threads_with_a_trace_function(self):
        before = self.number()
        sys.settrace(traced)
        self.assertEqual(self.number(), before + 1)
        sys.settrace(None)
        self.assertEqual(self.number(), before)

    def test_what_a_thread_leaves_behind_goes_with_the_last_one(self):
        before = self.number()
        main = threading.main_thread().ident
        for _ in range(5):
            # One that ends with its trace function isn't taken off the number.
            thread = threading.Thread(target=sys.settrace, args=(traced,))
            thread.start()
            thread.join()
        self.assertEqual(self.number(), before + 5)
        go_on = threading.Event()
        other = threading.Thread(target=go_on.wait)
        other.start()
        _tracing_count.leaving([other.ident])
        _tracing_count.left(main)
        self.assertEqual(self.number(), before + 5, "another thread may be traced still")
        _tracing_count.left(other.ident)
        self.assertEqual(self.number(), before)
        go_on.set()
        other.join()

    def test_a_thread_that_has_ended_is_not_waited_for(self):
        before = self.number()
        thread = threading.Thread(target=sys.settrace, args=(traced,))
        thread.start()
        _tracing_count.leaving([thread.ident])
        thread.join()
        _tracing_count.left(threading.main_thread().ident)
        self.assertEqual(self.number(), before)


class Elsewhere(unittest.TestCase):
    @unittest.skipIf(sys.version_info < (3, 10), "it is found there")
    def test_nothing_is_looked_for(self):
        _tracing_count.find()
        self.assertIsNone(_tracing_count._memory)


if __name__ == "__main__":
    unittest.main()
