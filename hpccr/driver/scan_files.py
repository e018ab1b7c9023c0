"""The directory of a scan: what is where in it, how it begins, and for which scan it is.

    DIR/deck.toml, run.log         the deck with its [scan]; a line for each point begun or finished
    DIR/scan.json                  the keys, and directory and values of each point
    DIR/points/0000, …             ordinary run directories
    DIR/claims/SESSION/0000        made by the group that takes the point: os.mkdir succeeds for one group only
    DIR/claims/SESSION/stop        the signal that one of the ranks has heard
    DIR/claims/lock                held while a scan is at work here

No MPI here: rank 0 calls this.
"""

import contextlib
import json
import os
import shutil
import time
import uuid

import hpccr
from hpccr.deck import reader
from hpccr.deck import scan as scans
from hpccr.deck.reader import Deck
from hpccr.errors import InputError
from hpccr.output import rundir
from hpccr.problems import registry

CLAIMS = "claims"


def stored(directory):
    """The deck of a scan's directory (Deck), with the path from which it first came.

    Raises
    ------
    InputError
    """
    if not (directory / rundir.DECK).is_file():
        raise InputError("the deck of this scan is missing", where=str(directory),
                         allowed=f"`hpccr scan DECK --out {directory}` with the deck from which the scan was begun")
    deck = reader.read(directory / rundir.DECK, problems=registry)
    # Files that the deck names may stand beside the first deck.
    deck.path = _known(directory)["deck"]
    return deck


def _known(directory):
    """What scan.json says, or None where there is none."""
    try:
        content = json.loads((directory / rundir.SCAN).read_text(encoding="utf-8"))
        return {**content, **{key: content[key] for key in ("deck", "digest", "points")}}
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(f"{rundir.SCAN} is damaged or cannot be read", where=str(directory),
                         allowed="the file as `hpccr scan` wrote it; or another --out") from None


