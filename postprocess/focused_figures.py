"""The figures of a run of pitch-angle transport, see focused.py: profiles, maps, moments, errors, dispersion."""

import numpy as np
from common import entry
from drawing import GREY, WIDTH, Absent, legend, plt, positive, sample, signed, tidy_log, upright

MODELS = {"diffusion": "#0072b2", "hyperdiffusion": "#d55e00", "telegraph": "#009e73"}
STYLE = {"diffusion": {"linestyle": (0, (1, 1)), "linewidth": 1.6}, "hyperdiffusion": {"linestyle": "-"},
         "telegraph": {"linestyle": (0, (5, 1.2, 1, 1.2))}}
KINETIC = {"color": "k", "linewidth": 2.4, "alpha": 0.35}
EXACT = {"color": "k", "linewidth": 0.8}
NEGATIVE = {"linestyle": (0, (3, 1.5))}
RING = {"marker": "o", "markerfacecolor": "none"}
DOTTED = {"color": "0.35", "linestyle": ":", "linewidth": 0.9, "zorder": 0}
REFERENCE = {"color": GREY, "linewidth": 0.7, "linestyle": (0, (5, 1.5)), "zorder": 0}
WORD = {"textcoords": "offset points", "color": "0.35", "fontsize": 7}
LAWS = {"isotropic": "$D$ = 1", "power": "$D=|\\mu|^{{q-1}}$, $q$ = {q:.3g}",
        "filled": "$D=|\\mu|^{{q-1}}+{gap:g}$, $q$ = {q:.3g}", "table": "$D(\\mu)$ of a table", "orbits": "$D(\\mu)$ of orbits"}


def title_of(one):
    """What sort of run this is: law, sigma, epsilon."""
    return f"{one.deck.words()},  $\\varepsilon$ = {one.deck.epsilon:g}"


def time_label(snapshot):
    """Time and slow time of a snapshot."""
    return f"$\\nu t$ = {float(snapshot['time']):.4g},  $T$ = {_slow(snapshot):.2g}"


def _slow(snapshot):
    return float(snapshot["T"])


def model_lines():
    """Samples of the models for a legend."""
    return [sample(name, color=colour, **STYLE[name]) for name, colour in MODELS.items()]


def reach(one, snapshots, least):
    """Limits of z that hold f0 down to `least` of its maximum in these snapshots: (float, float)."""
    known = np.zeros(len(one.z), bool)
    for snapshot in snapshots:
        f0 = np.abs(snapshot["f0"].values)
        known |= f0 > least * f0.max()
    return one.z[known].min(), one.z[known].max()


def profiles(one):
    """f0(z) at several times above, the models' differences from it below."""
    shown = one.shown
    size = (WIDTH * (0.12 + 0.22 * max(len(shown), 2)), 4.3)
    figure, axes = plt.subplots(2, len(shown), figsize=size, sharex="col", sharey="row", squeeze=False)
    differences = []
    for (upper, lower), snapshot in zip(axes.T, shown):
        f0, peak = snapshot["f0"].values, np.abs(snapshot["f0"].values).max()
        upper.plot(one.z, f0, **KINETIC)
        for name, colour in MODELS.items():
            upper.plot(one.z, snapshot[name], color=colour, **STYLE[name])
            differences.append((snapshot[name].values - f0) / peak)
            signed(lower, one.z, differences[-1], color=colour, linewidth=0.9)
        upper.set_title(time_label(snapshot))
        _fronts(one, (upper, lower), snapshot)
        upper.set_xlim(reach(one, [snapshot], 1e-4))
        lower.set_xlabel("$z/l$")
    # Fronts of the telegraph equation may be spikes.
    top = max(snapshot["f0"].values.max() for snapshot in shown)
    drawn = [snapshot[name].values for snapshot in shown for name in ("f0", *MODELS)]
    axes[0, 0].set_ylim(max(1.05 * min(np.nanmin(drawn), 0.0), -0.2 * top), min(1.05 * np.nanmax(drawn), 1.25 * top))
    axes[0, 0].set_ylabel("$f_0$")
    upright(axes[1, 0], np.abs(differences), 5, "(model − kinetic)/max $f_0$")
    lines = [sample("kinetic", **KINETIC), *model_lines(), sample("negative", color="0.3", **NEGATIVE)]
    if np.isfinite(one.deck.edge):
        lines.append(sample(f"$\\varepsilon\\nu t$ from the {'edge' if one.deck.edge > 0 else 'middle'}", **DOTTED))
        lines += [sample("$T\\sqrt{\\kappa/\\tau}$", **{**DOTTED, "color": MODELS["telegraph"]})] * (one.tau > 0)
    legend(figure, lines, 7 if len(shown) > 1 else 3, title_of(one))
    return figure


