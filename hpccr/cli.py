"""The command hpccr: list, check, run, restart, scan, info, bench.

Whatever a user can get wrong ends with one message on stderr and exit status 2; a run that cannot go on, with
status 1; a run that was stopped and can be restarted, with 75. Under an MPI launcher rank 0 alone speaks, and all
ranks leave together with the same status: a launcher kills the others as soon as one fails, rank 0 with its
message among them.
"""

import contextlib
import os
import sys
import time
import traceback

import click

from hpccr import __version__, parallel
from hpccr.deck.messages import nearest
from hpccr.errors import InputError, RunError, no_memory

# How long the ranks wait for each other at the end. Longer, and one that never comes would hang the job.
_PATIENCE = 20.0    # s


class _Commands(click.Group):
    def resolve_command(self, ctx, args):
        """The command that the first word names; an unknown one is answered with the nearest."""
        if args and self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            known = self.list_commands(ctx)
            raise InputError("unknown command", given=args[0], allowed=", ".join(known), nearest=nearest(args[0], known))
        return super().resolve_command(ctx, args)

    def list_commands(self, ctx):
        """The commands, in the order in which a user meets them."""
        return list(self.commands)


class _Solving(click.Command):
    def collect_usage_pieces(self, ctx):
        """The words of the usage line, PETSc's options last."""
        return [*super().collect_usage_pieces(ctx), "[-- PETSC OPTIONS]"]


_set = click.option("--set", "overrides", multiple=True, metavar="SECTION.KEY=VALUE",
                    help='Replace a value of the deck, as --set source.radius="20 pc"; may be given more than once.')
_quick = click.option("--quick", is_flag=True, help="Take the quick form, half a minute at most on two ranks: "
                      "what the deck's table [quick] replaces, before --set.")
_walltime = click.option("--walltime", metavar="TIME",
                         help='Write a checkpoint and stop before this wall-clock time is over, as "2h" or "90 min".')

# What the exit statuses mean.
STATUSES = {0: "done", 1: "the run could not go on; what there was last is in its checkpoints",
            2: "something is wrong with the deck or the command",
            75: "stopped by a signal or the wall-clock limit; hpccr restart goes on", 130: "interrupted before a run began"}


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]},
             epilog="\n".join(["\b", "Exit statuses:", *(f"  {status:<3}  {meaning}" for status, meaning in STATUSES.items())]))
@click.version_option(__version__, prog_name="hpccr")
def hpccr():
    """Cosmic-ray escape and transport, in parallel.

    A DECK says what is computed: the path of a TOML file, or the name of a deck that `hpccr list` shows. Started by
    `mpirun -n N`, run, restart and scan share their work among N ranks.
    """


@hpccr.command("list")
@click.option("--deck", metavar="NAME", help="Print every key that this deck may have, with unit, default, range and meaning.")
@click.option("--problem", metavar="NAME", help="The same for the decks of a problem.")
@click.option("--reference", is_flag=True,
              help="Print the reference of all commands, deck keys and output variables (run/REFERENCE.md); takes some seconds.")
def list_(deck, problem, reference):
    """Show problems, decks and what each reproduces."""
    if reference:
        return _print_reference()
    from hpccr.reference import catalogue

    return _on_root(lambda: _tell(catalogue.keys(deck or problem) if deck or problem else catalogue.catalogue()))


@hpccr.command()
@click.argument("deck")
@_set
@_quick
def check(deck, overrides, quick):
    """Validate DECK and print what follows from it.

    Derived quantities such as speeds and scales, the grid, memory and cost, and warnings. Nothing is run or written.
    """
    def report():
        resolved = _read(deck, overrides, quick)
        from hpccr import driver

        _tell(driver.check(resolved))
        if resolved.scan is not None:
            from hpccr.driver import scan as scans

            _tell("\n" + scans.report(resolved))

    return _on_root(report)


