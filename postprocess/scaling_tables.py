"""The tables of a scaling study as Markdown, for scaling.py."""

from pathlib import Path

from hpccr.bench import cost_model
from hpccr.errors import InputError

MODES = {"strong": "fixed size", "weak": "size ∝ ranks"}
PHASES = {"set-up": "setting up", "start": "the first state and its files", "steps": "a step, or a deal of an ensemble",
          "output": "a snapshot and a checkpoint", "end": "the rest of an ensemble, and its results"}
COUNTS = {"messages": "messages", "bytes": "bytes sent", "collectives": "collective calls", "received": "bytes from collectives"}
# No count per rank may grow faster.
LIMIT = "log P"

HEAD = """# How hpccr scales

{date}, hpccr {hpccr}; {machine}; Python {python}, mpi4py {mpi4py}, petsc4py {petsc4py}, h5py {h5py}, NumPy {numpy}, Numba {numba}.
Made by `hpccr bench scaling --json > scaling.json` and `python postprocess/scaling.py scaling.json --table {file}`.

**What was counted.** Every problem ran on {ranks} ranks, more than there are cores, at a fixed size (strong) and at one that grows with
the ranks (weak). Each rank's calls of MPI were counted, with those that PETSc counts itself; what HDF5 and MPI-IO pass among themselves is
not in it. A message sent and one received are half a message each. Bytes received from collective calls are those that reach a rank:
of a gather on all ranks all rows, of a gather on one rank nothing elsewhere. Numbers are of the rank that has most.
Growth, from 4 ranks on: *constant* where numbers differ by at most {holds:.0%}, else the first of *log P*, *sqrt P*, *P* from
which none is further than {holds:.0%} of their range, else *below log P* where doubling the ranks adds less and less, or the power
P^x that comes nearest; *falls* is less than constant.
"""

# What is known to grow with the size of the problem, and so with the ranks where the size does.
STATED = """Some bytes from collective calls grow with the length of an axis or the number of units, and so with the ranks where these do. By design these are:
sums and profiles along one axis, which are put together on every rank for output; the results of an ensemble at its end, which rank 0 puts
together, after as many deals as the time takes; and a few bytes of each rank that rank 0 gathers for the check of a checkpoint. The positions
of the cells along an axis, and what else depends on them alone, are whole on every rank, too."""


def write(study, file):
    """Write the tables of a scaling.Study to a file.

    Raises
    ------
    InputError
        It cannot be written.
    """
    text = "\n".join([_head(study, file), *_steps(study), *_phases(study), *_held(study), *_model(study)]) + "\n"
    try:
        Path(file).write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write: {error.strerror}", where=file) from None
    print(file)


def _head(study, file):
    found = study.found
    *first, last = map(str, found["ranks"])
    return HEAD.format(date=found["date"], machine=found["machine"], ranks=f"{', '.join(first)} and {last}" if first else last, file=file,
                       holds=cost_model.HOLDS, **found["versions"])


def table(head, rows):
    """A Markdown table: list of lines."""
    return ["| " + " | ".join(head) + " |", "|" + "---|" * len(head), *("| " + " | ".join(map(str, row)) + " |" for row in rows), ""]


def number(value):
    """A count as short text."""
    return f"{value:.0f}" if value >= 100 or value == round(value) else f"{value:.3g}"


