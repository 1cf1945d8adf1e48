"""Rows that a suite did not train, in sentences: whose budget is only stated, or what compression cost."""

import math
from collections.abc import Iterator

from bench import formats
from bench.boards.metric_names import metric_name
from bench.boards.statistics import mean, t_interval
from bench.records.origins import Adoption, Compression
from bench.records.record import Record


def origin(record: Record) -> str:
    """One sentence; "" for a record of a training."""
    if record.adoption is not None:
        return _adopted(record.member.label, record.adoption)
    if record.compression is not None:
        return _compressed(record, record.compression)
    return ""


def _adopted(name: str, adoption: Adoption) -> str:
    form = "images of" if adoption.form == "samples" else adoption.form
    images = f", {formats.count(adoption.images)} images" if adoption.images is not None else ""
    return (
        f"{name} was trained elsewhere ({form} {adoption.file}, sha256 {adoption.sha256[:10]}). "
        f"Its budget as stated, not verified: {adoption.statement}{images}."
    )


def _compressed(record: Record, compression: Compression) -> str:
    parts = [f"{record.member.label} is {compression.parent} compressed by {compression.recipe}"]
    if change := differences(record, record.ranking):
        name = metric_name(record.ranking).short
        parts.append(f"{name} {spread(change)} over {len(change)} sample seeds")
    parts.append(f"{formats.number(100 * compression.bytes / max(compression.parent_bytes, 1), 3)} % of the bytes")
    return f"{': '.join((parts[0], ', '.join(parts[1:])))}. {speed(compression)}"


def differences(record: Record, metric: str) -> list[float]:
    """The copy's score minus its parent's, from the same latents, for each sample seed."""
    if record.compression is None:
        return []
    before = {score.sample_seed: score.value for score in record.compression.parent_scores if score.metric == metric}
    after = {score.sample_seed: score.value for score in record.scores if score.metric == metric}
    return [after[seed] - before[seed] for seed in sorted(after.keys() & before.keys())]


def spread(change: list[float]) -> str:
    """``+1.23 [0.98, 1.48]``: the mean and the paired 95 % interval over sample seeds."""
    text = f"{mean(change):+.3g}"
    if len(change) < 2:
        return text
    low, high = t_interval(change)
    return f"{text} [{low:.3g}, {high:.3g}]"


def ratios(compression: Compression) -> Iterator[tuple[str, list[float]]]:
    """For each way to run the parent: the logarithm of its time over the copy's, round by round; above 0 the copy is faster."""
    copies = [timing for timing in compression.timings if timing.what.startswith("compressed")]
    for timing in compression.timings:
        if timing not in copies and copies:
            both = zip(timing.milliseconds, copies[0].milliseconds, strict=False)
            yield timing.what, [math.log(parent / copy) for parent, copy in both if parent > 0 and copy > 0]


def speed(compression: Compression) -> str:
    """Faster is only said where something runs in int8 and beats every way to run the parent."""
    found = [(what, values) for what, values in ratios(compression) if len(values) > 1]
    if not found:
        return "No speed is claimed: it runs on the same kernels."
    words = [f"{_factor(values)} times as fast as {what}" for what, values in found]
    faster = bool(compression.in_int8) and all(t_interval(values)[0] > 0 for _, values in found)
    return f"{'Faster' if faster else 'Not said to be faster'}, one batch of {compression.timings[0].batch}: {', '.join(words)}."


def _factor(logs: list[float]) -> str:
    """``1.52 [1.31, 1.76]``: the geometric mean of ratios and its 95 % interval over rounds."""
    return f"{math.exp(mean(logs)):.3g} [{', '.join(f'{math.exp(end):.3g}' for end in t_interval(logs))}]"
