"""The gallery: every problem has a figure in it, README.md shows them all, and they are small."""

import importlib.util
import re
import sys
from pathlib import Path

from jobs import deck

import hpccr
from hpccr.problems import registry

ROOT = Path(hpccr.__file__).parents[1]
GALLERY = ROOT / "postprocess" / "gallery"


def figures(monkeypatch):
    """The table of postprocess/gallery.py."""
    monkeypatch.syspath_prepend(str(GALLERY.parent))
    found = importlib.util.spec_from_file_location("gallery", GALLERY.with_suffix(".py"))
    module = importlib.util.module_from_spec(found)
    monkeypatch.setitem(sys.modules, "gallery", module)
    found.loader.exec_module(module)
    return module.FIGURES


def test_every_problem_has_a_figure(monkeypatch):
    table = figures(monkeypatch)
    assert {deck(figure.deck).problem for figure in table.values()} == set(registry.names())
    assert all((GALLERY.parent / figure.script).is_file() for figure in table.values())
    assert {path.stem for path in GALLERY.iterdir()} == set(table)


def test_the_readme_shows_them_all():
    shown = re.findall(r"!\[[^]]+\]\(([^)]+)\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert sorted(shown) == sorted(f"postprocess/gallery/{path.name}" for path in GALLERY.iterdir())


def test_they_are_small():
    assert sum(path.stat().st_size for path in GALLERY.iterdir()) < 600_000
