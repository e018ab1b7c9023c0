"""The job scripts as Slurm and PBS would run them, with commands in place of theirs that note what they are asked for."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from jobs import small
from launch import environment

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = sorted(path.name for path in (ROOT / "jobscripts").glob("*.sh"))
STUB = '#!/bin/bash\necho "$(basename "$0") $*" >> "$NOTES"\n'


@pytest.fixture
def launches(tmp_path):
    """The environment in which mpirun notes what it is asked for, and ends as a run does that can go on."""
    path = tmp_path / "bin" / "launch"
    path.parent.mkdir(exist_ok=True)
    path.write_text(STUB + "exit 75\n")
    path.chmod(0o755)
    return {"MPIRUN": "launch", "DECK": "cloud_wnm", "DIRECTORY": str(tmp_path / "out")}


@pytest.fixture
def cluster(tmp_path):
    """(environment, file of notes) of a machine with stand-ins for the commands of batch systems."""
    for name in ("scontrol", "qsub"):
        (tmp_path / "bin").mkdir(exist_ok=True)
        (tmp_path / "bin" / name).write_text(STUB)
        (tmp_path / "bin" / name).chmod(0o755)
    path = os.pathsep.join([str(tmp_path / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]])
    return environment(PATH=path, NOTES=str(tmp_path / "notes"), MPIRUN="mpirun -n 2 --oversubscribe", SLURM_SUBMIT_DIR=str(ROOT),
                       SLURM_JOB_ID="7", PBS_O_WORKDIR=str(ROOT), OMPI_MCA_mpi_yield_when_idle="1"), tmp_path / "notes"


def run(script, *arguments, env, cwd=ROOT, timeout=120, **variables):
    """The status of a job script."""
    done = subprocess.run(["bash", str(ROOT / "jobscripts" / script), *map(str, arguments)], env={**env, **variables}, cwd=cwd,
                          timeout=timeout, capture_output=True, text=True)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode


def noted(notes):
    return notes.read_text().splitlines() if notes.is_file() else []


def deck(tmp_path, *settings):
    return small(tmp_path / "my deck.toml", "transport_slab", *settings, cells=16, lanes=4)


def test_slurm_requeues_and_goes_on(cluster, tmp_path):
    """Stopped by the wall clock it asks to be requeued; the second time it goes on, and ends. Blanks and brackets in names and options
    arrive as they are."""
    (env, notes), out = cluster, tmp_path / "a run"
    path = deck(tmp_path)
    assert run("slurm.sh", path, out, "--set", "output.snapshots=[]", "--walltime", "0.01 s", env=env) == 75
    assert noted(notes) == ["scontrol requeue 7"] and not (out / "summary.json").exists()
    assert run("slurm.sh", path, out, "--set", "output.snapshots=[]", env=env, SLURM_RESTART_COUNT="1") == 0
    assert len(noted(notes)) == 1 and (out / "summary.json").is_file()
    assert "restart" in (out / "run.log").read_text()


def test_slurm_does_not_go_on_for_ever(cluster, tmp_path):
    env, notes = cluster
    assert run("slurm.sh", deck(tmp_path), tmp_path / "out", "--walltime", "0.01 s", env=env, SLURM_RESTART_COUNT="50") == 75
    assert not noted(notes)


def test_what_cannot_run_is_not_requeued(cluster, tmp_path):
    env, notes = cluster
    assert run("slurm.sh", deck(tmp_path), tmp_path / "out", "--set", "axes.r.cells=-1", env=env) == 2
    assert run("slurm.sh", env=env) == 1        # no deck
    assert not noted(notes)


def test_usr1_reaches_the_ranks(cluster, tmp_path):
    """The signal that Slurm sends to the shell before the end: a checkpoint, and a requeue."""
    (env, notes), out = cluster, tmp_path / "out"
    path = deck(tmp_path, "time.max_step=0.01 kyr", "time.end=100 kyr")
    job = subprocess.Popen(["bash", str(ROOT / "jobscripts" / "slurm.sh"), path, str(out)], env=env, cwd=ROOT, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        limit = time.monotonic() + 50
        while not (out / "history.csv").is_file() or (out / "history.csv").read_bytes().count(b"\n") < 3:
            assert job.poll() is None and time.monotonic() < limit
            time.sleep(0.02)
        job.send_signal(signal.SIGUSR1)         # to the shell alone
        assert job.wait(timeout=50) == 75
    finally:
        if job.poll() is None:
            os.killpg(job.pid, signal.SIGKILL)
    assert noted(notes) == ["scontrol requeue 7"]
    assert "stopped by SIGUSR1" in (out / "run.log").read_text()


def test_pbs_submits_itself_and_goes_on(cluster, tmp_path):
    """qsub gets the names of the variables alone, so that values may hold commas and blanks."""
    (env, notes), out = cluster, tmp_path / "a, b"
    variables = {"DECK": deck(tmp_path), "DIRECTORY": str(out)}
    assert run("pbs.sh", env=env, **variables, limit="0.01 s") == 75
    assert noted(notes) == ["qsub -v AGAIN,MPIRUN,DECK,DIRECTORY,limit jobscripts/pbs.sh"]
    assert run("pbs.sh", env=env, **variables, AGAIN="1") == 0
    assert len(noted(notes)) == 1 and (out / "summary.json").is_file()
    shutil.rmtree(out)
    assert run("pbs.sh", env=env, **variables, limit="0.01 s", AGAIN="49") == 75
    assert len(noted(notes)) == 1


@pytest.mark.parametrize("script", ["pbs.sh", "pbs_scan.sh"])
@pytest.mark.parametrize("told, limit", [({"PBS_WALLTIME": "86400"}, "85500 s"), ({"PBS_WALLTIME": "600"}, "540 s"),
                                         ({"PBS_JOBID": "7[2].host"}, "29700 s"), ({"PBS_WALLTIME": "for ever"}, "42300 s"), ({}, "42300 s"),
                                         ({"PBS_WALLTIME": "86400", "limit": "2 h"}, "2 h")])
def test_pbs_limit_follows_the_walltime(cluster, launches, tmp_path, script, told, limit):
    """A quarter of an hour less, or a tenth; what PBS does not say is 12 h. The next job gets the same walltime, and a limit if one was
    given."""
    env, notes = cluster
    qstat = tmp_path / "bin" / "qstat"
    qstat.write_text('#!/bin/bash\n[ "$*" = "-f 7[2].host" ] && printf "Job Id: 7\\n    Resource_List.walltime = 08:30:00\\n    queue = a\\n"\n')
    qstat.chmod(0o755)
    assert run(script, env={**env, **launches}, **told) == 75
    launched, submitted = noted(notes)
    assert launched.endswith(f" --walltime {limit}")
    walltime = {"29700 s": "-l walltime=08:30:00 ", "42300 s": ""}.get(limit, f"-l walltime={told.get('PBS_WALLTIME')} ")
    names = "AGAIN,MPIRUN,DECK,DIRECTORY" + (",limit" if "limit" in told else "")
    assert submitted == f"qsub {walltime}-v {names} jobscripts/{script}"


@pytest.mark.parametrize("line", ["medium.B=5 uG; source.radius=9 pc; ", " ; medium.B=5 uG;; source.radius=9 pc;"])
def test_empty_settings_are_passed_over(cluster, launches, tmp_path, line):
    """Blanks between semicolons or after the last one are no setting; a line of nothing else is refused."""
    env, notes = cluster
    (tmp_path / "settings").write_text(f"{line}\n ; \n")
    given = {**launches, "SETTINGS": str(tmp_path / "settings"), "limit": "1 h"}
    assert run("pbs_array.sh", env={**env, **given}, PBS_ARRAY_INDEX="1") == 75
    assert noted(notes)[0] == f"launch hpccr run cloud_wnm --out {tmp_path / 'out' / '1'} --resume --walltime 1 h " \
                              "--set medium.B=5 uG --set source.radius=9 pc"
    assert run("pbs_array.sh", env={**env, **given}, PBS_ARRAY_INDEX="2") == 2
    assert len(noted(notes)) == 2


@pytest.mark.parametrize("script, number", [("slurm_array.sh", "SLURM_ARRAY_TASK_ID"), ("pbs_array.sh", "PBS_ARRAY_INDEX")])
def test_arrays_take_their_line(cluster, tmp_path, script, number):
    env, notes = cluster
    (tmp_path / "settings").write_text("transport.D0=1e28 cm2/s; output.snapshots=[]\ntransport.D0=2e28 cm2/s;  output.snapshots=[]\n")
    given = {"DECK": deck(tmp_path), "DIRECTORY": str(tmp_path / "map"), "SETTINGS": str(tmp_path / "settings")}
    assert run(script, *given.values(), env=env, **given, **{number: "2"}) == 0
    assert 'D0 = "2e28 cm2/s"' in (tmp_path / "map" / "2" / "deck.toml").read_text() and not noted(notes)
    assert run(script, *given.values(), env=env, **given, **{number: "3"}) == 2


def test_scans_go_on(cluster, tmp_path):
    """A scan stopped by the wall clock is requeued, and the same command ends it."""
    (env, notes), out = cluster, tmp_path / "map"
    path = Path(deck(tmp_path, "output.snapshots=[]"))
    path.write_text(path.read_text() + '\n[scan]\n"transport.D_slope" = [0.0, 0.3, 0.5]\n')
    assert run("slurm_scan.sh", path, out, "--walltime", "0.01 s", env=env) == 75
    assert noted(notes) == ["scontrol requeue 7"]
    assert run("slurm_scan.sh", path, out, env=env) == 0
    assert len(list(out.glob("points/*/summary.json"))) == 3


@pytest.mark.parametrize("script", ["slurm_scaling.sh", "pbs_scaling.sh"])
def test_scaling_runs_become_a_table(cluster, tmp_path, script):
    """1 and 2 ranks, the same size and one that grows; a second time nothing is run again."""
    (env, _), out = cluster, tmp_path / "study"
    (tmp_path / "nodes").write_text("a\na\n")
    path = deck(tmp_path, "output.snapshots=[]")
    variables = {"MPIRUN": "mpirun --oversubscribe", "SLURM_NTASKS": "2", "PBS_NODEFILE": str(tmp_path / "nodes"), "DECK": path,
                 "DIRECTORY": str(out), "KEY": "axes.p.cells", "EACH": "3"}
    for _ in range(2):
        assert run(script, path, out, "axes.p.cells", "3", env=env, **variables) == 0
        rows = [line.split(",") for line in (out / "scaling.csv").read_text().splitlines()]
        assert rows[0] == ["mode", "ranks", "steps", "seconds", "seconds_per_step"]
        assert [row[:2] for row in rows[1:]] == [["strong", "2"], ["weak", "2"], ["strong", "1"], ["weak", "1"]]
        assert all(int(row[2]) > 0 and abs(float(row[4]) - float(row[3]) / int(row[2])) < 1e-5 for row in rows[1:])
    assert "cells = 6 " in (out / "weak-00002" / "deck.toml").read_text()


def test_a_scaling_run_too_long_for_a_job_is_left_out(cluster, launches, tmp_path):
    """Cut in two jobs; the second time it was the first that the job did, and the others come after it."""
    (env, notes), out = cluster, tmp_path / "study"
    seen = []
    for _ in range(4):
        status = run("slurm_scaling.sh", "cloud_wnm", out, env=env, SLURM_NTASKS="1", **launches)
        seen.append((status, sum("run cloud_wnm" in line for line in noted(notes))))
    assert seen == [(75, 1), (75, 2), (0, 2), (0, 2)]


def test_a_disk_that_was_away_for_a_while_is_tried_again(cluster, launches, tmp_path):
    """The ranks have ended by SIGALRM, 128 + 14."""
    (env, notes), launch = cluster, tmp_path / "bin" / "launch"
    launch.write_text(launch.read_text().replace("exit 75", "exit 142"))
    assert run("slurm.sh", "cloud_wnm", tmp_path / "out", env=env, **launches) == 75
    assert noted(notes)[-1] == "scontrol requeue 7"


def test_what_is_submitted_again_with_other_settings_is_refused(cluster, tmp_path):
    """And with the same ones it goes on, finished as it may be."""
    (env, notes), out, path = cluster, tmp_path / "out", deck(tmp_path)
    for setting, status in (("8 pc", 0), ("9 pc", 2), ("8 pc", 0)):
        assert run("slurm.sh", path, out, "--set", f"source.width={setting}", env=env) == status
    assert not noted(notes)


@pytest.mark.parametrize("script", SCRIPTS)
def test_scripts_are_sound(script):
    """bash reads them without a word, and shellcheck where there is one."""
    path = str(ROOT / "jobscripts" / script)
    assert subprocess.run(["bash", "-n", path], capture_output=True, check=False).stderr == b""
    if shutil.which("shellcheck"):
        done = subprocess.run(["shellcheck", "-x", "-s", "bash", path], capture_output=True, text=True, check=False, cwd=ROOT)
        assert done.returncode == 0, done.stdout
