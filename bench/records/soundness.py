"""What a sound record cannot hold, although every field by itself is as expected."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bench import metric_facts
from bench.files import digest
from bench.records.fields import Count, Name
from bench.records.record import Record, Score

NOTHING = hashlib.sha256(b"").hexdigest()  # the digest of a source that was not found


class _Open(BaseModel):
    """Protocols grow: fields that are not named here are free, as long as the named ones are what they are."""

    model_config = ConfigDict(extra="allow")


class _Data(_Open):
    name: Name = "unknown"
    resolution: Count | None = None


class _Training(_Open):
    images: Count = 0
    batch_size: Count = 0


class _Evaluation(_Open):
    metrics: tuple[Name, ...] = ()
    optional_metrics: tuple[Name, ...] = ()
    samples: Count | None = None
    selection: Name = "unknown"


class _Facts(_Open):
    extractors: dict[str, Any] = Field(default_factory=dict)


class _Rules(_Open):
    """The parts of a protocol that boards and pages read."""

    data: _Data = _Data()
    training: _Training = _Training()
    evaluation: _Evaluation = _Evaluation()
    facts: _Facts = _Facts()


def problems(record: Record) -> list[str]:
    """What a sound record cannot hold, in sentences; empty when all is well."""
    if wrong := _protocol(record):
        return wrong
    return list(dict.fromkeys([*_source(record), *_ending(record), *_scores(record), *_curve(record)]))


def _protocol(record: Record) -> list[str]:
    try:
        _Rules.model_validate(record.protocol)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        return [f"protocol.{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"]
    if digest(record.protocol) != record.protocol_digest:
        return ["the protocol does not match its digest"]
    return []


def _source(record: Record) -> Iterator[str]:
    if record.member.source_digest == NOTHING:
        yield (
            f"the source digest {NOTHING[:8]}... is that of nothing: the member's code was not found when it ran, so its "
            "scores may be those of other code. Run it again"
        )


def _ending(record: Record) -> Iterator[str]:
    """Whether the record says what its status calls for."""
    known = {score.metric for score in record.scores} | set(record.absent)
    optional = record.protocol.get("evaluation", {}).get("optional_metrics", ())
    if record.status == "ok":
        if lost := [metric for metric in optional if metric not in known]:
            yield f"{', '.join(lost)}: neither measured nor said to be absent"
        if not record.scores:
            yield "status is ok, but there is no score"
    elif record.status == "diverged":
        if record.diverged_at_step is None:
            yield "status is diverged, but no step is given"
    elif record.failure is None:
        yield f"status is {record.status}, but no failure is given"


def _scores(record: Record) -> Iterator[str]:
    samples = record.protocol.get("evaluation", {}).get("samples")
    for score in record.scores:
        yield from _score(record, score, samples)
    keys = Counter((score.metric, score.checkpoint, score.sample_seed) for score in record.scores)
    for (metric, checkpoint, seed), count in keys.items():
        if count > 1:
            yield f"{metric}: {count} scores of the {checkpoint} checkpoint from sample seed {seed}"
    ways = {(score.metric, score.better, score.version) for score in record.scores}
    for metric, count in Counter(metric for metric, _, _ in ways).items():
        if count > 1:
            yield f"{metric}: its scores do not agree on its version or on which way is better"


def _score(record: Record, score: Score, samples: object) -> Iterator[str]:
    if score.samples_fake != samples:
        yield f"{score.metric}: {score.samples_fake} samples, the protocol wants {samples}"
    facts = metric_facts.known(score.metric, record.plugin_metrics)
    if facts is not None and not facts.holds(score.value):
        yield f"{score.metric}: {score.value} is outside {facts.range}"


def _curve(record: Record) -> Iterator[str]:
    if any(after.images <= before.images for before, after in pairwise(record.curve)):
        yield "the curve does not advance"
