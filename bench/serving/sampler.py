"""What is served: from the seeds of images to their pixels.

Every image has a seed of its own. Its latents, and the noise that the generator draws, come from that seed alone, so an image does not
depend on what else is asked for at the same time. Passes over several images are computed in another order than passes over
one, which can move a pixel by one grey level; a sampler that makes every image alone (`together=1`) gives the same bytes always.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from bench.errors import UserError
from bench.gan import GAN, ImageSpec, Prompt
from bench.perf.traceable import Exportable, NotExportableError, exportable
from bench.training.sampling import quantise, slerp, verified


@dataclass(frozen=True)
class Wanted:
    """What one image is made of."""

    seed: int
    label: int | None = None  # of a conditional generator
    truncation: float = 1.0  # psi, 0 to 1
    towards: int | None = None  # the seed at the other end of a path between latents
    share: float = 0.0  # of the way there, 0 to 1


@dataclass(frozen=True)
class Facts:
    """What is known of a generator that is served."""

    member: str
    suite: str  # "" for an export
    source: str  # the name of the file that was given
    checkpoint: str  # sha256 of the file of its weights, hexadecimal
    training_seed: int
    channels: int
    resolution: int
    classes: int  # 0: takes none
    truncation: bool  # whether it heeds one

    @property
    def bytes_each(self) -> int:
        """Of an image's pixels."""
        return self.channels * self.resolution**2


class Sampler:
    """A generator with its networks, ready."""

    def __init__(self, gan: GAN, nets: Mapping[str, nn.Module], spec: ImageSpec, device: torch.device, together: int):
        """Networks of `gan` on the processor in eval mode, which move to the device; at most `together` images in a pass.

        Raises UserError for a member without latents, which has nothing to start from.
        """
        if gan.latents is None:
            raise UserError("this member translates pictures. Only generators that start from latents can be served.")
        self.gan, self.nets, self.spec, self.device = gan, nets, spec, device
        self.classes = spec.classes if gan.task == "conditional" else 0
        self.network = _one_network(gan, nets, spec)
        for net in nets.values():
            net.to(device)
        self.together = together if self.network is not None else 1

    def render(self, wanted: Sequence[Wanted]) -> UInt8[np.ndarray, "N C H W"]:
        """The images, in the order asked for. Raises UserError when the generator breaks its contract."""
        made = [self._pass(part).numpy() for part in _passes(wanted, self.together)]
        return np.concatenate(made) if made else np.empty((0, *self.shape), np.uint8)

    @property
    def shape(self) -> tuple[int, int, int]:
        """C, H, W of an image."""
        return self.spec.channels, self.spec.resolution, self.spec.resolution

    def heeds_truncation(self) -> bool:
        """Whether an image differs with the truncation."""
        whole, cut = self.render([Wanted(0, self._first_label), Wanted(0, self._first_label, truncation=0.5)])
        return not np.array_equal(whole, cut)

    @property
    def _first_label(self) -> int | None:
        return 0 if self.classes else None

    @torch.no_grad()
    def _pass(self, wanted: Sequence[Wanted]) -> UInt8[Tensor, "N C H W"]:
        """Images of one truncation, in one pass."""
        drawn = [self._latents(one) for one in wanted]
        latents = torch.stack([latents for latents, _ in drawn]).to(self.device)
        labels = torch.tensor([one.label or 0 for one in wanted], device=self.device) if self.classes else None
        prompt = Prompt(len(wanted), self._random(wanted[0], drawn[0][1]), latents, labels, None, wanted[0].truncation)
        if self.network is None:
            images = self.gan.generate(self.nets, prompt)
        else:
            images = self.network.images(prompt, self._noise([random for _, random in drawn]))
        return quantise(verified(images, len(wanted), self.spec)).cpu()

    def _latents(self, wanted: Wanted) -> tuple[Float[Tensor, "Z"], torch.Generator]:
        """The latents of an image, and the generator that drew them, for its noise."""
        random = torch.Generator().manual_seed(wanted.seed)
        assert self.gan.latents is not None
        latents = self.gan.latents(1, random)[0]
        if wanted.towards is not None:
            other = self.gan.latents(1, torch.Generator().manual_seed(wanted.towards))[0]
            latents = slerp(latents, other, torch.tensor([wanted.share]))[0]
        return latents, random

    def _random(self, wanted: Wanted, drawn: torch.Generator) -> torch.Generator:
        """What a generator draws from by itself, for one image: after its latents; a device's numbers are others."""
        return drawn if self.device.type == "cpu" else torch.Generator(self.device).manual_seed(wanted.seed)

    def _noise(self, randoms: Sequence[torch.Generator]) -> Float[Tensor, "N P"] | None:
        """The numbers that the generator draws for each image, from the image's seed."""
        assert self.network is not None
        numbers = self.network.noise_numbers
        return (
            torch.stack([torch.randn(numbers, generator=random) for random in randoms]).to(self.device)
            if numbers
            else None
        )


def _one_network(gan: GAN, nets: Mapping[str, nn.Module], spec: ImageSpec) -> Exportable | None:
    """The sampling as one network whose noise is an input; None where its draws are not of that kind: one image at a time."""
    try:
        return exportable(gan, nets, spec).eval()
    except NotExportableError:
        return None


def _passes(wanted: Sequence[Wanted], most: int) -> Iterator[list[Wanted]]:
    """Neighbours of one truncation, at most so many together."""
    for _, group in groupby(wanted, key=lambda one: one.truncation):
        rest = list(group)
        for start in range(0, len(rest), most):
            yield rest[start : start + most]
