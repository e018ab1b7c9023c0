"""``python -m hpccr`` is the command hpccr."""

import contextlib
import signal
import sys

from hpccr.signals import Signals

# What a signal asks to stop with a checkpoint; other commands it simply ends.
_STOPPABLE = ("run", "restart", "scan")


def main():
    """Run the command line and exit. A run hears signals before anything else is imported, and none spoils the status of its end."""
    stoppable = sys.argv[1:2] and sys.argv[1] in _STOPPABLE
    try:
        with Signals(after=signal.SIG_IGN) if stoppable else contextlib.nullcontext():
            from hpccr import cli

            cli.main()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
