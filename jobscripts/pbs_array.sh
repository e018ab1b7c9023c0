#!/bin/bash
# PBS: an array of jobs, one run each, with the settings of one line of a file; each submits itself again until its run is finished.
#     qsub -J 1-3 -v DECK=cloud_wnm,DIRECTORY=map,SETTINGS=points.txt jobscripts/pbs_array.sh          from the project's root
# See slurm_array.sh on the file, and pbs.sh on the limit. With Torque it is `qsub -t 1-3`, and `#PBS -l nodes=1:ppn=32` in place of
# the line with `select`, which only PBS Pro knows.
#PBS -N hpccr-array
#PBS -l select=1:ncpus=32:mpiprocs=32
#PBS -l walltime=12:00:00
#PBS -j oe
#PBS -r y

cd "${PBS_O_WORKDIR:-.}" || exit 1
. jobscripts/common.sh || exit 1

# A job that goes on is no part of the array any more, but knows its line.
export LINE=${LINE:-${PBS_ARRAY_INDEX:-${PBS_ARRAYID:?not an array}}}
pbs_limit

settings "${SETTINGS:?is missing}" "$LINE"
mkdir -p "${DIRECTORY:?is missing}" || exit 1
array_run "${DECK:?is missing}" "$DIRECTORY/$LINE" "${options[@]}"
again_pbs $? jobscripts/pbs_array.sh DECK DIRECTORY SETTINGS LINE ${given:+limit}
