"""What a member's networks give under the suite's rules: samples, measurements, files to look at. Nothing here trains.

Long work is told activity by activity: every function here is a generator that returns its result.
"""

from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn

from bench.features.sample import Sample
from bench.gan import GAN
from bench.metrics.measure import Measurement, Pairs, measure
from bench.records.grid import COLUMNS
from bench.records.record import Score
from bench.runs.experiment import Experiment
from bench.runs.gallery import kinds
from bench.runs.gallery.exhibit import ArtifactFile, GalleryContext, picture
from bench.runs.outcome import score_of
from bench.runs.paths import latent_paths
from bench.suites.suite import Suite
from bench.training.sampling import SampleRequest, generate, grid_request, quantise, raw, request, targets

CURVE_SEED = 1_000_000  # noise of the curve and of the choice of the best checkpoint: never that of a reported score

Nets = Mapping[str, nn.Module]
Which = Literal["last", "best"]


@dataclass(frozen=True)
class Activity:
    """What is being done just now."""

    name: str  # e.g. "sampling", or a metric's id
    done: int = 0  # images of this activity so far; 0 of 0 where it is not counted
    total: int = 0

    def __str__(self) -> str:
        return f"{self.name} {self.done:,} of {self.total:,}" if self.total else self.name


def evaluated_at_the_end(suite: Suite) -> int:
    """Generated images behind the reported scores: of the last and of the best checkpoint, for every sample seed."""
    return 2 * len(suite.evaluation.sample_seeds) * suite.evaluation.samples


class Evaluator:
    """Looks at a member's networks by the suite's rules."""

    def __init__(self, experiment: Experiment, gan: GAN, member: str):
        self.experiment, self.gan, self.member = experiment, gan, member

    def curve(self, nets: Nets) -> Generator[Activity, None, dict[str, float]]:
        """The values of a point of the curve by metric id, on a sample that is never reported."""
        count = self.experiment.suite.evaluation.curve_samples
        fake = yield from self._sample(nets, count, CURVE_SEED)
        found = yield from self._measure(nets, fake, self.experiment.rules.curve_metrics)
        return {item.metric: item.value for item in found}

    def sample(self, nets: Nets, seed: int) -> Generator[Activity, None, Sample]:
        """A sample to be reported, of the suite's size."""
        return (yield from self._sample(nets, self.experiment.suite.evaluation.samples, seed))

    def scores(self, nets: Nets, fake: Sample, which: Which, seed: int) -> Generator[Activity, None, list[Score]]:
        """The reported scores of a sample."""
        found = yield from self._measure(nets, fake, self.experiment.rules.metrics)
        return [score_of(item, which, seed) for item in found]

    def grid(self, nets: Nets) -> ArtifactFile:
        """A picture from the same latents at any time of the training."""
        return picture("grid", self.draw(nets, grid_request(self.gan, self.experiment.dataset)), COLUMNS)

    def exhibits(self, nets: Nets, fake: Sample) -> Iterable[ArtifactFile]:
        """What the member shows at the end of its training, made from its networks and a scored sample."""
        experiment = self.experiment
        rules, real = experiment.rules, experiment.real
        return kinds.exhibits(
            GalleryContext(
                self.gan,
                experiment.dataset,
                partial(self.draw, nets),
                fake,
                real.train,
                real.held_out,
                tuple(dict.fromkeys((experiment.suite.ranking, *rules.metrics))),
                rules.extractor,
                experiment.shows_data,
            )
        )

    def draw(self, nets: Nets, asked: SampleRequest) -> Tensor:
        """The images of a small request, (N, C, H, W) uint8."""
        return generate(self.gan, nets, asked, self.experiment.spec, self.experiment.execution)

    def _sample(self, nets: Nets, count: int, seed: int) -> Generator[Activity, None, Sample]:
        asked = request(self.gan, self.experiment.dataset, count, seed)
        chunks: list[Tensor] = []
        for images in raw(self.gan, nets, asked, self.experiment.spec, self.experiment.execution):
            chunks.append(quantise(images).cpu())
            yield Activity("sampling", sum(map(len, chunks)), count)
        return Sample.of(torch.cat(chunks), asked.labels, name=f"sample of {self.member}")

    def _measure(self, nets: Nets, fake: Sample, ids: Iterable[str]) -> Generator[Activity, None, list[Measurement]]:
        """One metric after the other: features are computed by the first that needs them, and shared."""
        experiment = self.experiment
        wanted = targets(self.gan, experiment.dataset, len(fake))
        paths = latent_paths(
            self.gan, nets, experiment.spec, experiment.execution.device, len(fake), experiment.dataset
        )
        pairs = None if wanted is None else Pairs(fake, Sample.of(wanted, name=f"targets of {fake.name}"))
        real, extractor = experiment.real, experiment.rules.extractor
        found: list[Measurement] = []
        for metric in ids:
            yield Activity(metric)
            found += measure([metric], real.train, real.held_out, fake, extractor, pairs=pairs, paths=paths)
        return found
