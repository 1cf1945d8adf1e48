"""Makes docs/findings.md from the committed records: python tools/make_findings.py

Every figure of the page is computed here, from results/; a test compares the page with what the records give.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
from families import changes
from scipy import stats  # pyright: ignore[reportMissingTypeStubs]

from bench.boards import board as boards
from bench.boards import statistics as st
from bench.boards.rows import RANKED, Board
from bench.boards.verdicts.compare import Effect, compare
from bench.formats import number
from bench.suites import suite

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "findings.md"
LEVEL = 0.05
RESAMPLED = 10_000

HEAD = """\
# What we found

Made by `python tools/make_findings.py` from the records in `results/`; a test holds the page to them. What stands here was
measured on small images and small budgets. It says what happens there, and nothing of networks of the published size that are
trained for days.

Asked and not answered yet, because the boards are not made: which member leads on MNIST and on CIFAR-10;
whether flows beat GANs at equal compute; whether orders agree between data sets; what early stopping saves.
"""


@dataclass(frozen=True)
class Study:
    """One network, one change per member."""

    suite: str
    baseline: str  # the member that the others change
    family: str  # the module of the members
    question: str
    noun: str


TRICKS = Study(
    "stabilisers-digits", "dcgan", "zoo.stabilisers", "Which trick helps a DCGAN on the digits?", "changes of one DCGAN"
)
CLASSES = Study(
    "conditioning-digits", "sngan-projection", "zoo.conditioning", "How to tell an SNGAN the class?",
    "other ways to condition one SNGAN than projection",
)  # fmt: skip


FLOWS = ("rectified-flow", "edm")  # of the suite `digits`


def page() -> str:
    """The whole page."""
    names = (TRICKS.suite, CLASSES.suite, "digits")
    tricks, classes, digits = (boards.build(boards.load(ROOT / "results", name)) for name in names)
    parts = [
        HEAD,
        *_changes(TRICKS, tricks),
        "",
        *_changes(CLASSES, classes),
        "",
        *_agreement(classes),
        "",
        *_flows(digits),
        "",
    ]
    parts += [*_noise([tricks, classes, digits]), "", *_best(tricks), "", *_orders(tricks)]
    return "\n".join(parts) + "\n"


def _changes(study: Study, board: Board) -> Iterator[str]:
    """Which change helps, hurts, or does nothing that could be seen."""
    named = {row.member.partition("(")[0]: row for row in board.of("ranked")}
    base = named.pop(study.baseline)
    effects = {name: compare(board, row.member, [base.member]).pairs[0].overall for name, row in named.items()}
    adjusted = dict(zip(effects, st.holm([effect.p or 0.0 for effect in effects.values()]), strict=True))
    seeds = len(base.seeds)
    floor = next(row for row in board.of("calibration") if row.member == "gaussian").cells[board.ranking, RANKED]
    yield f"## {study.question}"
    yield ""
    yield (
        f"Suite `{study.suite}` {board.suite_version}: {len(named)} {study.noun}, {seeds} training seeds each, "
        f"{board.ranking}, lower is better. `{study.baseline}` has {_interval(base.cells[board.ranking, RANKED].summary)}; normal "
        f"pixels with the moments of the data have {number(floor.summary.mean)}. The change is that of the geometric mean with its 95 % "
        "interval (Welch), and negative is better. Helped or hurt is said where the difference is proven at 5 % after Holm's correction "
        f"for {len(named)} comparisons. Detectable is the change that these seeds would have shown in 4 of 5 repetitions, "
        "before that correction."
    )
    yield ""
    yield "| member | what changes | FID | change | detectable | verdict |"
    yield "| --- | --- | --: | --: | --: | --- |"
    words = changes(study.family)
    for name, row in named.items():
        effect = effects[name]
        yield (
            f"| `{name}` | {words[name]} | {_interval(row.cells[board.ranking, RANKED].summary)} | {_change(effect)} | "
            f"{_percent(effect.detectable)} | {_verdict(effect, adjusted[name])} |"
        )
    proven = [name for name, p in adjusted.items() if p <= LEVEL]
    yield ""
    yield (
        f"Proven: {', '.join(f'`{name}`' for name in proven) or 'none'}. The other {len(named) - len(proven)} are not "
        f"told from the baseline by {seeds} seeds; that is no proof that they do nothing."
    )


CLASS_METRICS = ("intra-fid@digits-cnn", "gan-train@digits-cnn", "gan-test@digits-cnn")


def _agreement(board: Board) -> Iterator[str]:
    """What the metrics of classes say beside FID."""
    yield "## Are the classes those that were asked for?"
    yield ""
    yield (
        "Intra-FID is the mean FID within classes; GAN-train the accuracy on real images of a classifier trained on samples; "
        "GAN-test the share of samples in which the extractor's classifier sees the class that was asked for. Means with 95 % "
        "intervals over training seeds."
    )
    yield ""
    yield "| member | FID | intra-FID | GAN-train | GAN-test |"
    yield "| --- | --: | --: | --: | --: |"
    for row in [*board.of("ranked"), *(row for row in board.of("calibration") if row.member == "real")]:
        found = [row.cells.get((metric, RANKED)) for metric in (board.ranking, *CLASS_METRICS)]
        shown = [_interval(cell.summary) if cell else "—" for cell in found]
        yield f"| `{row.member.partition('(')[0]}` | {' | '.join(shown)} |"


def _flows(board: Board) -> Iterator[str]:
    """Flows and diffusion models beside GANs, on equal images."""
    ranked = board.of("ranked")
    gans = [row for row in ranked if row.member not in FLOWS]
    wanted = suite.load(board.suite).members
    missing = ", ".join(f"`{name}`" for name in wanted if name not in {row.member for row in ranked})
    yield "## Which member leads on the digits, and do flows beat GANs at equal images?"
    yield ""
    yield (
        f"Suite `{board.suite}` {board.suite_version}, {len(ranked)} of its {len(wanted)} members with {len(ranked[0].seeds)} "
        f"training seeds each. All drew {board.protocol['training']['images']:,} images in batches of "
        f"{board.protocol['training']['batch_size']}. Means with 95 % intervals over training seeds. "
        f"{f'Not among them yet: {missing}. ' if missing else ''}Flows need many passes for one "
        "sample, and equal compute is not answered here."
    )
    yield ""
    yield "| member | FID | recall |"
    yield "| --- | --: | --: |"
    for row in ranked:
        found = [row.cells[metric, RANKED].summary for metric in (board.ranking, "recall@digits-cnn")]
        yield f"| `{row.member}` | {_interval(found[0])} | {_interval(found[1])} |"
    yield ""
    leading = [f"`{row.member}`" for row in ranked if row.ranks and row.ranks.best == 1]
    yield f"- No member is proven better than {', '.join(leading)} (Welch's tests of all pairs, Holm-corrected at 5 %)."
    for flow in FLOWS:
        effect = compare(board, flow, [gans[0].member]).pairs[0].overall
        yield (
            f"- `{flow}` against `{gans[0].member}`, the best of these GANs by its mean: FID {_change(effect)}, "
            f"{effect.verdict} (this comparison by itself, without correction for the others)."
        )
    best = gans[0].cells["recall@digits-cnn", RANKED].summary
    recalls = [row.cells["recall@digits-cnn", RANKED].summary.mean for row in ranked if row.member in FLOWS]
    yield (
        f"- `{gans[0].member}` has a recall of {_interval(best)}, the flows {min(recalls):.2f} and {max(recalls):.2f}: where FID is "
        "close, recall says how much of the data's variety a member makes."
    )


def _noise(found: Sequence[Board]) -> Iterator[str]:
    """How much of a score is the training seed."""
    yield "## How much of an FID is the training seed?"
    yield ""
    for board in found:
        cells = [row.cells[board.ranking, RANKED].summary for row in board.of("ranked")]
        ratios = [cell.sd / cell.mean for cell in cells if cell.sd is not None]
        yield (
            f"- `{board.suite}`: the standard deviation over training seeds, in per cent of the mean, has the median "
            f"{100 * median(ratios):.1f} % over {len(ratios)} members, from {100 * min(ratios):.1f} % to {100 * max(ratios):.1f} %, "
            f"each from {len(board.of('ranked')[0].seeds)} seeds."
        )


def _best(board: Board) -> Iterator[str]:
    """How much choosing the best checkpoint flatters."""
    gains = []
    for row in board.of("ranked"):
        last, best = (row.cells.get((board.ranking, which)) for which in ("last", "best"))
        if last and best:
            gains.append(np.log(best.summary.mean) - np.log(last.summary.mean))
    low, high = st.t_interval(gains)
    yield "## How much does the best checkpoint flatter?"
    yield ""
    mean, low, high, most = (100 * np.expm1(value) for value in (np.mean(gains), low, high, min(gains)))
    yield (
        "Choosing the checkpoint with the best FID to held-out images, instead of the last one, changes the reported FID (to "
        f"training images) by {mean:.1f} % on average over {len(gains)} members (95 % interval {low:.1f} % to {high:.1f} %), "
        f"at most by {most:.0f} %. For {sum(abs(gain) < 1e-9 for gain in gains)} of them the last checkpoint is the best."
    )


def _orders(board: Board) -> Iterator[str]:
    """Whether other metrics order the members as FID does."""
    rows = board.of("ranked")
    yield "## Do other metrics order these members as FID does?"
    yield ""
    yield (
        f"Spearman's rank correlation with {board.ranking} over {len(rows)} members, both turned so that lower is better; 95 % interval by "
        f"resampling members {RESAMPLED:,} times (percentiles)."
    )
    yield ""
    yield "| metric | rank correlation | 95 % interval |"
    yield "| --- | --: | --- |"
    reference = np.array(
        [board.column(board.ranking).loss(row.cells[board.ranking, RANKED].summary.mean) for row in rows]
    )
    for column in board.columns:
        if column.metric != board.ranking and all((column.metric, RANKED) in row.cells for row in rows):
            other = np.array([column.loss(row.cells[column.metric, RANKED].summary.mean) for row in rows])
            if len(set(other)) > 1:
                value, low, high = _spearman(reference, other)
                yield f"| {column.metric} | {value:.2f} | {low:.2f} to {high:.2f} |"


def _spearman(a: np.ndarray, b: np.ndarray) -> tuple[float, float, float]:
    """Spearman's rank correlation with the percentiles of members drawn again."""
    drawn = np.random.default_rng(0).integers(len(a), size=(RESAMPLED, len(a)))
    low, high = np.nanpercentile(_correlations(a[drawn], b[drawn]), [2.5, 97.5])
    return float(_correlations(a[None], b[None])[0]), float(low), float(high)


