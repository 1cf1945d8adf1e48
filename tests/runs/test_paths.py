"""Path lengths of members: a linear generator has a known one, noise is held still, classes are drawn."""

import numpy as np
import pytest
import torch
from torch import nn

from bench.data import DataSet, Split
from bench.gan import GAN, ImageSpec, Player, Task, adam, gaussian
from bench.metrics.path_length import path_length
from bench.runs.paths import latent_paths

WIDTH = 4
SPEC = ImageSpec(1, 8, classes=3)
CPU = torch.device("cpu")


class Linear(nn.Module):
    """Images linear in the latent, shifted by the class, with noise on top."""

    def __init__(self, noise: float):
        super().__init__()
        self.noise = noise
        self.weight = nn.Parameter(0.02 * torch.randn(WIDTH, 64, generator=torch.Generator().manual_seed(0)))

    def forward(self, latents, labels, random):
        shift = 0 if labels is None else 0.1 * labels[:, None]
        noise = self.noise * torch.randn(len(latents), 64, generator=random)
        return (latents @ self.weight + shift + noise).view(-1, 1, 8, 8).clamp(-1, 1)


LATENTS = gaussian(WIDTH)


def gan(noise: float = 0.0, latents=LATENTS, task: Task = "conditional") -> GAN:
    def generate(nets, prompt):
        return nets["generator"](prompt.latents, prompt.labels, prompt.random)

    return GAN({"generator": Player(Linear(noise), adam(1e-3))}, [], generate, latents, task=task)


def weight(member: GAN) -> torch.Tensor:
    """From a latent to pixels, (Z, 64)."""
    net = member.players["generator"].net
    assert isinstance(net, Linear)
    return net.weight.detach()


def nets(member: GAN) -> dict[str, nn.Module]:
    return {name: player.net.eval() for name, player in member.players.items()}


def squared(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return (a.double() - b.double()).flatten(1).square().sum(1)


@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_a_linear_member_has_the_length_of_its_latents_path(noise):
    """At t = 0 slerp's speed is that of the latent; noise inside the generator is the same at both ends and cancels."""
    member = gan(noise)
    ((space, path),) = latent_paths(member, nets(member), SPEC, CPU, 2000).items()
    assert space == "z"
    found = path_length(path, squared, full=False, epsilon=1e-3, discard=0)
    random = torch.Generator().manual_seed(7)
    a, b = (torch.randn(20_000, WIDTH, generator=random, dtype=torch.float64) for _ in range(2))
    la, lb = a.norm(dim=1, keepdim=True), b.norm(dim=1, keepdim=True)
    u, v = a / la, b / lb
    cosine = (u * v).sum(1, keepdim=True)
    across = nn.functional.normalize(v - cosine * u, dim=1)
    speed = (cosine.acos() * across * la + (lb - la) * u) @ weight(member).double()
    assert found.value == pytest.approx(float(speed.square().sum(1).mean()), rel=0.05)


def test_classes_are_as_frequent_as_in_training():
    labels = np.array([0, 0, 0, 2])
    split = Split(np.zeros((4, 1, 8, 8), np.uint8), labels)
    dataset = DataSet("d", split, split, ("a", "b", "c"), "digest", "as is")
    member = gan()
    drawn = latent_paths(member, nets(member), SPEC, CPU, 8, dataset)["z"].classes(4000, torch.Generator())
    shares = drawn.bincount(minlength=3) / 4000
    assert shares.tolist() == pytest.approx([0.75, 0, 0.25], abs=0.03)
    even = latent_paths(member, nets(member), SPEC, CPU, 8)["z"].classes(3000, torch.Generator())
    assert (even.bincount() / 3000).tolist() == pytest.approx([1 / 3] * 3, abs=0.03)


def test_a_member_that_translates_or_has_no_latents_has_no_space():
    for member in (gan(latents=None), gan(task="paired"), gan(task="reconstruction")):
        assert latent_paths(member, nets(member), SPEC, CPU, 8) == {}


def test_a_member_with_intermediate_latents_is_walked_in_w_too():
    """Styles are linear in the latent here and images linear in the styles: E |W(b - a)|^2 = 2 |A W|_F^2."""
    turned = torch.randn(WIDTH, WIDTH, generator=torch.Generator().manual_seed(3))
    member = gan()

    def generate(nets, prompt):
        assert (prompt.latents is None) != (prompt.styles is None)
        styles = prompt.latents @ turned if prompt.styles is None else prompt.styles
        return 0.01 * nets["generator"](styles, None, prompt.random)

    member = GAN(member.players, [], generate, LATENTS, styles=lambda nets, prompt: prompt.latents @ turned)
    path = latent_paths(member, nets(member), ImageSpec(1, 8), CPU, 4000)["w"]
    found = path_length(path, squared, full=True, epsilon=1e-2, discard=0)
    whole = turned @ (0.01 * weight(member))
    assert found.value == pytest.approx(2 * float(whole.square().sum()), rel=0.05)
