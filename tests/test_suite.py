"""Suites: what is refused and in which words, and what moves the protocol's digest."""

import pytest

from bench import suite
from bench.errors import UserError

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
    assert "unknown key 'batchsize'. Did you mean 'batch_size'?" in refusal(GOOD.replace("batch_size", "batchsize"))
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
        return suite.digest(suite.parse(text, "-").protocol(facts))

    same = GOOD.replace('members = ["dcgan"]', 'members = ["sngan", "dcgan"]').replace("seeds = [0]", "seeds = [4]")
    assert protocol(same) == suite.digest(base.protocol(facts))
    for old, new in [
        ("images = 1000", "images = 1001"),
        ("samples = 100\n", "samples = 101\n"),
        ("batch_size = 10", "batch_size = 11"),
    ]:
        assert protocol(GOOD.replace(old, new)) != protocol(GOOD)
    assert protocol(GOOD, {"data": {"digest": "e"}}) != protocol(GOOD)


def test_the_canonical_digest_ignores_order_and_is_known():
    assert suite.digest({"b": 1, "a": [1.5, "é"]}) == suite.digest({"a": [1.5, "é"], "b": 1})
    # sha256 of the two bytes {}
    assert suite.digest({}) == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
