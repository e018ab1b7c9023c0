#!/bin/bash
# Slurm: a scaling study on the cluster: a deck on 1, 2, 4, … ranks, up to those of the job, at its own size and at one that grows.
#     sbatch --nodes=4 jobscripts/slurm_scaling.sh DECK DIRECTORY [KEY EACH]          from the project's root
# Strong: the deck as it is. Weak, if a KEY is given: the same with --set KEY=EACH × ranks, such as axes.z.cells 512 or, of an ensemble,
# ensemble.realisations 8. Choose a deck that takes minutes on all ranks; snapshots and checkpoints count as well.
#     python postprocess/scaling.py --measured DIRECTORY/scaling.csv              draws speed-up and efficiency
#SBATCH --job-name=hpccr-scaling
#SBATCH --nodes=1
#SBATCH --ntasks-per-node=32
#SBATCH --cpus-per-task=1
#SBATCH --exclusive
#SBATCH --time=12:00:00
#SBATCH --output=%x-%j.log
#SBATCH --open-mode=append
#SBATCH --requeue
#SBATCH --signal=B:USR1@60

. "${SLURM_SUBMIT_DIR:-.}/jobscripts/common.sh" || exit 1

scaling_study "${1:?DECK is missing}" "${2:?DIRECTORY is missing}" "${SLURM_NTASKS:?not in a job}" "${@:3:2}"
again_slurm $?
