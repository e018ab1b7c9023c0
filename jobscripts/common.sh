# What the job scripts share. They read it from jobscripts/ in the directory they are submitted from: the project's root, or a
# copy of that folder.

# What your cluster needs to find hpccr, see the README, e.g.:
# module load openmpi petsc hdf5; source ~/hpccr/.venv/bin/activate

# How long a shared file system may take to open a file, when one of its servers fails over, before hpccr takes it for gone [s].
export HPCCR_PATIENCE=${HPCCR_PATIENCE:-600}
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 NUMBA_NUM_THREADS=1 H5PY_ALWAYS_USE_MPI=1
# The launcher, with its options: MPIRUN="srun --mpi=pmix".
read -ra launcher <<< "${MPIRUN:-mpirun}"
# A job goes on so many times at most: a guard against one that never gets anywhere.
most=50
# hpccr was stopped, and can go on.
stopped=75
# The disk went away while a file was opened (SIGALRM): what the last checkpoint has can go on.
alarm=142

# USR1 to this shell goes to the launcher, which passes it to the ranks: hpccr writes a checkpoint and ends with status 75. TERM
# would not do, for mpirun kills the ranks a second later.
job='' asked=''
trap 'asked=yes; [ -z "$job" ] || kill -USR1 "$job"' USR1

# on_ranks COMMAND…: run it under the launcher, and return its status.
on_ranks() {
    local status
    [ -z "$asked" ] || return $stopped
    "${launcher[@]}" "$@" &
    job=$!
    wait "$job"
    status=$?
    # A signal ends the wait, not the run.
    while [ $status -gt 128 ] && kill -0 "$job" 2>/dev/null; do
        wait "$job"
        status=$?
    done
    job=''
    [ $status -ne $alarm ] || status=$stopped
    return $status
}

# run_or_restart DECK DIRECTORY [options of hpccr run]: begin a run, or go on with it from its last checkpoint. A run of another deck
# or of other settings is refused.
run_or_restart() {
    on_ranks hpccr run "$1" --out "$2" --resume ${limit:+--walltime "$limit"} "${@:3}"
}

