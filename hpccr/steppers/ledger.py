"""What has gone where: budgets of mass, momentum and energy of a flow, closed by the weights of the steps themselves."""

from hpccr.steppers.imex import CARRIED
from hpccr.units import Msun

# What is added up over a run, each with its meaning [g, erg, g cm/s; in a slab per cm²].
FLOWS = {
    "mass_out": "gas that has left through the ends of the line",
    "E_gas_out": "energy that has left with gas, and the work of all pressure at the ends",
    "E_cr_escaped": "CR energy that has left through the ends of the line",
    "E_cr_ends": "CR energy that has left through the ends of the momentum axis",
    "E_work": "work of the CRs on the gas",
    "E_losses": "energy from CRs to gas by ionisation and Coulomb collisions",
    "E_waves": "energy from CRs to gas by waves",
    "E_radiated": "energy that the gas has radiated, less what it was heated by light",
    "p_cr": "momentum from the CR pressure on the sides of widening cells",
    "p_gas": "momentum from the gas pressure on the sides of widening cells",
    "p_out": "momentum that has left through the ends of the line, pressure included",
}

# What the budgets lack, and what is left.
ERRORS = {
    "mass_error": "what the budget of mass lacks, over the first mass",
    "momentum_error": "what the budget of momentum lacks, over the sum of |p| and of all that went into and out of it",
    "energy_error": "what the budget of energy lacks, over the first energy of the CRs (of the gas, if there are no CRs)",
}
E_CR_LEFT = "CR energy in the box"

# The order in which operators.gas_kernels adds up.
_TALLIED = ("E_work", "mass_out", "E_gas_out", "p_out", "p_cr", "p_gas", "E_waves")


class Ledger:
    """Sums over the steps so far.

    Parameters
    ----------
    model : Model

    Attributes
    ----------
    flows : dict
        Each of FLOWS [g, erg, g cm/s].
    first : dict
        mass, momentum, E_gas, E_cr at the start.
    """

    def __init__(self, model):
        self.model, self.flows, self.first = model, dict.fromkeys(FLOWS, 0.0), {}

    def enter(self, outcome):
        """Add a step, as Imex.attempt tells it."""
        add = dict.fromkeys(FLOWS, 0.0)
        for weight, flow in zip(CARRIED, outcome.flows):
            for name, value in zip(_TALLIED, flow.tally):
                add[name] += weight * outcome.dt * value
        add["E_waves"] += outcome.waves
        add["E_radiated"] = outcome.radiated
        add["E_cr_escaped"], add["E_cr_ends"], add["E_losses"] = outcome.escaped, outcome.ends, outcome.warmed
        for name, value in add.items():
            self.flows[name] += value

    def errors(self, now):
        """(mass_error, momentum_error, energy_error) of totals `now`, see Flow.totals: what is missing, relative to the mass, to ∫|dp|
        and to the initial CR energy (of the gas, if there are no CRs)."""
        f, first = self.flows, self.first
        mass = (now["mass"] - first["mass"] + f["mass_out"]) / first["mass"]
        momentum = now["momentum"] - first["momentum"] + f["p_out"] - f["p_cr"] - f["p_gas"]
        scale = abs(now["momentum"]) + abs(f["p_cr"]) + abs(f["p_gas"]) + abs(f["p_out"])
        # Where the gas is held, the work goes to whoever holds it.
        held = 0.0 if self.model.moves else f["E_work"]
        energy = (now["E_gas"] - first["E_gas"] + f["E_gas_out"] + now["E_cr"] - first["E_cr"] + f["E_cr_escaped"] + f["E_cr_ends"]
                  + f["E_radiated"] + held)
        return mass, momentum / scale if scale > 0 else 0.0, energy / (first["E_cr"] or first["E_gas"])

    def history(self, now):
        """Columns (name, unit, value, meaning)."""
        mass, momentum, energy = self.errors(now)
        per, flows = self.model.per, self.flows
        impulse = "g/(cm s)" if per else "g cm/s"
        rows = [("mass", "Msun" + per, now["mass"] / Msun, "gas in the box"),
                ("mass_out", "Msun" + per, flows["mass_out"] / Msun, FLOWS["mass_out"]),
                ("mass_error", "1", mass, ERRORS["mass_error"]),
                ("momentum", impulse, now["momentum"], "outward momentum of the gas in the box")]
        rows += [(name, impulse, flows[name], FLOWS[name]) for name in ("p_cr", "p_gas", "p_out")]
        rows += [("momentum_error", "1", momentum, ERRORS["momentum_error"]),
                 ("E_gas", "erg" + per, now["E_gas"], "heat and motion of the gas in the box"),
                 ("E_cr_left", "erg" + per, now["E_cr"], E_CR_LEFT)]
        rows += [(name, "erg" + per, flows[name], FLOWS[name]) for name in FLOWS if name.startswith("E_")]
        return [*rows, ("energy_error", "1", energy, ERRORS["energy_error"])]

    def state(self):
        """For a checkpoint: dict of floats."""
        return {**self.flows, **{f"first.{name}": value for name, value in self.first.items()}}

    def restore(self, state):
        """Take back what `state` gave."""
        self.flows = {name: state[name] for name in FLOWS}
        self.first = {name[6:]: value for name, value in state.items() if name.startswith("first.")}

