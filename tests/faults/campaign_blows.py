"""Blows that end a run early: sudden death, signals, the wall-clock limit. It is then finished, and compared."""

import os
import signal

from campaign_runs import MOMENTS, begin, over, processes, unfinished, wait_for
from jobs import newest
from launch import kill, ranks

from hpccr.driver.job import STOPPED

# So many blows fall on a run before it may finish.
CHAIN = 8
SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)


class Death:
    """SIGKILL to all processes at once, to one rank, or to the launcher."""

    def __init__(self, n, dice):
        self.moment, self.words = dice.choice(MOMENTS), ()
        self.victim = dice.choice(("all", "one rank", "one rank", "launcher")) if n else "all"
        self._dice = dice

    def strike(self, process):
        """Kill."""
        if self.victim == "all":
            kill(process)
            return
        alone = list(ranks(process).values())
        if not alone:
            self.victim = "launcher"        # it has started none yet
        os.kill(self._dice.choice(alone) if self.victim == "one rank" else process.pid, signal.SIGKILL)

    def judge(self, status, said):
        """How it ended; there is no rule for that."""
        return f"{self.victim}, {self.moment}"


class Request:
    """SIGTERM, SIGUSR1 or SIGINT to one rank or to the launcher."""

    def __init__(self, n, dice):
        self.moment, self.words = dice.choice(MOMENTS), ()
        self.number, self.to = dice.choice(SIGNALS), dice.choice(("launcher", "rank")) if n else "run"
        self._dice = dice

    def strike(self, process):
        """Send the signal."""
        alone = list(ranks(process).values())
        if self.to == "rank" and not alone:
            self.to = "launcher"            # it has started none yet
        struck = [self._dice.choice(alone)] if self.to == "rank" else alone
        # Python itself takes a moment to start: until it listens a signal is the end, of nothing.
        self._early = not struck or not all(map(_listens, struck))
        os.kill(struck[0] if self.to == "rank" else process.pid, self.number)

    def judge(self, status, said):
        """README: status 75, or the launcher's own where it kills the ranks; 0 if it was at its end."""
        what = f"{self.number.name} to {self.to}"
        launcher = self.to == "launcher" and self.number != signal.SIGUSR1
        early = self._early and status in (-self.number, 128 + self.number, 1)
        assert status in (0, STOPPED) or early or launcher and status, f"{what}: status {status}\n{said[-3000:]}"
        if status == STOPPED:
            assert f"stopped by {self.number.name}" in said and "hpccr restart" in said, said[-3000:]
        told = "of its own" if launcher and status not in (0, STOPPED) else status
        return f"{what}: status {told}{' before it began' if early else ''}"


def _listens(pid):
    """Whether a process has taken SIGUSR1 into its hands."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            masks = dict(line.split(":", 1) for line in file if line.startswith(("SigCgt", "SigIgn")))
    except OSError:
        return False
    return bool(sum(int(mask, 16) for mask in masks.values()) >> (signal.SIGUSR1 - 1) & 1)


class Limit:
    """--walltime."""

    moment = None

    def __init__(self, n, dice):
        self.words = ("--walltime", f"{0.01 + 6.0 * dice.random():.2f} s")

    def strike(self, process):
        """The clock does it."""

    def judge(self, status, said):
        """Status 75, or 0 if the time was enough."""
        assert status in (0, STOPPED), f"status {status}\n{said[-3000:]}"
        assert status == 0 or "stopped by the wall-clock limit" in said, said[-3000:]
        return f"--walltime: status {status}"


def strike(case, out, row, blow, n):
    """Run or go on with a case on `n` ranks and strike it; whether the blow fell, and was not too late."""
    process = begin(case, out, n, *blow.words)
    try:
        if blow.moment is not None:
            wait_for(blow.moment, case, out, process, blow._dice)
            if over(process, row):
                return False
        before, pids = case.checkpoints(out), processes(process)
        row.tried, row.ranks = row.tried + 1, sorted({*row.ranks, n})
        busy = bool(unfinished(out))
        blow.strike(process)
        status, said, err = row.end(process, pids)
    finally:
        kill(process)
    row.met += bool(unfinished(out)) or busy
    lost = [run for run, step in before.items() if _lost(run, step)]
    row.lost += len(lost)
    assert not lost, f"a checkpoint was lost of {before}"
    row.hear(said, err)
    row.how[blow.judge(status, said + err)] += 1
    return True


def _lost(run, step):
    """Whether a run has not got an intact checkpoint any more that is as new as that of `step`."""
    try:
        return newest(run) < step
    except AssertionError:
        return True


def chain(case, place, row, blows, ranks_):
    """Strike a run again and again, let it finish, compare; the next blows fall on a new run.

    Parameters
    ----------
    case, row : Case, Row
    place : Path
    blows : list of callable (n), giving a Death, Request or Limit for `n` ranks
    ranks_ : callable ()
        How many ranks the next start shall have.
    """
    left, runs = list(blows), 0
    while left and runs < 3 * len(blows) + 3:
        out, used, runs = place / f"{runs}", set(), runs + 1
        with row.noted(f"run {out}"):
            for _ in range(CHAIN):
                if not left or case.finished(out):
                    break
                n = ranks_()
                used.add(n)
                if strike(case, out, row, left[-1](n), n):
                    left.pop()
            case.settle(out, n, used)
            continue
        # The blow that showed a fault.
        del left[-1:]
