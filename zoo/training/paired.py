"""The game of a generator whose input is a picture and nothing else, on pairs: the fake is the translation of the batch's source."""

from functools import cached_property

from torch import Tensor

from bench.gan import Nets, Prompt, Turn, trainable


class PairedTurn(Turn):
    """Both updates of an iteration share one pass of the generator. The critic judges images; a subclass may show it more."""

    @property
    def source(self) -> Tensor:
        """The pictures to translate, (N, S, H, W)."""
        assert self.batch.source is not None
        return self.batch.source

    @cached_property
    def fake(self) -> Tensor:
        """G(s), (N, C, H, W); detached while the critic moves."""
        if "fake" not in self.draw.memo:
            with trainable(self.nets["generator"]):  # the graph is for the generator's update, which follows
                self.draw.memo["fake"] = self.nets["generator"](self.source)
        fake = self.draw.memo["fake"]
        return fake if self.mover == "generator" else fake.detach()

    def judge(self, images: Tensor) -> Tensor:
        """D(x): logits, (N,) or (N, P)."""
        return self.nets["critic"](images)


def translate(nets: Nets, prompt: Prompt) -> Tensor:
    """The prompt's pictures, translated: (N, C, H, W), cut to [-1, 1]."""
    return nets["generator"](prompt.source).clamp(-1, 1)
