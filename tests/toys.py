"""Small members for tests. `toy` uses every part of the contract whose state a checkpoint must hold."""

import torch
from torch import Tensor, nn

from bench.gan import GAN, Average, ImageSpec, Nets, Player, Prompt, Stage, Turn, Update, adam, gaussian


class Generator(nn.Module):
    """z (N, 4) -> images (N, C, H, W); counts its passes in a buffer, as batch norm does."""

    def __init__(self, spec: ImageSpec):
        super().__init__()
        self.shape = (spec.channels, spec.resolution, spec.resolution)
        self.layers = nn.Sequential(
            nn.Linear(4, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, spec.channels * spec.resolution**2)
        )

    def forward(self, latents: Tensor) -> Tensor:
        return torch.tanh(self.layers(latents)).unflatten(1, self.shape)


class Critic(nn.Module):
    """Images -> logits (N,), with dropout, whose noise comes from torch's own generator."""

    def __init__(self, spec: ImageSpec):
        super().__init__()
        width = spec.channels * spec.resolution**2
        self.layers = nn.Sequential(
            nn.Flatten(), nn.Linear(width, 32), nn.Dropout(0.3), nn.LeakyReLU(0.2), nn.Linear(32, 1), nn.Flatten(0)
        )

    def forward(self, images: Tensor) -> Tensor:
        return self.layers(images)


class ToyTurn(Turn):
    """Fakes from fresh latents in every update."""

    @property
    def fake(self) -> Tensor:  # pyright: ignore[reportIncompatibleVariableOverride]
        if "kept" not in vars(self):
            latents = torch.randn(len(self.batch.images), 4, generator=self.random, device=self.random.device)
            self.kept = self.nets["generator"](latents)
        return self.kept

    def judge(self, images: Tensor) -> Tensor:
        return self.nets["critic"](images)


class Memory(nn.Module):
    """A loss that remembers: the running mean of the critic's logits on real images."""

    mean: Tensor

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.zeros(()))

    def __call__(self, turn: Turn) -> Tensor:
        self.mean.lerp_(turn.real_logits.detach().float().mean(), 0.1)
        return (turn.real_logits - self.mean).square().mean() * 0.01


class Slope:
    """R1 without its factor: asks for the gradient of the real images."""

    differentiates = frozenset({"real"})

    def __call__(self, turn: Turn) -> Tensor:
        (gradient,) = torch.autograd.grad(turn.real_logits.sum(), turn.real, create_graph=True)
        return gradient.square().sum() * 0.01


def critic_loss(turn: Turn) -> Tensor:
    return (
        nn.functional.softplus(-turn.real_logits).mean() + nn.functional.softplus(turn.judge(turn.fake.detach())).mean()
    )


def generator_loss(turn: Turn) -> Tensor:
    return nn.functional.softplus(-turn.fake_logits).mean()


def sample(nets: Nets, prompt: Prompt) -> Tensor:
    return nets["generator"](prompt.latents)


def toy(spec: ImageSpec) -> GAN:
    """Toy. Two critic steps, a lazy penalty, a loss that remembers, an average, a falling rate, two stages."""
    memory = Memory()
    players = {
        "generator": Player(Generator(spec), adam(1e-3), Average(decay=0.9), rate=lambda fraction: 1 - fraction),
        "critic": Player(Critic(spec), adam(1e-3)),
    }
    updates = [
        Update("critic", {"adversarial": critic_loss, "memory": memory}, repeat=2),
        Update("critic", {"slope": Slope()}, every=4),
        Update("generator", {"adversarial": generator_loss}),
    ]
    schedule = [Stage(updates, ToyTurn, share=1), Stage(updates, ToyTurn, share=3)]
    return GAN(players, schedule, sample, gaussian(4), {"memory": memory})


def tunable(spec: ImageSpec, *, width: int = 32, lr: float = 1e-3) -> GAN:
    """Toy, whose critic has a width and a rate.

    Args:
        width: Channels of the critic's only layer.
        lr: Learning rate of the critic.
    """
    gan = toy(spec)
    critic = nn.Sequential(
        nn.Flatten(),
        nn.Linear(spec.channels * spec.resolution**2, width),
        nn.ReLU(),
        nn.Linear(width, 1),
        nn.Flatten(0),
    )
    players = {**gan.players, "critic": Player(critic, adam(lr))}
    updates = [Update("critic", {"adversarial": critic_loss}), Update("generator", {"adversarial": generator_loss})]
    return GAN(players, [Stage(updates, ToyTurn)], sample, gaussian(4))


def matching(spec: ImageSpec, *, lr: float = 1e-6) -> GAN:
    """Learns the mean image. A rate near 0.01 is good: at 1e-6 nothing is learnt, at 10 everything saturates.

    Args:
        lr: Learning rate.
    """

    def loss(turn: Turn) -> Tensor:
        return (turn.fake.mean(0) - turn.real.mean(0)).square().sum()

    players = {"generator": Player(Generator(spec), adam(lr))}
    return GAN(players, [Stage([Update("generator", {"match": loss})], ToyTurn)], sample, gaussian(4))


def diverging(spec: ImageSpec) -> GAN:
    """Diverges at step 5: its loss becomes infinite."""
    gan = toy(spec)

    def explode(turn: Turn) -> Tensor:
        return critic_loss(turn) * (float("inf") if turn.now.step >= 5 else 1.0)

    updates = [Update("critic", {"adversarial": explode}), Update("generator", {"adversarial": generator_loss})]
    return GAN(gan.players, [Stage(updates, ToyTurn)], sample, gaussian(4))


def breaking(spec: ImageSpec) -> GAN:
    """Has a mistake that only training meets."""
    gan = toy(spec)

    def mistake(turn: Turn) -> Tensor:
        raise RuntimeError("shapes do not fit")

    return GAN(gan.players, [Stage([Update("critic", {"adversarial": mistake})], ToyTurn)], sample, gaussian(4))


def wrong_shape(spec: ImageSpec) -> GAN:
    """Generates pictures that are too small."""
    gan = toy(spec)
    return GAN(gan.players, gan.schedule, lambda nets, prompt: sample(nets, prompt)[:, :, ::2], gaussian(4))


def wrong_range(spec: ImageSpec) -> GAN:
    """Generates pictures in [0, 255]."""
    gan = toy(spec)
    return GAN(gan.players, gan.schedule, lambda nets, prompt: (sample(nets, prompt) + 1) * 127.5, gaussian(4))


def not_a_number(spec: ImageSpec) -> GAN:
    """Generates NaN."""
    gan = toy(spec)
    return GAN(gan.players, gan.schedule, lambda nets, prompt: sample(nets, prompt) * float("nan"), gaussian(4))
