"""The common game: one generator that starts from latents, one critic, taking turns."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial

import torch
from jaxtyping import Float, Int
from torch import Tensor

from bench.gan import Context, Loss, Nets, Prompt, Stage, Turn, Update, trainable
from zoo.losses.objectives import Objective

Latents = Callable[[int, torch.Generator], Tensor]


class LatentTurn(Turn):
    """Fakes come from latents; the critic judges images.

    `reuse_fakes` gives the generator's update the fakes that the critic has just seen, with one generator pass for both,
    as the DCGAN family does. Otherwise every update draws its own, and the generator's draw is `generator_batch` times
    the size of the real batch.
    """

    def __init__(
        self,
        context: Context,
        *,
        latents: Latents,
        conditional: bool = False,
        reuse_fakes: bool = False,
        generator_batch: int = 1,
    ):
        super().__init__(context)
        self.latents = latents
        self.conditional = conditional
        self.reuse_fakes = reuse_fakes
        self.copies = generator_batch if self.mover == "generator" else 1

    @cached_property
    def labels(self) -> Int[Tensor, "M"]:
        """The classes of the real images, which the fakes are asked for too, (copies * N,)."""
        if self.batch.labels is None:
            raise ValueError("a conditional member needs labelled images")
        return self.batch.labels.repeat(self.copies)

    @cached_property
    def fake(self) -> Float[Tensor, "M C H W"]:
        """G(z), (copies * N, C, H, W); detached while the critic moves."""
        fake = self._shared_fake() if self.reuse_fakes else self.make_fake()
        return fake if self.mover == "generator" else self.leaf("fake", fake.detach())

    def make_fake(self) -> Float[Tensor, "M C H W"]:
        """New latents through the generator."""
        latents = self.latents(self.copies * self.batch.images.shape[0], self.random)
        return self.generate(latents)

    def generate(self, latents: Float[Tensor, "M *Z"]) -> Float[Tensor, "M C H W"]:
        """G(z) or G(z, y)."""
        generator = self.nets["generator"]
        return generator(latents, self.labels) if self.conditional else generator(latents)

    def judge(self, images: Float[Tensor, "M C H W"]) -> Float[Tensor, "K *P"]:
        """D(x) or D(x, y): logits, (N,)."""
        critic = self.nets["critic"]
        return critic(images, self.labels) if self.conditional else critic(images)

    def _shared_fake(self) -> Tensor:
        if "fake" not in self.draw.memo:
            with trainable(self.nets["generator"]):  # the graph is for the generator's update, which follows
                self.draw.memo["fake"] = self.make_fake()
        return self.draw.memo["fake"]


def two_player(
    objective: Objective,
    *,
    latents: Latents,
    turn: Callable[..., Turn] = LatentTurn,
    critic_steps: int = 1,
    critic_terms: Mapping[str, Loss] | None = None,
    generator_terms: Mapping[str, Loss] | None = None,
    after_critic: Sequence[Callable[[Turn], None]] = (),
    after_generator: Sequence[Callable[[Turn], None]] = (),
) -> Stage:
    """The critic's updates, then the generator's. More terms are added to the objective's own.

    `turn` makes a LatentTurn from a context and `latents`; its options are bound to it, for example
    `partial(LatentTurn, conditional=True)`.
    """
    return Stage(
        updates=[
            Update(
                "critic",
                {"adversarial": objective.critic, **(critic_terms or {})},
                repeat=critic_steps,
                then=after_critic,
            ),
            Update(
                "generator",
                {"adversarial": objective.generator, **(generator_terms or {})},
                then=after_generator,
            ),
        ],
        turn=partial(turn, latents=latents),
    )


def sample(nets: Nets, prompt: Prompt) -> Tensor:
    """Images of a generator that starts from latents alone, (N, C, H, W) in [-1, 1]."""
    return nets["generator"](prompt.latents)


def sample_class(nets: Nets, prompt: Prompt) -> Tensor:
    """Images of a generator that starts from latents and a class, (N, C, H, W) in [-1, 1]."""
    return nets["generator"](prompt.latents, prompt.labels)