@hpccr.command(cls=_Solving)
@click.argument("deck")
@click.option("--out", metavar="DIR", help="Run directory, new or empty; by default the deck's name.")
@_set
@_quick
@_walltime
@click.option("--resume", is_flag=True, help="Go on with the run of this deck if it is begun in that directory: for scripts that are started again.")
@click.pass_obj
def run(petsc, deck, out, overrides, quick, walltime, resume):
    """Run DECK in a new directory.

    What stands after -- goes to PETSc, as -- -log_view, with problems whose decks have [solver]; the others do without PETSc
    and refuse it. A table [scan] in the deck is left aside.
    """
    from hpccr.deck.reader import Deck
    from hpccr.problems import registry

    limit = _seconds(walltime)
    content = _on_root(lambda: _base(_read(deck, overrides, quick)).to_dict())
    from hpccr import driver

    return driver.run(Deck.from_dict(content, registry), out or _name(content), limit, petsc, resume)


@hpccr.command(cls=_Solving)
@click.argument("directory", metavar="DIR")
@_walltime
@click.pass_obj
def restart(petsc, directory, walltime):
    """Go on with the run or the scan in DIR.

    From its last checkpoints, on any number of ranks. What stands after -- goes to PETSc, as with hpccr run.
    """
    from hpccr.output import rundir

    limit = _seconds(walltime)
    if _on_root(lambda: rundir.is_scan(directory)):
        from hpccr.driver import scan as scans

        if petsc:
            raise InputError("options for PETSc", where="--", given=" ".join(petsc), allowed="for single runs only")
        return scans.restart(directory, limit)
    from hpccr import driver

    return driver.restart(directory, limit, petsc)


@hpccr.command()
@click.argument("deck")
@click.option("--out", metavar="DIR", help="Directory of the scan, new, empty or begun by this scan; by default the deck's name.")
@_set
@_quick
@_walltime
@click.option("--groups", type=int, metavar="N",
              help="Split the ranks into N groups; by default as many as ranks, at most as many as points.")
def scan(deck, out, overrides, quick, walltime, groups):
    """Run every point of the table [scan] of DECK.

    Groups of ranks take a point at a time. Called again with the same deck, it goes on: no finished point is repeated.
    """
    from hpccr.deck.reader import Deck
    from hpccr.problems import registry

    limit = _seconds(walltime)
    content = _on_root(lambda: _read(deck, overrides, quick).to_dict())
    from hpccr.driver import scan as scans

    return scans.run(Deck.from_dict(content, registry), out or _name(content), limit, groups)


@hpccr.command()
@click.argument("path", metavar="DIR|FILE")
def info(path):
    """Tell what is inside a run directory or an output file.

    The directory of a run or of a scan, a snapshot, or a checkpoint.
    """
    def describe():
        from hpccr import driver

        return _tell(driver.info(path))

    return _on_root(describe)


@hpccr.command()
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print the ratios as JSON.")
def bench(name, as_json):
    """Measure hpccr against its references, as ratios within one run.

    NAME is one benchmark; without it all are run, one after the other, for many minutes.
    """
    def measure():
        from hpccr import bench as room

        return room.run(name, as_json)

    return _on_root(measure)


# -- what the commands share ---------------------------------------------------------------------------------


def _on_root(function):
    """The result of `function()`, which rank 0 alone calls; without a launcher, MPI is not even touched."""
    return parallel.world().on_root(function) if parallel.launched() else function()


def _tell(text):
    click.echo(text.rstrip("\n"))


def _read(name, overrides, quick=False):
    """The deck of a name or path, with what --set and --quick replace."""
    from hpccr.deck import library, reader
    from hpccr.deck.messages import toml
    from hpccr.problems import registry

    deck = reader.read(library.find(name), overrides, problems=registry, quick=quick)
    if quick:
        replaced = ", ".join(f"{place} = {toml(value)}" for place, value in deck.quick.items())
        _tell(f"quick form of {deck.path}: {replaced or 'the deck as it is, for it has no [quick]'}")
    return deck


def _name(content):
    """The directory of a run of the deck, where none is given."""
    name = os.path.splitext(os.path.basename(content["path"]))[0]
    return f"{name}_quick" if content["quick"] else name


def _base(deck):
    """The deck without its scan, of which it tells."""
    if deck.scan is not None:
        from hpccr.deck import scan as scans

        _tell(f"the deck's [scan] of {scans.count(deck.scan)} points is left aside: this is the base point alone")
    return deck.alone()


