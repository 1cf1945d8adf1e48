"""The operating characteristics in protocol.md, by simulation through the bench's own code.

python tools/gate_curves.py            prints the tables, writes docs/figures/gate_power.svg
"""

from collections import Counter
from pathlib import Path

import numpy as np

from bench.boards import statistics as st
from bench.boards.rows import Column
from bench.boards.scales import scale_of
from bench.boards.verdicts.cells import Draft, judged
from bench.boards.verdicts.margins import DEFAULT

TRIALS = 4_000
SEEDS = (2, 3, 5, 8, 10)
SPREADS = (0.015, 0.03, 0.05, 0.10)
CHANGES = (0.0, 0.05, 0.10, 0.20)
FID = Column("fid@any", 1, "lower", scale_of("fid@any"))


def verdicts(spread: float, seeds: int, change: float) -> Counter[str]:
    """Shares of the three verdicts for log-normal FIDs with a coefficient of variation and a true change."""
    rng = np.random.default_rng([seeds, round(1000 * spread), round(1000 * change)])
    old = 10 * rng.lognormal(0, spread, (TRIALS, seeds))
    new = 10 * (1 + change) * rng.lognormal(0, spread, (TRIALS, seeds))
    counts: Counter[str] = Counter()
    for before, after in zip(old.tolist(), new.tolist(), strict=True):
        losses = [[FID.loss(value) for value in values] for values in (before, after)]
        draft = Draft("m", FID, DEFAULT, tuple(after), tuple(before), st.welch(*losses).p_above())
        counts[judged([draft])[0].verdict] += 1
    return counts


def gate_table() -> list[str]:
    """Pass / inconclusive / regressed in per cent."""
    lines = ["| CV, seeds | " + " | ".join(f"true +{change:.0%}".replace("%", " %") for change in CHANGES) + " |"]
    lines.append("| :-- |" + " --: |" * len(CHANGES))
    for spread in SPREADS:
        for seeds in SEEDS:
            shares = [verdicts(spread, seeds, change) for change in CHANGES]
            cells = [
                " / ".join(f"{100 * found[name] / TRIALS:.0f}" for name in ("pass", "inconclusive", "regressed"))
                for found in shares
            ]
            lines.append(f"| {100 * spread:g} %, {seeds} | " + " | ".join(cells) + " |")
    return lines


def coverage_table() -> list[str]:
    """How often 95 % intervals hold the truth: Student's t on the log scale, and the percentile bootstrap beside it."""
    lines = ["| seeds | Student's t, log scale | percentile bootstrap |", "| --: | --: | --: |"]
    for seeds in (2, 3, 5, 10, 20):
        rng = np.random.default_rng(seeds)
        fids = 20 * rng.lognormal(0, 0.05, (TRIALS, seeds))
        found = [st.summary(row, FID.scale) for row in fids.tolist()]
        student = np.mean([(one.low or 0) <= 20 <= (one.high or 0) for one in found])
        draws = rng.integers(seeds, size=(TRIALS, 1000, seeds))
        means = np.take_along_axis(np.log(fids)[:, None, :], draws, axis=2).mean(axis=2)
        low, high = np.quantile(means, [0.025, 0.975], axis=1)
        bootstrap = np.mean((low <= np.log(20)) & (np.log(20) <= high))
        lines.append(f"| {seeds} | {student:.1%} | {bootstrap:.1%} |".replace("%", " %"))
    return lines


def detectable_table() -> list[str]:
    """The smallest true change that a comparison finds in four of five repetitions."""
    lines = ["| CV | " + " | ".join(f"{seeds} seeds" for seeds in SEEDS) + " |", "| --: |" + " --: |" * len(SEEDS)]
    for spread in SPREADS:
        found = [100 * np.expm1(st.minimum_detectable(spread, seeds, seeds)) for seeds in SEEDS]
        lines.append(f"| {100 * spread:g} % | " + " | ".join(f"{value:.1f} %" for value in found) + " |")
    return lines


def draw(path: Path) -> None:
    """Share of regressions found against the true change, at a spread of 5 %."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "gate"
    import matplotlib.pyplot as plt
    import seaborn as sns

    sns.set_theme(style="whitegrid")
    figure, axes = plt.subplots(figsize=(7, 4))
    changes = np.linspace(0, 0.25, 11)
    for seeds, colour in zip(SEEDS, sns.color_palette("viridis", len(SEEDS)), strict=True):
        shares = [100 * verdicts(0.05, seeds, float(change))["regressed"] / TRIALS for change in changes]
        axes.plot(100 * changes, shares, color=colour, marker="o", label=f"{seeds} seeds")
    axes.axhline(5, color="grey", linestyle=":", linewidth=1)
    axes.set(xlabel="true worsening of FID, %", ylabel="called regressed, %", ylim=(0, 102))
    axes.set_title("The gate at a coefficient of variation of 5 % and a margin of 5 %")
    axes.legend(frameon=False)
    figure.savefig(path, metadata={"Date": None}, bbox_inches="tight")


if __name__ == "__main__":
    for table in (coverage_table(), gate_table(), detectable_table()):
        print("\n".join(table), end="\n\n")
    draw(Path(__file__).parents[1] / "docs" / "figures" / "gate_power.svg")
