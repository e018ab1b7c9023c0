"""What fuzz.py has tried, as the tables of FUZZ.md."""

import contextlib
import datetime
import os
import platform
import re
from collections import Counter, defaultdict
from pathlib import Path

STATUS = {0: "valid", 1: "could not go on", 2: "refused", 75: "stopped by the clock"}
_HEAD = """# Nearly right decks

Decks of run/, made small and then changed by hypothesis. Each must be valid and run, or be refused with status 2 and one message that says
what was given, where, and what is allowed. Failed: a traceback, a Python warning, nan or inf in a report or a last snapshot, more or less
than one message, no end within 60 s, anything left behind by a refusal. Most of the decks that run are some that `hpccr check` accepts; one
in ten of them, and each with options for PETSc, is a command of its own, and the others follow each other on the same ranks, until the end
or `--walltime`. Times of checks are the processor's; those of runs depend on what else the machine does.
"""


def _counts(results, title, of):
    """A table of how the cases ended, row by row: list of lines."""
    ends = [status for status in STATUS if any(outcome.status == status for _, outcome in results)]
    rows = defaultdict(Counter)
    for case, outcome in results:
        for name in (of(case), "**all**"):
            rows[name]["tried"] += 1
            rows[name][outcome.status] += 1
            rows[name]["failed"] += bool(outcome.faults)
    lines = [f"| {title} | tried | {' | '.join(STATUS[end] for end in ends)} | failed |", "|---|" + "---:|" * (len(ends) + 2)]
    names = sorted(rows, key=lambda name: (name == "**all**", name))
    return lines + [f"| {name} | {rows[name]['tried']} | " + " | ".join(str(rows[name][end]) for end in ends) + f" | {rows[name]['failed']} |"
                    for name in names]


def _told(results, command):
    """The part of the table on one command: list of lines."""
    if not results:
        return []
    slowest = max(outcome.seconds for _, outcome in results)
    sorts = Counter(outcome.sort for _, outcome in results if outcome.status == 2)
    faults = Counter(fault for _, outcome in results for fault in outcome.faults)
    broken = [outcome.err.strip().replace("hpccr: ", "") for _, outcome in results if outcome.status == 1]
    surprises = Counter(re.sub(r"\s+", " ", outcome.err.split("hpccr: ")[-1]) for case, outcome in results if outcome.status == 2 and case.accepted)
    few = sum(count for _, count in sorts.items() if count < 5)
    lines = [f"## {command}", "", f"{len(results)} decks in {sum(outcome.seconds for _, outcome in results):.0f} s, the longest {slowest:.1f} s. "
             + ("Failed: " + ", ".join(f"{fault} ({count})" for fault, count in faults.items()) if faults else "None failed") + ".", ""]
    lines += _counts(results, "problem", lambda case: case.problem) + [""] + _counts(results, "kind of change", lambda case: case.kind)
    lines += ["", "| refused because | decks |", "|---|---:|", *(f"| {sort} | {count} |" for sort, count in sorts.most_common() if count >= 5)]
    lines += [f"| (other messages, each fewer than 5 times) | {few} |", ""]
    if surprises:
        lines += ["Accepted by check, refused by run:", "", *(f"- {text} ({count})" for text, count in surprises.most_common()), ""]
    if broken:
        lines += ["Could not go on:", "", *(f"- {text}" for text, _ in Counter(re.sub(r"\s+", " ", text) for text in broken).most_common()), ""]
    return lines


def table(checked, ran, words):
    """FUZZ.md (str) of two lists of (Case, Outcome), and what stood on the command line."""
    from importlib.metadata import version

    versions = ", ".join(f"{name} {version(name)}" for name in ("hpccr", "hypothesis", "numpy", "numba", "petsc4py", "mpi4py", "h5py"))
    head = [_HEAD,
            f"`python tests/faults/fuzz.py {words}`, {datetime.date.today()}, Python {platform.python_version()}, {versions}, "
            f"{os.cpu_count()} cores of {_processor()}.", ""]
    return "\n".join([*head, *_told(checked, "hpccr check"), *_told(ran, "mpirun hpccr run")]).rstrip() + "\n"


def _processor():
    with contextlib.suppress(OSError):
        return re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())[1]
    return platform.machine()