def _fronts(one, axes, snapshot):
    """How far the fastest particle has got, and the fronts of the telegraph equation."""
    ways = [(one.deck.epsilon * float(snapshot["time"]), DOTTED["color"])]
    if one.tau > 0:
        ways.append((np.sqrt(one.kappa / one.tau) * _slow(snapshot), MODELS["telegraph"]))
    for way, colour in ways if np.isfinite(one.deck.edge) else ():
        for axis in axes:
            for side in (-1, 1):
                axis.axvline(one.deck.at + side * (one.deck.edge + way), **{**DOTTED, "color": colour})


def maps(one):
    """f(z, mu) over its maximum above; f/f0 − 1 below, where f0 is more than 1e-3 of its maximum."""
    shown = one.shown
    size = (WIDTH * (0.16 + 0.21 * max(len(shown), 2)), 4.4)
    figure, axes = plt.subplots(2, len(shown), figsize=size, sharex=True, sharey=True, squeeze=False)
    anisotropies = []
    for snapshot in shown:
        f, f0 = snapshot["f"].values, snapshot["f0"].values[:, None]
        known = f0 > 1e-3 * f0.max()
        anisotropies.append(np.where(known, f / np.where(known, f0, 1.0) - 1, np.nan))
    top = max(np.nanpercentile(np.abs(a), 99) for a in anisotropies)
    top = min(float(f"{top:.1g}"), 1.0) if top > 0 else 1.0     # f/f0 − 1 is never below −1
    mu, style = shown[0]["mu"].values, {"shading": "nearest", "rasterized": True}
    for (upper, lower), snapshot, anisotropy in zip(axes.T, shown, anisotropies):
        f = snapshot["f"].values
        left = upper.pcolormesh(one.z, mu, f.T / f.max(), cmap="viridis", vmin=0, vmax=1, **style)
        right = lower.pcolormesh(one.z, mu, anisotropy.T, cmap="RdBu_r", vmin=-top, vmax=top, **style)
        if np.isfinite(one.deck.edge):
            upper.plot(one.deck.at + one.deck.epsilon * float(snapshot["time"]) * mu, mu, color="w", linewidth=0.8, linestyle=":")
        upper.set_title(time_label(snapshot))
        lower.set_xlabel("$z/l$")
    axes[0, 0].set_xlim(reach(one, shown, 1e-3))
    axes[0, 0].set_ylim(-1, 1)
    for row, image, label in zip(axes, (left, right), ("$f/\\max f$", "$f/f_0-1$")):
        row[0].set_ylabel("$\\mu$")
        figure.colorbar(image, ax=row, label=label, pad=0.01, aspect=16, extend="neither" if image is left else "both")
    streaming = [sample("$\\varepsilon\\mu\\nu t$ from the middle: free streaming", color="0.5", linestyle=":")]
    legend(figure, streaming * bool(np.isfinite(one.deck.edge)), 1, title_of(one))
    return figure


