#!/bin/bash
# Slurm: runs a deck, or goes on with it from its last checkpoint; requeues itself until the run is finished.
#     sbatch jobscripts/slurm.sh DECK DIRECTORY [hpccr options]          from the project's root
#SBATCH --job-name=hpccr
#SBATCH --nodes=1
#SBATCH --ntasks-per-node=32
#SBATCH --cpus-per-task=1
#SBATCH --time=12:00:00
#SBATCH --output=%x-%j.log
#SBATCH --open-mode=append
#SBATCH --requeue
#SBATCH --signal=B:USR1@600

# Ten minutes before the end Slurm sends USR1 to this shell; what becomes of it stands in common.sh, as does what your cluster needs.
. "${SLURM_SUBMIT_DIR:-.}/jobscripts/common.sh" || exit 1

: "${1:?DECK is missing}" "${2:?DIRECTORY is missing}"
run_or_restart "$@"
again_slurm $?
