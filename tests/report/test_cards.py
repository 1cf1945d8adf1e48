"""Member cards: what the catalogue and the docstring say, and nothing where they say nothing."""

import pytest

from bench.records.record import Member
from bench.report.cards import card


def member(name: str, entry_point: str, distribution: str = "gan-bench 0.1.0", **more: object) -> Member:
    return Member.model_validate(
        {
            "name": name,
            "entry_point": entry_point,
            "distribution": distribution,
            "source_digest": "c" * 64,
            "task": "unconditional",
        }
        | more
    )


def test_a_member_of_the_zoo_has_paper_idea_losses_and_published_figures() -> None:
    found = card(member("wgan-gp(lr=0.001)", "zoo.wgan_gp:wgan_gp", parameters={"lr": 0.001}))
    assert (found.paper, found.year) == ("Improved Training of Wasserstein GANs", 2017)
    assert found.address == "https://arxiv.org/abs/1704.00028"
    assert found.idea
    facts = dict(found.facts)
    assert facts["Objective"] == "Wasserstein"
    assert facts["Parameters"] == "lr=0.001"
    assert facts["Published FID"].startswith("16.95 on CIFAR-10 (")


@pytest.mark.parametrize(
    ("entry_point", "distribution"),
    [
        ("my_gan:my_gan", ""),
        ("no_such_package.x:y", "other 1.0"),
        ("zoo.dcgan:no_such_function", "gan-bench 0.1.0"),
        ("zoo:x", "gan-bench 0.1.0"),
    ],
)
def test_what_nobody_says_is_left_out(entry_point: str, distribution: str) -> None:
    found = card(member("mine", entry_point, distribution))
    assert (found.paper, found.year, found.address, found.idea) == ("", None, "", "")
    assert [name for name, _ in found.facts] == ["Source"]


def test_nothing_is_imported() -> None:
    import subprocess
    import sys

    code = "import sys; from bench.records.record import Member; from bench.report.cards import card; " \
        "card(Member(name='dcgan', entry_point='zoo.dcgan:dcgan', distribution='gan-bench 1', source_digest='c' * 64, task='x')); " \
        "assert not {'torch', 'zoo', 'zoo.dcgan'} & set(sys.modules)"  # fmt: skip
    subprocess.run([sys.executable, "-c", code], check=True)
