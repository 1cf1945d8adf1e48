"""Records, curves, boards and comparisons as pandas; figures as matplotlib."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.boards import board as boards
from bench.boards import columns, headline
from bench.boards.rows import RANKED, Board, Checkpoint
from bench.boards.verdicts import compare as comparing
from bench.errors import UserError, unknown
from bench.records import record as records
from bench.records.record import Record

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

RESULTS = "results"


def load_records(results: str | Path = RESULTS, suite: str | None = None) -> "pd.DataFrame":
    """Every score of every record, one row each: long, as pandas and seaborn like it.

    A run without scores (failed, diverged early) has one row without a metric, so that it is not lost. Columns: suite,
    version, protocol, member, role, seed, attempt, status, images, train_seconds, metric, checkpoint, sample_seed, value,
    samples_real, samples_fake, flags, file. Raises UserError when there is no such folder, or for an unsound record.
    """
    import pandas as pd

    lines = [line for found in boards.load(Path(results), suite) for line in _score_rows(found)]
    return pd.DataFrame(lines, columns=[*RUN, *SCORE])


RUN = ("suite", "version", "protocol", "member", "role", "seed", "attempt", "status", "images", "train_seconds", "file")
SCORE = ("metric", "checkpoint", "sample_seed", "value", "samples_real", "samples_fake", "flags")


def _score_rows(found: Record) -> list[tuple[Any, ...]]:
    run = (
        found.suite, found.suite_version, found.protocol_digest, found.member.label, found.member.role, found.seed,
        found.attempt, found.status, found.images_seen, found.seconds.get("train"), found.file_name,
    )  # fmt: skip
    scores = [
        (
            one.metric,
            one.checkpoint,
            one.sample_seed,
            one.value,
            one.samples_real,
            one.samples_fake,
            "; ".join(one.flags),
        )
        for one in found.scores
    ]
    return [(*run, *score) for score in scores or [(None,) * len(SCORE)]]


def curves(results: str | Path = RESULTS, suite: str | None = None) -> "pd.DataFrame":
    """Every number of every training curve: member, seed, images, seconds, key, value. Losses stand under "player/term"."""
    from bench.report.frames import curve_frame

    return curve_frame(boards.load(Path(results), suite))


def leaderboard(results: str | Path = RESULTS, suite: str | None = None) -> "pd.DataFrame":
    """The board of one suite, a row per member in the board's order, with everything that `bench leaderboard` writes as CSV.

    ``.attrs`` holds "suite", "version", "protocol" (its digest), "ranking" (the metric), "verdict" (a sentence) and "notes".
    Raises UserError when there are no records, or records of several suites and none is named.
    """
    import pandas as pd

    board = _board(results, suite)
    shown = columns.columns(board)
    frame = pd.DataFrame([{"kind": row.kind, **columns.facts(shown, row)} for row in board.rows])
    frame.attrs |= {
        "suite": board.suite,
        "version": board.suite_version,
        "protocol": board.protocol_digest,
        "ranking": board.ranking,
        "verdict": headline.verdict(board),
        "notes": list(board.notes),
    }
    return frame


def verdict(results: str | Path = RESULTS, suite: str | None = None) -> str:
    """What the board says, in a sentence."""
    return headline.verdict(_board(results, suite))


def compare(
    variant: str,
    against: str | Sequence[str],
    suite: str | None = None,
    *,
    results: str | Path = RESULTS,
    checkpoint: Checkpoint = RANKED,
    paired: bool = False,
) -> "pd.DataFrame":
    """Is a variant better? One row per baseline and metric; nothing is run.

    Columns: variant, baseline, metric, checkpoint, verdict (better, worse, identical, cannot tell), words, gain (positive
    where the variant is better) with its 95 % interval low to high, their unit, p (adjusted for the number of metrics),
    probability that a run of the variant beats one of the baseline, detectable (the smallest gain that would have shown).
    ``paired`` compares runs of the same seed. Raises UserError for a member that is not on the board.
    """
    import pandas as pd

    found = comparing.compare(
        _board(results, suite), variant, [against] if isinstance(against, str) else against, checkpoint=checkpoint,
        paired=paired,
    )  # fmt: skip
    return pd.DataFrame(
        [
            {"variant": pair.variant, "baseline": pair.baseline, **{name: getattr(effect, name) for name in EFFECT}}
            for pair in found.pairs
            for effect in pair.effects
        ]
    )


EFFECT = ("metric", "checkpoint", "verdict", "words", "gain", "low", "high", "unit", "p", "probability", "detectable")


def figures(results: str | Path = RESULTS, suite: str | None = None) -> "dict[str, Figure]":
    """Every figure of a suite's page, by name, as matplotlib figures to change and save."""
    from bench.report import plots

    found = _of_suite(Path(results), suite)
    drawn = plots.drawings(boards.build(found), found, Path(results))
    return {drawing.name: drawing.figure for drawing in drawn}


def _board(results: str | Path, suite: str | None) -> Board:
    return boards.build(_of_suite(Path(results), suite))


def _of_suite(results: Path, suite: str | None) -> list[Record]:
    """The records of the suite, or of the only one."""
    if not results.is_dir():
        boards.load(results)  # raises, and says what was expected
    known = records.suites(results)
    if not known:
        raise UserError(
            f"{results}: holds no records. Make some with `bench run --suite demo`, or give another folder."
        )
    if suite is None and len(known) > 1:
        raise UserError(f"{results}: holds records of {len(known)} suites. Name one: {', '.join(known)}.")
    if suite is not None and suite not in known:
        raise unknown("suite with records", suite, known)
    return list(boards.load(results, suite or known[0]))