def _correlations(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Of the ranks in each row, (R, N) and (R, N) -> (R,); NaN where all values of a row are equal."""
    ranks = [stats.rankdata(values, axis=1) - (values.shape[1] + 1) / 2 for values in (a, b)]
    with np.errstate(invalid="ignore"):
        return (ranks[0] * ranks[1]).sum(1) / np.sqrt((ranks[0] ** 2).sum(1) * (ranks[1] ** 2).sum(1))


def _interval(summary: st.Summary) -> str:
    if summary.low is None or summary.high is None:
        return number(summary.mean)
    return f"{number(summary.mean)} ({number(summary.low)} to {number(summary.high)})"


def _change(effect: Effect) -> str:
    """Of the FID, in per cent: what is gained is lower."""
    if effect.gain is None or effect.low is None or effect.high is None:
        return "not known"
    return f"{-effect.gain:+.0f} % ({-effect.high:+.0f} to {-effect.low:+.0f})"


def _percent(value: float | None) -> str:
    return "not known" if value is None else f"{value:.0f} %"


def _verdict(effect: Effect, p: float) -> str:
    if p > LEVEL or effect.gain is None:
        return "cannot tell"
    return "helps" if effect.gain > 0 else "hurts"


if __name__ == "__main__":
    text = page()
    sys.stdout.write(f"{PAGE}: {len(text.splitlines())} lines\n")
    PAGE.write_text(text, encoding="utf-8")
