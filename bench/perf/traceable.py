"""A member's sampling as one network from tensors to images, for exporters and other runtimes.

It takes what the member is asked with, each with a free batch dimension: ``latents`` (N, Z) float32, ``labels`` (N,) int64 of
a conditional one, ``source`` (N, C', H, W) float32 in [-1, 1]. Where the member draws noise of its own, that is an input too:
``noise`` (N, P) float32, standard normal, P numbers per image in the order in which they are drawn. It gives ``images``
(N, C, H, W) float32 in [-1, 1].

A trace keeps the batch size free only where it is read as ``tensor.shape[0]``; ``len(tensor)`` makes a fixed number of it, and
`bench check` names the line. Values that Python reads off a tensor are replayed from an eager call: a growing network has its
level in a buffer, because averages, checkpoints and exports copy buffers and nothing else, and a trace knows no values.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention
from torch.overrides import TorchFunctionMode

from bench.errors import UserError
from bench.gan import GAN, ImageSpec, Prompt
from bench.perf.faults import describe
from bench.training.sampling import prompt

EXAMPLE = 2  # images in the first request that a member is tried with
ASKED = (Tensor.item, Tensor.__int__, Tensor.__bool__, Tensor.__float__)  # a tensor's value as a number of Python's


class NotExportableError(UserError):
    """A member that cannot be exported; the message names the operator."""


class _UnfitDrawError(Exception):
    """Random numbers that cannot become an input."""


@dataclass
class _Script:
    """What a call of `generate` depends on beside its inputs: an export needs it to be the same in every call."""

    shapes: list[tuple[int, ...]] = field(default_factory=list)  # of one image's share in every draw
    answers: list[Any] = field(default_factory=list)  # to int(tensor), bool(tensor) and the like


class _Watch(TorchFunctionMode):
    """Inside, a subclass answers every draw from one generator, and every other call of PyTorch."""

    def __init__(self, random: torch.Generator):
        super().__init__()
        self.random = random

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if kwargs.get("generator") is self.random:
            return self.draw(func, args, kwargs)
        return self.call(func, args, kwargs)

    def draw(self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """What the member gets for a draw."""
        raise NotImplementedError

    def call(self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """What the member gets for any other call."""
        raise NotImplementedError


class _Recorded(_Watch):
    """Calls as ever, and notes of them. Raises _UnfitDrawError for numbers that cannot become `noise`."""

    def __init__(self, random: torch.Generator, count: int):
        super().__init__(random)
        self.count = count
        self.script = _Script()
        self.rows: list[Tensor] = []  # the numbers of each draw, (N, numbers per image)

    def draw(self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        drawn = func(*args, **kwargs)
        operator, shape = f"aten::{func.__name__}", tuple(drawn.shape)
        if drawn.numel() and not _standard_normal(func, args, kwargs):  # pix2pix draws nothing at 16 px
            raise _UnfitDrawError(
                f"{operator} from prompt.random is not standard normal. Draw noise with torch.randn: it becomes an input."
            )
        if shape[:1] != (self.count,):
            raise _UnfitDrawError(
                f"{operator} draws shape {shape} for {self.count} images, expected (N, ...). Draw noise image by image."
            )
        self.script.shapes.append(shape[1:])
        self.rows.append(drawn.detach().float().reshape(self.count, prod(shape[1:])).clone())
        return drawn

    def call(self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        result = func(*args, **kwargs)
        if func in ASKED:
            self.script.answers.append(result)
        return result


class _Replayed(_Watch):
    """Draws give the next columns of `noise` (N, P), questions for a value what eager answered: a trace knows no values."""

    def __init__(self, random: torch.Generator, script: _Script, noise: Tensor | None, count: int):
        super().__init__(random)
        self.shapes, self.answers = iter(script.shapes), iter(script.answers)
        self.noise, self.count = noise, count
        self.taken = 0

    def draw(self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        shape = next(self.shapes, None)
        if shape is None:
            raise _UnfitDrawError(f"aten::{func.__name__} draws more often than in the calls before")
        start, self.taken = self.taken, self.taken + prod(shape)
        if self.noise is None or start == self.taken:
            return torch.zeros(self.count, *shape)  # no numbers at all
        numbers = self.noise[:, start : self.taken].reshape(-1, *shape)
        if func is torch.Tensor.normal_:
            return args[0].copy_(numbers)
        return numbers.to(kwargs.get("dtype") or numbers.dtype, copy=True)  # the member may write into it

    def call(self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        if func in ASKED and torch.compiler.is_compiling():
            answer = next(self.answers, None)
            return func(*args, **kwargs) if answer is None else answer
        if func is scaled_dot_product_attention and len(args) == 3 and args[0].dim() == 3 and "attn_mask" not in kwargs:
            return func(*(one.unsqueeze(1) for one in args), **kwargs).squeeze(1)  # ONNX has it with heads only: one
        return func(*args, **kwargs)


def _standard_normal(func: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
    """Whether a call draws from N(0, 1)."""
    return func is torch.randn or (func is torch.Tensor.normal_ and len(args) == 1 and kwargs.keys() == {"generator"})


class Exportable(nn.Module):
    """A member's sampling as one network from tensors to images; made by `exportable`.

    A value that Python reads off a tensor, such as a level, is fixed in an export if it was the same for all inputs tried.
    """

    def __init__(self, gan: GAN, nets: Mapping[str, nn.Module], spec: ImageSpec):
        super().__init__()
        self.nets = nn.ModuleDict(nets)
        self.gan, self.spec = gan, spec
        self.random = torch.Generator()
        self.script: _Script | None = None  # known after the first call
        self.names: tuple[str, ...] = ()  # of the inputs; known after the first call

    def forward(self, *tensors: Tensor) -> Tensor:
        """Images (N, C, H, W) of the inputs, in the order of ``names``."""
        given = dict(zip(self.names, tensors, strict=True))
        noise = given.pop("noise", None)
        return self.images(Prompt(tensors[0].shape[0], self.random, **given), noise)  # pyright: ignore[reportArgumentType]

    def images(self, asked: Prompt, noise: Tensor | None) -> Tensor:
        """Images (N, C, H, W) of a request whose draws are `noise` (N, P), and not what its generator would give."""
        with _Replayed(self.random, self.script or _Script(), noise, asked.count):
            return self.gan.generate(self._nets(), replace(asked, random=self.random))

    @property
    def noise_numbers(self) -> int:
        """P, the numbers that are drawn for an image."""
        return sum(prod(shape) for shape in self.script.shapes) if self.script else 0

    @torch.no_grad()
    def eager(self, asked: Prompt) -> tuple[dict[str, Tensor], Tensor]:
        """What the member itself makes of a request: the inputs by name that ask an export for the same, and the images.

        `noise` is what the request's generator gives; the generator is left as it was. Raises NotExportableError as
        `exportable` does.
        """
        random = torch.Generator(asked.random.device).set_state(asked.random.get_state())
        try:
            with _Recorded(random, asked.count) as seen:
                images = self.gan.generate(self._nets(), replace(asked, random=random))
        except _UnfitDrawError as error:
            raise NotExportableError(f"export: this member cannot be exported: {describe(error)}") from None
        self._expect(seen.script)
        labels = asked.labels if self.gan.task == "conditional" else None  # others are asked with them and do not look
        given = {"latents": asked.latents, "labels": labels, "source": asked.source}
        inputs = {name: value for name, value in given.items() if value is not None}
        noise = torch.cat([torch.empty(asked.count, 0), *seen.rows], 1)
        return (inputs | {"noise": noise} if noise.numel() else inputs), images

    def inputs(self, asked: Prompt) -> dict[str, Tensor]:
        """The inputs of a request by name, without those that the member does not have."""
        return self.eager(asked)[0]

    def example(self, count: int, seed: int = 0) -> dict[str, Tensor]:
        """The inputs of some images."""
        return self.inputs(prompt(self.gan, self.spec, count, seed))

    def _nets(self) -> dict[str, nn.Module]:
        return dict(self.nets.items())

    def _expect(self, script: _Script) -> None:
        """The same draws for an image as in the calls before. Answers that change belong to the inputs: none is replayed."""
        if self.script is None:
            self.script = script
        if self.script.answers != script.answers:
            self.script.answers = []
        if self.script.shapes != script.shapes:
            raise NotExportableError(
                "export: this member cannot be exported: operator torch.randn draws shapes "
                f"{self.script.shapes} for an image in one call and {script.shapes} in another, expected the same in "
                "all. Draw as much in every call."
            )


def exportable(gan: GAN, nets: Mapping[str, nn.Module], spec: ImageSpec) -> Exportable:
    """The networks that sampling needs as one, tried on two requests of different sizes.

    Raises NotExportableError when the member draws from `prompt.random` what cannot become an input: other than standard
    normal numbers, a shape that does not start with the batch, or more for one image in one call than in another.
    """
    made = Exportable(gan, _used(gan, nets, prompt(gan, spec, EXAMPLE)), spec)
    made.names = tuple(made.example(EXAMPLE))
    made.example(EXAMPLE + 1, seed=1)
    return made


class _Watched(dict[str, nn.Module]):
    """Networks that note which of them are asked for."""

    def __init__(self, nets: Mapping[str, nn.Module]):
        super().__init__(nets)
        self.asked: dict[str, nn.Module] = {}

    def __getitem__(self, name: str) -> nn.Module:
        self.asked[name] = super().__getitem__(name)
        return self.asked[name]


@torch.no_grad()
def _used(gan: GAN, nets: Mapping[str, nn.Module], asked: Prompt) -> dict[str, nn.Module]:
    """The networks that sampling needs: critics are left out."""
    watched = _Watched(nets)
    gan.generate(watched, asked)
    return watched.asked
