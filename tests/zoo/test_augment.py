"""Augmentations against pictures worked by hand, exact identities and finite differences."""

import math

import pytest
import torch
from torch import Tensor

from bench.gan import Batch, Context, Draw, Now
from zoo.augmentation import ada, diffaugment
from zoo.augmentation.ada import AdaptiveAugment, Dice, recolour
from zoo.augmentation.diffaugment import DiffAugment
from zoo.augmentation.resample import SYM6, Wavelet, bilinear, blit, mirrored
from zoo.training.two_player import LatentTurn


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pictures(count: int = 4, channels: int = 3, size: int = 16) -> Tensor:
    return torch.rand(count, channels, size, size, generator=generator(7)) * 2 - 1


def numbers(count: int, value: float) -> Tensor:
    return torch.full((count,), value)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [8, 16])
@pytest.mark.parametrize("policy", [diffaugment.colour, diffaugment.translation, diffaugment.cutout, DiffAugment()])
def test_diffaugment_keeps_the_shape_and_is_differentiable_twice(policy, size, channels):
    images = pictures(3, channels, size).double().requires_grad_()
    out = policy(images, generator())
    assert out.shape == images.shape
    assert not torch.equal(out, images)
    assert torch.autograd.gradcheck(lambda x: policy(x, generator()).sin(), images, fast_mode=True)
    assert torch.autograd.gradgradcheck(lambda x: policy(x, generator()).sin(), images, fast_mode=True)


def test_translation_moves_whole_pixels_by_at_most_an_eighth_and_fills_with_zero():
    images = torch.arange(1, 257.0).view(1, 1, 16, 16).expand(200, -1, -1, -1)
    moved = diffaugment.translation(images, generator())
    seen = set()
    for picture in moved[:, 0]:
        row, column = divmod(int(picture[8, 8]) - 1, 16)  # what lies in the middle tells the shift
        down, right = 8 - row, 8 - column
        seen.add((down, right))
        expected = torch.zeros(20, 20)
        expected[2 + down : 18 + down, 2 + right : 18 + right] = images[0, 0]
        assert torch.equal(picture, expected[2:18, 2:18])
    assert {down for down, _ in seen} == {right for _, right in seen} == {-2, -1, 0, 1, 2}


def test_cutout_blanks_one_square_of_half_the_size():
    blanked = diffaugment.cutout(torch.ones(200, 2, 16, 16), generator()) == 0
    assert torch.equal(blanked[:, 0], blanked[:, 1])
    rows, columns = blanked[:, 0].any(2).sum(1), blanked[:, 0].any(1).sum(1)
    assert torch.equal(blanked[:, 0].sum((1, 2)), rows * columns)  # a rectangle
    assert rows.max() == 8
    assert rows.min() == 4  # centred on the border: half of it is outside


def test_diffaugment_colour_has_the_ranges_of_the_paper():
    flat = torch.tensor([0.2, 0.4, 0.6]).view(1, 3, 1, 1).expand(5000, -1, 8, 8)
    out = diffaugment.colour(flat, generator())[:, :, 0, 0]
    shift = out.mean(1) - 0.4  # saturation and contrast keep the mean of a flat picture
    assert shift.abs().max() <= 0.5
    assert shift.std() == pytest.approx(1 / math.sqrt(12), rel=0.05)
    spread = (out[:, 2] - out[:, 0]) / 0.4  # saturation in [0, 2] times contrast in [0.5, 1.5]
    assert spread.min() >= 0
    assert spread.max() <= 3
    assert spread.mean() == pytest.approx(1, abs=0.05)


def test_sym6_is_orthonormal_to_its_even_shifts_and_has_six_vanishing_moments():
    taps = torch.tensor(SYM6, dtype=torch.float64)
    for shift in range(0, 12, 2):
        assert float(taps[shift:] @ taps[: 12 - shift]) == pytest.approx(float(shift == 0), abs=1e-10)
    assert float(taps.sum()) == pytest.approx(math.sqrt(2), abs=1e-10)
    sign = (-1.0) ** torch.arange(12, dtype=torch.float64)
    for power in range(6):
        moment = (sign * taps * torch.arange(12, dtype=torch.float64) ** power).sum()
        assert float(moment) == pytest.approx(0, abs=1e-6 * 12**power)


@pytest.mark.parametrize("size", [8, 16, 32])
def test_the_affine_identity_is_exact(size):
    images = pictures(2, 3, size)
    same = Wavelet().affine(images, torch.eye(2).expand(2, -1, -1), torch.zeros(2, 2))
    torch.testing.assert_close(same, images, atol=2e-6, rtol=0)


