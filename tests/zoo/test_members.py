"""Every registered member of the zoo: conformance, and one golden trace of its first losses.

After a change that is meant to change numbers:  python tests/zoo/test_members.py MEMBER ...   (all members if none is named)
"""

import builtins
import json
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from bench import members
from bench.gan import ImageSpec
from bench.training import trial
from bench.training.conformance import check
from bench.training.sampling import prompt

SPEC = ImageSpec(1, 16, classes=4, source_channels=1)
SPECS = (SPEC, ImageSpec(3, 8, classes=4, source_channels=3))
TRACES = Path(__file__).parent / "traces"
ZOO = [listing for listing in members.listings().values() if listing.entry_point.startswith("zoo.")]
every_member = pytest.mark.parametrize("listing", ZOO, ids=lambda listing: listing.name)


@pytest.mark.slow
@every_member
def test_conforms(listing: members.Listing):
    findings = check(members.builder(listing), SPECS)
    assert [str(found) for found in findings if not found.ok] == []
    assert not all(found.skipped for found in findings)


@pytest.mark.slow
@every_member
def test_the_first_losses_are_as_ever(listing: members.Listing):
    path = TRACES / f"{listing.name}.json"
    assert path.is_file(), f"no trace: python tests/zoo/test_members.py {listing.name}"
    golden = json.loads(path.read_text())
    trace = trial.trace(members.builder(listing), SPEC)
    assert len(trace) == len(golden)
    for step, (now, then) in enumerate(zip(trace, golden, strict=True)):
        assert now == pytest.approx(then, rel=1e-4, abs=1e-6), f"optimiser step {step}"


def no_tensors(value: Any) -> int:
    """`len`, for all but tensors: a trace makes a fixed number of theirs, where `shape[0]` stays free."""
    assert not isinstance(value, torch.Tensor), (
        "a network asks for len(tensor): use tensor.shape[0], which exports keep free"
    )
    return builtins.len(value)


@every_member
def test_networks_ask_tensors_for_their_shape_and_not_for_their_length(
    listing: members.Listing, monkeypatch: pytest.MonkeyPatch
):
    gan = trial.build(members.builder(listing), SPEC, seed=0)
    nets = {name: player.net.eval() for name, player in gan.players.items()}
    for name, module in list(sys.modules.items()):
        if name.startswith("zoo."):
            monkeypatch.setattr(module, "len", no_tensors, raising=False)
    with torch.no_grad():
        assert gan.generate(nets, prompt(gan, SPEC, 2, 0)).shape[0] == 2


def test_no_trace_is_left_over():
    assert {path.stem for path in TRACES.glob("*.json")} == {listing.name for listing in ZOO}


def write_trace(listing: members.Listing) -> None:
    """Ten iterations, one JSON object per optimiser step and line."""
    with torch.random.fork_rng(devices=[]):
        trace = trial.trace(members.builder(listing), SPEC)
    rows = [json.dumps({name: float(f"{value:.8g}") for name, value in step.items()}) for step in trace]
    (TRACES / f"{listing.name}.json").write_text("[\n" + ",\n".join(rows) + "\n]\n")


if __name__ == "__main__":
    TRACES.mkdir(exist_ok=True)
    for chosen in ZOO:
        if not sys.argv[1:] or chosen.name in sys.argv[1:]:
            write_trace(chosen)
            print(chosen.name)
