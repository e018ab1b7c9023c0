"""Jobs on an ensemble: units of work, done by whichever rank is free, summed in a fixed order."""

import time

import numpy as np

from hpccr import parallel
from hpccr.driver.job import Job, size_text
from hpccr.particles.pool import Pool
from hpccr.problems import registry

# Wall-clock time between two deals, which is also how long a signal may wait [s].
ROUND = 0.5


class EnsembleJob(Job):
    """An ensemble, worked through to its end; parameters as Job."""

    def __init__(self, deck, directory, session):
        with session.comm.together():
            self.problem = registry.load(deck.problem)(deck)
            self.units = self.problem.units()
        super().__init__(deck, directory, session, float(len(self.units)), "units")
        self.comm.root_first(self.problem.compile)
        self.slowest = ROUND            # at least so long until the next vote
        self.pool, self.number = Pool(range(len(self.units)), self.comm), 0
        self.tasks = []                 # in hand: (number of the unit, Task); the first is worked at
        self.done = {}                  # tally of each unit that this rank has finished
        self.records = {}               # of members that are kept, once their unit is finished

    @staticmethod
    def cost(problem):
        """Rows (name, text) on the size of a run for `hpccr check`."""
        units = problem.units()
        return [("units of work", f"{len(units)}, of up to {max(unit.count for unit in units)} members"),
                ("memory", f"about {size_text(EnsembleJob.memory(problem))} on one rank"),
                ("cost", f"about {EnsembleJob.seconds(problem):.2g} core seconds")]

    @staticmethod
    def memory(problem, ranks=1):
        """Roughly the bytes that a run takes on so many ranks, all together."""
        # Ranks share the libraries; at the end rank 0 has all tallies and records twice.
        return 75 * 2**20 * (1 + ranks) + problem.seconds()[1] * ranks + 16 * problem.tally_size * len(problem.units()) + 24 * problem.record_size

    @staticmethod
    def seconds(problem):
        """Roughly the core seconds of a run."""
        return float(problem.seconds()[0])

    @staticmethod
    def fit(problem, ranks):
        """Any number of ranks can share units of work."""

    # -- begin ------------------------------------------------------------------------------------------

    def start(self):
        """Nothing is begun; a checkpoint of that, so that a restart always finds one."""
        self._checkpoint()

    def resume(self, saved):
        """Take a checkpoint's state, on any number of ranks: the same bits."""
        size, rank = self.comm.size, self.comm.rank
        finished, busy = [saved.read(name).astype(int) if name in saved.shapes else np.empty(0, int)
                          for name in ("done_unit", "busy_unit")]
        kept = [int(name.partition("/")[2]) for name in saved.shapes if name.startswith("record/")]
        mine = np.array_split(np.arange(len(finished)), size)[rank]
        if len(finished):
            rows = saved.read("done", (mine[0] if len(mine) else 0, 0), (len(mine), self.problem.tally_size))
            self.done = dict(zip(finished[mine].tolist(), rows))
        states = {}
        if len(busy):
            most = -(-len(busy) // size)
            for turn in range(most):
                k = turn * size + rank
                state = saved.read("busy", (k if k < len(busy) else 0, 0), (int(k < len(busy)), self.problem.state_size))
                if len(state):
                    states[int(busy[k])] = state[0]
        self._resume(saved, states, kept)
        self.pool = Pool(sorted(set(range(len(self.units))) - set(finished.tolist()) - set(busy.tolist())), self.comm)
        self.number = saved.step
        self.progress.resume(float(len(finished)))
        self.progress.say(f"restart with {len(finished)} of {len(self.units)} units done and {len(busy)} begun, on {size} ranks")

    def _resume(self, saved, states, kept):
        """The tasks in hand from their states, and the records of those that are kept."""
        home = {member: number for number, unit in enumerate(self.units) for member in self.problem.members(unit)}
        records = {}
        for member in kept:
            number = home[member]
            # A finished unit's records are kept by one rank, those of a unit in hand by the rank that has it.
            here = number in states or (number in self.done)
            shape = saved.shapes[f"record/{member}"]
            rows = saved.read(f"record/{member}", None, shape if here else (0, shape[1]))
            if here:
                (records.setdefault(number, {}) if number in states else self.records)[member] = rows
        with self.comm.together():
            self.tasks = [(number, self.problem.resume(self.units[number], state, records.get(number, {})))
                          for number, state in states.items()]

    # -- the loop ---------------------------------------------------------------------------------------

    def loop(self):
        """Work to the end, or until asked to stop; returns the exit status."""
        while True:
            with self.comm.together():
                self._work(time.monotonic() + ROUND)
            left = sum(1.0 - task.progress for _, task in self.tasks)
            # A task that is all but done still counts.
            hand, (asked, due) = self.pool.deal(max(left, 1e-9 * len(self.tasks)), self.vote())
            todo = hand + len(self.pool)
            self.progress.update(len(self.units) - todo, f"{self.comm.size} ranks")
            if due or asked or not todo:
                self._checkpoint()
            if not todo:
                break
            if asked:
                return self.stopped(asked, f"with {todo:.1f} of {len(self.units)} units to do")
        self._finish()
        return 0

    def _work(self, until):
        """Advance this rank's tasks until that time, or until it has no more."""
        while time.monotonic() < until:
            if not self.tasks:
                number = self.pool.take()
                if number is None:
                    return
                self.tasks.append((number, self.problem.begin(self.units[number])))
            number, task = self.tasks[0]
            began = time.monotonic()
            if task.advance():
                self.done[number] = task.tally()
                self.records.update(task.records())
                self.tasks.pop(0)
            self.slowest = max(self.slowest, time.monotonic() - began)

    # -- output -----------------------------------------------------------------------------------------

    def _checkpoint(self):
        """Write the tallies of finished units and the states of those begun; collective."""
        from hpccr.output.variable import Variable

        state = []
        for name, rows, width in (("done", list(self.done.items()), self.problem.tally_size),
                                  ("busy", [(n, task.state()) for n, task in self.tasks], self.problem.state_size)):
            first, total = int(self.comm.before(len(rows))[0]), int(self.comm.sum(len(rows))[0])
            if total:
                # The state of a small unit may be shorter than the longest.
                data = np.zeros((len(rows), width))
                for to, (_, row) in zip(data, rows):
                    to[:len(row)] = row
                numbers = np.array([n for n, _ in rows], dtype=float)
                state += [Variable(f"{name}_unit", (name,), numbers, (first,), (total,)),
                          Variable(name, (name, f"{name}_value"), data, (first, 0), (total, width))]
        self.number += 1
        self.save(self.number, state + self._kept(), {})

    def _kept(self):
        """The records so far as variables, each whole on one rank: list of Variable."""
        from hpccr.output.variable import Variable

        wanted, columns = self.problem.kept, self.problem.record_columns
        if not wanted:
            return []
        mine, state = dict(self.records), []
        for _, task in self.tasks:
            mine.update(task.records())
        for member, length in zip(wanted, self.comm.max([float(len(mine.get(member, ()))) for member in wanted])):
            if length:
                data = mine.get(member, np.empty((0, columns)))
                state.append(Variable(f"record/{member}", ("row", "column"), data, (0, 0), (int(length), columns)))
        return state

    def _finish(self):
        """Sum up and write; rank 0 alone, which has all tallies."""
        tallies = self._table(self.done, self.problem.tally_size)
        longest = int(self.comm.max(float(max((len(rows) for rows in self.records.values()), default=0)))[0])
        records = self._table(self.records, longest * self.problem.record_columns)
        self.comm.on_root(lambda: self._write(self._results(tallies, records)))
        self.progress.say(f"done: {len(self.units)} units, {time.monotonic() - self.began:.1f} s")

    def _write(self, results):
        """Snapshot, history, and at last the summary: on rank 0."""
        from hpccr.output import rundir
        from hpccr.output.history import History
        from hpccr.output.variable import Variable

        comm = parallel.alone()
        self.snapshot(0, [Variable.whole(*row) for row in results.variables], results.attributes, comm)
        self.columns = [(name, unit, meaning) for name, unit, _, meaning in results.history]
        history = History(self.directory / rundir.HISTORY, [column[:2] for column in self.columns], comm)
        history.start()
        for row in zip(*(column[2] for column in results.history)):
            history.append(row)
        history.close()
        self.summarise(results.summary, comm)

    def _table(self, rows, width):
        """Rows {number: values} of all ranks, on rank 0: {number: array (width,)}."""
        mine = np.empty((len(rows), 1 + width))
        for to, (number, values) in zip(mine, rows.items()):
            to[0], to[1:] = number, values.reshape(-1)
        parts = self.comm.collect(mine)
        return None if parts is None else {int(row[0]): row[1:] for part in parts for row in part}

    def _results(self, tallies, records):
        """The Results, after the problem's own files are written; on rank 0."""
        columns = self.problem.record_columns
        self.problem.write(self.directory, {member: rows.reshape(-1, columns) for member, rows in records.items()})
        return self.problem.results(self.units, [tallies[number] for number in range(len(self.units))])