def _seconds(text):
    """The wall-clock limit [s] that `text` states, or None."""
    if text is None:
        return None
    from hpccr import units

    try:
        limit = units.parse(text, "s")
    except units.QuantityError as error:
        raise InputError(error.what, where="--walltime", given=text, allowed='a time with unit, as "2h" or "90 min"',
                         nearest=error.nearest) from None
    if limit <= 0:
        raise InputError("out of range", where="--walltime", given=text, allowed="above 0")
    return limit


def _print_reference():
    """The reference of everything; it makes runs in small, each by one process."""
    if parallel.launched() and parallel.world().size > 1:
        raise InputError("the reference is made by one process", where="--reference", allowed="no mpirun, or one rank")
    from hpccr import reference

    _tell(reference.text(hpccr, STATUSES))


# -- the way in and the way out ------------------------------------------------------------------------------


def main(arguments=None):
    """Run the command line and exit.

    Parameters
    ----------
    arguments : list of str, optional
        By default those of the process.

    Raises
    ------
    SystemExit
        Always, with the exit status.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    with contextlib.ExitStack() as stack:
        if parallel.launch_rank() != 0:
            stack.enter_context(contextlib.redirect_stdout(stack.enter_context(open(os.devnull, "w"))))
        status, message = _outcome(arguments)
    _leave(status, message)


def _outcome(arguments):
    """Exit status of the command, and what is to be said about it."""
    try:
        return _dispatch(arguments), None
    except InputError as error:
        return 2, str(error)
    except RunError as error:
        return 1, str(error)
    except click.ClickException as error:
        return 2, _usage(error)
    except (KeyboardInterrupt, click.Abort):
        return 130, "interrupted"
    except MemoryError as error:
        return 1, str(no_memory(error))
    except BrokenPipeError:
        # The reader of our output has gone; nor may the interpreter's last flush complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1, None
    except OSError as error:
        # What the system refuses where nobody expects it, as when a disk goes away between two looks.
        return 1, f"{error.filename}: {error.strerror}" if error.filename else str(error)
    except Exception:       # noqa: BLE001 - one rank's failure must not leave the others waiting
        if not parallel.launched():
            raise
        sys.stderr.write(f"hpccr: rank {parallel.launch_rank()}:\n{traceback.format_exc()}")
        sys.stderr.flush()
        parallel.world().raw.Abort(1)


def _dispatch(arguments):
    """Call the command: int, its exit status."""
    arguments, petsc = _split(arguments)
    status = hpccr.main(arguments or ["--help"], prog_name="hpccr", standalone_mode=False, obj=petsc)
    sys.stdout.flush()
    return status or 0


def _split(arguments):
    """What comes before ``--``, and the PETSc options after it."""
    if "--" not in arguments:
        return arguments, []
    cut = arguments.index("--")
    before, petsc = arguments[:cut], arguments[cut + 1:]
    if petsc and before[:1] not in (["run"], ["restart"]):
        raise InputError("options for PETSc", where="--", given=" ".join(petsc), allowed="after hpccr run and hpccr restart only")
    return before, petsc


def _usage(error):
    """A click error in the form of ours."""
    near = (getattr(error, "possibilities", None) or [None])[0]
    context = getattr(error, "ctx", None)
    what = error.message or error.format_message() if near else error.format_message()
    return str(InputError(what.rstrip("."), allowed=context and context.get_usage().removeprefix("Usage: "), nearest=near))


def _leave(status, message):
    """Say `message` once, and exit with `status` on all ranks together."""
    rank, world = parallel.launch_rank(), None
    if status and parallel.launched():
        with contextlib.suppress(InputError):
            world = parallel.world()
        if world is None and rank != 0:
            time.sleep(_PATIENCE)       # MPI does not join them: the first says so, whom the launcher kills when another has ended
    if message and (rank == 0 or world is not None and world.size == 1):
        sys.stderr.write(f"hpccr: {message}\n")
        sys.stderr.flush()
    if world is not None and not world.arrived(_PATIENCE):
        # This rank is alone with its error: the others would wait for it forever.
        if message and rank != 0:
            sys.stderr.write(f"hpccr: rank {rank}: {message}\n")
            sys.stderr.flush()
        world.raw.Abort(status)
    if message and parallel.launched():
        # At once: PETSc and HDF5 would clean up together, and after an error the ranks differ in what is left to them.
        sys.stdout.flush()
        os._exit(status)
    sys.exit(status)