class ScanFiles:
    """The directory of one scan.

    Parameters
    ----------
    deck : Deck
    directory : Path

    Attributes
    ----------
    count : int
        Of the points.
    """

    def __init__(self, deck, directory):
        self.deck, self.directory, self._lock = deck, directory, None
        self.count = scans.count(deck.scan) if deck.scan else 0

    def name(self, number):
        """The name of a point's directory: str."""
        return f"{number:0{max(4, len(str(self.count - 1)))}d}"

    def place(self, number):
        """A point's directory inside that of the scan: str."""
        return f"{rundir.POINTS}/{self.name(number)}"

    def told(self, number):
        """The values of a point as text."""
        return scans.told(scans.values(self.deck.scan, number))

    def look(self):
        """The numbers of the finished points, touching nothing.

        Raises
        ------
        InputError
            The deck has no scan, or the directory holds something else.
        """
        deck, directory = self.deck, self.directory
        if deck.scan is None:
            raise InputError("this deck has no [scan]", where=deck.path,
                             allowed='[scan] with lists of values, as "section.key" = [ … ]; for a single run: hpccr run')
        for key in filter(deck.is_set, scans.keys(deck.scan)):
            raise InputError("this key is varied by [scan]", where=f"--set {key}",
                             allowed=f"--set 'scan.{key}=[ … ]' for other values")
        try:
            return self._finished()
        except OSError as error:
            raise InputError(f"the scan's directory cannot be read: {error.strerror}", where=str(directory)) from None

    def _finished(self):
        """The numbers of the finished points, or a refusal of the directory."""
        directory = self.directory
        known = _known(directory)
        if known is not None:
            return [number for number, point in enumerate(known["points"])
                    if (directory / point["directory"] / rundir.SUMMARY).is_file()]
        if directory.exists() and not directory.is_dir():
            raise InputError("this is not a directory", where=str(directory), allowed="a new or an empty directory")
        names = sorted(os.listdir(directory)) if directory.is_dir() else []
        if rundir.DECK in names:
            raise InputError("this directory holds a single run", where=str(directory), allowed="another --out")
        # What a beginning leaves that was cut short.
        if set(names) - {rundir.SCAN + ".tmp", rundir.POINTS, CLAIMS} or any((directory / rundir.POINTS).glob("*")):
            raise InputError("this directory is not empty", where=str(directory), given=", ".join(names[:5]),
                             allowed="a new or an empty directory, or that of this scan")
        return []

    def open(self, digest):
        """Make the directory, or go on in it, and forget the claims of past sessions.

        Parameters
        ----------
        digest : str
            Of the decks of all points.

        Returns
        -------
        str
            The name of this session, whose claims stand in claims/NAME.

        Raises
        ------
        InputError
            The directory is another scan's, or cannot be written, or a scan is at work in it.
        """
        known = _known(self.directory)
        if known is not None and known["digest"] != digest:
            self._compare()
        try:
            for name in (rundir.POINTS, CLAIMS):
                (self.directory / name).mkdir(parents=True, exist_ok=True)
            self._lock = rundir.hold(self.directory / CLAIMS / "lock", "scan")
            if known is None:
                self._describe(digest)
            if not (self.directory / rundir.DECK).is_file():
                rundir.write_text(self.directory / rundir.DECK,
                                  f"# Deck of a scan of {self.count} points, from {self.deck.provenance()}\n"
                                  f"# hpccr {hpccr.__version__}\n\n{self.deck.as_toml()}")
            for old in (self.directory / CLAIMS).iterdir():
                if old.is_dir():
                    shutil.rmtree(old)
            session = f"{time.strftime('%Y%m%dT%H%M%S')}-{uuid.uuid4().hex[:12]}"
            (self.directory / CLAIMS / session).mkdir()
        except OSError as error:
            raise InputError(f"the scan's directory cannot be made: {error.strerror}", where=str(self.directory),
                             allowed="a directory that you may write, on a disk with space left") from None
        return session

    def _describe(self, digest):
        points = [{"directory": self.place(number), "values": scans.values(self.deck.scan, number)}
                  for number in range(self.count)]
        rundir.write_json(self.directory / rundir.SCAN, {
            "deck": os.path.abspath(self.deck.path), "digest": digest, "content": self.deck.to_dict(),
            "keys": scans.keys(self.deck.scan), "points": points})

    def _first(self):
        """The deck from which the scan was begun, whatever has become of its deck.toml; that, where another hpccr has begun it."""
        with contextlib.suppress(InputError, KeyError, TypeError):
            return Deck.from_dict(_known(self.directory)["content"], registry)
        return stored(self.directory)

    def _compare(self):
        """Refuse a directory of another scan, with what differs."""
        other, mine = self._first(), self.deck
        if other.scan is None:
            raise InputError("the deck of this scan has lost its [scan]", where=str(self.directory / rundir.DECK),
                             allowed="the file as `hpccr scan` wrote it; or another --out")
        keys = [scans.keys(deck.scan) for deck in (other, mine)]
        differ = [row for row in other.differences(mine) if row.partition(":")[0] not in set(keys[0]) & set(keys[1])]
        if keys[0] != keys[1]:
            differ.append(f"varied: {', '.join(keys[0])} != {', '.join(keys[1])}")
        elif scans.count(other.scan) != self.count:
            differ.append(f"points: {scans.count(other.scan)} != {self.count}")
        else:
            pairs = ([scans.told(scans.values(deck.scan, number)) for deck in (other, mine)] for number in range(self.count))
            differ += [f"{one} != {two}" for one, two in pairs if one != two][:1]
        # Without a difference only the digests are another hpccr's.
        if differ:
            raise InputError("this directory holds the scan of another deck", where=str(self.directory),
                             given="; ".join(differ), allowed="the deck as it was when the scan began, or another --out")

    def close(self):
        """Let others into the directory."""
        if self._lock is not None:
            self._lock.close()
