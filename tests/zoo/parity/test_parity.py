"""Every network of the zoo whose reference can be written down small, against that reference.

The truth is a forward pass in NumPy and double precision (reference_*.py), written from the papers and from what the named
source computes, step by step: nothing is fused, and no code is shared with the zoo or with PyTorch. Weights are seeded by
their names. The reference's outputs are stored in parity.json, so that nobody changes network and reference together unseen:

    python tests/zoo/parity/test_parity.py      writes them again
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest
import reference_dcgans as dcgans
import reference_resnets as resnets
import reference_styles as styles
import reference_translators as translators
import torch
from numpy_layers import Array, Weights
from torch import Tensor, nn

from bench import members
from bench.gan import ImageSpec
from zoo.networks.equalised import EqualisedConv2d, EqualisedLinear
from zoo.networks.stylegan2 import ModulatedConv2d
from zoo.training.growing import Growing

SPEC = ImageSpec(1, 16, classes=4, source_channels=1)
NUMBERS = Path(__file__).with_name("parity.json")
COUNT = 4  # images
SPECTRAL = ".parametrizations.weight.original"


@dataclass(frozen=True)
class Case:
    """A player of a member, what it is given, and what it must answer."""

    member: str
    player: str
    reference: Callable[..., Array]
    given: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.member} {self.player}"


def of(member: str, generator: Callable[..., Array], critic: Callable[..., Array], labels: bool = False) -> list[Case]:
    """Generator and critic of a member that starts from latents."""
    more = ("labels",) if labels else ()
    return [
        Case(member, "generator", generator, ("latents", *more)),
        Case(member, "critic", critic, ("images", *more)),
    ]


def styled(member: str, generator: Callable[..., Array], critic: Callable[..., Array], labels: bool) -> list[Case]:
    """The same, for a generator that takes noise."""
    more = ("labels",) if labels else ()
    return [
        Case(member, "generator", generator, ("latents", "noise", *more)),
        Case(member, "critic", critic, ("images", *more)),
    ]


CASES = [
    *of("gan", dcgans.gan_generator, dcgans.gan_critic),
    *of("dcgan", dcgans.dcgan_generator, dcgans.dcgan_critic),
    *of("wgan", dcgans.dcgan_generator, dcgans.dcgan_critic),
    *of("dcgan-spectral-norm", dcgans.dcgan_generator, dcgans.unnormed_critic),
    *of("dcgan-resize-convolve", dcgans.resize_convolve_generator, dcgans.dcgan_critic),
    *of("lsgan", dcgans.lsgan_generator, dcgans.lsgan_critic),
    Case("pacgan", "generator", dcgans.pacgan_generator, ("latents",)),
    Case("pacgan", "critic", dcgans.pacgan_critic, ("pairs",)),
    *of("cgan", dcgans.cgan_generator, dcgans.cgan_critic, labels=True),
    Case("acgan", "generator", dcgans.acgan_generator, ("latents", "labels")),
    Case("acgan", "critic", dcgans.acgan_critic, ("images",)),
    *of("infogan", dcgans.infogan_generator, dcgans.infogan_critic),
    *of("unrolled-gan", dcgans.unrolled_generator, dcgans.unrolled_critic),
    *of("wgan-gp", resnets.generator, resnets.wgan_gp_critic),
    *of("sngan", resnets.generator, resnets.sngan_critic),
    *of("sngan-projection", resnets.generator, resnets.projection_critic, labels=True),
    *of("sagan", resnets.sagan_generator, resnets.sagan_critic),
    *of("sagan-cond", resnets.sagan_generator, resnets.sagan_projection_critic, labels=True),
    *of("biggan", resnets.biggan_generator, resnets.biggan_critic, labels=True),
    *of("progan", styles.progan_generator, styles.growing_critic),
    *styled("stylegan", styles.stylegan_generator, styles.stylegan_critic, labels=False),
    *styled("stylegan2", styles.stylegan2_generator, styles.stylegan2_critic, labels=False),
    *styled("stylegan2-cond", styles.stylegan2_generator, styles.stylegan2_critic, labels=True),
    *styled("stylegan2-ada", styles.stylegan2_ada_generator, styles.stylegan2_ada_critic, labels=False),
    *styled("stylegan2-ada-cond", styles.stylegan2_ada_generator, styles.stylegan2_ada_critic, labels=True),
    *of("r3gan", styles.r3gan_generator, styles.r3gan_critic),
    *of("r3gan-cond", styles.r3gan_generator, styles.r3gan_critic, labels=True),
    Case("pix2pix", "generator", translators.unet, ("source",)),
    Case("pix2pix", "critic", translators.patch_critic, ("pairs",)),
    Case("cyclegan", "generator", translators.translators_of_both, ("source", "images")),
    Case("cyclegan", "critic", translators.cyclegan_critic, ("images",)),
]


def normal(name: str, *shape: int) -> Array:
    """Standard normal numbers, seeded by a name; NumPy keeps RandomState's stream for ever."""
    return np.asarray(np.random.RandomState(crc32(name.encode())).standard_normal(shape))


