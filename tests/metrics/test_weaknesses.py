"""Small and collapsed samples are flagged; honest ones, noise and blurred ones are not."""

import pytest
import torch

from bench.features.features import Features
from bench.features.sample import Sample
from bench.metric_facts import BUILT_IN, MetricId
from bench.metrics import find
from bench.metrics.inputs import EvaluationInputs, MetricRequest, Pairs, needs_extractor
from bench.metrics.weaknesses import flags, repeated


class Pixels:
    name, digest, preprocessing, classes = "pixels", "d", "none", 48

    def __call__(self, images):
        return images.flatten(1).float(), images.flatten(1).float()


def images(count: int, seed: int, spread: float = 40.0) -> torch.Tensor:
    noise = torch.randn(count, 3, 4, 4, generator=torch.Generator().manual_seed(seed))
    return (128 + spread * noise).clamp(0, 255).to(torch.uint8)


def request(text: str, fake: torch.Tensor, real: int = 800) -> MetricRequest:
    metric = MetricId.parse(text)
    labels = torch.arange(len(fake)) % 2
    sample = Sample.of(fake, labels, name="fakes")
    train, held_out = (Sample.of(images(real, seed), torch.arange(real) % 2, name="real") for seed in (0, 1))
    subject = EvaluationInputs(train, held_out, sample, Pairs(sample, sample))
    return MetricRequest(metric, find(metric.name).facts, subject, Pixels())


MEASURED = [name for name, facts in BUILT_IN.items() if not name.startswith(("ppl", "sfid")) and not facts.lpips]


@pytest.mark.parametrize("name", [name for name in MEASURED if BUILT_IN[name].enough])
def test_a_small_sample_is_flagged_for_every_metric_with_a_least_number(name):
    enough = BUILT_IN[name].enough
    text = f"{name}@pixels" if "images" not in str(BUILT_IN[name].needs) else name
    assert any(f"at least {enough} are needed" in flag for flag in flags(request(text, images(enough - 1, 2))))
    assert not any("are needed" in flag for flag in flags(request(text, images(enough, 2), max(800, enough))))


@pytest.mark.parametrize("name", MEASURED)
def test_every_metric_that_few_images_bend_flags_thirteen_of_them(name):
    """By its facts, by the width of its features, or by itself; those that are refused need no flag."""
    facts = BUILT_IN[name]
    if facts.minimum > 13 or facts.channels or facts.pixels > 4:
        pytest.skip("refused or of another kind of image")
    extracted = any(map(needs_extractor, facts.needs))
    case = request(f"{name}@pixels" if extracted else name, images(13, 2))
    result = find(name).function(**{need: case.value(need) for need in facts.needs})
    assert flags(case) or getattr(result, "flags", ()), name


def collapsed(text: str, fake: torch.Tensor) -> list[str]:
    return [flag for flag in flags(request(text, fake)) if flag.startswith("collapsed")]


@pytest.mark.parametrize("text", ["fid@pixels", "kid-full@pixels", "recall@pixels", "copies@pixels", "coverage@pixels"])
def test_fakes_that_are_all_alike_have_collapsed(text):
    one = images(1, 5).double()
    jitter = torch.randn(400, 3, 4, 4, generator=torch.Generator().manual_seed(6))
    (flag,) = collapsed(text, (one + 2 * jitter).clamp(0, 255).to(torch.uint8))[:1]
    assert flag.startswith("collapsed: fakes differ 0.")
    assert collapsed(text, one.to(torch.uint8).expand(400, -1, -1, -1).contiguous()) == [
        "collapsed: fake features are constant",
        *(
            ["collapsed: 100% of fakes have five others that are nearly the same"]
            if text[0] == "r" or "cov" in text
            else []
        ),
    ]


@pytest.mark.parametrize("kinds", [2, 10, 30])
def test_a_few_images_again_and_again_have_collapsed(kinds):
    again = images(kinds, 5)[torch.arange(400) % kinds]
    assert collapsed("recall@pixels", again) == ["collapsed: 100% of fakes have five others that are nearly the same"]


@pytest.mark.parametrize("spread", [10.0, 40.0, 200.0])
def test_samples_without_repetition_have_not_collapsed(spread):
    """Of low contrast, as the real ones, saturated."""
    for text in ("recall@pixels", "fid@pixels"):
        assert collapsed(text, images(400, 3, spread)) == []


def test_drawing_with_replacement_from_many_is_no_collapse():
    """N fakes of N images: the share with five twins is P(Poisson(1) >= 5) = 0.4 %."""
    rows = torch.randint(0, 1000, (1000,), generator=torch.Generator().manual_seed(0))
    points = torch.randn(1000, 16, generator=torch.Generator().manual_seed(1))
    assert repeated(Features(points), Features(points[rows])) == pytest.approx(0.0037, abs=0.01)
