"""Turns that change one thing about the common game: what the critic is shown, or what else it returns."""

from functools import cached_property

import torch
from torch import Tensor

from zoo.training.pools import ReplayPool
from zoo.training.two_player import LatentTurn


class JointTurn(LatentTurn):
    """The critic's own update judges real and generated images in one pass, as if they were one batch.

    The logits are the same but for what a pass changes: spectral normalisation takes one power iteration instead of two.
    """

    @cached_property
    def both_logits(self) -> Tensor:
        """The critic's logits of the real images, then of the generated ones, (2 N,)."""
        labels = [self.labels.repeat(2)] if self.conditional else []
        return self.nets["critic"](torch.cat([self.real, self.fake]), *labels)

    @cached_property
    def real_logits(self) -> Tensor:
        """The critic's logits of the real images, (N,)."""
        return self.both_logits.chunk(2)[0]

    @cached_property
    def fake_logits(self) -> Tensor:
        """The critic's logits of the generated images, (N,)."""
        return self.judge(self.fake) if self.mover == "generator" else self.both_logits.chunk(2)[1]


class ReadingTurn(LatentTurn):
    """A critic that also predicts something about the image: it returns (logits, reading).

    The reading is (N, R): logits of the classes in AC-GAN, parameters of the codes in InfoGAN.
    """

    @cached_property
    def real_judged(self) -> tuple[Tensor, Tensor]:
        """Logits (N,) and readings (N, R) of the real images."""
        return self.nets["critic"](self.real)

    @cached_property
    def fake_judged(self) -> tuple[Tensor, Tensor]:
        """Logits (N,) and readings (N, R) of the generated images."""
        return self.nets["critic"](self.fake)

    @cached_property
    def real_logits(self) -> Tensor:
        """The critic's logits of the real images, (N,)."""
        return self.real_judged[0]

    @cached_property
    def fake_logits(self) -> Tensor:
        """The critic's logits of the generated images, (N,)."""
        return self.fake_judged[0]

    def judge(self, images: Tensor) -> Tensor:
        """The logits alone, (N,)."""
        return self.nets["critic"](images)[0]


def noisy(sigma: float = 0.1) -> type[LatentTurn]:
    """The critic sees real and generated images through Gaussian noise that fades from `sigma` to 0 over the budget.

    Instance noise: Sønderby et al. 2017, arXiv:1610.04490, Arjovsky & Bottou 2017, arXiv:1701.04862. Images lie in [-1, 1].
    """

    class NoisyTurn(LatentTurn):
        def judge(self, images: Tensor) -> Tensor:
            noise = torch.randn(images.shape, generator=self.random, device=images.device)
            return super().judge(images + sigma * (1 - self.now.fraction) * noise)

    return NoisyTurn


def replaying(pool: ReplayPool) -> type[LatentTurn]:
    """The critic sees old fakes among the new ones; the generator is judged on its new ones alone."""

    class ReplayTurn(LatentTurn):
        @cached_property
        def fake(self) -> Tensor:
            fake = super().fake
            return fake if self.mover == "generator" else self.leaf("fake", pool(fake.detach(), self.random))

    return ReplayTurn


def top_k(floor: float = 0.5, reached: float = 0.1) -> type[LatentTurn]:
    """The generator learns only from the fakes that the critic takes most for real.

    Sinha et al. 2020, arXiv:2002.06224: k falls geometrically from N to `floor` * N, which is reached after
    a share `reached` of the budget (the paper multiplies by 0.99 per epoch).
    """

    class TopKTurn(LatentTurn):
        @cached_property
        def fake_logits(self) -> Tensor:
            logits = super().fake_logits
            if self.mover != "generator":
                return logits
            share = max(floor, floor ** (self.now.fraction / reached))
            return logits.topk(max(1, round(share * logits.shape[0]))).values

    return TopKTurn


def packed(count: int) -> type[LatentTurn]:
    """The critic judges `count` images at once, side by side in its channels: Lin et al. 2018, arXiv:1712.04086.

    Logits are (N / count,). A batch that `count` does not divide loses its last images.
    """

    class PackedTurn(LatentTurn):
        def judge(self, images: Tensor) -> Tensor:
            return super().judge(pack(images, count))

    return PackedTurn


def pack(images: Tensor, count: int) -> Tensor:
    """(N, C, H, W) -> (N // count, count * C, H, W)."""
    packs = images.shape[0] // count
    return images[: packs * count].reshape(packs, -1, *images.shape[2:])
