"""_door_tries slows wrong tokens down, and doesn't flood the program's output with them."""
import unittest

from remote_debug import _door_tries


class Delay(unittest.TestCase):
    def test_doubles_up_to_its_limit(self):
        tries = _door_tries.Tries()
        delays = [tries.delay("10.0.0.1", 0.0) for _ in range(20)]
        self.assertEqual(delays[:6], [0.0, 0.25, 0.5, 1.0, 2.0, 4.0])
        self.assertEqual(set(delays[6:]), {_door_tries.MAX_DELAY_SECONDS})

    def test_is_of_one_address(self):
        tries = _door_tries.Tries()
        for _ in range(5):
            tries.delay("10.0.0.1", 0.0)
        self.assertEqual(tries.delay("10.0.0.2", 0.0), 0.0)

    def test_ends_with_the_right_token_or_after_a_while(self):
        tries = _door_tries.Tries()
        tries.delay("10.0.0.1", 0.0)
        tries.forgive("10.0.0.1")
        self.assertEqual(tries.delay("10.0.0.1", 0.0), 0.0)
        self.assertEqual(tries.delay("10.0.0.1", _door_tries.FORGET_SECONDS), 0.0)
        self.assertEqual(tries.delay("10.0.0.1", _door_tries.FORGET_SECONDS + 1), 0.25)

    def test_remembers_a_bounded_number_of_addresses(self):
        tries = _door_tries.Tries()
        for number in range(3000):
            tries.delay(str(number), 0.0)
            tries.to_report(str(number), 0.0)
        self.assertLessEqual(len(tries._wrong), 1024)
        self.assertLessEqual(len(tries._reports), 256)


class Reports(unittest.TestCase):
    def test_come_once_in_a_while_and_count(self):
        tries = _door_tries.Tries()
        told = [tries.to_report("10.0.0.1", 0.5 * step) for step in range(45)]
        self.assertEqual([(step, count) for step, count in enumerate(told) if count], [(0, 1), (20, 20), (40, 20)])

    def test_are_few_when_many_addresses_come(self):
        tries = _door_tries.Tries()
        told = [tries.to_report(str(number), 0.0) for number in range(100)]
        self.assertEqual(sum(told), _door_tries.MAX_REPORTS)


if __name__ == "__main__":
    unittest.main()
