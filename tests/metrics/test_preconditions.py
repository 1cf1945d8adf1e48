"""What a metric needs is asked before any work, for every metric, and said in one sentence."""

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from bench.errors import UserError
from bench.features.sample import Sample
from bench.features.statistics import Statistics
from bench.metric_facts import BUILT_IN, MetricId
from bench.metrics.inputs import EvaluationInputs, Pairs, needs_extractor
from bench.metrics.measure import measure, require
from bench.metrics.path_length import LatentPath
from bench.metrics.preconditions import applicable, problem


@dataclass(frozen=True)
class Network:
    """An extractor that must not be run."""

    name: str = "net"
    digest: str = "d"
    preprocessing: str = "none"
    classes: int | None = 10
    smallest: int = 8

    def __call__(self, images: Tensor) -> tuple[Tensor, Tensor | None]:
        raise AssertionError("no work before everything was checked")


def sample(count: int, *, labels: int | None = 10, channels: int = 3, side: int = 16, name: str = "fakes") -> Sample:
    """`count` images of which one is in memory."""
    one = torch.zeros(1, channels, side, side, dtype=torch.uint8)
    return Sample(one.expand(count, -1, -1, -1), None if labels is None else torch.arange(count) % labels, name=name)


PATH = LatentPath(lambda count, random: torch.zeros(count, 1), lambda points, classes: points)


def inputs(fake: Sample | Statistics | None = None, **others) -> EvaluationInputs:
    fake = fake or sample(400)
    made = fake if isinstance(fake, Sample) else sample(400)
    kept = dict(train=sample(400, name="training split"), held_out=sample(400, name="held-out split"), fake=fake)
    return EvaluationInputs(**{**kept, "pairs": Pairs(made, made), "paths": {"z": PATH, "w": PATH}, **others})


def metric_id(name: str) -> MetricId:
    """With the extractor that the metric wants."""
    facts = BUILT_IN[name]
    if facts.lpips:
        return MetricId(name, "lpips-alex")
    if facts.networks:
        return MetricId(name, facts.networks[0])
    extracted = any(map(needs_extractor, facts.needs))
    return MetricId(name, "net" if extracted else None)


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_metric_can_be_measured_where_all_is_there(name):
    assert problem(metric_id(name), inputs(), Network()) is None


@pytest.mark.parametrize("name", [name for name, facts in BUILT_IN.items() if facts.minimum > 1])
def test_too_few_fakes_are_said(name):
    few = sample(BUILT_IN[name].minimum - 1)
    assert "needs at least" in str(problem(metric_id(name), inputs(few), Network()))


@pytest.mark.parametrize("name", [name for name, facts in BUILT_IN.items() if "fake" in facts.labels])
def test_fakes_without_labels_are_said(name):
    assert "fakes has none" in str(problem(metric_id(name), inputs(sample(400, labels=None)), Network()))


@pytest.mark.parametrize("name", [name for name, facts in BUILT_IN.items() if set(facts.labels) - {"fake"}])
def test_real_images_without_labels_are_said(name):
    bare = sample(400, labels=None, name="real images")
    assert "real images has none" in str(problem(metric_id(name), inputs(train=bare, held_out=bare), Network()))


@pytest.mark.parametrize("name", [name for name, facts in BUILT_IN.items() if facts.classifier])
def test_a_network_that_does_not_classify_is_said(name):
    found = problem(metric_id(name), inputs(), Network(classes=None))
    assert found == "needs an extractor that classifies, and net does not (see `bench list extractors`)."


@pytest.mark.parametrize("name", [name for name, facts in BUILT_IN.items() if "output" in str(facts.needs)])
def test_a_task_without_pairs_is_said(name):
    assert "compares pairs of images" in str(problem(metric_id(name), inputs(pairs=None), Network()))


@pytest.mark.parametrize("name", [name for name in BUILT_IN if name.startswith("ppl-")])
def test_a_generator_without_that_latent_space_is_said(name):
    assert "latent space" in str(problem(metric_id(name), inputs(paths={}), Network()))


@pytest.mark.parametrize("name", BUILT_IN)
def test_statistics_serve_those_metrics_that_need_no_more_of_a_side(name):
    made = Statistics(torch.zeros(4, dtype=torch.float64), 0, torch.eye(4, dtype=torch.float64))
    needs = BUILT_IN[name].needs
    for side, of_side in (("fake", "fake"), ("train", "real")):
        wanted = {need for need in needs if need.partition("_")[0] in (side, of_side)}
        refused = wanted - {f"{of_side}_statistics"}
        found = problem(metric_id(name), inputs(**{side: made}), Network())
        assert (found is not None) == bool(refused), (side, found)
        assert found is None or "serve FID only" in found


@pytest.mark.parametrize(
    ("text", "change", "message"),
    [
        ("fid", {}, "needs an extractor"),
        ("ssim@net", {}, "looks at pixels"),
        ("fid@lpips-alex", {}, "measures distances of images"),
        ("lpips@net", {}, "not on net"),
        ("inception-score@net:held-out", {}, "no real side"),
        ("ssim", dict(fake=sample(40, side=8)), "at least 11 pixels; fakes has 8 x 8"),
        ("stacked-modes@net", dict(fake=sample(40, channels=1)), "3 channels; fakes has 1"),
        ("intra-fid@net", dict(fake=sample(40, labels=9)), "class 9 has fewer \\(1 such classes\\)"),
        ("intra-fid@net", dict(fake=sample(15)), "class 5 has fewer \\(5 such classes\\)"),
        ("perceptual-diversity-within@net", dict(fake=sample(10)), "2 pairs of fakes of one class; fakes has 0"),
        ("gan-test@net", dict(fake=sample(400, labels=100)), "the labels go up to 99"),
    ],
)
def test_what_is_wrong_is_said_before_any_work(text, change, message):
    subject = inputs(**change)
    pairs = Pairs(subject.fake, subject.fake) if isinstance(subject.fake, Sample) else None
    for function in (require, measure):
        with pytest.raises(UserError, match=message):
            function(
                ["psnr", text], subject.train, subject.held_out, subject.fake, lambda name: Network(name), pairs=pairs
            )


def test_labels_of_a_stacked_set_are_no_classes_of_the_network():
    """A thousand combinations, each channel of one of ten classes."""
    thousand = sample(4000, labels=1000)
    assert problem(MetricId("stacked-mode-kl", "net"), inputs(thousand, train=thousand), Network()) is None


def test_what_can_be_measured_is_picked():
    ids = ["fid@net", "intra-fid@net", "copies@net", "ssim", "inception-score@net", "fid@net:held-out"]
    few = sample(50, labels=None)
    subject = inputs(few, pairs=None)
    assert applicable(ids, subject, lambda name: Network(classes=None)) == ["fid@net", "fid@net:held-out"]
    with pytest.raises(UserError, match="unknown metric"):
        applicable(["fidd@net"], subject)


def test_images_that_are_too_small_for_the_network_are_said():
    """SqueezeNet's poolings leave nothing of 16 pixels; the networks of the embedded sets take any size."""
    subject = inputs(sample(400, side=16))
    words = problem(MetricId.parse("fid@net"), subject, Network(smallest=32))
    assert words is not None
    assert words.startswith("needs images of at least 32 pixels for net; ")
    assert "has 16 x 16" in words
    assert problem(MetricId.parse("fid@net"), subject, Network()) is None
    assert (
        problem(MetricId.parse("fid@net"), inputs(sample(400, side=32)), Network(smallest=32)) is not None
    )  # the real side
