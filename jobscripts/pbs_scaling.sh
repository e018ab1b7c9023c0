#!/bin/bash
# PBS: a scaling study on the cluster: a deck on 1, 2, 4, … ranks, up to those of the job, at its own size and at one that grows.
#     qsub -l select=4:ncpus=32:mpiprocs=32 -v DECK=cloud_wnm,DIRECTORY=study,KEY=axes.p.cells,EACH=4 jobscripts/pbs_scaling.sh
# See slurm_scaling.sh on all of them; KEY and EACH may be left out. It is not submitted again by itself: submit it, and it goes on.
# The deck should take minutes on all ranks.
#PBS -N hpccr-scaling
#PBS -l select=1:ncpus=32:mpiprocs=32
#PBS -l place=excl
#PBS -l walltime=12:00:00
#PBS -j oe

cd "${PBS_O_WORKDIR:-.}" || exit 1
. jobscripts/common.sh || exit 1

ranks=$(wc -l < "${PBS_NODEFILE:?not in a job}")
scaling_study "${DECK:?is missing}" "${DIRECTORY:?is missing}" "$ranks" ${KEY:+"$KEY"} ${EACH:+"$EACH"}