# pbs_limit: set `limit`, the time after which hpccr writes a checkpoint and ends with status 75; PBS announces the end of a job too
# late. It is the job's walltime less a quarter of an hour, or less a tenth where that is shorter. A walltime that PBS does not tell
# is taken as the 12 h that the scripts ask for. A limit in the environment stays, and is in `given`.
pbs_limit() {
    local part seconds=0
    given=${limit:-}
    # In seconds, or as hours:minutes:seconds. Not every PBS has the variable.
    walltime=${PBS_WALLTIME:-}
    if [ -z "$walltime" ] && [ -n "${PBS_JOBID:-}" ]; then
        walltime=$(timeout 60 qstat -f "$PBS_JOBID" 2>/dev/null | sed -n 's/^ *Resource_List\.walltime = //p')
    fi
    [[ $walltime =~ ^[0-9]+(:[0-9]+){0,2}$ ]] || walltime=''
    for part in ${walltime//:/ }; do
        seconds=$((60 * seconds + 10#$part))
    done
    if [ -z "$given" ]; then
        [ $seconds -gt 0 ] || seconds=43200
        limit="$((seconds - (seconds < 9000 ? seconds / 10 : 900))) s"
    fi
}

# again_slurm STATUS: requeue a job that can go on, and end this one.
again_slurm() {
    if [ "$1" -eq $stopped ]; then
        if [ "${SLURM_RESTART_COUNT:-0}" -ge $most ]; then
            echo "the job has gone on $most times, and ends; submit it again, and it goes on" >&2
        else
            scontrol requeue "$SLURM_JOB_ID" || echo "the job was not requeued; submit it again, and it goes on" >&2
        fi
    fi
    exit "$1"
}

# again_pbs STATUS SCRIPT VARIABLE…: submit a job that can go on once more, with these variables and the same walltime, and end this
# one. What else was asked for on the command line, the script must ask for.
again_pbs() {
    local status=$1 script=$2 names
    shift 2
    export AGAIN=$((${AGAIN:-0} + 1))
    names=AGAIN${MPIRUN:+,MPIRUN}$(printf ',%s' "$@")
    # Names alone: qsub takes the values from the environment, whatever characters are in them.
    if [ "$status" -eq $stopped ] && [ $AGAIN -ge $most ]; then
        echo "the job has gone on $most times, and ends; submit it again, and it goes on" >&2
    elif [ "$status" -eq $stopped ]; then
        qsub ${walltime:+-l "walltime=$walltime"} -v "$names" "$script" ||
            echo "the job was not submitted again; submit it again, and it goes on" >&2
    fi
    exit "$status"
}

# settings FILE NUMBER: the settings in that line of a file as options, in the array `options`. Empty ones are passed over.
settings() {
    local line part parts
    options=()
    line=$(sed -n "$2p" "$1")
    IFS=';' read -ra parts <<< "$line"
    for part in "${parts[@]}"; do
        part=${part#"${part%%[![:space:]]*}"}
        [ -z "$part" ] || options+=(--set "$part")
    done
    [ ${#options[@]} -gt 0 ] || { echo "$1 has no settings in line $2" >&2; exit 2; }
}

# array_run DECK DIRECTORY [options]: as run_or_restart, or a scan where the settings are of one.
array_run() {
    case " ${*:3}" in
        *" scan."*) on_ranks hpccr scan "$1" --out "$2" ${limit:+--walltime "$limit"} "${@:3}" ;;
        *) run_or_restart "$@" ;;
    esac
}

# scaling_study DECK DIRECTORY MOST [KEY EACH]: run a deck on MOST (a power of two), MOST/2, … 1 ranks at its own size, and, if a KEY is
# given, with KEY = EACH × ranks; a line of DIRECTORY/scaling.csv for each. What is there already is not run again, and what was stopped
# twice is left out, for a whole job is too short for it. PBS stops nothing: there the walltime must do for the longest.
scaling_study() {
    local deck=$1 directory=$2 ranks=1 key=${4:-} each=${5:-} table status=0
    table=$directory/scaling.csv
    mkdir -p "$directory" || exit 1
    [ -f "$table" ] || echo "mode,ranks,steps,seconds,seconds_per_step" > "$table"
    while [ $((2 * ranks)) -le "$3" ]; do ranks=$((2 * ranks)); done
    while [ "$ranks" -ge 1 ]; do
        study_point strong "$ranks" || status=$?
        [ -z "$key" ] || study_point weak "$ranks" --set "$key=$((each * ranks))" || status=$?
        [ -z "$asked" ] || return $stopped
        ranks=$((ranks / 2))
    done
    return $status
}

# study_point MODE RANKS [options]: one run of scaling_study.
study_point() {
    local mode=$1 ranks=$2 place status all=("${launcher[@]}")
    place=$directory/$mode-$(printf %05d "$ranks")
    shift 2
    [ -z "$asked" ] || return $stopped
    [ ! -f "$place.long" ] || return 0
    [ -f "$place/summary.json" ] || {
        rm -rf "$place"         # a time that was cut in two says nothing
        launcher+=(-n "$ranks")
        on_ranks hpccr run "$deck" --out "$place" "$@"
        status=$?
        launcher=("${all[@]}")
        if [ $status -eq $stopped ]; then
            # The first time it may have begun late in a job; then it is the first of the next.
            if [ -f "$place.cut" ]; then
                echo "$place: a whole job is too short for this, and it is left out" >&2
                mv "$place.cut" "$place.long"
            else
                : > "$place.cut"
            fi
        fi
        [ $status -eq 0 ] || return $status
        rm -f "$place.cut"
    }
    # The last words of a run: "done: 120 steps, …, 3.4 s", or units of work.
    sed -n 's/.*  done: \([0-9]*\) [a-z]*,.* \([0-9.]*\) s$/\1 \2/p' "$place/run.log" | tail -n 1 | while read -r steps seconds; do
        grep -q "^$mode,$ranks," "$table" ||
            awk -v m="$mode" -v r="$ranks" -v n="$steps" -v s="$seconds" \
                'BEGIN { printf "%s,%d,%d,%s,%.6g\n", m, r, n, s, s / n }' >> "$table"
    done
}
