#!/bin/bash
# Slurm: runs every point of a deck's [scan], or goes on with what is left; requeues itself until all are finished.
#     sbatch jobscripts/slurm_scan.sh DECK DIRECTORY [hpccr options]          e.g. --groups 64
#SBATCH --job-name=hpccr-scan
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=32
#SBATCH --cpus-per-task=1
#SBATCH --time=12:00:00
#SBATCH --output=%x-%j.log
#SBATCH --open-mode=append
#SBATCH --requeue
#SBATCH --signal=B:USR1@600

# The ranks are split into groups, each with one point at a time: by default every rank is a group of its own. A point that
# takes longer than the job, or more memory than a rank has, wants fewer and larger groups.
#
# As an array of jobs, where small jobs start sooner than a large one: each takes its own part of the map, in its own
# directory, for only one scan may be at work in a directory at a time. With `#SBATCH --array=0-2` and
#     kinds=(isotropic alfven magnetosonic)
#     kind=${kinds[$SLURM_ARRAY_TASK_ID]}
#     set -- "$1" "$2-$kind" --set "scan.turbulence.kind=[\"$kind\"]" "${@:3}"
# at this place, DIRECTORY-isotropic, DIRECTORY-alfven and DIRECTORY-magnetosonic come to hold the three parts; the scan.json
# of each tells which point is where.

# Ten minutes before the end Slurm sends USR1 to this shell, which passes it on: hpccr writes a checkpoint of every point in
# work and ends with status 75. TERM through mpirun would not do, for mpirun kills the ranks a second later.

# What your cluster needs to find hpccr, see the README, e.g.:
# module load openmpi petsc hdf5; source ~/hpccr/.venv/bin/activate

deck=${1:?deck} directory=${2:?directory}
shift 2
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 NUMBA_NUM_THREADS=1 H5PY_ALWAYS_USE_MPI=1

# The same command begins and goes on; it refuses to go on with a deck that has changed since.
${MPIRUN:-mpirun} hpccr scan "$deck" --out "$directory" "$@" &
job=$!
trap 'kill -USR1 $job' USR1
wait $job
status=$?
# A signal ends the wait, not the scan.
while [ $status -gt 128 ] && kill -0 $job 2>/dev/null; do
    wait $job
    status=$?
done

# 75: stopped, and can go on. The count guards against a job that never gets anywhere.
if [ $status -eq 75 ] && [ "${SLURM_RESTART_COUNT:-0}" -lt 50 ]; then
    scontrol requeue "$SLURM_JOB_ID"
fi
exit $status