@pytest.mark.parametrize("name", ["mirror", "half turn", "quarter turn", "shift", "double", "beyond the border"])
def test_affine_maps_on_a_smooth_picture(name):
    """A smooth picture, known as a formula, can be evaluated where the map says."""
    size = 32
    place = torch.arange(size) - (size - 1) / 2

    def picture(x: Tensor, y: Tensor) -> Tensor:
        return torch.exp(-((x - 4) ** 2 + 2 * (y + 3) ** 2) / 40)

    y, x = torch.meshgrid(place, place, indexing="ij")
    image = picture(x, y)[None, None]
    matrix, shift, expected = {
        "mirror": ([[-1.0, 0], [0, 1]], (0.0, 0.0), picture(-x, y)),
        "half turn": ([[-1.0, 0], [0, -1]], (0.0, 0.0), picture(-x, -y)),
        "quarter turn": ([[0.0, -1], [1, 0]], (0.0, 0.0), picture(y, -x)),  # (x, y) goes to (-y, x)
        "shift": ([[1.0, 0], [0, 1]], (2.5, -1.25), picture(x - 2.5, y + 1.25)),
        "double": ([[2.0, 0], [0, 2]], (0.0, 0.0), picture(x / 2, y / 2)),
        "beyond the border": (  # mirrored about the last pixel's middle
            [[1.0, 0], [0, 1]],
            (20.0, 0.0),
            picture(mirrored(x - 20 + (size - 1) / 2, size) - (size - 1) / 2, y),
        ),
    }[name]
    out = Wavelet().affine(image, torch.tensor(matrix)[None], torch.tensor(shift)[None])[0, 0]
    assert (out - expected).abs().max() < 0.02


def test_affine_is_differentiable_twice():
    images = pictures(2, 1, 8).double().requires_grad_()
    wavelet = Wavelet().double()
    angle = torch.tensor([0.3, -1.1])
    matrix = 1.2 * ada.rotation(angle).double()

    def function(x: Tensor) -> Tensor:
        return wavelet.affine(x, matrix, torch.tensor([[0.3, 1.0], [2.0, -4.0]], dtype=torch.float64)).sin()

    assert torch.autograd.gradcheck(function, images, fast_mode=True)
    assert torch.autograd.gradgradcheck(function, images, fast_mode=True)


def test_bilinear_agrees_with_grid_sample():
    images = pictures(2, 3, 9)
    places = torch.rand(2, 2, 81, generator=generator()) * 8
    grid = (places / 4 - 1).transpose(1, 2).view(2, 9, 9, 2)
    expected = torch.nn.functional.grid_sample(images, grid, mode="bilinear", align_corners=True)
    torch.testing.assert_close(bilinear(images, places), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
@pytest.mark.parametrize("mirror", [0, 1])
def test_blits_copy_pixels_as_torch_does(turns, mirror):
    images = pictures(2, 3, 8)
    count = torch.ones(2, dtype=torch.int64)
    expected = images.flip(3) if mirror else images
    expected = torch.rot90(expected, turns, (2, 3))
    out = blit(images, mirror * count, turns * count, 0 * count, 0 * count)
    assert torch.equal(out, expected)
    moved = blit(images, mirror * count, turns * count, 1 * count, -2 * count)
    padded = torch.nn.functional.pad(expected, (2, 2, 2, 2), mode="reflect")
    assert torch.equal(moved, padded[:, :, 1:9, 4:12])  # one down, two left, mirrored at the border


COLOURS = torch.tensor([[0.9, -0.2, 0.1], [0.3, 0.3, 0.3]]).view(2, 3, 1, 1)
ONE, ZERO = numbers(2, 1.0), numbers(2, 0.0)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ((ZERO, ONE, ZERO, ZERO, ONE), lambda x: x),
        ((numbers(2, 0.25), numbers(2, 2.0), ZERO, ZERO, ONE), lambda x: 2 * (x + 0.25)),
        ((ZERO, ONE, ONE, ZERO, ONE), lambda x: x - 2 * x.mean(1, keepdim=True)),  # the luma changes its sign
        ((ZERO, ONE, ZERO, numbers(2, 2 * math.pi / 3), ONE), lambda x: x.roll(1, 1)),  # red to green to blue
        ((ZERO, ONE, ZERO, ZERO, ZERO), lambda x: x.mean(1, keepdim=True).expand(-1, 3, -1, -1)),
        ((ZERO, ONE, ZERO, ZERO, numbers(2, 3.0)), lambda x: 3 * x - 2 * x.mean(1, keepdim=True)),
    ],
    ids=["nothing", "brightness and contrast", "luma flip", "hue by a third", "no saturation", "saturation"],
)
def test_recolouring_known_colours(settings, expected):
    torch.testing.assert_close(recolour(COLOURS, *settings), expected(COLOURS), atol=1e-6, rtol=0)


