#!/bin/bash
# PBS: runs every point of a deck's [scan], or goes on with what is left; submits itself again until all are finished.
#     qsub -v DECK=orbits_rigidity_cluster,DIRECTORY=map jobscripts/pbs_scan.sh          from the project's root
#PBS -N hpccr-scan
#PBS -l select=4:ncpus=32:mpiprocs=32
#PBS -l walltime=12:00:00
#PBS -j oe

# See slurm_scan.sh on groups, and pbs.sh on the limit.
limit="11.75h"

# What your cluster needs to find hpccr, see the README, e.g.:
# module load openmpi petsc hdf5; source ~/hpccr/.venv/bin/activate

cd "$PBS_O_WORKDIR" || exit 1
: "${DECK:?deck}" "${DIRECTORY:?directory}"
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 NUMBA_NUM_THREADS=1 H5PY_ALWAYS_USE_MPI=1

${MPIRUN:-mpirun} hpccr scan "$DECK" --out "$DIRECTORY" --walltime "$limit"
status=$?

# 75: stopped, and can go on. The count guards against a job that never gets anywhere.
again=$((${AGAIN:-0} + 1))
if [ $status -eq 75 ] && [ $again -lt 50 ]; then
    qsub -v "DECK=$DECK,DIRECTORY=$DIRECTORY,AGAIN=$again" jobscripts/pbs_scan.sh
fi
exit $status
