"""The figures of README.md, made anew: runs the decks, draws with the scripts of this directory, and makes the images small.

    python postprocess/gallery.py [NAME ...] [--quick] [--runs run/output/gallery] [--out postprocess/gallery]

Without NAME all of them, which takes minutes; the rigidity scan alone, half an hour. A run that is finished in --runs is not
repeated, and one that is not is gone on with.
"""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from common import Arguments, script
from PIL import Image

from hpccr.deck import library, reader
from hpccr.errors import InputError
from hpccr.problems import registry

HERE = Path(__file__).resolve().parent
# Lines and text on white need no more.
COLOURS, WIDEST = 96, 1100      # pixels


@dataclass(frozen=True)
class Figure:
    """An image of the gallery: the deck that is run, the script that draws it, and which of the script's figures it is."""

    deck: str
    script: str
    figure: str


FIGURES = {
    "beam_excess": Figure("beam", "beam.py", "beam_excess"),
    "cloud_cnm": Figure("cloud_cnm", "cloud.py", "profiles"),
    "feedback_edge": Figure("feedback_d27", "feedback.py", "edge"),
    "fieldlines": Figure("fieldlines", "fieldlines.py", "fieldlines"),
    "focused_front": Figure("focused_front", "focused.py", "profiles"),
    "rigidity_scan": Figure("orbits_rigidity_scan", "rigidity_scan.py", "scan"),
    "transport_slab": Figure("transport_slab", "transport.py", "transport"),
}


def ran(deck, quick, runs):
    """The directory of the finished run or scan of a deck: Path.

    Raises
    ------
    InputError
        The run does not end well.
    """
    directory = runs / (f"{deck}_quick" if quick else deck)
    scan = reader.read(library.find(deck), problems=registry).scan is not None
    if (directory / "summary.json").is_file():
        return directory
    words = ["restart", directory] if (directory / "deck.toml").is_file() else \
        ["scan" if scan else "run", deck, "--out", directory, *(["--quick"] if quick else [])]
    made(runs)
    command = ["mpirun", "-n", "2", sys.executable, "-m", "hpccr", *map(str, words)]
    done = subprocess.run(command)
    if done.returncode:
        raise InputError("this run did not end well", where=" ".join(command), given=f"status {done.returncode}")
    return directory


def made(directory):
    """Make a directory if need be.

    Raises
    ------
    InputError
        It cannot be made.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot write: {error.strerror or error}", where=directory) from None


def drawn(figure, directory):
    """The image of a Figure, of the run in `directory`: Path.

    Raises
    ------
    InputError
        The script does not end well, or leaves the figure out.
    """
    command = [sys.executable, str(HERE / figure.script), str(directory)]
    done = subprocess.run(command, stdout=subprocess.DEVNULL)
    if done.returncode:
        raise InputError("this script did not end well", where=" ".join(command), given=f"status {done.returncode}")
    path = directory / "figures" / f"{figure.figure}.png"
    if not path.is_file():
        raise InputError(f"the figure {figure.figure} was not drawn", where=" ".join(command), allowed="a run that has what it shows")
    return path


def small(path, target):
    """Write the image in `path` to `target`, with few colours and not too wide.

    Raises
    ------
    InputError
        It cannot be read or written.
    """
    try:
        with Image.open(path) as image:
            image = image.convert("RGB")
            if image.width > WIDEST:
                image = image.resize((WIDEST, round(image.height * WIDEST / image.width)), Image.Resampling.LANCZOS)
            image.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(target, optimize=True)
    except OSError as error:
        raise InputError("cannot be made small", where=path, given=f"{target}: {error.strerror or error}") from None


def main():
    """Read the command line, run and draw."""
    parser = Arguments(prog="gallery.py", description=__doc__.split("\n")[0])
    parser.add_argument("names", metavar="NAME", nargs="*", help=f"some of {', '.join(FIGURES)}; by default all")
    parser.add_argument("--quick", action="store_true", help="of the quick forms of the decks")
    parser.add_argument("--runs", default=HERE.parent / "run" / "output" / "gallery", type=Path, help="where the runs are")
    parser.add_argument("--out", default=HERE / "gallery", type=Path, help="where the images go")
    given = parser.parse_args()
    for name in given.names:
        if name not in FIGURES:
            raise InputError("no such figure", given=name, allowed=", ".join(FIGURES))
    if shutil.which("mpirun") is None:
        raise InputError("there is no mpirun on the path", allowed="after: . run/environment")
    made(given.out)
    for name in given.names or FIGURES:
        figure = FIGURES[name]
        directory = ran(figure.deck, given.quick, given.runs)
        small(drawn(figure, directory), given.out / f"{name}.png")
        print(given.out / f"{name}.png", (given.out / f"{name}.png").stat().st_size, "bytes")


if __name__ == "__main__":
    script(main)
