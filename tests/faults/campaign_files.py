"""What can befall the files of a run between two starts: damaged checkpoints, another deck, a wall clock that jumps."""

import os
import re
import shutil
import signal
import subprocess
import time

from campaign_runs import Case, begin, wait_for
from jobs import flip, newest, truncate
from launch import kill

from hpccr.deck.reader import read
from hpccr.errors import InputError
from hpccr.output import checkpoint
from hpccr.problems import registry

# -- damaged checkpoints ------------------------------------------------------------------------------------------


def _newer(path):
    """The header of a format that is still to come."""
    content = path.read_bytes()
    size, digest = re.search(rb"bytes (\d+)\ndigest (\w+)\n", content).groups()
    held, checkpoint.FORMAT = checkpoint.FORMAT, checkpoint.FORMAT + 1
    try:
        head = checkpoint._render(int(size), digest.decode())
    finally:
        checkpoint.FORMAT = held
    path.write_bytes(head + content[len(head):])


def _hdf5(path):
    import h5py

    path.unlink()
    with h5py.File(path, "w") as file:
        file["x"] = [1.0, 2.0, 3.0]


def _hole(path, dice):
    content = bytearray(path.read_bytes())
    place = dice.randrange(max(1, len(content) - 512))
    content[place:place + 512] = bytes(len(content[place:place + 512]))
    path.write_bytes(content)
    if checkpoint.check(path) is None:          # there were zeros before
        flip(path, place)


DAMAGES = {
    "truncated": lambda path, dice: truncate(path, dice.randrange(1, path.stat().st_size)),
    "bit flipped": lambda path, dice: flip(path, dice.randrange(path.stat().st_size), dice.randrange(8)),
    "empty": lambda path, dice: path.write_bytes(b""),
    "512 bytes of zeros": _hole,
    "longer": lambda path, dice: path.write_bytes(path.read_bytes() + b"\0" * dice.randrange(1, 5000)),
    "foreign HDF5": lambda path, dice: _hdf5(path),
    "foreign text": lambda path, dice: path.write_text("step = 2\n" * 1000),
}

# Where both checkpoints are damaged, or the newest is another's: what is said then.
REFUSED = {"both damaged": "no checkpoint can be used", "newer format": "newer hpccr", "of another run": "another deck"}


def left(case, place, row, dice):
    """A run that was stopped with two checkpoints: its directory, made once."""
    out = place / "left"
    # A scan may also be stopped between two points.
    while not (out.exists() and _begun(case, out) and all(len(_checkpoints(run)) == 2 for run in _begun(case, out))):
        shutil.rmtree(out, ignore_errors=True)
        process = begin(case, out, 0)
        try:
            wait_for("steps", case, out, process, dice)
            wait_for("steps", case, out, process, dice)
            process.send_signal(signal.SIGUSR1)
            row.end(process)
        finally:
            kill(process)
    return out


def _checkpoints(run):
    return sorted((run / "checkpoints").glob("*.h5"))


def _begun(case, out):
    """The runs that are not at their end."""
    return [run for run in case.runs(out) if not (run / "summary.json").exists()]


def _restart(case, out, row, n):
    return row.whole(begin(case, out, n))


def damaged(case, place, row, n, dice):
    """Of a run with two checkpoints the newest is damaged: the one before serves. If none can be used: status 2, nothing is changed."""
    whole = left(case, place, row, dice)
    for name in dice.sample(sorted(DAMAGES), 2):
        out = place / "damaged"
        shutil.copytree(whole, out)
        with row.trial(n, name):
            for run in _begun(case, out):
                DAMAGES[name](_checkpoints(run)[-1], dice)
            status, said, err = _restart(case, out, row, n)
            row.hear(said, err)
            assert status == 0 and said.count("is not used") == len(_begun(case, whole)), f"status {status}\n{said}\n{err}"
            case.compare(out, {0, n})
        shutil.rmtree(out)
    name = dice.choice(sorted(REFUSED))
    with row.trial(n, name):
        stranger = _stranger(case, place, dice) if name == "of another run" else None
        _refused(case, whole, row, n, name, stranger, dice)


def _refused(case, out, row, n, name, stranger, dice):
    for run in _begun(case, out):
        old, new = _checkpoints(run)
        if name == "both damaged":
            flip(old, dice.randrange(old.stat().st_size))
            truncate(new)
        elif name == "newer format":
            _newer(new)
        else:
            shutil.copy(stranger, new)
    before = _contents(out)
    status, said, err = _restart(case, out, row, n)
    row.hear(said, err)
    # A scan works through all its points, and then tells which have failed.
    assert status == (1 if case.scan else 2) and REFUSED[name] in err, f"status {status}\n{err[-3000:]}"
    if not case.scan:
        assert _contents(out) == before, "a refused restart has changed something"


def _contents(out):
    return {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}