def _steps(study):
    """What a step takes at some numbers of ranks."""
    ranks = [n for n in study.found["ranks"] if n > 1]
    chosen = sorted({ranks[0], ranks[len(ranks) // 2], ranks[-1]}) if ranks else []
    lines = ["## A step", "", "Per rank and step (of an ensemble, per deal), on " + ", ".join(map(str, chosen)) + " ranks.", ""]
    for mode, words in MODES.items():
        rows = []
        for name, case in study.cases.items():
            points = {point["ranks"]: point for point in case[mode]}
            cells = []
            for count in cost_model.COUNTS:
                values = " / ".join(number(points[n]["phases"]["steps"][count]["max"]) for n in chosen)
                cells.append(f"{values} ({case['growth'][mode]['steps'][count]})")
            size = " × ".join(map(str, points[chosen[-1]]["size"])) if chosen else ""
            rows.append([name, size, *cells])
        lines += [f"**{words.capitalize()}**", "", *table(["case", f"size at {chosen[-1] if chosen else 1}", *COUNTS.values()], rows)]
    return lines


def _phases(study):
    """The laws of the other phases, the worst of both modes, and what is worse than the limit."""
    def worst(case, phase, count):
        laws = {case["growth"][mode][phase][count] for mode in MODES}
        return max(laws, key=cost_model.speed)

    phases = [phase for phase in PHASES if phase != "steps"]
    lines = ["## Growth of all phases", "", f"The faster of both modes: {'; '.join(COUNTS.values())}.", ""]
    rows, faster = [], []
    for name, case in study.cases.items():
        cells = []
        for phase in phases:
            laws = [worst(case, phase, count) for count in cost_model.COUNTS]
            cells.append("—" if set(laws) <= {"none", "?"} and phase == "end" else "; ".join(laws))
        rows.append([name, *cells])
        faster += [(name, phase, count, worst(case, phase, count)) for phase in PHASES for count in cost_model.COUNTS
                   if cost_model.speed(worst(case, phase, count)) > cost_model.speed(LIMIT)]
    lines += table(["case", *(PHASES[phase] for phase in phases)], rows)
    if not faster:
        return [*lines, f"Nothing grows faster than {LIMIT} per rank.", ""]
    faster = [(name, PHASES[phase], COUNTS[count], law) for name, phase, count, law in faster]
    return [*lines, STATED, "", f"Faster than {LIMIT}:", "", *table(["case", "phase", "count", "growth"], faster)]


def _held(study):
    """Memory, iterations and balance."""
    rows = []
    for name, case in study.cases.items():
        weak, strong = case["weak"], case["strong"]
        memory = [" → ".join(f"{weak[k]['memory'][which] / 2**20:.1f}" for k in (0, -1)) for which in ("mean", "max")]
        rows.append([name, memory[0], case["growth"]["weak"]["memory"], memory[1],
                     f"{number(weak[0]['krylov'])} → {number(weak[-1]['krylov'])}", case["growth"]["weak"]["krylov"],
                     number(weak[-1]["jacobians"]), "—" if strong[-1]["balance"] is None else f"{strong[-1]['balance']:.3g}"])
    first, last = study.found["ranks"][0], study.found["ranks"][-1]
    return ["## Memory, iterations, balance", "",
            f"From {first} to {last} ranks, size ∝ ranks. Memory is by how much the resident memory rose at most, of all ranks in the mean and of",
            "the one that has most, which collects what the others write; balance the load of the rank that has most over the mean.", "",
            *table(["case", "memory [MiB], mean", "its growth", "most", "Krylov iterations a step", "their growth", "Jacobians a step",
                    f"balance on {last}, fixed size"], rows)]


def _model(study):
    """The coefficients, and the check on two ranks."""
    link, rows = study.found["link"], []
    for name, case in study.cases.items():
        if case["model"] is None:
            continue
        rates, misfit, check = case["model"]["rates"], case["model"]["misfit"], case["check"]
        rows.append([name, f"{rates['a']:.3g}", f"{rates['c']:.3g}", f"{rates['b']:.3g}", f"{100 * misfit['rates']:.0f} %",
                     f"{100 * max(misfit[count] for count in cost_model.COUNTS):.0f} %", " × ".join(map(str, check["size"])),
                     " / ".join(f"{seconds:.3g}" for seconds in check["measured"]), f"{check['predicted']:.3g}", f"{check['ratio']:.2f}",
                     f"{case['model']['cut work']:.2f}" if case["model"]["cut work"] > 1 else "—"])
    if not rows:
        return []
    return ["## The cost model", "", *cost_model.__doc__.strip().splitlines()[1:], "",
            f"Measured with it: {link['message'] * 1e6:.3g} µs a message, {link['collective'] * 1e6:.3g} µs a reduction, "
            f"{1e-9 / link['byte']:.3g} GB/s between two ranks of this machine,",
            f"with a load of {study.found['load']:.1f} processes, others' among them. The check predicts two ranks from one. Where two ranks cut",
            "lines, what they take beyond the model is work that cut lines cost, and predictions of cut lines have it as a factor.", "",
            *table(["case", "a [s]", "c [s]", "b [s]", "misfit of the rates", "worst misfit of a count", "size", "step on 1 / 2 ranks [s]",
                    "model on 2 [s]", "model over measured", "work of cut lines"], rows)]
