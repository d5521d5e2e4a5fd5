"""_debugpy_output.Allowance: a burst of output passes whole, a flood in pieces with a word for each gap."""
import unittest

from remote_debug._debugpy_output import BURST, LONG, RATE, Allowance


class Flood(unittest.TestCase):
    def test_a_burst_passes_whole(self):
        allowance = Allowance(0.0)
        self.assertTrue(all(allowance.take(10, 0.0) for _ in range(int(BURST / 1.01))))

    def test_a_gap_is_told_once_and_ends_when_a_piece_can_follow(self):
        allowance = Allowance(0.0)
        while allowance.take(0, 0.0):
            pass
        # The one that found it empty was told; the next ones are silent.
        self.assertIs(allowance.take(0, 0.5), False)
        self.assertIs(allowance.take(0, 0.999), False)
        self.assertIs(allowance.take(0, 1.0), True)
        passed = [allowance.take(0, 1.0) for _ in range(int(RATE) + 1)]
        self.assertEqual(passed, [True] * int(RATE - 1) + [None, False])

    def test_long_texts_count_more(self):
        allowance = Allowance(0.0)
        passed = 0
        while allowance.take(int(LONG * 9), 0.0):
            passed += 1
        self.assertEqual(passed, int(BURST / 10))


if __name__ == "__main__":
    unittest.main()
