"""The signals that ask a run to stop. They are heard from its first moment to its last, so that none ends it unawares."""

import signal

ASKING = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)


class Signals:
    """Hears SIGINT, SIGTERM and SIGUSR1 inside a with-block. One inside another one's block knows what that has heard.

    Parameters
    ----------
    after : signal handler, optional
        What the signals do after the block; by default what they did before.

    Attributes
    ----------
    asked : float
        Number of the last signal; 0 while there was none.
    """

    def __init__(self, after=None):
        self.asked, self._after, self._before = 0.0, after, {}

    def __enter__(self):
        for number in ASKING:
            before = self._before[number] = signal.signal(number, self._ask)
            outer = getattr(before, "__self__", None)
            if isinstance(outer, Signals):
                self.asked = self.asked or outer.asked
        return self

    def __exit__(self, kind, error, trace):
        for number, before in self._before.items():
            signal.signal(number, before if self._after is None else self._after)

    def _ask(self, number, frame):
        self.asked = float(number)