def _stranger(case, place, dice):
    """A checkpoint of a run whose deck differs in one value."""
    deck = place / "stranger.toml"
    deck.write_text(read(case.path, ["output.checkpoint_every=1 h"], problems=registry).as_toml())
    other = Case(case.name, str(deck), place, case.exact, case.scan)
    process = begin(other, place / "stranger", 0)
    try:
        wait_for("steps", other, place / "stranger", process, dice)
    finally:
        kill(process)
    return max(place.glob("stranger/**/checkpoints/*.h5"))


# -- another deck -------------------------------------------------------------------------------------------------


def decks(case, place, row, n, dice):
    """Two keys of the stored deck are changed, one at a time: refused; with the deck as it was the run goes on."""
    out = left(case, place, row, dice)
    path = out / "deck.toml"
    kept = path.read_text()
    meant, settings = _means(path), [match.group(0) for match in re.finditer(r"^[\w.\"]+ = .*$", kept, re.M)]
    tried = 0
    for line in dice.sample(settings, len(settings)):
        changed = _other(line)
        if changed is None or tried == 2:
            continue
        path.write_text(kept.replace(line, changed, 1))
        if _means(path) == meant:
            continue
        tried += 1
        with row.trial(n, "a key changed"):
            status, said, err = _restart(case, out, row, n)
            row.hear(said, err)
            assert status == 2 and (line.split()[0].strip('"') in err or str(path) in err), f"{changed}: status {status}\n{said}\n{err}"
    path.write_text(kept)
    with row.trial(n, "the deck as it was"):
        case.settle(out, n, {0, n})


def _means(path):
    """What a deck means, its scan too; None if it is refused."""
    try:
        deck = read(str(path), problems=registry)
    except InputError:
        return None
    return deck.digest(), {key: value for key, value in (deck.scan or {}).items() if key != "groups"}


def _other(line):
    """A line of a deck with another value: a number that is larger, a flag turned over; None where there is no simple one."""
    key, _, value = line.partition(" = ")
    value, _, remark = value.partition("  #")
    flags = {"true": "false", "false": "true"}
    if value.strip() in flags:
        return f"{key} = {flags[value.strip()]}"
    number = re.search(r"\d+(\.\d+)?(e[+-]?\d+)?", value)
    if number is None:
        return None
    whole = re.fullmatch(r"\d+", number.group(0))
    new = str(int(number.group(0)) + 1) if whole else repr(float(number.group(0)) * 1.01)
    return f"{key} = {value[:number.start()]}{new}{value[number.end():]}"


# -- clocks -------------------------------------------------------------------------------------------------------

# Takes the place of the C library's clocks of the day, and leaves those that only count.
JUMPS = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* Twenty times a second the clock of the day jumps: years back, forth, or by an hour. */
static long jump(void) {
    static int (*real)(clockid_t, struct timespec *);
    static const long to[] = {0, 3600, -3600, 86400L * 400, -86400L * 4000, 86400L * 9000, -1, 1};
    struct timespec now;
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    real(CLOCK_MONOTONIC, &now);
    return to[(now.tv_sec * 20 + now.tv_nsec / 50000000 + getpid()) % 8];
}
int clock_gettime(clockid_t clock, struct timespec *time) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int status = real(clock, time);
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) time->tv_sec += jump();
    return status;
}
int gettimeofday(struct timeval *time, void *zone) {
    struct timespec now;
    int status = clock_gettime(CLOCK_REALTIME, &now);
    if (time) { time->tv_sec = now.tv_sec; time->tv_usec = now.tv_nsec / 1000; }
    return status;
}
time_t time(time_t *where) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (where) *where = now.tv_sec;
    return now.tv_sec;
}
"""


def jumping(place):
    """The library that lets the clock of the day jump, compiled into `place`: its path as text."""
    library = place / "jumps.so"
    if not library.exists():
        place.mkdir(parents=True, exist_ok=True)
        (place / "jumps.c").write_text(JUMPS)
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, place / "jumps.c", "-ldl"], check=True)
    return str(library)


def clocks(case, place, row, n, dice):
    """The wall clock jumps while the run is at work, killed in between; the files of the first part are of another time."""
    env = {"LD_PRELOAD": jumping(case.place.parent)}
    out = place / "run"
    with row.trial(n, "clock jumps, limit of an hour"):
        process = begin(case, out, n, "--walltime", "1 h", env=env)
        try:
            wait_for("steps", case, out, process, dice)
        finally:
            kill(process)
    for run in case.runs(out):
        newest(run)
    for path in [out, *out.rglob("*")]:
        then = time.time() + dice.choice((-1, 1)) * dice.random() * 3e8
        os.utime(path, (then, then))
    with row.trial(n, "files of another time, clock jumps"):
        status, said, err = row.whole(begin(case, out, n, "--walltime", "1 h", env=env))
        row.hear(said, err)
        assert status == 0, f"status {status}\n{said}\n{err}"
        case.compare(out, {n})


FAULTS = (damaged, decks, clocks)
