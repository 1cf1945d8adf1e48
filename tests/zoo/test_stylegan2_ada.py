"""StyleGAN2-ADA: counts, configurations, and a critic that sees nothing but augmented images."""

import pytest
import torch
from torch import Tensor, nn

from bench.errors import UserError
from bench.gan import Batch, Context, Draw, ImageSpec, Now
from zoo.losses.penalties import R1
from zoo.stylegan2_ada import (
    AUTO,
    CIFAR,
    config,
    settings,
    stylegan2_ada,
    stylegan2_ada_cond,
    stylegan2_ada_cond_paper,
    stylegan2_ada_paper,
)


def count(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


@pytest.mark.parametrize(
    ("builder", "spec", "generator", "critic"),
    [
        (stylegan2_ada_paper, ImageSpec(3, 32), 19_947_539, 20_720_641),
        (stylegan2_ada_cond_paper, ImageSpec(3, 32, 10), 20_215_315, 23_089_664),
        (stylegan2_ada_paper, ImageSpec(3, 64), 22_243_608, 23_407_361),
        (stylegan2_ada_cond_paper, ImageSpec(3, 64, 10), 22_511_384, 25_776_384),
        (stylegan2_ada_paper, ImageSpec(3, 128), 22_949_277, 23_882_369),
        (stylegan2_ada_paper, ImageSpec(3, 256), 23_191_522, 24_001_089),
    ],
    ids=["cifar", "cifar, 10 classes", "auto 64", "auto 64, 10 classes", "auto 128", "auto 256"],
)
def test_parameters_are_those_of_the_authors_code(builder, spec, generator, critic):
    with torch.device("meta"):
        players = builder(spec).players
    assert count(players["generator"].net) == generator
    assert count(players["critic"].net) == critic


def test_the_parts_of_the_conditional_networks():
    with torch.device("meta"):
        players = stylegan2_ada_cond_paper(ImageSpec(3, 32, 10)).players
    assert count(players["generator"].net.mapping) == 793_088
    assert count(players["generator"].net.synthesis) == 19_422_227
    assert count(players["critic"].net.mapping) == 2_106_880


def test_small_images_take_the_cifar_configuration():
    assert config(16, settings()) == config(32, settings()) == CIFAR
    assert config(64, settings()) == config(256, settings()) == AUTO
    small, large = stylegan2_ada(ImageSpec(1, 16)), stylegan2_ada(ImageSpec(1, 64))
    assert [list(gan.state) for gan in (small, large)] == [["augment"], ["augment", "path_length"]]
    assert [[*update.losses, update.every] for update in small.schedule[0].updates] == [
        ["adversarial", 1],
        ["r1", 16],
        ["adversarial", 1],
    ]
    assert small.schedule[0].updates[1].losses["r1"] == R1(0.01)
    assert large.schedule[0].updates[3].every == 4


def turn_of(gan, mover: str, labels: Tensor | None = None, differentiates: frozenset[str] = frozenset()):
    nets = {name: player.net for name, player in gan.players.items()}
    draw = Draw(Batch(torch.rand(4, 1, 16, 16) * 2 - 1, labels))
    random = torch.Generator().manual_seed(0)
    return gan.schedule[0].turn(Context(nets, draw, mover, Now(0, 1, 3), random, differentiates))


def test_real_and_fake_images_are_augmented_before_the_critic():
    gan = stylegan2_ada(ImageSpec(1, 16))
    seen: list[Tensor] = []
    gan.players["critic"].net.register_forward_pre_hook(lambda net, inputs: seen.append(inputs[0]))
    gan.state["augment"].p.fill_(1.0)
    turn = turn_of(gan, "critic")
    assert turn.real_logits.shape == turn.fake_logits.shape == (4,)
    for shown, images in zip(seen, (turn.real, turn.fake), strict=True):
        assert ((shown - images).abs().amax((1, 2, 3)) > 0.1).all()


def test_r1_goes_through_the_augmentation_to_the_real_images():
    gan = stylegan2_ada(ImageSpec(1, 16))
    gan.state["augment"].p.fill_(1.0)
    turn = turn_of(gan, "critic", differentiates=frozenset({"real"}))
    penalty = R1(0.01)(turn)
    penalty.backward()
    gradients = [parameter.grad for parameter in gan.players["critic"].net.parameters() if parameter.grad is not None]
    assert float(penalty.detach()) > 0
    assert all(gradient.isfinite().all() for gradient in gradients)
    assert any(gradient.abs().sum() > 0 for gradient in gradients)


def test_the_critics_step_adjusts_the_augmentation():
    gan = stylegan2_ada(ImageSpec(1, 16))
    (adjust,) = gan.schedule[0].updates[0].then
    turn = turn_of(gan, "critic")
    turn.real_logits = torch.ones(4)  # every real image is recognised: overfitting
    adjust(turn)  # iteration 4 of the interval
    assert float(gan.state["augment"].p) == pytest.approx(4 / 500_000)


def test_conditional_needs_classes_and_uses_them():
    with pytest.raises(UserError, match="stylegan2-ada-cond is class-conditional"):
        stylegan2_ada_cond(ImageSpec(3, 32))
    gan = stylegan2_ada_cond(ImageSpec(1, 16, 3))
    assert gan.task == "conditional"
    turn = turn_of(gan, "generator", labels=torch.tensor([0, 1, 2, 0]))
    assert turn.fake_logits.shape == (4,)
