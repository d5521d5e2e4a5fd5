"""Who stands before the door: connections that have not shown the token yet, and who of them has to
go when there are too many. Touches the sockets it is given; asks the kernel whose they are.
"""

import collections
import os

from ._door_users import Users

MAX_VISITORS = 128
"""Connections that have not shown the token; one more, and the least promising is dropped."""

MAX_SILENT = MAX_VISITORS // 2
"""Of them, those that may keep their places without having said "initialize", the newest, while
others that have said it go."""

MAX_PENDING = 4 * 1024 * 1024
"""Bytes held for all of them together."""

FIRST_MESSAGE_SECONDS = 10.0
"""Until the first whole message has come: an editor sends it at once."""

ATTACH_SECONDS = 30.0
"""Until the token has come."""


class Visitor:
    """A connection that has not shown the token yet.

    talk: what it said and was told, a ``_door_talk.Talk``.
    """

    def __init__(self, sock, address, now, talk):
        self.sock = sock
        self.host = address[0][7:] if address[0].startswith("::ffff:") else address[0]
        self.peer = "%s:%d" % ("[%s]" % self.host if ":" in self.host else self.host, address[1])
        self.since = self.moved = now
        self.deadline = now + FIRST_MESSAGE_SECONDS
        self.talk = talk
        self.held = None
        """(when, bytes): an answer that is held back; nothing is read meanwhile."""
        self.looked_up = False
        self.user = None
        """The other end's user, once it was looked up; see ``_door_users.Users.of``."""

    def spoke(self, now):
        """Its first whole message has come: the token has more time."""
        self.moved = now
        self.deadline = self.since + ATTACH_SECONDS


class Visitors:
    """The visitors of one door; as an iterable, the oldest first."""

    def __init__(self):
        self._all = {}
        self._users = Users()

    def __len__(self):
        return len(self._all)

    def __iter__(self):
        return iter(list(self._all.values()))

    def __contains__(self, visitor):
        return self._all.get(visitor.sock) is visitor

    def add(self, visitor):
        """Takes one in, be there too many or not."""
        self._all[visitor.sock] = visitor

    def remove(self, visitor):
        """Forgets one; False where it was gone already."""
        return self._all.pop(visitor.sock, None) is not None

    def close(self):
        """The door is closed: nobody has to be judged any more."""
        self._users.close()

    def surplus(self):
        """Those who have to go, as there are more than ``MAX_VISITORS``."""
        count = len(self._all) - MAX_VISITORS
        return self.least_promising(count) if count > 0 else []

    def least_promising(self, count):
        """Whom to drop: never the owner while somebody else is there, as far as can be told.

        First other users of this machine and connections that nobody holds any more; then those of
        whom nothing is known, and root's, which may be a relay of the cluster's; then the owner's.
        Among equals those of the address with the most connections, and in it: the silent, which
        have not said "initialize" yet, but for the ``MAX_SILENT`` newest of all equals; then those
        that have said it; then the newest silent. Of each, who has waited the longest since it came
        or spoke: who has been slow to speak shall have time for the next step, too.

        Nobody goes for being new. Everybody is looked up before anybody is judged (for 50 ms a
        newcomer counted as a stranger, and in a flood the owner was the first to go). And between
        a client's connection and its first bytes time passes: where every place is taken by one
        that has said "initialize", a newcomer would be the only silent one, and never get in.
        """
        self._look_up()
        crowd = collections.Counter(visitor.host for visitor in self._all.values())
        turns = self._turns()

        def promise(visitor):
            return (
                _standing(visitor.user),
                -crowd[visitor.host],
                turns[visitor],
                visitor.moved,
            )

        return sorted(self._all.values(), key=promise)[:count]

    def _turns(self):
        # {visitor: when it goes, among those of equal standing and address}.
        turns, silent = {}, collections.Counter()
        for visitor in reversed(list(self._all.values())):
            turns[visitor] = 1
            if visitor.talk.initialize is None:
                standing = _standing(visitor.user)
                silent[standing] += 1
                turns[visitor] = 2 if silent[standing] <= MAX_SILENT else 0
        return turns

    def heaviest(self):
        """Who has to go as too much is held for all together, or None.

        A stranger before the owner, and then the one with the most.
        """
        if sum(len(visitor.talk.buffer) for visitor in self._all.values()) <= MAX_PENDING:
            return None
        self._look_up()
        return max(
            (visitor for visitor in self._all.values() if visitor.talk.buffer),
            key=lambda visitor: (-_standing(visitor.user), len(visitor.talk.buffer)),
        )

    def _look_up(self):
        unknown = [visitor for visitor in self._all.values() if not visitor.looked_up]
        users = self._users.of([visitor.sock for visitor in unknown])
        for visitor in unknown:
            if visitor.sock in users:
                visitor.user, visitor.looked_up = users[visitor.sock], True


def _standing(user):
    if user == os.getuid():
        return 2
    return 1 if user is None or user == 0 else 0
