from math import log

import torch

from bench.gan import Batch, Context, Draw, ImageSpec, Now
from zoo.infogan import CONTINUOUS, NOISE, Critic, Generator, coded, infogan, read_codes

MNIST = ImageSpec(1, 28, classes=10)


def count(net: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def test_parameters_equal_the_code_s_layers_by_hand():
    # openai/InfoGAN infogan/models/regularized_gan.py: biases everywhere, norms with scale and shift.
    dense = 74 * 1024 + 1024 + 1024 * 6272 + 6272
    ups = 128 * 64 * 16 + 64 + 64 * 16 + 1
    assert count(Generator(MNIST)) == dense + ups + 2 * (1024 + 6272 + 64)
    trunk = 64 * 16 + 64 + 64 * 128 * 16 + 128 + 6272 * 1024 + 1024 + 2 * (128 + 1024)
    heads = 1024 + 1 + 1024 * 128 + 128 + 2 * 128 + 128 * 12 + 12
    assert count(Critic(MNIST)) == trunk + heads


def test_latents_are_noise_a_category_and_two_codes():
    latents = coded(10)(2000, torch.Generator().manual_seed(0))
    noise, category, codes = latents.split([NOISE, 10, CONTINUOUS], 1)
    assert latents.shape == (2000, 74)
    for numbers in (noise, codes):
        assert numbers.abs().max() <= 1
        assert abs(numbers.mean()) < 0.05
        assert abs(numbers.var() - 1 / 3) < 0.02
    assert set(category.flatten().tolist()) == {0.0, 1.0}
    assert (category.sum(1) == 1).all()
    assert (category.mean(0) - 0.1).abs().max() < 0.03


def test_information_compares_the_reading_with_the_codes_of_these_fakes():
    torch.manual_seed(0)
    gan = infogan(ImageSpec(1, 8))
    nets = {name: player.net for name, player in gan.players.items()}
    draw = Draw(Batch(torch.rand(4, 1, 8, 8)))
    turn = gan.schedule[0].turn(Context(nets, draw, "generator", Now(0, 100, 0), torch.Generator().manual_seed(3)))
    drawn = coded(10)(4, torch.Generator().manual_seed(3))
    torch.testing.assert_close(turn.fake, nets["generator"](drawn))
    codes = drawn[:, NOISE:]
    blank = torch.zeros(4, 12)
    blank[:, 10:] = codes[:, 10:] + torch.tensor([0.5, 1.0])
    turn.__dict__["fake_judged"] = (torch.zeros(4), blank)
    # Ten equal logits: ln 10. Means that are off by 0.5 and 1: (0.25 + 1) / 2.
    torch.testing.assert_close(read_codes(turn), torch.tensor(log(10) + 0.625))


def test_no_label_is_needed_and_none_is_used():
    gan = infogan(ImageSpec(1, 8))
    assert gan.task == "unconditional"
    assert gan.latents is not None
    assert gan.latents(1, torch.Generator()).shape == (1, 74)