def moments(one):
    """Growth of <z²> and <z⁴> above; below, where these are known, deviations from the exact ones, of the models as well."""
    history = one.history
    if not {"time", "z2", "z4"} <= set(history) or (history["time"] > 0).sum() < 2 or history["time"][0] > 0:
        raise Absent("history.csv has no z2 and z4 from t = 0 to some later time")
    if not history["z2"][0] > 0:
        raise Absent("there are no particles at t = 0")
    rows = np.append(0, _spread(history["time"]))
    history = {name: history[name][rows] for name in ("time", "z2", "z4")}
    t, values = history["time"][1:], np.stack([history["z2"], history["z4"]])
    first, values = values[:, :1], values[:, 1:]
    times = np.array([float(s["time"]) for s in one.later])
    own = {name: np.stack([one.moments_of(s, name) for s in one.later], axis=1) for name in MODELS}
    fine = np.geomspace(t[0], t[-1], 200)
    smooth, there, then = (one.exact(at, first[:, 0]) for at in (fine, t, times))
    rows, height = (1, 3.0) if smooth is None else (2, 4.8)
    figure, axes = plt.subplots(rows, 2, figsize=(0.92 * WIDTH, height), sharex=True, squeeze=False)
    for i, (column, power) in enumerate(zip(axes.T, (2, 4))):
        column[0].plot(t, positive(values[i] - first[i]), **KINETIC)
        for name, colour in MODELS.items():
            column[0].plot(times, positive(own[name][i] - first[i]), color=colour, linestyle="none", **RING)
        mean = f"\\langle z^{power}\\rangle"
        upright(column[0], [values[i] - first[i]], 9, f"${mean}-{mean}_0$  [$l^{power}$]", 3.0)
        if smooth is not None:
            column[0].plot(fine, smooth[i] - first[i], **EXACT)
            drawn = {name: np.abs(value[i] / then[i] - 1) for name, value in own.items()}
            for name, colour in MODELS.items():
                column[1].plot(times, positive(drawn[name]), color=colour, **RING, **{**STYLE[name], "linewidth": 0.7})
            off = np.abs(values[i] / there[i] - 1)
            column[1].plot(t, positive(off), **KINETIC)
            upright(column[1], [*drawn.values(), off], 9, f"$|{mean}/$exact $-\\,1|$", 3.0)
    if smooth is not None and one.kappa > 0:
        _regimes(one, axes[0, 0], fine)
    _times(axes, fine)
    lines = [sample("kinetic", **KINETIC)] + [sample("exact", **EXACT)] * (smooth is not None)
    lines += [sample(name, color=colour, linestyle="none", **RING) for name, colour in MODELS.items()]
    legend(figure, lines, 5, title_of(one))
    return figure


def _spread(t, most=300):
    """At most so many of the times t > 0, about evenly in ln t: array of indices."""
    wanted = np.geomspace(t[1], t[-1], most)
    return np.unique(np.append(np.searchsorted(t, wanted[:-1]), len(t) - 1))


def _times(axes, t):
    """A log axis of time below."""
    axes[0, 0].set_xscale("log")
    axes[0, 0].set_xlim(t[0], t[-1])
    for axis in axes[-1]:
        tidy_log(axis.xaxis)
        axis.set_xlabel("$\\nu t$")


def _regimes(one, axis, t):
    """The growth of <z²> long before and long after the first scatterings, ε²t²/3 and ε²κt/2, to where they cross and beyond."""
    cross, slow = 1.5 * one.kappa, one.deck.epsilon**2
    early, late = t < 3 * cross, t > cross / 30
    if early.any():
        axis.plot(t[early], slow * t[early] ** 2 / 3, **REFERENCE)
        middle = t[int(0.4 * early.sum())]
        axis.annotate("ballistic, $\\varepsilon^2\\nu^2t^2/3$", (middle, slow * middle**2 / 3), (5, -4), va="top", **WORD)
    if late.any():
        axis.plot(t[late], slow * one.kappa * t[late] / 2, **REFERENCE)
        before = t[-1 - int(0.36 * len(t))]         # where the word begins
        height = slow * one.kappa * before / 2
        axis.annotate("diffusive, $\\varepsilon^2\\kappa\\nu t/2$", (t[-1], height), (-4, -4), va="top", ha="right", **WORD)


