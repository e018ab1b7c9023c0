"""The few forms of Markdown that the reference needs."""

import re


def table(head, rows):
    """A table with the columns `head` (list of str) and `rows` (tuples of str): str."""
    lines = [" | ".join(head), " | ".join("---" for _ in head), *(" | ".join(map(_cell, row)) for row in rows)]
    return "\n".join(f"| {line} |" for line in lines) + "\n"


def plain(text):
    """`text` so that nothing in it is taken for a tag: averages stand in angle brackets."""
    return text.replace("<", "&lt;").replace(">", "&gt;")


def code(text):
    """`text` as it stands in a file or on the command line."""
    return f"`{text}`"


def link(title):
    """A link to the heading `title` of the same file, by the rule of GitHub."""
    return f"[{title}](#{re.sub(r'[^a-z0-9 _-]', '', title.lower()).replace(' ', '-')})"


def _cell(text):
    return text.replace("|", "\\|")
