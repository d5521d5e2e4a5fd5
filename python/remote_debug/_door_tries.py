"""Wrong tokens, by address: how long an answer is held back, and which are told. Touches nothing."""

import collections

MAX_DELAY_SECONDS = 8.0
"""The longest that the answer to a wrong token is held back."""

FORGET_SECONDS = 600.0
"""How long an address's wrong tokens are remembered."""

REPORT_SECONDS = 10.0
"""At most one report about an address in this time; the next one says how many tries there were."""

MAX_REPORTS = 10
"""Reports in a second, of all addresses together."""


class Tries:
    """Remembers the last addresses that had no or a wrong token. Times are ``time.monotonic()``."""

    def __init__(self):
        self._wrong = collections.OrderedDict()
        self._reports = collections.OrderedDict()

    def delay(self, host, now):
        """Counts a try; returns for how many seconds its answer has to wait."""
        tries, last = self._wrong.pop(host, (0, now))
        tries = tries + 1 if now - last < FORGET_SECONDS else 1
        self._wrong[host] = (tries, now)
        while len(self._wrong) > 1024:
            self._wrong.popitem(last=False)
        return min(MAX_DELAY_SECONDS, 0.25 * 2 ** min(tries - 2, 10)) if tries > 1 else 0.0

    def forgive(self, host):
        """Somebody there had the right token."""
        self._wrong.pop(host, None)

    def to_report(self, host, now):
        """Counts a try; returns how many there were since the last report if one is due, else 0."""
        since, tries = self._reports.pop(host, (None, 0))
        tries += 1
        recent = sum(1 for at, _ in self._reports.values() if at is not None and now - at < 1.0)
        due = recent < MAX_REPORTS and (since is None or now - since >= REPORT_SECONDS)
        self._reports[host] = (now, 0) if due else (since, tries)
        while len(self._reports) > 256:
            self._reports.popitem(last=False)
        return tries if due else 0
