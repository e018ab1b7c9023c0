#!/bin/bash
# PBS: runs a deck, or goes on with it from its last checkpoint; submits itself again until the run is finished.
#     qsub -v DECK=cloud_wnm,DIRECTORY=wnm jobscripts/pbs.sh          from the project's root
# With Torque write `#PBS -l nodes=1:ppn=32` in place of the line with `select`, which only PBS Pro knows.
#PBS -N hpccr
#PBS -l select=1:ncpus=32:mpiprocs=32
#PBS -l walltime=12:00:00
#PBS -j oe
#PBS -r y

cd "${PBS_O_WORKDIR:-.}" || exit 1
. jobscripts/common.sh || exit 1

# hpccr ends before the job does. For another time `qsub -l walltime=24:00:00` is enough where PBS tells the job (in PBS_WALLTIME, or
# by qstat -f); elsewhere change it above, and give the limit that goes with it, `-v limit=23.75h,DECK=…`.
pbs_limit

run_or_restart "${DECK:?is missing}" "${DIRECTORY:?is missing}"
again_pbs $? jobscripts/pbs.sh DECK DIRECTORY ${given:+limit}
