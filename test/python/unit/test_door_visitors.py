"""_door_visitors: who has to go when too many stand before the door."""
import os
import types
import unittest

from remote_debug import _door_visitors
from remote_debug._door_users import NOBODY

OWN = os.getuid()
OTHER = OWN + 1000


class Books:
    """Stands in for the kernel's: each socket says whose it is, and that it was asked for."""

    def __init__(self):
        self.silent = False

    def of(self, socks):
        for sock in socks:
            sock.asked += 1
        return {} if self.silent else {sock: sock.user for sock in socks}


class Socket:
    def __init__(self, user):
        self.user = user
        self.asked = 0


class Choice(unittest.TestCase):
    def setUp(self):
        self.visitors = _door_visitors.Visitors()
        self.visitors.close()
        self.books = self.visitors._users = Books()
        self.now = 0.0

    def come(self, user, host="127.0.0.1", initialize=None, held=0):
        talk = types.SimpleNamespace(initialize=initialize, buffer=bytearray(held))
        self.now += 1.0
        visitor = _door_visitors.Visitor(Socket(user), (host, 5), self.now, talk)
        self.visitors.add(visitor)
        return visitor

    def goes(self):
        (visitor,) = self.visitors.least_promising(1)
        return visitor

    def shed(self):
        for visitor in self.visitors.surplus():
            self.visitors.remove(visitor)

    def test_nobody_while_there_is_room(self):
        for _ in range(_door_visitors.MAX_VISITORS):
            self.come(OTHER)
        self.assertEqual(self.visitors.surplus(), [])
        self.assertEqual({visitor.sock.asked for visitor in self.visitors}, {0})

    def test_never_the_owner_for_being_new(self):
        # What failed in a flood: the strangers known as such had all gone, the next look at the
        # table was to come, and of the unknown ones the owner had come first.
        for _ in range(_door_visitors.MAX_VISITORS):
            self.come(OTHER, initialize={})
        for _ in range(16):
            self.come(OTHER, initialize={})
        self.shed()
        owner = self.come(OWN)
        for _ in range(3 * _door_visitors.MAX_VISITORS):
            self.come(OTHER, initialize={})
            self.shed()
        self.assertIn(owner, self.visitors)
        self.assertEqual(len(self.visitors), _door_visitors.MAX_VISITORS)

    def test_strangers_before_the_unknown_before_the_owner(self):
        wanted = [self.come(user) for user in (OTHER, NOBODY, None, OWN)]
        if OWN != 0:
            wanted.insert(3, self.come(0))
        self.assertEqual(self.visitors.least_promising(9), wanted)

    def test_the_crowd_before_one_that_came_alone(self):
        alone = self.come(None, host="10.0.0.1")
        crowd = [self.come(None, host="10.0.0.2") for _ in range(3)]
        self.assertEqual(self.visitors.least_promising(9), crowd + [alone])

    def test_the_silent_first_and_of_them_the_oldest(self):
        greeted = self.come(None, initialize={})
        silent = [self.come(None) for _ in range(_door_visitors.MAX_SILENT + 2)]
        self.assertEqual(self.visitors.least_promising(4), silent[:2] + [greeted] + silent[2:3])

    def test_a_newcomer_is_not_the_first_for_not_having_spoken_yet(self):
        # What failed where the door was quicker than a client on a busy machine: every place was
        # taken by one that had said "initialize", and whoever came had no time to say it.
        for user in (None, OWN):
            greeted = [self.come(user, initialize={}) for _ in range(_door_visitors.MAX_VISITORS)]
            newcomer = self.come(user)
            self.assertEqual(self.visitors.surplus(), greeted[:1])
            for _ in range(_door_visitors.MAX_SILENT - 1):
                self.come(user)
                self.shed()
            self.assertIn(newcomer, self.visitors)
            for _ in range(3 * _door_visitors.MAX_VISITORS):
                self.come(user)
                self.shed()
            self.assertNotIn(newcomer, self.visitors)
            # Those that have spoken keep the other places, whatever number comes and is silent.
            self.assertLessEqual(set(greeted[_door_visitors.MAX_SILENT :]), set(self.visitors))
            for visitor in self.visitors:
                self.visitors.remove(visitor)

    def test_who_has_spoken_late_has_as_much_time_from_there_as_others(self):
        late = self.come(None)
        greeted = [self.come(None, initialize={}) for _ in range(3)]
        late.talk.initialize = {}
        self.now += 1.0
        late.spoke(self.now)
        after = self.come(None, initialize={})
        self.assertEqual(self.visitors.least_promising(9), greeted + [late, after])
        self.assertEqual(late.deadline, late.since + _door_visitors.ATTACH_SECONDS)

    def test_the_silence_of_strangers_costs_the_owner_nothing(self):
        greeted = [self.come(OWN, initialize={}) for _ in range(_door_visitors.MAX_VISITORS)]
        owner = self.come(OWN)
        strangers = [self.come(OTHER) for _ in range(_door_visitors.MAX_SILENT)]
        self.assertEqual(self.visitors.surplus(), strangers + greeted[:1])
        self.assertNotIn(owner, self.visitors.surplus())

    def test_each_is_looked_up_once(self):
        visitors = [self.come(user) for user in (OTHER, NOBODY, None, OWN)]
        for _ in range(3):
            self.goes()
        self.assertEqual([visitor.sock.asked for visitor in visitors], [1, 1, 1, 1])

    def test_a_failed_look_is_repeated(self):
        owner, stranger = self.come(OWN), self.come(OTHER)
        self.books.silent = True
        self.goes()
        self.books.silent = False
        self.assertIs(self.goes(), stranger)
        self.assertEqual(owner.sock.asked, 2)

    def test_of_too_many_bytes_the_strangers_go_first(self):
        limit = _door_visitors.MAX_PENDING
        self.come(OTHER)
        owner = self.come(OWN, held=limit // 2)
        small, big = self.come(OTHER, held=limit // 8), self.come(OTHER, held=limit // 4)
        self.assertIsNone(self.visitors.heaviest())
        more = self.come(OTHER, held=limit // 4)
        self.assertIn(self.visitors.heaviest(), (big, more))
        for visitor in (small, big, more):
            self.visitors.remove(visitor)
        owner.talk.buffer += bytes(limit)
        self.assertIs(self.visitors.heaviest(), owner)

    def test_removes_once(self):
        visitor = self.come(None)
        self.assertIn(visitor, self.visitors)
        self.assertTrue(self.visitors.remove(visitor))
        self.assertFalse(self.visitors.remove(visitor))
        self.assertNotIn(visitor, self.visitors)


class Peer(unittest.TestCase):
    def test_is_named_by_address_and_port(self):
        for address, peer in (
            (("10.0.0.1", 5), "10.0.0.1:5"),
            (("::ffff:10.0.0.1", 5, 0, 0), "10.0.0.1:5"),
            (("fe80::1", 5, 0, 2), "[fe80::1]:5"),
        ):
            self.assertEqual(_door_visitors.Visitor(None, address, 0.0, None).peer, peer)


if __name__ == "__main__":
    unittest.main()
