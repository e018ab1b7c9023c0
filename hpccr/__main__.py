"""``python -m hpccr`` is the command hpccr."""

from hpccr.cli import main

if __name__ == "__main__":
    main()
