"""What can befall the place where a run writes: the disk is full, nothing may be written, the directory vanishes or is renamed.

The run ends with status 1 (or 2, before it has begun) and one message. Where the place comes back it is gone on with.
"""

import os
import shutil
import subprocess
import time

from campaign_runs import begin, over, processes, unfinished, wait_for
from jobs import newest, small_disk
from launch import kill

# Starts a program without root's right to write everywhere.
MORTAL = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search")
# What the system says of each fault.
WORDS = {"full disk": ("disk full", "No space left"), "read-only": ("Read-only file system",), "no rights": ("Permission denied",),
         "vanished": ("No such file",), "vanished checkpoints": ("",), "renamed": ("No such file",), "unmounted": ("No such file",)}
# Where it goes away between one rank's opening of a file and another's, the kernel ends the job (README, the end of a run).
ALARM = 128 + 14


def strike(case, out, row, n, what, fault, dice, **options):
    """Run a case on `n` ranks, let `fault()` befall it at some moment, and see it end; whether it was struck.

    A fault that returns False could not be brought about.
    """
    process = begin(case, out, n, **options)
    try:
        wait_for(dice.choice(("start-up", "steps", "steps", "writing")), case, out, process, dice)
        while not (out / "deck.toml").exists() and process.poll() is None:
            time.sleep(0.001)
        if over(process, row):
            row.how[f"{what}: too late"] += 1
            return False
        pids, busy = processes(process), bool(unfinished(out))
        struck = fault() is not False
        # The directory of checkpoints is made again, and the run goes on to its end.
        goes_on = not struck or what == "vanished checkpoints"
        status, said, err = row.whole(process) if goes_on else row.end(process, pids)
    finally:
        kill(process)
    row.met += busy and struck
    told(row, what if struck else f"{what}, refused while a file is open", status, said, err)
    return struck


def told(row, what, status, said, err):
    """The end of a run at such a place: one message that names the fault, and status 1 or 2; 0 if it did not write any more.

    Or the alarm, where only some of the ranks have still met the place.
    """
    row.how[f"{what}: status {status}"] += 1
    row.hear(said, err, allowed=1 + err.count("no more log"))
    if status == ALARM and what in ("vanished", "renamed", "unmounted"):
        assert "Alarm clock" in err, err[-3000:]
        return
    assert status in (0, 1, 2), f"{what}: status {status}\n{err[-3000:]}"
    assert not status or any(word in err for word in WORDS.get(what, ())), f"{what}: status {status}\n{err[-3000:]}"


def full(case, place, row, n, dice):
    """A disk too small for the run, by any amount; then there is space again, and the same command goes on."""
    size = sum(path.stat().st_blocks // 2 for path in case.whole(n).rglob("*") if path.is_file())
    with small_disk(place / "disk", size * 3 + 1000) as disk:
        assert disk is not None, "a small tmpfs cannot be mounted here (needs root)"
        ballast = disk / "ballast"
        ballast.write_bytes(bytes(1024 * int(size * 3 + 1000 - size * dice.random() * 0.9)))
        out = disk / "run"
        told(row, "full disk", *row.whole(begin(case, out, n)))
        for run in case.runs(out):
            newest(run)
        ballast.unlink()
        case.settle(out, n, {n})


def read_only(case, place, row, n, dice):
    """A disk that is read-only when the run is gone on with; while a run has a file open the system itself refuses to make it so."""
    with small_disk(place / "disk", 1 << 20) as disk:
        assert disk is not None, "a tmpfs cannot be mounted here (needs root)"
        out = disk / "run"

        def close(mode="ro"):
            return subprocess.run(["mount", "-o", f"remount,{mode}", disk], capture_output=True, check=False).returncode == 0

        # A file open for writing keeps a tmpfs from that, so it is tried a few times.
        strike(case, out, row, n, "read-only", lambda: any(close() for _ in range(40)), dice)
        close()
        told(row, "read-only", *row.whole(begin(case, out, n)))
        for run in case.runs(out):
            newest(run)
        close("rw")
        case.settle(out, n, {n})


def no_rights(case, place, row, n, dice):
    """Directories that may not be written any more, for a user who has no more rights than others."""
    out = place / "run"

    def rights(mode):
        for path in [out, *out.rglob("*")]:
            if path.is_dir():
                os.chmod(path, mode)

    strike(case, out, row, n, "no rights", lambda: rights(0o555), dice, under=MORTAL)
    told(row, "no rights", *row.whole(begin(case, out, n, under=MORTAL)))
    rights(0o755)
    case.settle(out, n, {n})


def vanished(case, place, row, n, dice):
    """The directory, or that of its checkpoints, is removed under the run."""
    out = place / "run"
    what = dice.choice(("vanished", "vanished", "vanished checkpoints"))

    def remove():
        for gone in [out] if what == "vanished" else [run / "checkpoints" for run in case.runs(out)]:
            while gone.exists():
                shutil.rmtree(gone, ignore_errors=True)

    struck = strike(case, out, row, n, what, remove, dice)
    if struck and what == "vanished":
        left = [path for path in out.rglob("*") if path.name != "run.log"] if out.exists() else []
        assert not left, f"a vanished directory was made again: {left}"
        return
    case.settle(out, n, {n})


def renamed(case, place, row, n, dice):
    """The directory gets another name under the run, and its own again afterwards."""
    out, other = place / "run", place / "other"
    strike(case, out, row, n, "renamed", lambda: out.exists() and out.rename(other), dice)
    if other.exists():
        left = list(out.rglob("*")) if out.exists() else []
        assert not left, f"files where the directory was: {left}"
        other.rename(out)
    case.settle(out, n, {n})


def unmounted(case, place, row, n, dice):
    """The disk with the directory goes away under the run, as a file server does, and does not come back."""
    with small_disk(place / "disk", 1 << 20) as disk:
        assert disk is not None, "a tmpfs cannot be mounted here (needs root)"

        def away():
            subprocess.run(["umount", "-l", disk], check=True)

        try:
            strike(case, disk / "run", row, n, "unmounted", away, dice)
        finally:
            # small_disk wants to find one.
            if not os.path.ismount(disk):
                subprocess.run(["mount", "-t", "tmpfs", "tmpfs", disk], check=True)


FAULTS = (full, read_only, no_rights, vanished, renamed, unmounted)
