"""Judges of single generated images: higher is better.

Realism (Kynkäänniemi et al. 2019, arXiv:1904.06991, section 5) asks how far inside the manifold of real features an image
lies. The critic's score asks the network that the generator was trained against, as discriminator rejection does (Azadi et al.
2019, arXiv:1810.06758, which turns the logit into a likelihood ratio; here only its order counts).
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from bench.errors import UserError
from bench.features.sample import Extractor, Sample
from bench.gan import Batch, Context, Draw, Now
from bench.metrics.realism import realism
from bench.runs.trained_model import Trained
from bench.training.sampling import CHUNK, dequantise

Judge = Callable[[Tensor, Tensor | None], Tensor]  # images (N, C, H, W) uint8 and classes (N,) -> (N,) float64


@dataclass(frozen=True)
class Realism:
    """By the features of an extractor; classes are not looked at."""

    real: Sample
    extractor: Extractor

    def __call__(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        """Realism scores, (N,) float64; 1 and more lies inside."""
        fake = Sample.of(images, name="candidates").features(self.extractor)
        return realism(self.real.features(self.extractor).features, fake.features)


@dataclass(frozen=True)
class Critic:
    """By the member's own critic, as it judges a batch of real images at the end of training; patches are averaged."""

    trained: Trained
    device: torch.device

    def __call__(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        """Logits, (N,) float64. Raises UserError for a member whose training judges no single images."""
        parts = range(0, len(images), CHUNK)
        return torch.cat(
            [self._judged(images[i : i + CHUNK], None if labels is None else labels[i : i + CHUNK]) for i in parts]
        )

    @torch.no_grad()
    def _judged(self, images: Tensor, labels: Tensor | None) -> Tensor:
        gan = self.trained.gan
        classes = None if labels is None else labels.to(self.device)
        draw = Draw(Batch(dequantise(images.to(self.device)), classes))
        end = Now(1, 1, 1, stage=len(gan.schedule) - 1, stage_fraction=1.0)
        random = torch.Generator(self.device).manual_seed(0)
        turn = gan.schedule[-1].turn(Context(self.trained.nets, draw, "critic", end, random))
        try:
            logits = turn.real_logits
        except (NotImplementedError, KeyError):
            raise UserError(
                f"member {self.trained.identity.member!r} has no critic that judges images. Use --by realism."
            ) from None
        return logits.double().reshape(len(images), -1).mean(1).cpu()


def preference(judge: Judge, real: Tensor, fake: Tensor, labels: tuple[Tensor | None, Tensor | None]) -> float:
    """The probability that a real image gets a higher score than a generated one, ties halved (the area under the ROC curve).

    One half: the judge cannot tell them apart, and leaving out by it is leaving out at random. Below: it prefers generated images.
    """
    above, below = judge(real, labels[0]), judge(fake, labels[1])
    order = torch.cat([above, below])
    ranks = _mean_ranks(order)[: len(above)]
    return float((ranks.sum() - len(above) * (len(above) + 1) / 2) / (len(above) * len(below)))


def _mean_ranks(values: Tensor) -> Tensor:
    """Ranks from 1 on, equal values share the mean of theirs."""
    unique, place, counts = values.unique(return_inverse=True, return_counts=True)
    ends = counts.cumsum(0).double()
    return (ends - (counts - 1) / 2)[place] if len(unique) else values