def test_recolouring_grey_images_is_recolouring_three_equal_channels():
    grey = pictures(2, 1, 8)
    settings = (numbers(2, 0.1), numbers(2, 1.3), numbers(2, 1.0), numbers(2, 0.7), numbers(2, 2.0))
    one = recolour(grey, *settings)
    three = recolour(grey.expand(-1, 3, -1, -1), *settings)
    torch.testing.assert_close(one.expand(-1, 3, -1, -1), three, atol=1e-6, rtol=0)
    torch.testing.assert_close(one, -1.3 * (grey + 0.1), atol=1e-6, rtol=0)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [8, 16])
def test_the_pipeline_is_the_identity_at_p_0(channels, size):
    images = pictures(4, channels, size)
    out = AdaptiveAugment()(images, generator())
    torch.testing.assert_close(out, images, atol=5e-6, rtol=0)


def test_the_pipeline_keeps_full_precision_under_autocast():
    images = pictures(4, 3, 16)
    with torch.autocast("cpu", torch.bfloat16):
        out = AdaptiveAugment()(images, generator())
    torch.testing.assert_close(out, images, atol=5e-6, rtol=0)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_pipeline_at_p_1_changes_every_image_and_is_differentiable_twice(channels):
    images = pictures(4, channels, 8).requires_grad_()
    pipeline = AdaptiveAugment()
    pipeline.p.fill_(1.0)
    out = pipeline(images, generator())
    assert out.shape == images.shape
    assert ((out - images).abs().amax((1, 2, 3)) > 0.1).all()
    (gradient,) = torch.autograd.grad(out.square().sum(), images, create_graph=True)
    (second,) = torch.autograd.grad(gradient.square().sum(), images)
    # the pipeline is affine, x -> A x + b, so the gradient 2 A^T (A x + b) has the derivative 2 A^T A
    assert second.isfinite().all()
    assert second.abs().amax((1, 2, 3)).min() > 0


def test_every_image_and_every_transform_is_switched_with_probability_p():
    dice = Dice(20_000, generator())
    switched = dice.sometimes(torch.tensor(0.3), torch.ones(20_000), 0)
    assert float(switched.mean()) == pytest.approx(0.3, abs=0.01)
    images = pictures(1, 1, 8).expand(2000, -1, -1, -1)
    changed = (ada.blitting(images, torch.tensor(0.3), Dice(2000, generator())) != images).flatten(1).any(1)
    # mirrored: p / 2; turned: 3 p / 4; shifted by U(-1, 1) px, rounded: not (0, 0) with 3/4
    expected = 1 - (1 - 0.15) * (1 - 0.225) * (1 - 0.3 * 0.75)
    assert float(changed.float().mean()) == pytest.approx(expected, abs=0.04)


class Noted(Wavelet):
    """Keeps the maps that it is asked for."""

    def affine(self, images: Tensor, matrix: Tensor, shift: Tensor) -> Tensor:
        self.matrix, self.shift = matrix, shift
        return images


def test_geometry_is_drawn_as_appendix_b_says():
    wavelet = Noted()
    images = torch.zeros(1, 1, 16, 16).expand(20_000, -1, -1, -1)
    ada.geometry(images, torch.tensor(1.0), Dice(20_000, generator()), wavelet)
    sizes = torch.linalg.svdvals(wavelet.matrix.double())  # scale times stretch, scale over stretch
    scale = sizes.prod(1).sqrt().log2()
    stretch = (sizes[:, 0] / sizes[:, 1]).sqrt().log2()  # without its sign
    assert float(scale.mean()) == pytest.approx(0, abs=0.01)
    assert float(scale.std()) == pytest.approx(0.2, rel=0.03)
    assert float(stretch.square().mean().sqrt()) == pytest.approx(0.2, rel=0.03)
    assert (torch.linalg.det(wavelet.matrix) > 0).all()  # no mirror images
    assert wavelet.shift.std(0).tolist() == pytest.approx([0.125 * 16] * 2, rel=0.03)
    first = wavelet.matrix @ torch.tensor([1.0, 0.0])
    quadrants = torch.bincount(2 * (first[:, 0] > 0).long() + (first[:, 1] > 0).long()) / 20_000
    assert quadrants.tolist() == pytest.approx([0.25] * 4, abs=0.02)  # turned to everywhere alike


