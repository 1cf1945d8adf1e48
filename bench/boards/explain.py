"""Why two numbers differ: every field in which two protocols differ, what it is known to do to a score, and whether the two
may be compared. For records, boards and published rows.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench import formats
from bench.records.record import Record
from bench.suites.suite import Suite

if TYPE_CHECKING:
    from bench.boards.rows import Board

# What is known, by the beginning of the field's name; the longest that fits counts. Numbers name their source.
EFFECTS = {
    "track": "the budget or the recipe is another one: fixed gives everybody the same images, paper each its "
    "own recipe, matched the same compute",
    "data.name": "other real images: the scores have nothing in common",
    "data.resolution": "other pictures: the scores have nothing in common",
    "data.flip": "mirrored images are training images too: a small set looks twice as large",
    "data.split": (
        "the split behind the real side: FID to training images flatters what memorises "
        "(2.42 to the training split, 3.1 between the splits themselves: NVlabs/stylegan2-ada issue 53)"
    ),
    "facts.data": "other real images or another preparation of them: box instead of Lanczos moved an FID from 5.3 to 4.3 "
    "(NVlabs/stylegan2-ada-pytorch issue 283)",
    "training.images": "a longer training is usually a better score, until it diverges",
    "training.flops": "more compute is a longer training: usually a better score, until it diverges",
    "training.parts": "batch norm and whatever else looks across images sees one part; random numbers differ",
    "training.width": "every network is wider or narrower: other capacity, other cost",
    "training.batch_size": "another batch size is another training: more images per update, fewer updates for the same budget",
    "training.precision": "mixed precision spread the mean FID of repeated trainings by 3 % to over 100 % "
    "(PyTorch-StudioGAN issue 132)",
    "training.conditional": "labels help: SNGAN 16.77 without, cGAN-PD 10.84 with (mimicry's README, same protocol)",
    "training.seeds": "one training is one draw: the spread over training seeds is unknown",
    "evaluation.samples": "FID falls as the sample grows, its bias is about 1/N: one SNGAN went from 21.7 at 10k/5k images to "
    "about 15 at 50k/50k (pfnet-research/sngan_projection issue 54)",
    "evaluation.samples_real": "FID falls as the real sample grows, too",
    "evaluation.sample_seeds": "more draws steady the score of one network and move it nowhere",
    "evaluation.metrics": "which scores are reported; those in common are not touched",
    "evaluation.optional_metrics": "which further scores are reported where weights are available; those in common are not touched",
    "recipes": "another recipe is another training of that member",
    "evaluation.every": "the best checkpoint is chosen among more or fewer; the last one is not touched",
    "evaluation.points": "the best checkpoint is chosen among more or fewer; the last one is not touched",
    "evaluation.curve_samples": "the best checkpoint is chosen with more or less noise; the last one is not touched",
    "evaluation.selection": "another rule chooses the best checkpoint; the last one is not touched",
    "evaluation.checkpoint": "the best checkpoint by the reported score hides divergence: one DCGAN had 49.03 at best and 137.41 "
    "at the end (StudioGAN's logs)",
    "evaluation.extractor": "another feature network is another metric; loaders and weights alone moved an Inception Score "
    "from 308.6 to 324.6 on the same images (mmgeneration, docs/en/quick_run.md)",
    "evaluation.resize": "the filter before the feature network shifts FID for every generator alike, and not by a constant",
    "facts.extractors": "other weights or another preparation for the feature network: another metric under the same name",
    "facts.metrics": "another definition of the metric under the same name",
}
HARMLESS = ("evaluation.sample_seeds", "evaluation.metrics", "evaluation.optional_metrics", "training.seeds")
ONLY_BEST = ("evaluation.every", "evaluation.points", "evaluation.curve_samples", "evaluation.selection")
UNKNOWN = "not known: treat the two as not comparable"
NOT_STATED = "not stated"
OURS = "best on held-out images"  # the last one stands beside it, and is taken where the other side reports the last


@dataclass(frozen=True)
class Difference:
    """One field that differs."""

    field: str
    a: Any
    b: Any
    effect: str
    comparable: str  # "yes", "only the last checkpoint", "no"

    def __str__(self) -> str:
        return f"{self.field}: {show(self.a)} against {show(self.b)}: {self.effect}"


@dataclass(frozen=True)
class ExplainTarget:
    """Something with a protocol: a record, a board or a published row."""

    name: str
    protocol: Mapping[str, Any]
    ranking: str
    context: Mapping[str, Any]  # outside the protocol: member, source, versions; known to matter little or by intent
    published: bool = False
    ran: bool = True  # False: a suite before any run, whose data set and extractors are not known yet


@dataclass(frozen=True)
class Explanation:
    """How two subjects differ, and the verdict."""

    a: str
    b: str
    differences: tuple[Difference, ...]
    context: tuple[Difference, ...]
    comparable: str  # "yes", "only the last checkpoint", "no"


def show(value: Any) -> str:
    """A protocol's value in one short line."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= 60 else f"{text[:28]}…{text[-28:]}"


