"""The worked example of docs/ci_gate.md: real runs of DCGAN on the embedded digits, judged again from their boards."""

import re
import shlex
from pathlib import Path

import pytest

from bench.boards.verdicts import baseline, gate_text
from bench.boards.verdicts.gate import Exit, Gate, gate

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "docs" / "examples" / "gate"
PAGE = (ROOT / "docs" / "ci_gate.md").read_text(encoding="utf-8")


def judge(name: str, base: str = "baseline", *, fail_inconclusive: bool = False) -> Gate:
    new, old = (baseline.read_file(EXAMPLE / f"{one}.json") for one in (name, base))
    return gate(new, old, source=f"docs/examples/gate/{base}.json", fail_inconclusive=fail_inconclusive)


@pytest.mark.parametrize(
    ("name", "base", "code"),
    [
        ("slow_critic", "baseline", Exit.REGRESSED),
        ("reordered", "baseline", Exit.PASS),
        ("two_seeds", "baseline_two_seeds", Exit.PASS),
    ],
)
def test_the_page_shows_what_the_gate_says(name, base, code):
    found = judge(name, base)
    assert found.exit == code
    assert gate_text.render_text(found) in PAGE


def test_an_unchanged_member_is_identical_in_every_seed():
    assert judge("reordered").cells[0].words == "identical in all 5 seeds"


def test_two_other_seeds_settle_nothing_and_say_how_many_would():
    found = judge("two_seeds", "baseline_two_seeds", fail_inconclusive=True)
    assert found.exit == Exit.INCONCLUSIVE
    assert re.search(r"about \d+ seeds each would settle it", found.cells[0].words)


def test_the_boards_come_from_the_suite_and_variants_beside_them():
    suites = {baseline.read_file(path).suite for path in EXAMPLE.glob("*.json")}
    assert suites == {"digits-gate"}
    for words in re.findall(r"^\s*(?:run: )?(?:\S*/)?bench (.*)$", PAGE, flags=re.MULTILINE):
        if "--suite docs/" in words:
            path = next(word for word in shlex.split(words) if word.endswith(".toml"))
            assert (ROOT / path).is_file()
