"""Comparisons as text: for a terminal, Markdown, JSON."""

import json
import math
from typing import Any

from bench.boards import statistics as st
from bench.boards.verdicts.compare import Comparison, Effect, Pair
from bench.formats import NONE, count, escape, exact, grid, indented, number


def render_text(comparison: Comparison) -> str:
    """The comparison for a terminal."""
    lines: list[str] = []
    for pair in comparison.pairs:
        lines += [
            f"{pair.variant} against {pair.baseline} ({comparison.suite} {comparison.suite_version}): {pair.overall.words}."
        ]
        lines += [f"  differs in: {'; '.join(pair.differs)}"] * bool(pair.differs)
        lines += [f"  flag: {flag}" for flag in pair.flags]
        width = max(len(found.metric) for found in pair.effects)
        lines += [f"  {found.metric:<{width}}  {found.words}{_power(found)}" for found in pair.effects]
        lines += [f"  finished runs: {pair.success[0]} against {pair.success[1]}"]
        if pair.parameters:
            lines += [f"  parameters: {count(pair.parameters[0])} against {count(pair.parameters[1])}"]
    return "".join(f"{indented(line)}\n" for line in lines)


def _power(found: Effect) -> str:
    if found.detectable is None or found.verdict == "identical":
        return ""
    return f"; P(better) {number(found.probability, 2)}; detectable {_size(found.detectable, found.unit)}"


def _size(value: float, unit: str) -> str:
    return f"{number(value, 2)} {unit}".strip()


def render_markdown(comparison: Comparison) -> str:
    """The comparison as Markdown tables."""
    lines: list[str] = []
    for pair in comparison.pairs:
        lines += [
            f"## {escape(pair.variant)} against {escape(pair.baseline)}",
            "",
            f"{_sentence(pair.overall.words)}.",
            "",
        ]
        lines += [f"Differs in: {escape('; '.join(pair.differs))}.", ""] if pair.differs else []
        header = ["metric", "verdict", "variant", "baseline", "P(better)", "detectable", "seeds"]
        lines += [*(f"- Flag: {escape(flag)}" for flag in pair.flags), *([""] if pair.flags else [])]
        lines += grid(header, [_cells(found) for found in pair.effects], left=2)
        lines += [f"Finished runs: {pair.success[0]} against {pair.success[1]}.", ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def _sentence(words: str) -> str:
    return escape(words[0].upper() + words[1:])


def _cells(found: Effect) -> list[str]:
    means = [number(st.mean(values)) if values else NONE for values in (found.variant, found.baseline)]
    seen = NONE if found.detectable is None else _size(found.detectable, found.unit)
    sizes = f"{len(found.variant)} / {len(found.baseline)}"
    return [escape(found.metric), escape(found.words), *means, number(found.probability, 2), seen, sizes]


def render_json(comparison: Comparison) -> str:
    """The comparison for programs."""
    content = {
        "suite": comparison.suite,
        "suite_version": comparison.suite_version,
        "protocol_digest": comparison.protocol_digest,
        "ranking": comparison.ranking,
        "paired": comparison.paired,
        "pairs": [_pair_json(pair) for pair in comparison.pairs],
    }
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _pair_json(pair: Pair) -> dict[str, Any]:
    return {
        "variant": pair.variant,
        "baseline": pair.baseline,
        "verdict": pair.overall.verdict,
        "words": pair.overall.words,
        "differs": list(pair.differs),
        "flags": list(pair.flags),
        "success": list(pair.success),
        "parameters": pair.parameters and list(pair.parameters),
        "effects": [_effect_json(found) for found in pair.effects],
    }


def _effect_json(found: Effect) -> dict[str, Any]:
    rounded = ("gain", "low", "high", "p", "probability", "rank_p", "detectable", "correlation")
    kept = {name: value for name, value in vars(found).items() if name not in rounded}
    finite = {
        name: value if value is None or math.isfinite(value) else None
        for name, value in vars(found).items()
        if name in rounded
    }
    return {**kept, **{name: exact(value) for name, value in finite.items()}}