def errors(one):
    """Relative L2 difference of the models' f0 from the kinetic one over time."""
    times = np.array([float(s["time"]) for s in one.later])
    if len(times) < 2:
        raise Absent("fewer than two snapshots later than t = 0")
    figure, axes = plt.subplots(figsize=(0.62 * WIDTH, 3.3), squeeze=False)
    drawn = []
    for name, colour in MODELS.items():
        drawn.append([one.off(s, name) for s in one.later])
        axes[0, 0].plot(times, positive(drawn[-1]), color=colour, label=name, **RING, **STYLE[name])
    upright(axes[0, 0], drawn, 8, "$\\|f_0^\\mathrm{model}-f_0\\|/\\|f_0\\|$", 2.0)
    _times(axes, times)
    axes[0, 0].set_title(title_of(one))
    axes[0, 0].legend(loc="best")
    return figure


def dispersion(one):
    """The decay −λ(k) of the operator and of the models above, relative differences below."""
    found = entry(one.summary, "dispersion")
    k, value = np.array(found.get("k", ()), float), np.array(found.get("value", ()), float)
    if one.deck.sigma or one.deck.focusing == "table":
        raise Absent("lambda(k) of the models is drawn without focusing only")
    if not len(k) or value.shape != k.shape or not np.isfinite(one.kappa + one.K + one.tau):
        raise Absent("no dispersion, kappa, K and tau in the summary")
    exact, fine = -value, np.geomspace(k[0], k[-1], 300)
    figure, (upper, lower) = plt.subplots(2, 1, figsize=(0.68 * WIDTH, 4.9), sharex=True, height_ratios=(1.3, 1))
    drawn = []
    for name, colour in MODELS.items():
        upper.plot(fine, branch(one, name, fine), color=colour, **STYLE[name])
        drawn.append(np.abs(branch(one, name, k) / exact - 1))
        lower.plot(k, positive(drawn[-1]), color=colour, **RING, **STYLE[name])
    upper.plot(k, exact, color="k", linestyle="none", marker="o", markersize=3.5)
    upper.set_xscale("log")
    upper.set_xlim(k[0] / 1.15, k[-1] * 1.15)
    upright(upper, [exact], 9, "$-\\mathrm{Re}\\,\\lambda/\\nu$", 3.0)
    upright(lower, drawn, 9, "|model/operator $-\\,1$|", 3.0)
    merging = 0.5 / np.sqrt(one.kappa * one.tau) if one.tau > 0 else np.inf
    for axis in (upper, lower):
        if k[0] < merging < k[-1]:
            axis.axvline(merging, **{**DOTTED, "color": MODELS["telegraph"]})
    tidy_log(lower.xaxis)
    lower.set_xlabel("$kl$")
    lines = [sample("operator", color="k", linestyle="none", marker="o", markersize=3.5), *model_lines()]
    if k[0] < merging < k[-1]:
        lines.append(sample("telegraph's modes merge", **{**DOTTED, "color": MODELS["telegraph"]}))
    legend(figure, lines, 4 if len(lines) == 4 else 3, title_of(one))
    return figure


def branch(one, model, k):
    """−Re λ of a model's slow mode at wavenumbers k [1/l], without focusing: array like k [ν].

    With T = ε²t/4: κk², κk² + ε²Kk⁴ (its rational form where K < 0), and the lower of s − τs² = κk².
    """
    slow = one.deck.epsilon**2 / 4
    diffusive, correction = one.kappa * k**2, one.deck.epsilon**2 * one.K * k**4
    if model == "diffusion":
        return slow * diffusive
    if model == "hyperdiffusion":
        return slow * (diffusive + correction if one.K >= 0 else diffusive / (1 - correction / diffusive))
    root = np.sqrt((1 - 4 * one.tau * diffusive).astype(complex))
    return slow * 2 * diffusive * (1 / (1 + root)).real
