"""VQGAN's second stage: a causal prior, codes drawn by the inverse of their distribution, and an autoencoder that stays."""

import math

import pytest
import torch
from torch import Tensor, nn

from bench.gan import Batch, Context, Draw, ImageSpec, Now, Prompt
from zoo import vqgan_transformer
from zoo.networks.transformer import Prior
from zoo.networks.vqgan import Autoencoder, proportionate
from zoo.vqgan_transformer import CODES, CodeTurn, drawn, generate, likelihood

SPEC = ImageSpec(1, 16)
SMALL = proportionate(16, 16, CODES)


def prior() -> Prior:
    torch.manual_seed(0)
    net = Prior(codes=5, length=6, width=8, blocks=2, heads=2)
    for weight in net.parameters():
        nn.init.normal_(weight, std=0.3)
    return net


def test_a_code_s_logits_depend_on_those_before_it_alone():
    net, tokens = prior(), torch.tensor([[0, 1, 2, 3, 4]])
    logits = net(tokens)
    assert logits.shape == (1, 6, 5)
    for place in range(5):
        other = tokens.clone()
        other[0, place] = (other[0, place] + 1) % 5
        moved = (net(other) - logits).abs().amax((0, 2))
        assert moved[: place + 1].max() < 1e-6
        assert moved[place + 1 :].min() > 1e-4


def test_what_is_drawn_step_by_step_is_what_the_whole_sequence_says():
    net, tokens = prior(), torch.tensor([[3, 1, 4, 1, 0]])
    whole = net(tokens)
    for place in range(6):
        torch.testing.assert_close(net(tokens[:, :place])[:, -1], whole[:, place])


def test_codes_are_drawn_by_the_inverse_of_their_distribution():
    logits = torch.tensor([0.5, 0.25, 0.25]).log().expand(6, 3)
    numbers = torch.tensor([0.0, 0.49, 0.51, 0.74, 0.76, 1.0])
    assert drawn(logits, numbers).tolist() == [0, 0, 1, 1, 2, 2]
    many = drawn(logits[:1].expand(30_000, 3), torch.rand(30_000, generator=torch.Generator().manual_seed(0)))
    assert torch.bincount(many).div(30_000).tolist() == pytest.approx([0.5, 0.25, 0.25], abs=0.01)


class Even(nn.Module):
    """Every code is as likely."""

    def forward(self, before: Tensor) -> Tensor:
        return torch.zeros(before.shape[0], before.shape[1] + 1, CODES)


class Certain(nn.Module):
    """The code at place t is t."""

    def forward(self, before: Tensor) -> Tensor:
        places = torch.arange(before.shape[1] + 1)
        return 1e4 * torch.eye(CODES)[places].expand(before.shape[0], -1, -1)


def turn(net: Autoencoder, prior: nn.Module) -> CodeTurn:
    draw = Draw(Batch(torch.rand(3, 1, 16, 16) * 2 - 1))
    return CodeTurn(Context({"autoencoder": net, "prior": prior}, draw, "prior", Now(0, 1, 0), torch.Generator()))


def test_a_prior_that_knows_nothing_pays_the_logarithm_of_the_codes():
    assert likelihood(turn(Autoencoder(1, SMALL), Even())).item() == pytest.approx(math.log(CODES), rel=1e-5)


def test_looking_up_codes_changes_nothing_in_an_autoencoder_that_trains():
    net = Autoencoder(1, SMALL).train()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    tokens = turn(net, Even()).tokens
    assert tokens.shape == (3, 16)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


def test_images_are_the_decoded_codes_row_by_row():
    net = Autoencoder(1, SMALL).eval()
    prompt = Prompt(2, torch.Generator(), torch.zeros(2, 16))
    with torch.no_grad():
        found = generate({"autoencoder": net, "prior": Certain()}, prompt, places=4)
        pictures = net.codebook.codes(torch.arange(16).view(1, 4, 4)).movedim(-1, 1)
        expected = net.decoder(net.after(pictures)).clamp(-1, 1).expand(2, -1, -1, -1)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_the_budget_is_shared_two_to_one():
    first, second = vqgan_transformer.vqgan_transformer(SPEC, width=16).schedule
    assert first.share == pytest.approx(2 * second.share)
    assert [update.player for update in second.updates] == ["prior"]