def value(net: nn.Module, name: str, shape: tuple[int, ...]) -> Array:
    """What a parameter is set to: of a size that keeps features neither dead nor saturated."""
    path, _, last = name.replace(SPECTRAL, ".weight").rpartition(".")
    drawn, owner = normal(name, *shape), net.get_submodule(path)
    if isinstance(owner, EqualisedLinear) and last == "weight":
        return drawn / owner.rate
    if last in ("constant", "start") or (isinstance(owner, EqualisedConv2d | ModulatedConv2d) and last == "weight"):
        return drawn
    if last == "weight" and len(shape) > 1:
        return drawn / np.sqrt(np.prod(shape[1:]))
    if last in ("weight", "scale", "gamma") or name.endswith("affine.bias"):
        return 1 + 0.2 * drawn
    return 0.2 * drawn


@torch.no_grad()
def fill(net: nn.Module) -> Weights:
    """Set every weight by its name, and give the same to the reference: what spectral norm makes of it by singular values."""
    arrays: dict[str, Array] = {}
    for name, parameter in net.named_parameters():
        array = np.asarray(value(net, name, tuple(parameter.shape)))
        parameter.copy_(torch.from_numpy(array))
        if name.endswith(SPECTRAL):
            left, sizes, right = np.linalg.svd(array.reshape(len(array), -1), full_matrices=False)
            norm = net.get_submodule(name.removesuffix(".original"))[0]
            norm.u, norm.v = torch.from_numpy(left[:, 0].copy()), torch.from_numpy(right[0].copy())
            name, array = name.replace(SPECTRAL, ".weight"), array / sizes[0]
        arrays[name] = array
    return Weights(arrays)


def inputs(case: Case, latent: int) -> dict[str, Array]:
    """All that a network may be given."""
    given = {name: np.tanh(normal(name, COUNT, 1, 16, 16)) for name in ("images", "source")}
    given["pairs"] = np.tanh(normal("pairs", COUNT, 2, 16, 16))
    given["latents"] = normal("latents", COUNT, latent)
    given["noise"] = normal("noise", COUNT, 1000)
    given["labels"] = np.array([2, 0, 1, 2])
    return {name: given[name] for name in case.given}


def answers(case: Case) -> tuple[Array, Array]:
    """What the zoo's network and what the reference make of the same inputs and weights."""
    usual = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        gan = members.builder(members.find(case.member))(SPEC)
        net = gan.players[case.player].net
        for layer in net.modules():
            if isinstance(layer, nn.Dropout):
                layer.eval()
        if isinstance(net, Growing):
            net.grow(2, 1.0)
        latent = gan.latents(1, torch.Generator()).shape[1] if gan.latents is not None else 0
        weights, given = fill(net), inputs(case, latent)
        tensors = [torch.from_numpy(array) for array in given.values()]
        if case.member == "pix2pix" and case.player == "generator":
            tensors.append(torch.empty(COUNT, 0))  # dropout's noise: none at 16 px
        with torch.no_grad():
            return joined(net(*tensors)), case.reference(weights, *given.values())
    finally:
        torch.set_default_dtype(usual)


def joined(output: Tensor | tuple[Tensor, ...] | Mapping[str, Tensor]) -> Array:
    """One array of what a network gives: a reading beside its logit, or pictures one after another."""
    if isinstance(output, Tensor):
        return output.numpy()
    if isinstance(output, tuple):
        return torch.cat([part.reshape(COUNT, -1) for part in output], 1).numpy()
    return torch.cat(list(output.values())).numpy()


def summary(array: Array) -> list[float]:
    """Six numbers and two means of an output."""
    flat = array.ravel()
    picked = flat[np.linspace(0, flat.size - 1, min(6, flat.size)).astype(int)]
    return [float(f"{number:.10g}") for number in (*picked, flat.mean(), np.abs(flat).mean())]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_network_gives_what_its_source_gives(case: Case):
    ours, truth = answers(case)
    assert ours.shape == truth.shape
    assert truth.std() > 1e-3  # neither dead nor constant
    np.testing.assert_allclose(ours, truth, rtol=1e-6, atol=1e-8)
    stored = json.loads(NUMBERS.read_text())[str(case)]
    np.testing.assert_allclose(summary(truth), stored, rtol=1e-6, atol=1e-8)


def test_no_stored_number_is_left_over():
    assert json.loads(NUMBERS.read_text()).keys() == {str(case) for case in CASES}


if __name__ == "__main__":
    lines = [f"{json.dumps(str(case))}: {json.dumps(summary(answers(case)[1]))}" for case in CASES]
    NUMBERS.write_text("{\n" + ",\n".join(lines) + "\n}\n")
