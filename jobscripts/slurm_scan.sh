#!/bin/bash
# Slurm: runs every point of a deck's [scan], or goes on with what is left; requeues itself until all are finished.
#     sbatch jobscripts/slurm_scan.sh DECK DIRECTORY [hpccr options]          e.g. --groups 64; from the project's root
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
# takes longer than the job, or more memory than a rank has, wants fewer and larger groups. Where small jobs start sooner than a
# large one, see slurm_array.sh.
. "${SLURM_SUBMIT_DIR:-.}/jobscripts/common.sh" || exit 1

deck=${1:?DECK is missing} directory=${2:?DIRECTORY is missing}
shift 2
# The same command begins and goes on; it refuses to go on with a deck that has changed since.
on_ranks hpccr scan "$deck" --out "$directory" "$@"
again_slurm $?
