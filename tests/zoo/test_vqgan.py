"""VQGAN's first stage against reference counts, closed-form gradients and brute force."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from bench.data import DataSet
from bench.data.dataset import Split
from bench.gan import GAN, Batch, Context, Draw, ImageSpec, Now, Prompt
from bench.training.loop import Execution, Training
from bench.training.sampling import request
from bench.training.trial import MadeUpBatches
from zoo.losses.reconstruction import Adversarial, balance, codes, halved, perceptual_distance, pixel_distance
from zoo.networks.vqgan import PUBLISHED, Autoencoder, Codebook, Encoder, proportionate, straight_through
from zoo.training.reconstruction import ReconstructionTurn
from zoo.vqgan import vqgan
from zoo.vqgan_transformer import vqgan_transformer

SPEC = ImageSpec(1, 8)


def count(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def test_parameters_are_those_of_the_released_code():
    with torch.device("meta"):
        players = vqgan(ImageSpec(3, 256)).players
    net = players["autoencoder"].net
    parts = {name: count(net.get_submodule(name)) for name in ("encoder", "decoder", "codebook", "before", "after")}
    assert parts == {
        "encoder": 29_298_176,
        "decoder": 42_449_795,
        "codebook": 262_144,
        "before": 65_792,
        "after": 65_792,
    }
    assert count(net) == 72_141_699
    assert count(players["critic"].net) == 2_765_633


@pytest.mark.parametrize(("resolution", "side"), [(256, 16), (128, 16), (64, 16), (32, 8), (16, 4), (8, 2)])
def test_codes_per_image(resolution: int, side: int):
    design = proportionate(resolution)
    assert design.side(resolution) == side
    with torch.device("meta"):
        features = Encoder(3, design)(torch.empty(1, 3, resolution, resolution))
    assert features.shape == (1, design.code_width, side, side)


def test_the_design_at_256_px_is_the_published_one():
    assert proportionate(256) == PUBLISHED


def test_the_chosen_code_is_the_nearest():
    torch.manual_seed(0)
    book = Codebook(20, 5).eval()
    nn.init.normal_(book.codes.weight)
    features = torch.randn(3, 5, 4, 2)
    flat = features.permute(0, 2, 3, 1).reshape(-1, 5)
    nearest = torch.cdist(flat, book.codes.weight).argmin(1)
    assert torch.equal(book.nearest(features).flatten(), nearest)
    assert torch.equal(book(features).permute(0, 2, 3, 1).reshape(-1, 5), book.codes.weight[nearest])


def seen(book: Codebook, *features: float) -> None:
    """The codebook after a training pass on one feature per image, and what follows the step."""
    column = torch.tensor(features).reshape(-1, 1, 1, 1)
    book(column)
    book.restart(column, torch.Generator().manual_seed(0))


def test_codes_that_the_first_batch_did_not_choose_become_its_features():
    book = Codebook(3, 1)
    book.codes.weight.data.copy_(torch.tensor([[5.0], [-9.0], [-8.0]]))
    seen(book, 4.0, 6.0)
    assert book.codes.weight[0] == 5.0
    assert sorted(book.codes.weight[1:].flatten().tolist()) == [4.0, 6.0]


def test_a_code_that_nothing_is_near_starts_again_and_one_in_use_stays():
    book = Codebook(2, 1)
    book.codes.weight.data.copy_(torch.tensor([[0.0], [10.0]]))
    book.usage.fill_(1.0)
    for _ in range(44):
        seen(book, 1.0, 1.5)
    assert book.codes.weight.tolist() == [[0.0], [10.0]]  # 0.95^44 of its use is more than a tenth
    for _ in range(3):
        seen(book, 1.0, 1.5)
    assert book.codes.weight[0] == 0.0
    assert book.codes.weight[1] in (1.0, 1.5)


@pytest.mark.parametrize("builder", [vqgan, vqgan_transformer], ids=lambda builder: builder.__name__)
@pytest.mark.parametrize("parts", [1, 2])
def test_the_first_step_gives_every_code_that_is_out_of_use_a_feature(builder: Callable[..., GAN], parts: int):
    """Fresh codes lie within 1/K of 0, where features seldom are: without restarts all features share a few of them."""
    torch.manual_seed(0)
    gan = builder(ImageSpec(1, 16), width=16)
    net = gan.players["autoencoder"].net
    assert isinstance(net, Autoencoder)
    codes = net.codebook.codes.weight
    fresh = codes.detach().clone()
    batches = MadeUpBatches(ImageSpec(1, 16), seed=0, batch_size=4)
    next(Training(gan, batches, images=64, seed=0, execution=Execution(parts=parts)).steps())
    moved = (codes - fresh).abs().amax(1) > 1e-2  # a step of Adam is far shorter
    assert int(moved.sum()) > 0.75 * len(codes)


def test_a_pass_writes_no_code():
    book = Codebook(3, 2)
    before = book.codes.weight.detach().clone()
    book(torch.randn(2, 2, 3, 3))
    assert torch.equal(book.codes.weight, before)


def test_use_is_a_running_mean_in_shares_of_an_even_use():
    book = Codebook(4, 1)
    book.usage.fill_(1.0)
    book.count(torch.tensor([[[0, 0]], [[0, 2]]]))
    torch.testing.assert_close(book.usage, 0.95 + 0.05 * torch.tensor([3.0, 0.0, 1.0, 0.0]))


def test_codes_stay_when_nothing_is_learnt():
    book = Codebook(3, 2).eval()
    before = book.codes.weight.detach().clone()
    book(torch.randn(2, 2, 3, 3))
    assert torch.equal(book.codes.weight, before)
    assert torch.equal(book.usage, torch.zeros(3))


def test_straight_through_has_the_codes_value_and_hands_their_gradient_to_the_features():
    features, chosen = (torch.randn(2, 3, 2, 2, dtype=torch.float64, requires_grad=True) for _ in range(2))
    through = straight_through(features, chosen)
    torch.testing.assert_close(through, chosen)
    through.pow(3).sum().backward()
    assert features.grad is not None
    torch.testing.assert_close(features.grad, 3 * chosen.detach() ** 2)
    assert chosen.grad is None


def turn_of(mover: str = "autoencoder", images: int = 0) -> ReconstructionTurn:
    torch.manual_seed(0)
    nets = {name: player.net for name, player in vqgan(SPEC).players.items()}
    draw = Draw(Batch(torch.rand(2, 1, 8, 8) * 2 - 1))
    return ReconstructionTurn(Context(nets, draw, mover, Now(images, 100, 0), torch.Generator().manual_seed(0)))


def test_the_codebook_pulls_features_fully_and_codes_by_a_quarter():
    turn = turn_of()
    features, chosen = (torch.randn(2, 4, 2, 2, requires_grad=True) for _ in range(2))
    turn.coded = turn.real, features, chosen
    codes(turn).backward()
    pull = 2 * (chosen - features).detach() / features.numel()
    torch.testing.assert_close(chosen.grad, 0.25 * pull)
    torch.testing.assert_close(features.grad, -pull)


def test_reconstruction_teaches_the_encoder_and_not_the_codes():
    turn = turn_of()
    pixel_distance(turn).backward()
    net = turn.nets["autoencoder"]
    assert net.get_parameter("codebook.codes.weight").grad is None
    first = net.get_parameter("encoder.0.weight").grad
    assert first is not None
    assert bool(first.ne(0).any())


def test_nothing_is_lost_on_a_perfect_reconstruction():
    turn = turn_of()
    turn.coded = turn.real, turn.real, turn.real
    assert pixel_distance(turn) == perceptual_distance(turn) == codes(turn) == 0


def test_the_perceptual_distance_weighs_every_layer_alike_however_large():
    turn = turn_of()
    reals = [torch.zeros(2, 3, 4, 4), torch.ones(2, 5, 2, 2)]
    fakes = [torch.full((2, 3, 4, 4), -0.5), torch.full((2, 5, 2, 2), 3.0)]
    turn.real_judged, turn.fake_judged = (torch.zeros(2, 1), reals), (torch.zeros(2, 1), fakes)
    assert perceptual_distance(turn).item() == pytest.approx((0.5 + 2.0) / 2)


def test_the_critic_minimises_half_the_hinge_loss_per_patch():
    turn = turn_of("critic")
    turn.real_logits, turn.fake_logits = torch.tensor([[0.5, 2.0]]), torch.tensor([[-3.0, 0.0]])
    assert halved(turn).item() == pytest.approx((0.25 + 0.5) / 2)  # (0.5 + 0) / 2 and (0 + 1) / 2


def test_balance_is_the_ratio_of_gradient_norms():
    weight = torch.ones(2, requires_grad=True)
    likeness, judged = 3 * weight[0] + 4 * weight[1], 2 * weight[0]
    assert balance(likeness, judged, weight).item() == pytest.approx(5 / (2 + 1e-4))
    assert balance(1e9 * likeness, judged, weight) == 1e4
    assert not balance(likeness, judged, weight).requires_grad


def test_the_adversarial_term_joins_after_a_quarter_with_the_weight_of_its_gradient():
    assert Adversarial()(turn_of(images=24)) == 0
    turn = turn_of(images=25)
    weight = turn.nets["autoencoder"].get_submodule("decoder")[-1].weight  # pyright: ignore[reportIndexIssue]
    term, likeness = Adversarial()(turn), pixel_distance(turn) + perceptual_distance(turn)
    ours, theirs = (torch.autograd.grad(loss, weight, retain_graph=True)[0].norm() for loss in (term, likeness))
    torch.testing.assert_close(ours, 0.8 * theirs, rtol=1e-2, atol=1e-6)


def test_the_critic_judges_the_reconstructions_that_were_just_made():
    turn = turn_of()
    made = turn.fake
    critic = ReconstructionTurn(replace(turn.context, mover="critic"))
    assert torch.equal(critic.fake, made)
    assert not critic.fake.requires_grad


def test_what_is_rebuilt_are_the_held_out_images():
    torch.manual_seed(0)
    gan = vqgan(SPEC)
    shades = np.arange(3, dtype=np.uint8)[:, None, None, None] * np.full((1, 1, 8, 8), 50, np.uint8)
    source = np.zeros((3, 3, 8, 8), np.uint8)
    asked = request(gan, DataSet("toy", Split(shades, None, source), Split(shades, None, source), (), "", ""), 5, 0)
    assert asked.source is not None
    assert asked.source[:, 0, 0, 0].tolist() == [0, 50, 100, 0, 50]
    nets = {name: player.net.eval() for name, player in gan.players.items()}
    pictures = torch.rand(2, 1, 8, 8)
    rebuilt = gan.generate(nets, Prompt(2, torch.Generator(), source=pictures))
    torch.testing.assert_close(rebuilt, nets["autoencoder"](pictures)[0].clamp(-1, 1))
