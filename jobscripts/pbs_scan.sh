#!/bin/bash
# PBS: runs every point of a deck's [scan], or goes on with what is left; submits itself again until all are finished.
#     qsub -v DECK=orbits_rigidity_cluster,DIRECTORY=map jobscripts/pbs_scan.sh          from the project's root
# See pbs.sh on Torque, and on the limit.
#PBS -N hpccr-scan
#PBS -l select=4:ncpus=32:mpiprocs=32
#PBS -l walltime=12:00:00
#PBS -j oe
#PBS -r y

cd "${PBS_O_WORKDIR:-.}" || exit 1
. jobscripts/common.sh || exit 1

# See slurm_scan.sh on groups; here they are `groups` in the deck's [scan].
pbs_limit

on_ranks hpccr scan "${DECK:?is missing}" --out "${DIRECTORY:?is missing}" --walltime "$limit"
again_pbs $? jobscripts/pbs_scan.sh DECK DIRECTORY ${given:+limit}
