"""What a run shows while it goes on: a bar on a terminal, a line now and then in a batch log, and run.log."""

import os
import sys
import time


class Log:
    """run.log: lines with a wall-clock stamp, written by rank 0.

    A log that cannot be written is told once and does not end a run: what must not be lost is in the
    checkpoints and the history.

    Parameters
    ----------
    path : path-like
    comm : Comm
    """

    def __init__(self, path, comm):
        self.path, self._writes = path, comm.rank == 0

    def __call__(self, message):
        """Append a message, one stamped line for each of its lines."""
        if not self._writes:
            return
        stamp = time.strftime("%Y-%m-%d %H:%M:%S")
        try:
            with open(self.path, "a", encoding="utf-8", errors="backslashreplace") as file:
                file.writelines(f"{stamp}  {line}\n" for line in str(message).splitlines())
        except OSError as error:
            self._writes = False
            print(f"hpccr: {self.path}: no more log: {error.strerror}", file=sys.stderr)


class Progress:
    """How far a run has come, shown by rank 0.

    Parameters
    ----------
    total : float
        Simulated time at the end, or another measure of the whole work, in `unit`.
    comm : Comm
    unit : str
        Unit of the times given, for the reader.
    begin : float
        Simulated time now (a restart does not begin at 0).
    log : callable (str), optional
        Gets every line that is not the bar: usually a Log.
    every : float
        Seconds of wall-clock time between two lines where there is no terminal.
    label : str
        Stands before every line shown, where several jobs share a terminal; then there is no bar.
    """

    def __init__(self, total, comm, unit="s", *, begin=0.0, log=lambda message: None, every=10.0, label=""):
        self._total, self._unit, self._begin, self._log, self._every = total, unit, begin, log, every
        self._label = label and f"{label}  "
        self._shows, self._bar = comm.rank == 0, None
        self._started = self._told = time.monotonic()
        if self._shows and not label and sys.stderr.isatty():
            import tqdm

            # Some terminals (docker -t, script) say that they have no size at all.
            sized = os.get_terminal_size(sys.stderr.fileno()).columns > 0
            size = {"dynamic_ncols": True} if sized else {"ncols": 80, "nrows": 24}
            self._bar = tqdm.tqdm(total=total, initial=begin, file=sys.stderr, **size,
                                  bar_format="{percentage:3.0f}%|{bar}| {n:.4g}/{total:.4g} " + unit
                                             + "{postfix} [{elapsed}<{remaining}]")

    def resume(self, now):
        """The run goes on at the simulated time `now`."""
        self._begin = now
        if self._bar is not None:
            self._bar.initial = self._bar.n = now

    def update(self, now, note=""):
        """Show that the work has come to `now`, with a few more words on it."""
        if not self._shows:
            return
        if self._bar is not None:
            self._bar.set_postfix_str(note, refresh=False)
            self._bar.update(now - self._bar.n)
        if time.monotonic() - self._told >= self._every:
            self._told = time.monotonic()
            self._tell(self._line(now, note))

    def say(self, message):
        """Show a message once, above the bar if there is one, and log it."""
        if self._shows:
            if self._bar is not None:
                self._bar.write(str(message), file=sys.stderr)
                self._log(message)
            else:
                self._tell(message)

    def close(self, message=None):
        """Take the bar away and say a last message."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
        if message is not None:
            self.say(message)

    def _tell(self, message):
        if self._bar is None:
            print(f"{self._label}{message}", flush=True)
        self._log(message)

    def _line(self, now, note):
        spent, done = time.monotonic() - self._started, now - self._begin
        left = spent * (self._total - now) / done if done > 0 else float("nan")
        return (f"{100 * now / self._total:5.1f} %  {now:.6g} of {self._total:.6g} {self._unit}  {note}  "
                f"{clock(spent)} gone, {clock(left)} left")


def clock(seconds):
    """A duration as h:mm:ss; a question mark if it is not known."""
    if not seconds < 3e6:
        return "?"
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"
