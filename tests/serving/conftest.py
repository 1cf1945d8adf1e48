"""A served generator without training: what comes out does not matter here, how it is asked for does."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from bench import members
from bench.gan import GAN, ImageSpec, Prompt
from bench.serving.sampler import Facts, Sampler
from bench.training import trial

pytest.importorskip("fastapi")
pytest.importorskip("limits")


@pytest.fixture
def served(no_shape_checks) -> Callable[..., Sampler]:
    """The sampler of a member of the zoo, untrained but not blank."""

    def make(name: str, together: int = 16, classes: int = 0) -> Sampler:
        spec = ImageSpec(1, 16, classes=classes)
        gan = trial.build(members.builder(members.find(name)), spec, seed=0)
        nets = {key: player.net.eval() for key, player in gan.players.items()}
        return Sampler(gan, nets, spec, torch.device("cpu"), together)

    return make


class Shade:
    """A generator of a grey per image, by its latent; conditional ones add the class."""

    def __init__(self, classes: int = 0):
        self.spec = ImageSpec(1, 16, classes=classes)

    def gan(self) -> GAN:
        def generate(nets: Any, prompt: Prompt) -> torch.Tensor:
            assert prompt.latents is not None
            shade = prompt.latents[:, 0].tanh() * 0.5
            if prompt.labels is not None:
                shade = shade + prompt.labels / 100
            return shade[:, None, None, None].expand(-1, 1, 16, 16)

        def latents(count: int, random: torch.Generator) -> torch.Tensor:
            return torch.randn(count, 2, generator=random)

        return GAN({}, (), generate, latents, task="conditional" if self.spec.classes else "unconditional")


@pytest.fixture
def shades(no_shape_checks) -> Callable[..., tuple[Sampler, Facts]]:
    """A sampler that costs nothing, with its facts."""

    def make(classes: int = 0, together: int = 16) -> tuple[Sampler, Facts]:
        shade = Shade(classes)
        sampler = Sampler(shade.gan(), {}, shade.spec, torch.device("cpu"), together)
        return sampler, Facts("shade", "toy", "0-abc.json", "c" * 64, 7, 1, 16, classes, truncation=False)

    return make