def test_an_image_is_turned_scaled_stretched_and_shifted_with_probability_p_each():
    wavelet, p = Noted(), 0.36
    images = torch.zeros(1, 1, 16, 16).expand(20_000, -1, -1, -1)
    ada.geometry(images, torch.tensor(p), Dice(20_000, generator()), wavelet)
    matrix = wavelet.matrix
    shifted = (wavelet.shift != 0).any(1)
    assert float(shifted.float().mean()) == pytest.approx(p, abs=0.015)
    upright = (matrix[:, 0, 1].abs() + matrix[:, 1, 0].abs()) < 1e-6  # at least one turn with p, so none with 1 - p
    assert float(upright.float().mean()) == pytest.approx(1 - p, abs=0.015)
    sizes = torch.linalg.svdvals(matrix)
    assert float(((sizes.prod(1) - 1).abs() < 1e-5).float().mean()) == pytest.approx(1 - p, abs=0.015)
    assert float(((sizes[:, 0] / sizes[:, 1] - 1).abs() < 1e-5).float().mean()) == pytest.approx(1 - p, abs=0.015)


@pytest.mark.parametrize("p", [1.0, 0.36])
def test_colours_are_drawn_as_appendix_b_says(monkeypatch: pytest.MonkeyPatch, p: float):
    drawn: list[Tensor] = []
    monkeypatch.setattr(ada, "recolour", lambda images, *settings: drawn.extend(settings))
    ada.colour(torch.zeros(20_000, 1, 1, 1), torch.tensor(p), Dice(20_000, generator()))
    brightness, contrast, _, hue, saturation = drawn
    shares = [(values != same).float().mean() for values, same in zip(drawn, (0, 1, 0, 0, 1), strict=True)]
    assert [float(share) for share in shares] == pytest.approx([p, p, p / 2, p, p], abs=0.015)
    changed = [values[values != same] for values, same in ((brightness, 0), (contrast, 1), (saturation, 1))]
    assert float(changed[0].std()) == pytest.approx(0.2, rel=0.03)
    assert float(changed[1].log2().std()) == pytest.approx(0.5, rel=0.03)
    assert float(changed[2].log2().std()) == pytest.approx(1.0, rel=0.03)
    turned = hue[hue != 0]
    assert turned.abs().max() <= math.pi
    assert float(turned.std()) == pytest.approx(math.pi / math.sqrt(3), rel=0.03)


class Judged(LatentTurn):
    """A turn whose real logits are given."""

    def __init__(self, logits: Tensor, step: int):
        now = Now(images=0, budget=1, step=step)
        batch = Batch(torch.zeros(len(logits), 1, 8, 8))
        super().__init__(Context({}, Draw(batch), "critic", now, generator()), latents=lambda n, r: torch.zeros(n, 1))
        self.logits = logits

    def judge(self, images: Tensor) -> Tensor:
        return self.logits


def test_p_rises_and_falls_by_the_images_seen_and_stays_in_0_1():
    pipeline = AdaptiveAugment(images=1000)
    overfit = torch.tensor([1.0] * 9 + [-1.0])  # r_t = 0.8
    for step in range(3):
        pipeline.adjust(Judged(overfit, step))
        assert float(pipeline.p) == 0  # only every fourth iteration
    pipeline.adjust(Judged(overfit, 3))
    assert float(pipeline.p) == pytest.approx(40 / 1000)
    healthy = torch.tensor([1.0] * 7 + [-1.0] * 3)  # r_t = 0.4
    for step in range(4, 12):
        pipeline.adjust(Judged(healthy, step))
    assert float(pipeline.p) == 0  # clamped from below
    for step in range(4 * 30):
        pipeline.adjust(Judged(overfit, step))
    assert float(pipeline.p) == 1
    assert float(pipeline.sign_count) == 0


def test_the_controller_is_saved_with_its_half_filled_interval():
    pipeline, restored = AdaptiveAugment(), AdaptiveAugment()
    pipeline.adjust(Judged(torch.ones(5), 0))
    restored.load_state_dict(pipeline.state_dict())
    assert float(restored.sign_sum) == float(restored.sign_count) == 5
    assert set(pipeline.state_dict()) == {"p", "sign_sum", "sign_count"}
