"""Progress: a line now and then in a batch log, a bar on a terminal, stamped lines in run.log."""

import os
import pty
import re
import subprocess
import sys

from launch import environment

from hpccr.output.progress import Log, Progress, clock


def test_lines_without_a_terminal(tmp_path, solo, capsys):
    progress = Progress(100.0, solo, unit="kyr", log=Log(tmp_path / "run.log", solo), every=0.0)
    progress.say("start")
    progress.update(25.0, "step 3  iterations 40")
    progress.close("end")
    out = capsys.readouterr().out.splitlines()
    assert out[0] == "start" and out[-1] == "end"
    assert "25.0 %" in out[1] and "25 of 100 kyr" in out[1] and "step 3" in out[1] and "iterations 40" in out[1]
    logged = (tmp_path / "run.log").read_text().splitlines()
    assert [line[21:] for line in logged] == out
    assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  start", logged[0])


def test_quiet_between_lines(solo, capsys):
    progress = Progress(100.0, solo, every=1000.0)
    for step in range(50):
        progress.update(2.0 * step, f"step {step}")
    assert capsys.readouterr().out == ""


def test_log_that_cannot_be_written_is_told_once(solo, capsys):
    log = Log("/nowhere/run.log", solo)
    log("a")
    log("b")
    assert capsys.readouterr().err.count("no more log") == 1


def test_bar_on_a_terminal():
    code = ("import sys, time; from hpccr.parallel import world; from hpccr.output.progress import Progress\n"
            "p = Progress(100.0, world(), unit='kyr')\n"
            "for n in range(5): time.sleep(0.15); p.update(20.0 * n, f'step {n} its {7 * n}')\n"
            "p.close('done')")
    leader, follower = pty.openpty()
    process = subprocess.Popen([sys.executable, "-c", code], stderr=follower, stdout=subprocess.PIPE, text=True,
                               env=environment())
    os.close(follower)
    shown = b""
    while True:
        try:
            piece = os.read(leader, 4096)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    out, _ = process.communicate(timeout=60)
    os.close(leader)
    assert process.returncode == 0 and out == "done\n"
    assert "kyr" in shown.decode() and "step 3" in shown.decode() and "its 21" in shown.decode()


def test_clock():
    assert clock(3661.9) == "1:01:01" and clock(float("nan")) == "?" and clock(float("inf")) == "?"