def flatten(content: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every leaf of a nested mapping, with its dotted name."""
    for key, value in content.items():
        if isinstance(value, Mapping) and value:
            yield from flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def differences(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[Difference]:
    """Every field in which two resolved protocols differ, by name."""
    left, right = dict(flatten(a)), dict(flatten(b))
    names = sorted({*left, *right})
    return [_difference(name, left.get(name), right.get(name)) for name in names if left.get(name) != right.get(name)]


def _difference(name: str, a: Any, b: Any) -> Difference:
    fitting = [known for known in EFFECTS if name == known or name.startswith(f"{known}.")]
    known = max(fitting, key=len, default="")
    verdict = "yes" if known in HARMLESS else "only the last checkpoint" if known in ONLY_BEST else "no"
    return Difference(name, a, b, EFFECTS.get(known, UNKNOWN), verdict)


def of_record(record: Record) -> ExplainTarget:
    """A record as a subject."""
    where = record.environment
    context = {
        "member": record.member.label,
        "task": record.member.task,
        "source": record.member.source_digest[:10],
        **{f"parameter {name}": value for name, value in record.member.parameters.items()},
        "seed": record.seed,
        "suite version": record.suite_version,
        "device": where.accelerator or where.device,
        "torch": where.packages.get("torch", NOT_STATED),
        "compiled": where.compiled,
        "channels last": where.channels_last,
    }
    return ExplainTarget(
        f"{record.member.label}, seed {record.seed} ({record.suite} {record.suite_version})",
        record.protocol,
        record.ranking,
        context,
    )


def of_board(board: "Board") -> ExplainTarget:
    """A board as a subject."""
    return ExplainTarget(
        f"{board.suite} {board.suite_version}", board.protocol, board.ranking, {"suite version": board.suite_version}
    )


def of_suite(suite: Suite) -> ExplainTarget:
    """A suite before any run: its rules, without what they meet."""
    protocol = {key: value for key, value in suite.protocol({}).items() if key != "facts"}
    return ExplainTarget(
        f"{suite.name} {suite.version}", protocol, suite.ranking, {"suite version": suite.version}, ran=False
    )


def explain(a: ExplainTarget, b: ExplainTarget) -> Explanation:
    """Every field that differs, what it does, and whether the two may be compared.

    A published row states less than a record: only what it states is compared, and what it leaves open is named.
    """
    found = _published_differences(a, b) if a.published or b.published else differences(*_protocols(a, b))
    shared = [name for name in a.context if name in b.context and a.context[name] != b.context[name]]
    context = [Difference(name, a.context[name], b.context[name], _context(name), "yes") for name in shared]
    return Explanation(a.name, b.name, tuple(found), tuple(context), _together(found))


def _context(name: str) -> str:
    """What a field outside the protocol does: "parameter width" is one of the parameters."""
    return CONTEXT.get("parameter" if name.startswith("parameter ") else name, "")


def _protocols(a: ExplainTarget, b: ExplainTarget) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """What both can state: a suite that has not run knows neither the data set's digest nor the extractors'."""
    if a.ran and b.ran:
        return a.protocol, b.protocol
    rules = [{key: value for key, value in side.protocol.items() if key != "facts"} for side in (a, b)]
    return rules[0], rules[1]


CONTEXT = {
    "member": "what is being compared",
    "parameter": "what is being compared",
    "task": "conditional members are told the class of every image; labels help",
    "source": "the member's code changed",
    "seed": "another draw of the same experiment",
    "suite version": "only the text or the list of cells changed, unless the protocol differs above",
    "device": "other kernels round differently: a score moves like with another seed, with no trend",
    "torch": "other kernels round differently: a score moves like with another seed, with no trend",
    "compiled": "fused kernels round differently: a score moves like with another seed, with no trend",
    "channels last": "other kernels round differently: a score moves like with another seed, with no trend",
}


def _published_differences(a: ExplainTarget, b: ExplainTarget) -> list[Difference]:
    """In the fields that ours states, or between two published rows in those that either states."""
    left, right = _as_published(a), _as_published(b)
    if "last" in (left.get("evaluation.checkpoint"), right.get("evaluation.checkpoint")):
        left, right = (
            {**side, "evaluation.checkpoint": "last"} if side.get("evaluation.checkpoint") == OURS else side
            for side in (left, right)
        )
    names = {*left, *right} if a.published and b.published else set(right if a.published else left)
    pairs = [(name, left.get(name, NOT_STATED), right.get(name, NOT_STATED)) for name in sorted(names)]
    return [_difference(name, one, other) for name, one, other in pairs if one != other]


def _as_published(subject: ExplainTarget) -> dict[str, Any]:
    """The fields that published rows state, in the same words."""
    flat = dict(flatten(subject.protocol))
    if subject.published:
        return flat
    extractor, _, split = subject.ranking.partition("@")[2].partition(":")
    names = (
        "data.name",
        "data.resolution",
        "data.flip",
        "training.images",
        "training.batch_size",
        "training.precision",
        "evaluation.samples",
    )
    stated = {name: flat[name] for name in names if flat.get(name) is not None}
    if "task" in subject.context:
        stated["training.conditional"] = subject.context["task"] != "unconditional"
    if preparation := flat.get(f"facts.extractors.{extractor}.preprocessing"):
        stated["evaluation.resize"] = preparation
    return {**stated, "data.split": split or "train", "evaluation.extractor": extractor, "evaluation.checkpoint": OURS}


def _together(found: list[Difference]) -> str:
    verdicts = {item.comparable for item in found}
    return "no" if "no" in verdicts else "only the last checkpoint" if len(verdicts - {"yes"}) else "yes"


SENTENCE = {
    "yes": "May be compared: nothing that moves a score differs.",
    "only the last checkpoint": "May be compared at the last checkpoint; the best ones were chosen by different rules.",
    "no": "May not be compared.",
}


def render_text(found: Explanation) -> str:
    """The explanation for a terminal."""
    lines = [f"A: {found.a}", f"B: {found.b}", "", SENTENCE[found.comparable], ""]
    for item in found.differences:
        lines += [item.field, f"  A {show(item.a)}", f"  B {show(item.b)}", f"  {item.effect}"]
    if found.context:
        lines += ["", "Outside the protocol:"]
        lines += [f"  {item.field}: {show(item.a)} against {show(item.b)}: {item.effect}" for item in found.context]
    return "\n".join(lines).rstrip("\n") + "\n"


def render_markdown(found: Explanation) -> str:
    """The explanation as a Markdown table."""
    lines = [SENTENCE[found.comparable], ""]
    rows = [
        [formats.escape(text) for text in (item.field, show(item.a), show(item.b), item.effect)]
        for item in (*found.differences, *found.context)
    ]
    header = [formats.escape(text) for text in ("field", found.a, found.b, "what it does")]
    return "\n".join([*lines, *(formats.grid(header, rows, left=4) if rows else [])]).rstrip("\n") + "\n"


def render_json(found: Explanation) -> str:
    """The explanation for programs."""
    content = {
        "a": found.a,
        "b": found.b,
        "comparable": found.comparable,
        "differences": [vars(item) for item in found.differences],
        "context": [vars(item) for item in found.context],
    }
    return json.dumps(content, indent=1, ensure_ascii=False, sort_keys=False) + "\n"
