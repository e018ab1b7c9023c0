"""postprocess/gallery.py: one message where an image cannot be made."""

import shutil
import subprocess

import pytest

pytest.importorskip("matplotlib")
image = pytest.importorskip("PIL.Image")


@pytest.fixture
def gallery(tmp_path, inside, monkeypatch):
    """Makes the image of a run that has ended, with a script that has a status and draws some figures: (status, stdout, stderr)."""
    def start(status, *figures, out=None):
        (tmp_path / "beam" / "figures").mkdir(parents=True)
        (tmp_path / "beam" / "summary.json").write_text("{}")

        def script(command, **_):
            for name in figures:
                image.new("RGB", (2200, 10)).save(tmp_path / "beam" / "figures" / f"{name}.png")
            return subprocess.CompletedProcess(command, status)

        monkeypatch.setattr(subprocess, "run", script)
        monkeypatch.setattr(shutil, "which", lambda name: name)
        return inside("gallery", "beam_excess", "--runs", tmp_path, "--out", out or tmp_path / "out")

    return start


def test_an_image_is_made_small(gallery, tmp_path):
    status, out, err = gallery(0, "beam_excess")
    assert status == 0 and not err and "beam_excess.png" in out
    with image.open(tmp_path / "out" / "beam_excess.png") as small:
        assert small.size == (1100, 5)


@pytest.mark.parametrize("arguments, words", [
    ((2, "beam_excess"), "this script did not end well"), ((0, "another"), "the figure beam_excess was not drawn")])
def test_a_script_that_does_not_draw(gallery, arguments, words):
    status, out, err = gallery(*arguments)
    assert status == 2 and not out and err.startswith("gallery.py: ") and words in err and "Traceback" not in err


@pytest.mark.parametrize("option", ["--out", "--runs"])
def test_a_directory_that_cannot_be_made(inside, monkeypatch, tmp_path, option):
    monkeypatch.setattr(shutil, "which", lambda name: name)
    places = {"--out": tmp_path / "out", "--runs": tmp_path, option: "/dev/null/x"}
    status, out, err = inside("gallery", "beam_excess", *(word for pair in places.items() for word in pair))
    assert status == 2 and not out and err.startswith("gallery.py: /dev/null/x: cannot write") and "Traceback" not in err
