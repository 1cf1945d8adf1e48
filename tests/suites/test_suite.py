"""Suites: what is refused and in which words, and what moves the protocol's digest."""

import pytest

from bench.errors import UserError
from bench.files import digest
from bench.suites import suite

GOOD = """
name = "s"
version = "1.0.0"
members = ["dcgan"]
seeds = [0]
ranking = "fid@digits-cnn"
[data]
name = "digits"
[training]
images = 1000
batch_size = 10
[evaluation]
metrics = ["fid@digits-cnn"]
samples = 100
every = 100
curve_samples = 100
selection = "fid@digits-cnn:held-out"
"""


def refusal(text: str) -> str:
    with pytest.raises(UserError) as caught:
        suite.parse(text, "own.toml")
    return str(caught.value)


@pytest.mark.parametrize("name", suite.names())
def test_every_shipped_suite_is_valid_and_named_like_its_file(name):
    assert suite.load(name).name == name


def test_a_key_that_nobody_knows_gets_a_suggestion():
    assert "unknown key 'batchsize'. Did you mean 'batch_size'" in refusal(GOOD.replace("batch_size", "batchsize"))
    assert "unknown key 'colour'" in refusal('colour = "red"\n' + GOOD)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("images = 1000", 'images = "many"', "key 'training.images'"),
        ("images = 1000", "images = 0", "greater than 0"),
        ("seeds = [0]", "seeds = [-1]", "key 'seeds.0'"),
        ('members = ["dcgan"]', "members = []", "key 'members'"),
        ('version = "1.0.0"', 'version = "one"', "key 'version'"),
        ('name = "digits"', "resolution = 16", "'data.name' is missing"),
        (
            "fid@digits-cnn:held-out",
            "fid@digits-cnn",
            "must be measured on held-out images, e.g. 'fid@digits-cnn:held-out'",
        ),
        (
            'ranking = "fid@digits-cnn"',
            'ranking = "kid@digits-cnn"',
            "is not among evaluation.metrics",
        ),
        ("[data]", "[data", "not valid TOML"),
    ],
)
def test_what_is_wrong_is_said_with_the_file_and_the_key(old, new, words):
    message = refusal(GOOD.replace(old, new, 1) if old != "fid@digits-cnn:held-out" else GOOD.replace(old, new))
    assert message.startswith("suite file own.toml: ")
    assert words in message


def test_a_suite_that_is_not_there():
    with pytest.raises(UserError, match=r"unknown suite 'dmeo'\. Did you mean 'demo'"):
        suite.load("dmeo")
    with pytest.raises(UserError, match=r"nowhere\.toml: no such file"):
        suite.load("nowhere.toml")


def test_the_digest_knows_what_moves_a_score_and_nothing_else():
    facts = {"data": {"digest": "d"}}
    base = suite.parse(GOOD, "-")

    def protocol(text: str, facts=facts) -> str:
        return digest(suite.parse(text, "-").protocol(facts))

    same = GOOD.replace('members = ["dcgan"]', 'members = ["sngan", "dcgan"]').replace("seeds = [0]", "seeds = [4]")
    assert protocol(same) == digest(base.protocol(facts))
    for old, new in [
        ("images = 1000", "images = 1001"),
        ("samples = 100\n", "samples = 101\n"),
        ("batch_size = 10", "batch_size = 11"),
    ]:
        assert protocol(GOOD.replace(old, new)) != protocol(GOOD)
    assert protocol(GOOD, {"data": {"digest": "e"}}) != protocol(GOOD)


def test_where_a_folder_lies_is_not_in_the_protocol():
    here = suite.parse(GOOD.replace('"digits"', '"folder:photos"', 1), "-").protocol({})
    there = suite.parse(GOOD.replace('"digits"', '"folder:elsewhere/pics?labels=none"', 1), "-").protocol({})
    assert here == there
    assert here["data"]["name"] == "folder"


def test_what_a_suite_does_not_use_is_not_in_its_protocol():
    rules = suite.parse(GOOD, "-").protocol({})
    assert "recipes" not in rules
    assert "optional_metrics" not in rules["evaluation"]


def test_optional_metrics_are_in_the_protocol_and_must_name_an_extractor():
    text = GOOD.replace("samples =", 'optional_metrics = ["fid@inception-v3"]\nsamples =', 1)
    assert suite.parse(text, "-").protocol({})["evaluation"]["optional_metrics"] == ["fid@inception-v3"]
    assert "'l1' names no extractor" in refusal(text.replace("fid@inception-v3", "l1"))
    assert "both measured always and optional" in refusal(text.replace("fid@inception-v3", "fid@digits-cnn"))


PAPER = 'track = "paper"\n' + GOOD + "[recipes.dcgan]\nimages = 500\nbatch_size = 128\n"


def test_the_paper_track_gives_each_member_its_recipe():
    found = suite.parse(PAPER, "-")
    assert found.training_of("dcgan") == suite.Budget(images=500, batch_size=128)
    assert found.training_of("mine", "my:mine") == found.training
    assert found.protocol({})["recipes"] == {"dcgan": {"images": 500, "batch_size": 128}}


def test_recipes_are_for_the_paper_track_and_for_each_of_its_members():
    assert 'Write track = "paper"' in refusal(PAPER.replace('track = "paper"', ""))
    assert "one recipe for each of its members" in refusal(PAPER.replace('["dcgan"]', '["dcgan", "sngan"]'))
    assert "one recipe for each of its members" in refusal(PAPER.replace("[recipes.dcgan]", "[recipes.sngan]"))


def test_the_canonical_digest_ignores_order_and_is_known():
    assert digest({"b": 1, "a": [1.5, "é"]}) == digest({"a": [1.5, "é"], "b": 1})
    # sha256 of the two bytes {}
    assert digest({}) == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"


MATCHED = 'track = "matched"\n' + GOOD.replace("images = 1000", "flops = 6e13").replace("every = 100", "points = 4")


def test_the_matched_track_has_a_budget_in_compute_and_points_at_equal_shares_of_it():
    found = suite.parse(MATCHED, "-")
    assert (found.training.flops, found.training.images) == (6e13, None)
    assert [found.evaluation.curve_point(index, 1003) for index in range(4)] == [250, 501, 752, 1003]
    assert found.evaluation.curve_points(1003) == 4
    rules = found.protocol({})
    assert rules["training"] == {"flops": 6e13, "batch_size": 10, "precision": "fp32"}
    assert "every" not in rules["evaluation"]


def test_points_may_be_given_in_any_track():
    found = suite.parse(GOOD.replace("every = 100", "points = 4"), "-")
    assert found.evaluation.curve_point(0, 1000) == 250
    assert suite.parse(GOOD, "-").evaluation.curve_points(1000) == 10


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (MATCHED.replace("flops", "images = 5\nflops"), "either images or flops, and both is given"),
        (GOOD.replace("images = 1000\n", ""), "either images or flops, and neither is given"),
        (MATCHED.replace('track = "matched"', ""), 'Write track = "matched"'),
        ('track = "matched"\n' + GOOD, "no other, has a budget in flops"),
        (MATCHED.replace("points = 4", "every = 100"), "Write [evaluation] points = 8, not every"),
        (MATCHED.replace("points = 4", "points = 4\nevery = 4"), "a number of points, and both is given"),
        (MATCHED.replace("6e13", "nan"), "key 'training.flops'"),
        (MATCHED.replace("6e13", "-1"), "key 'training.flops'"),
    ],
)
def test_budgets_that_cannot_be_meant_are_refused(text, words):
    assert words in refusal(text)
