"""`bench compress`: a copy and its parent scored from the same latents, and the record of the copy."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from bench import members, parameters
from bench.adoption import scoring
from bench.adoption.scoring import Scored
from bench.adoption.timing import timed
from bench.compression.copies import Copy, Recipe
from bench.compression.parent import Parent
from bench.compression.weights import macs
from bench.errors import UserError
from bench.features.sample import Sample
from bench.files import digest, write_atomically
from bench.metric_facts import MetricId
from bench.metrics.measure import Pairs, measure
from bench.paths import home
from bench.records import record as records
from bench.records.origins import Compression
from bench.records.parts import Artifact, Score
from bench.records.record import Record
from bench.runs.evaluation import Evaluator
from bench.runs.experiment import Job
from bench.runs.outcome import score_of, sign
from bench.runs.provenance import Snapshot

VERSION = 1  # of the recipes: raised whenever one gives another copy
DEGRADED = 0.05  # of the parent's ranking score: a copy that is worse by more with every sample seed is flagged


def compress(parent: Parent, recipe: Recipe, seed: int, command: str) -> tuple[Record, Path]:
    """Compress, score the copy and its parent from the same latents, and write the copy's record and file.

    `seed` is that of the latents which int8 is calibrated with. Raises UserError for a copy that has a record already, and
    for a parent that the recipe cannot compress. Nothing is written then.
    """
    job = job_of(parent, recipe, seed)
    if parent.experiment.files.attempts(job):
        raise UserError(f"{job.member.name}, seed {job.seed}: has a record already. Nothing was written.")
    copy = recipe(parent, seed)
    before, after = scored(parent, copy, job)
    compression = Compression(
        parent=parent.record.file_name,
        parent_digest=parent.record.digest,
        recipe=recipe.name,
        calibration_seed=seed,
        bytes=len(copy.content),
        parent_bytes=copy.parent_bytes,
        macs=macs(parent),
        zeros=copy.zeros,
        kept_float=dict(copy.kept_float),
        in_int8=dict(copy.in_int8),
        timings=timed(copy.timed),
        parent_scores=before.scores,
        to_parent=tuple(_to_parent(parent, before.samples, after.samples)),
    )
    record = scoring.record(parent.experiment, job, copy.gan, after, command=command, compression=compression)
    record = record.model_copy(update={"artifacts": (*record.artifacts, _kept(parent, job, copy))})
    return record, records.write(record, parent.experiment.files.results)


def job_of(parent: Parent, recipe: Recipe, seed: int) -> Job:
    """The job of a copy: its source is its parent's, the recipe and the seed; its training seed is its parent's."""
    member = parent.record.member
    base, given = parameters.split(member.name)
    name = parameters.joined(f"{base}+{recipe.name.replace(':', '-')}", given)
    source = digest([member.source_digest, recipe.name, seed, VERSION])
    job = records.job_digest(name, source, parent.experiment.rules.digest, parent.record.seed)
    return Job(members.Listing(name, member.entry_point, ""), Snapshot(source), parent.record.seed, job, "variant")


def scored(parent: Parent, copy: Copy, job: Job) -> tuple[Scored, Scored]:
    """The parent and the copy, sampled from the same requests; a copy that is much worse is flagged."""
    before = scoring.scored(Evaluator(parent.experiment, parent.sampler(parent.nets()), parent.record.member.name))
    after = scoring.scored(Evaluator(parent.experiment, copy.gan, job.member.name))
    return before, flagged(before, after, parent.record.ranking)


def flagged(before: Scored, after: Scored, metric: str) -> Scored:
    """The copy's scores; those of the ranking metric say that it is degraded where it is worse by more than `DEGRADED`."""
    way = sign(metric)
    old, new = ({one.sample_seed: one.value for one in side.scores if one.metric == metric} for side in (before, after))
    losses = [way * (new[seed] - old[seed]) / max(abs(old[seed]), 1e-12) for seed in new]
    if not losses or min(losses) <= DEGRADED:
        return after
    flag = f"degraded: worse than its parent by {100 * min(losses):.0f} % or more with every sample seed"
    scores = tuple(_with(one, flag) if one.metric == metric else one for one in after.scores)
    return replace(after, scores=scores)


def _with(score: Score, flag: str) -> Score:
    return score.model_copy(update={"flags": (*score.flags, flag)})


def _to_parent(parent: Parent, before: Mapping[int, Sample], after: Mapping[int, Sample]) -> list[Score]:
    """PSNR and perceptual distance of the copy's images to the parent's from the same latents."""
    rules, real = parent.experiment.rules, parent.experiment.real
    extractor = MetricId.parse(parent.record.ranking).extractor
    ids = ["psnr", *([f"perceptual-distance@{extractor}"] if extractor else [])]
    return [
        score_of(item, "last", seed)
        for seed, fake in after.items()
        for item in measure(ids, real.train, real.held_out, fake, rules.extractor, pairs=Pairs(fake, before[seed]))
    ]


def _kept(parent: Parent, job: Job, copy: Copy) -> Artifact:
    """The copy's file, in the cache as checkpoints are."""
    path = parent.experiment.files.cache(job) / f"compressed{copy.suffix}"
    write_atomically(path, copy.content)
    place = path.relative_to(home()).as_posix()
    return Artifact(kind="checkpoint", path=place, sha256=hashlib.sha256(copy.content).hexdigest(), images=0)
