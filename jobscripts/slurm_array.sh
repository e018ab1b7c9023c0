#!/bin/bash
# Slurm: an array of jobs, one run each, with the settings of one line of a file; each requeues itself until its run is finished.
#     sbatch --array=1-3 jobscripts/slurm_array.sh DECK DIRECTORY SETTINGS          from the project's root
# SETTINGS has a line for each run, with semicolons between settings, as after --set:
#     medium.B=3 uG; source.radius=10 pc
#     medium.B=5 uG; source.radius=10 pc
# The run of line 2 is in DIRECTORY/2. Of a deck with a [scan] the parts come from `scan.turbulence.kind=["alfven"]` and the like:
# then each line is a scan, for only one scan may be at work in a directory at a time.
#SBATCH --job-name=hpccr-array
#SBATCH --nodes=1
#SBATCH --ntasks-per-node=32
#SBATCH --cpus-per-task=1
#SBATCH --time=12:00:00
#SBATCH --output=%x-%A-%a.log
#SBATCH --open-mode=append
#SBATCH --requeue
#SBATCH --signal=B:USR1@600

. "${SLURM_SUBMIT_DIR:-.}/jobscripts/common.sh" || exit 1

deck=${1:?DECK is missing} directory=${2:?DIRECTORY is missing} file=${3:?SETTINGS is missing}
number=${SLURM_ARRAY_TASK_ID:?not an array}
settings "$file" "$number"
mkdir -p "$directory" || exit 1
array_run "$deck" "$directory/$number" "${options[@]}"
# In an array this is the number of one task alone.
again_slurm $?
