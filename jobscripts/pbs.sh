#!/bin/bash
# PBS: runs a deck, or goes on with it from its last checkpoint; submits itself again until the run is finished.
#     qsub -v DECK=cloud_wnm,DIRECTORY=wnm jobscripts/pbs.sh          from the project's root
#PBS -N hpccr
#PBS -l select=1:ncpus=32:mpiprocs=32
#PBS -l walltime=12:00:00
#PBS -j oe
#PBS -r y

cd "${PBS_O_WORKDIR:-.}" || exit 1
. jobscripts/common.sh || exit 1

# PBS announces the end too late, so hpccr gets a limit of its own, below that of the job: then it writes a checkpoint and ends
# with status 75.
export limit=${limit:-11.75h}

run_or_restart "${DECK:?is missing}" "${DIRECTORY:?is missing}"
again_pbs $? jobscripts/pbs.sh DECK DIRECTORY limit
