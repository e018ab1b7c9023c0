#!/bin/bash
# PBS: runs a deck, or goes on with it from its last checkpoint; submits itself again until the run is finished.
#     qsub -v DECK=cloud_wnm,DIRECTORY=wnm jobscripts/pbs.sh          from the project's root
#PBS -N hpccr
#PBS -l select=1:ncpus=32:mpiprocs=32
#PBS -l walltime=12:00:00
#PBS -j oe

# PBS announces the end too late, so hpccr gets a limit of its own, below that of the job: then it writes a checkpoint
# and ends with status 75.
limit="11.75h"

# What your cluster needs to find hpccr, see the README, e.g.:
# module load openmpi petsc hdf5; source ~/hpccr/.venv/bin/activate

cd "$PBS_O_WORKDIR" || exit 1
: "${DECK:?deck}" "${DIRECTORY:?directory}"
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 NUMBA_NUM_THREADS=1 H5PY_ALWAYS_USE_MPI=1

if [ -f "$DIRECTORY/deck.toml" ]; then
    command=(hpccr restart "$DIRECTORY")
else
    command=(hpccr run "$DECK" --out "$DIRECTORY")
fi
${MPIRUN:-mpirun} "${command[@]}" --walltime "$limit"
status=$?

# 75: stopped, and can go on. The count guards against a job that never gets anywhere.
again=$((${AGAIN:-0} + 1))
if [ $status -eq 75 ] && [ $again -lt 50 ]; then
    qsub -v "DECK=$DECK,DIRECTORY=$DIRECTORY,AGAIN=$again" jobscripts/pbs.sh
fi
exit $status
