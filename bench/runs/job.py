"""One job from its first image to its record. It can be killed at any instant and continued to the same record."""

import time
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Literal

import torch
from torch import Tensor

from bench import members
from bench.data.batches import Batches
from bench.errors import UserError
from bench.features.sample import Sample
from bench.metrics.measure import Measurement, Pairs, measure
from bench.records import record as records
from bench.records.grid import COLUMNS
from bench.records.record import Artifact, Failure, Point, Record, Score, now_in_utc
from bench.runs.experiment import Experiment, Job
from bench.runs.gallery import image_files, kinds
from bench.runs.gallery.exhibit import ArtifactFile, GalleryContext, picture
from bench.runs.outcome import RunResult, better, compose, score_of
from bench.runs.state import RunningMeans, RunState, Stopwatch
from bench.training import checkpoint
from bench.training.environment import peak_memory_bytes, reset_peak_memory
from bench.training.loop import Step, Training
from bench.training.sampling import SampleRequest, generate, grid_request, request, targets

CURVE_SEED = 1_000_000  # noise of the curve and of the choice of the best checkpoint: never that of a reported score
GRIDS = 5  # pictures kept over a training
LOOK_SECONDS = 0.5  # between two looks up from the loop


@dataclass(frozen=True)
class Progress:
    """How far a job is: for whoever watches."""

    job: Job
    phase: str  # "train", "evaluate"
    images: int
    budget: int
    images_per_second: float
    terms: Mapping[str, float]
    scores: Mapping[str, float]  # of the latest point of the curve


