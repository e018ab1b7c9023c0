"""The numbers of a scan of orbits, for rigidity_scan.py: on the screen and in scan.csv."""

import csv
import math
from pathlib import Path

from ensembles import DOUBTS, measured

from hpccr.errors import InputError

# Along and across the mean field.
ROWS = ("par", "perp")


def table(scan):
    """The numbers: header and rows, each a list. Errors of slopes are those of independent points.

    Returns
    -------
    list of str, list of list
    """
    keys = [key for key, _ in scan.points[0].others] + list(scan.points[0].along)
    header = ["rigidity [L_c]", "kind", "eta", *keys]
    for row in ROWS:
        header += [f"lambda_{row} [L_c]", f"lambda_{row}_error [L_c]", f"slope_{row}", f"slope_{row}_error", f"plateau_{row}"]
    rows = []
    for p in scan.points:
        line = [p.rigidity, p.kind, p.eta, *(value for _, value in p.others), *p.along.values()]
        for row in ROWS:
            line += [p.path[row], p.error[row], p.slope[row], p.slope_error[row], "" if math.isnan(p.flat[row]) else int(p.flat[row])]
        rows.append([*line, p.directory])
    return [*header, "directory"], rows


def show(scan):
    """Print the numbers, aligned."""
    keys = [key.split(".")[-1] for key, _ in scan.points[0].others]
    lines = [["r_g/L_c", "kind", "eta", *keys, "lambda_par/L_c", "slope", "lambda_perp/L_c", "slope", ""]]
    for p in scan.points:
        line = [f"{p.rigidity:.4g}", p.kind, f"{p.eta:.4g}", *(str(value) for _, value in p.others)]
        for row in ROWS:
            line += [measured(p.path[row], p.error[row]), measured(p.slope[row], p.slope_error[row]).replace("nan", "-")]
        said = [f"{DOUBTS[False]}: {row}" for row in ROWS if p.flat[row] == 0] + [f"{DOUBTS[None]}: {row}" for row in ROWS if math.isnan(p.flat[row])]
        line.append(", ".join(said))
        lines.append(line)
    widths = [max(map(len, column)) for column in zip(*lines)]
    for line in lines:
        print("  ".join(word.ljust(width) for word, width in zip(line, widths)).rstrip())
    if any(p.slope_error[row] > 0 for p in scan.points for row in ROWS):
        print("errors of slopes are those of independent points; points of one seed share random numbers, and they are mostly too large")
    if scan.missing:
        few = ", ".join(scan.missing[:5]) + (", ..." if len(scan.missing) > 5 else "")
        print(f"{len(scan.missing)} of {len(scan.missing) + len(scan.points)} points are not finished: {few}")


def write(scan, out):
    """Write them to scan.csv in the directory `out`.

    Raises
    ------
    InputError
        It cannot be written.
    """
    header, rows = table(scan)
    path = Path(out) / "scan.csv"
    try:
        with path.open("w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(header)
            writer.writerows(rows)
    except OSError as error:
        raise InputError(f"cannot write: {error.strerror or error}", where=path) from None
    print(path)
