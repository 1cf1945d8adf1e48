"""The suites that ship: everything they name is there, and every member suits the images."""

from functools import cache

import pytest
import torch

from bench import members
from bench.data import describe
from bench.features import networks
from bench.gan import ImageSpec
from bench.metric_facts import MetricId, find
from bench.parameters import split
from bench.runs.calibration import CALIBRATIONS
from bench.suites import suite

pytestmark = pytest.mark.slow

LARGE = ("celeba64", "celeba128", "cifar10", "cifar10-paper")


def spec_of(found: suite.Suite) -> ImageSpec:
    data = describe(found.data.name)
    assert data.channels is not None
    assert found.data.resolution is not None
    return ImageSpec(data.channels, found.data.resolution, data.classes or 0, 3 if data.name == "facades" else 0)


@cache
def build(member: str, spec: ImageSpec) -> None:
    """On the meta device, once for all suites that share the images."""
    with torch.device("meta"):
        members.builder(members.find(member))(spec)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name in LARGE else []) for name in suite.names()]
)
def test_every_member_can_be_built_for_the_images(name):
    found = suite.load(name)
    for member in (*found.members, *found.calibration):
        if member not in CALIBRATIONS:
            build(member, spec_of(found))


@pytest.mark.parametrize("name", suite.names())
def test_every_metric_and_extractor_is_known(name):
    evaluation = suite.load(name).evaluation
    for text in (*evaluation.metrics, *evaluation.optional_metrics, evaluation.selection):
        metric_id = MetricId.parse(text)
        assert evaluation.samples >= find(metric_id.name).minimum
        if metric_id.extractor:
            assert networks.card(metric_id.extractor).name == metric_id.extractor


def test_the_ablation_suites_hold_the_whole_family():
    family = {"dcgan", *(name for name in members.listings() if name.startswith("dcgan-"))}
    assert set(suite.load("stabilisers").members) == family
    assert set(suite.load("stabilisers-cpu").members) == family
    assert set(suite.load("stabilisers-digits").members) == family
    conditioning = {"sngan-projection", *(n for n, m in members.listings().items() if m.module == "zoo.conditioning")}
    assert set(suite.load("conditioning").members) == conditioning
    assert {split(name)[0] for name in suite.load("conditioning-digits").members} == conditioning


def test_the_full_cifar10_holds_every_member_that_makes_images_from_noise_or_classes():
    family = {*suite.load("stabilisers").members, *suite.load("conditioning").members} - {"dcgan", "sngan-projection"}
    others = {"pix2pix", "cyclegan", "spade", "srgan", "vqgan", "vae"}  # they translate or rebuild; vae calibrates
    others |= {"rectified-flow", "rectified-flow-cond", "edm", "edm-cond", "ddpm", "meanflow"}  # no GANs
    zoo = {name for name, found in members.listings().items() if found.entry_point.startswith("zoo.")}
    assert set(suite.load("cifar10").members) == zoo - family - others


def test_the_official_network_is_never_needed():
    for name in suite.names():
        evaluation = suite.load(name).evaluation
        needed = {MetricId.parse(text).extractor for text in evaluation.metrics}
        assert needed <= {None, "digits-cnn", "mnist-cnn", "cifar10-cnn", "efficientnet-lite0"}


@pytest.mark.parametrize("name", suite.names())
def test_every_suite_has_floor_and_ceiling_and_measures_memorisation(name):
    found = suite.load(name)
    assert {"real", "copycat", "gaussian"} <= set(found.calibration)
    looking = [
        text
        for text in found.evaluation.metrics
        if {"train", "held_out", "fake"} <= set(find(MetricId.parse(text).name).needs)
    ]
    assert looking, "no metric of the suite would raise the memorisation flag"
    ranking = MetricId.parse(found.ranking)
    assert {MetricId.parse(text).extractor for text in looking} == {ranking.extractor}
