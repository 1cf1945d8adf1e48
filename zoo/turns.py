"""Turns that change one thing about the common game: what the critic is shown, or what it says beside its logit."""

from functools import cached_property

from torch import Tensor

from zoo.two_player import LatentTurn


class ReadingTurn(LatentTurn):
    """A critic that also reads something off the image: it returns (logits, reading).

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
