"""Who is kept, by whom, and what becomes of the scores."""

from dataclasses import dataclass, replace

import pytest
import torch
from torch import Tensor, nn

from bench.errors import UserError
from bench.features.sample import Sample
from bench.filtering.curve import points, rows
from bench.filtering.judges import Critic, preference
from bench.filtering.selection import best, candidates
from bench.gan import GAN, ImageSpec, Player, Stage, Turn, Update, adam
from bench.metrics.measure import Measurement
from bench.runs.trained_model import Trained


def test_so_many_are_drawn_that_the_wanted_number_is_left():
    assert [candidates(1_000, rate) for rate in (1, 0.8, 0.3, 0.001)] == [1_000, 1_250, 3_333, 1_000_000]
    for rate in (0, -1, 1.1, float("nan")):
        with pytest.raises(UserError, match="rate"):
            candidates(10, rate)


def test_the_best_are_kept_in_their_order_and_of_equal_ones_the_earlier():
    scores = torch.tensor([0.5, 2.0, 0.5, -1.0, 3.0, 0.5])
    assert best(scores, 4).tolist() == [0, 1, 2, 4]
    assert best(scores, 6).tolist() == list(range(6))
    assert best(torch.tensor([1.0, torch.inf, 0.0]), 1).tolist() == [1]


def test_with_classes_each_is_compared_with_its_own():
    scores = torch.tensor([10.0, 9.0, 8.0, 7.0, 1.0, 2.0, 3.0, 4.0])
    labels = torch.tensor([0, 0, 0, 0, 1, 1, 1, 1])
    assert best(scores, 4).tolist() == [0, 1, 2, 3]
    assert best(scores, 4, labels).tolist() == [0, 1, 6, 7]


def shades(values: list[int]) -> Tensor:
    return torch.tensor(values, dtype=torch.uint8)[:, None, None, None].expand(-1, 1, 8, 8).contiguous()


def brightness(images: Tensor, labels: Tensor | None = None) -> Tensor:
    return images.double().mean((1, 2, 3))


def mean(sample: Sample) -> list[Measurement]:
    value = float(torch.as_tensor(sample.images).double().mean())
    return [Measurement("brightness", value, 0, len(sample), 1)]


def test_every_rate_is_scored_on_the_best_of_as_many_images():
    images = shades([10, 50, 20, 60, 30, 70, 40, 80])
    found = points(images, None, brightness, (1, 0.5, 0.25), 2, 0, mean)
    assert [point.scores["brightness"] for point in found] == [30, 55, 75]  # of (10, 50), of the first four, of all
    assert [point.candidates for point in found] == [2, 4, 8]
    assert [point.threshold for point in found] == [10, 50, 70]


def test_a_judge_that_knows_nothing_changes_nothing_on_average():
    images = torch.randint(0, 256, (6_000, 1, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))

    def blind(images: Tensor, labels: Tensor | None) -> Tensor:
        return torch.rand(len(images), generator=torch.Generator().manual_seed(1), dtype=torch.float64)

    whole, half, tenth = (
        point.scores["brightness"] for point in points(images, None, blind, (1, 0.5, 0.1), 600, 0, mean)
    )
    error = 74 / (600 * 64) ** 0.5  # of a mean of pixels even in 0 to 255
    assert half == pytest.approx(whole, abs=4 * 2**0.5 * error)
    assert tenth == pytest.approx(whole, abs=4 * 2**0.5 * error)


def test_at_rate_1_nothing_is_left_out():
    images = shades([3, 1, 2, 9])
    seen: list[Tensor] = []

    def score(sample: Sample) -> list[Measurement]:
        seen.append(torch.as_tensor(sample.images))
        return mean(sample)

    points(images, None, brightness, (1, 0.75), 3, 0, score)
    assert torch.equal(seen[0], images[:3])
    assert torch.equal(seen[1], images[[0, 2, 3]])


def test_rows_are_means_over_seeds_with_their_spread():
    found = [
        p for seed in (0, 1) for p in points(shades([10, 20 * (seed + 1)]), None, brightness, (0.5,), 1, seed, mean)
    ]
    assert rows(found) == [{"kept": "50%", "candidates": "2", "brightness": "30 ± 14"}]


def test_preference_is_the_area_under_the_curve():
    real, fake = shades([3, 5]), shades([1, 3, 9])
    none = (None, None)
    assert preference(brightness, real, fake, none) == pytest.approx((1 + 0.5 + 0 + 1 + 1 + 0) / 6)
    assert preference(brightness, shades([5, 6]), shades([1, 2]), none) == 1
    assert preference(brightness, shades([1]), shades([2]), none) == 0
    assert preference(brightness, shades([4, 4]), shades([4]), none) == 0.5


class Patches(nn.Module):
    """Two logits for an image: its mean, and three times it."""

    def forward(self, images: Tensor) -> Tensor:
        means = images.mean((1, 2, 3))
        return torch.stack([means, 3 * means], 1)


class Judging(Turn):
    def judge(self, images: Tensor) -> Tensor:
        logits = self.nets["critic"](images)
        return logits if self.batch.labels is None else logits + self.batch.labels[:, None]


@dataclass(frozen=True)
class Known:
    member: str = "planted"


def trained(turn: type[Turn]) -> Trained:
    critic = Patches()
    gan = GAN(
        {"critic": Player(critic, adam(1e-3))}, [Stage([Update("critic", {})], turn)], lambda n, p: torch.zeros(1)
    )
    return Trained(gan, {"critic": critic}, ImageSpec(1, 8), Known(), None)  # pyright: ignore[reportArgumentType]


def test_the_critic_judges_as_it_judges_real_images_and_patches_are_averaged(no_shape_checks):
    judge = Critic(trained(Judging), torch.device("cpu"))
    images = shades([0, 255, 127] * 70)  # more than one chunk
    expected = 2 * (torch.tensor([0, 255, 127] * 70).double() / 127.5 - 1)
    torch.testing.assert_close(judge(images, None), expected, rtol=1e-5, atol=1e-5)
    labels = torch.arange(210) % 3
    torch.testing.assert_close(judge(images, labels), expected + labels, rtol=1e-5, atol=1e-5)


def test_a_member_without_a_critic_is_refused(no_shape_checks):
    found = trained(Turn)
    with pytest.raises(UserError, match=r"'planted' has no critic .* --by realism"):
        Critic(found, torch.device("cpu"))(shades([1]), None)
    with pytest.raises(UserError, match="has no critic"):
        Critic(replace(found, nets={}), torch.device("cpu"))(shades([1]), None)