class JobRun:
    """A job while it runs."""

    def __init__(self, experiment: Experiment, job: Job, attempt: int, checkpoint_seconds: float):
        self.experiment, self.job, self.attempt = experiment, job, attempt
        self.checkpoint_seconds = checkpoint_seconds
        self.budget = experiment.training(job)
        torch.manual_seed(job.seed)
        self.gan = members.builder(job.member)(experiment.spec)
        self.parameters = {name: _count(player.net) for name, player in self.gan.players.items()}
        batches = Batches(
            experiment.dataset.train,
            self.budget.batch_size,
            seed=job.seed,
            device=experiment.execution.device,
            flip=experiment.suite.data.flip,
        )
        self.training = Training(
            self.gan, batches, images=self.budget.images, seed=job.seed, execution=experiment.execution
        )
        self.journal = RunState(now_in_utc())
        self.identity = experiment.identity(job)
        self.path = experiment.cache(job) / "training.pt"
        self.saved_at = self.looked_at = time.monotonic()
        self.phase = "train"

    def run(self) -> Iterator[Progress | Record]:
        """Train, evaluate, and end with the record. Whatever goes wrong in the member becomes a record too."""
        try:
            self._restore()
            reset_peak_memory(self.experiment.execution.device)
            yield from self._train()
            step = self.training.diverged_at_step
            if step is not None:
                yield self._record("diverged", diverged_at_step=step)
                return
            self._save()
            self.phase = "evaluate"
            yield self._progress()
            yield self._record("ok", scores=self._scores())
        except UserError:
            raise
        except (torch.OutOfMemoryError, MemoryError) as error:
            yield self._record("out-of-memory", failure=self._failure(error))
        except Exception as error:
            yield self._record("failed", failure=self._failure(error))

    def _train(self) -> Iterator[Progress]:
        """Train to the end of the budget. The clock runs only while nothing else is done."""
        watch = self._watch("train")
        watch.start()
        for step in self.training.steps():
            self.journal.meter.add(step.terms)
            point_is_due = step.now.images >= (len(self.journal.curve) + 1) * self.experiment.suite.evaluation.every
            if point_is_due or time.monotonic() - self.looked_at > LOOK_SECONDS:
                watch.stop()
                if self.training.diverged_at_step is not None:
                    return
                if point_is_due:
                    self._add_point(step)
                if point_is_due or time.monotonic() - self.saved_at > self.checkpoint_seconds:
                    self._save()
                yield self._progress()
                self.looked_at = time.monotonic()
                watch.start()
        watch.stop()

    def _add_point(self, step: Step) -> None:
        """A point of the curve, and the best checkpoint so far: chosen on a sample that is never reported."""
        evaluation = self.experiment.suite.evaluation
        with self._watch("evaluate"), torch.random.fork_rng():
            nets = self.training.sampling_nets()
            ids = list(dict.fromkeys((self.experiment.suite.ranking, evaluation.selection)))
            found = self._measure(self._sample(nets, evaluation.curve_samples, CURVE_SEED), ids)
            scores = {item.metric: item.value for item in found}
            self._keep_best(step.now.images, found[ids.index(evaluation.selection)], nets)
            self._keep_grid(step.now.images, nets)
            self.training.resume_training_mode()
        point = Point(
            images=step.now.images,
            step=step.now.step,
            train_seconds=self.journal.seconds["train"],
            terms=self.journal.meter.means(),
            scores=scores,
        )
        self.journal.curve.append(point.model_dump())
        self.journal.meter = RunningMeans()

    def _keep_best(self, images: int, found: Measurement, nets: Mapping[str, torch.nn.Module]) -> None:
        sign = 1 if better(found.metric) == "lower" else -1
        if self.journal.best is None or sign * found.value < sign * self.journal.best["value"]:
            self.journal.best = {"images": images, "value": found.value, "nets": _weights(nets)}

    def _keep_grid(self, images: int, nets: Mapping[str, torch.nn.Module]) -> None:
        """Keep a grid from the same latents at a few points of training."""
        points = max(self.budget.images // self.experiment.suite.evaluation.every, 1)
        index = len(self.journal.curve) + 1
        if index == 1 or index * GRIDS // points > (index - 1) * GRIDS // points:
            images_of_grid = self._generate(nets, grid_request(self.gan, self.experiment.dataset))
            self._keep_exhibit(picture("grid", images_of_grid, COLUMNS), images)

    def _keep_exhibit(self, made: ArtifactFile, images: int) -> None:
        path = self.path.parent / f"{made.kind}-{images}{made.suffix}"
        sha256 = image_files.write(path, made.content)
        kept = {"kind": made.kind, "file": path.name, "sha256": sha256, "images": images, "note": made.note}
        self.journal.pictures.append(kept)

    def _scores(self) -> list[Score]:
        """The reported scores of the last and the best checkpoint, one per metric and sample seed."""
        with self._watch("evaluate"), torch.random.fork_rng():
            nets = self.training.sampling_nets()
            self._keep(nets, "last")
            scores = self._scores_of(nets, "last")
            if self.journal.best is not None:
                for name, net in nets.items():
                    net.load_state_dict(self.journal.best["nets"][name])
                self._keep(nets, "best")
                if self.journal.best["images"] == self.training.now.images:  # the same networks, so the same scores
                    scores += [score.model_copy(update={"checkpoint": "best"}) for score in scores]
                else:
                    scores += self._scores_of(nets, "best")
        return scores

    def _scores_of(self, nets: Mapping[str, torch.nn.Module], which: Literal["last", "best"]) -> list[Score]:
        evaluation = self.experiment.suite.evaluation
        scores: list[Score] = []
        for seed in evaluation.sample_seeds:
            with self._watch("generate"):  # part of "evaluate"
                fake = self._sample(nets, evaluation.samples, seed)
            scores += [score_of(item, which, seed) for item in self._measure(fake, list(self.experiment.metrics))]
            if which == "last" and seed == evaluation.sample_seeds[0]:
                self._show(nets, fake)
        return scores

    def _show(self, nets: Mapping[str, torch.nn.Module], fake: Sample) -> None:
        """Keep what the member shows at the end of its training."""
        experiment = self.experiment
        show = GalleryContext(
            self.gan,
            experiment.dataset,
            partial(self._generate, nets),
            fake,
            experiment.train,
            experiment.held_out,
            tuple(dict.fromkeys((experiment.suite.ranking, *experiment.metrics))),
            experiment.extractor,
            experiment.shows_data,
        )
        with torch.random.fork_rng():
            for made in kinds.exhibits(show):
                self._keep_exhibit(made, self.training.now.images)

    def _measure(self, fake: Sample, ids: list[str]) -> list[Measurement]:
        experiment = self.experiment
        wanted = targets(self.gan, experiment.dataset, len(fake))
        pairs = None if wanted is None else Pairs(fake, Sample.of(wanted, name=f"targets of {fake.name}"))
        return measure(ids, experiment.train, experiment.held_out, fake, experiment.extractor, pairs=pairs)

    def _sample(self, nets: Mapping[str, torch.nn.Module], count: int, seed: int) -> Sample:
        asked = request(self.gan, self.experiment.dataset, count, seed)
        return Sample.of(self._generate(nets, asked), asked.labels, name=f"sample of {self.job.member.name}")

    def _generate(self, nets: Mapping[str, torch.nn.Module], asked: SampleRequest) -> Tensor:
        return generate(self.gan, nets, asked, self.experiment.spec, self.experiment.execution)

    def _keep(self, nets: Mapping[str, torch.nn.Module], which: str) -> None:
        """Keep the networks to sample from, for `bench sample`."""
        content = {"spec": asdict(self.experiment.spec), "nets": _weights(nets)}
        checkpoint.save(self.path.parent / f"{which}.pt", self.identity, content)

    def _save(self) -> None:
        peak = peak_memory_bytes(self.experiment.execution.device) or 0
        self.journal.peak_memory_bytes = max(self.journal.peak_memory_bytes, peak)
        content = {"training": self.training.state_dict(), "journal": self.journal.saved()}
        checkpoint.save(self.path, self.identity, content)
        self.saved_at = time.monotonic()

    def _restore(self) -> None:
        if self.path.exists():
            content = checkpoint.load(self.path, self.identity)
            self.training.load_state_dict(content["training"])
            self.journal = RunState.restored(content["journal"])

    def _progress(self) -> Progress:
        journal, now = self.journal, self.training.now
        seconds = journal.seconds.get("train", 0.0)
        scores = journal.curve[-1]["scores"] if journal.curve else {}
        rate = now.images / seconds if seconds else 0.0
        return Progress(self.job, self.phase, now.images, now.budget, rate, journal.meter.means(), scores)

    def _record(
        self,
        status: records.Status,
        *,
        scores: list[Score] | None = None,
        failure: Failure | None = None,
        diverged_at_step: int | None = None,
    ) -> Record:
        now, journal = self.training.now, self.journal
        return compose(
            self.experiment,
            self.job,
            RunResult(
                status=status,
                task=self.gan.task,
                attempt=self.attempt,
                started=journal.started,
                seconds=journal.seconds,
                scores=tuple(scores or ()),
                artifacts=self._artifacts(),
                failure=failure,
                diverged_at_step=diverged_at_step,
                images_seen=now.images,
                steps=now.step,
                updates=self.training.updates,
                parameters=self.parameters,
                peak_memory_bytes=journal.peak_memory_bytes or None,
                curve=tuple(Point(**point) for point in journal.curve),
                best_images=journal.best["images"] if journal.best else None,
            ),
        )

    def _artifacts(self) -> tuple[Artifact, ...]:
        stem = records.file_stem(self.job.seed, self.job.digest, self.attempt)
        return image_files.publish(self.journal.pictures, self.path.parent, self.experiment.folder(self.job), stem)

    def _failure(self, error: BaseException) -> Failure:
        tail = tuple(traceback.format_exception(error)[-3:])
        return Failure(phase=self.phase, type=type(error).__name__, message=str(error), traceback_tail=tail)

    def _watch(self, phase: str) -> Stopwatch:
        return Stopwatch(self.experiment.execution.device, self.journal.seconds, phase)


def _weights(nets: Mapping[str, torch.nn.Module]) -> dict[str, dict[str, Tensor]]:
    return {
        name: {key: value.detach().cpu().clone() for key, value in net.state_dict().items()}
        for name, net in nets.items()
    }


def _count(net: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters() if parameter.requires_grad)
