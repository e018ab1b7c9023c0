"""The commands with their arguments and options, from the command line's own declarations."""

from hpccr.reference.markdown import code, plain, table


def commands(group, statuses):
    """All commands as Markdown.

    Parameters
    ----------
    group : click.Group
    statuses : dict
        What each exit status means.
    """
    parts = [_told(group), *(_command(name, command) for name, command in group.commands.items())]
    return "\n".join([*parts, "### Exit statuses\n",
                      table(["status", "meaning"], [(str(status), plain(meaning)) for status, meaning in statuses.items()])])


def _command(name, command):
    with command.context_class(command) as context:
        usage = " ".join(["hpccr", name, *command.collect_usage_pieces(context)])
    rows = [(code(" ".join([", ".join(one.opts), *([one.metavar] if one.metavar else [])])), plain(one.help))
            for one in command.params if one.param_type_name == "option"]
    parts = [f"### hpccr {name}\n", f"    {usage}\n", _told(command)]
    return "\n".join(parts + ([table(["option", "meaning"], rows)] if rows else []))


def _told(command):
    """The help text, a line for each of its paragraphs."""
    return "\n".join(f"{plain(' '.join(part.split()))}\n" for part in command.help.split("\n\n"))
