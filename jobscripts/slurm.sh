#!/bin/bash
# Slurm: runs a deck, or goes on with it from its last checkpoint; requeues itself until the run is finished.
#     sbatch jobscripts/slurm.sh DECK DIRECTORY [hpccr options]
#SBATCH --job-name=hpccr
#SBATCH --nodes=1
#SBATCH --ntasks-per-node=32
#SBATCH --cpus-per-task=1
#SBATCH --time=12:00:00
#SBATCH --output=%x-%j.log
#SBATCH --open-mode=append
#SBATCH --requeue
#SBATCH --signal=B:USR1@600

# Ten minutes before the end Slurm sends USR1 to this shell, which passes it on: hpccr writes a checkpoint and ends with
# status 75. TERM through mpirun would not do, for mpirun kills the ranks a second later.

# What your cluster needs to find hpccr, see the README, e.g.:
# module load openmpi petsc hdf5; source ~/hpccr/.venv/bin/activate

deck=${1:?deck} directory=${2:?directory}
shift 2
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 NUMBA_NUM_THREADS=1 H5PY_ALWAYS_USE_MPI=1

if [ -f "$directory/deck.toml" ]; then
    command=(hpccr restart "$directory")
else
    command=(hpccr run "$deck" --out "$directory" "$@")
fi
${MPIRUN:-mpirun} "${command[@]}" &
job=$!
trap 'kill -USR1 $job' USR1
wait $job
status=$?
# A signal ends the wait, not the run.
while [ $status -gt 128 ] && kill -0 $job 2>/dev/null; do
    wait $job
    status=$?
done

# 75: stopped, and can go on. The count guards against a job that never gets anywhere.
if [ $status -eq 75 ] && [ "${SLURM_RESTART_COUNT:-0}" -lt 50 ]; then
    scontrol requeue "$SLURM_JOB_ID"
fi
exit $status
