"""Every member on a device that is not a processor, simulated (elsewhere.py): what a GPU would refuse or wait for is found here."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench import members

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
# Forward-mode differentiation, which its loss needs, is not there for a backend that is written in Python.
NOT_SIMULATED = {"meanflow"}


@pytest.fixture(scope="module")
def found() -> dict[str, dict[str, Any]]:
    names = sorted(set(members.listings()) - NOT_SIMULATED)
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(HERE)}
    command = [sys.executable, str(HERE / "worker_elsewhere.py"), *names]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=1_500, env=environment)
    assert ended.returncode == 0, ended.stderr
    results = {entry.pop("member"): entry for entry in map(json.loads, ended.stdout.splitlines())}
    assert set(results) == set(names)
    return results


def test_no_member_mixes_devices(found):
    assert {name: entry["error"] for name, entry in found.items() if "error" in entry} == {}


def test_losses_and_gradients_are_the_processors(found):
    for name, entry in found.items():
        assert entry["there"] == pytest.approx(entry["cpu"], rel=1e-4, abs=1e-6), name


def test_no_step_waits_for_the_device(found):
    assert {name: entry["waits"] for name, entry in found.items() if entry["waits"]} == {}


def test_a_run_resumes_there_to_the_same_bits(found):
    assert [name for name, entry in found.items() if not entry["resumes"]] == []


def test_samples_come_back_to_the_processor(found):
    assert {name for name, entry in found.items() if entry["images"] != [[4, 3, 16, 16], "cpu"]} == set()


FAULTS = """
import elsewhere, torch
import torch.nn.functional as F
elsewhere_device = torch.device(elsewhere.NAME, 0)
with elsewhere.Machine():
    there = torch.ones(3, device=elsewhere_device)
    weight = torch.nn.Parameter(torch.full((3,), 2.0, device=elsewhere_device))
    {code}
    print(dict(elsewhere.waits))
"""


def outcome(code: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(HERE)}
    command = [sys.executable, "-c", FAULTS.replace("{code}", code)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)


@pytest.mark.parametrize(
    "code", ["there + torch.ones(3)", "F.linear(there, torch.ones(2, 3))", "torch.cat([there, torch.ones(1)])"]
)
def test_the_simulation_refuses_tensors_of_two_devices(code):
    assert "tensors on elsewhere:0 and on cpu" in outcome(code).stderr


@pytest.mark.parametrize(
    ("code", "waits"),
    [
        ("there.sum().item()", {"item": 1}),
        ("bool(there.sum() > 0)", {"item": 1}),
        ("there[there > 0]", {"boolean index": 1}),
        ("there.nonzero()", {"nonzero": 1}),
        ("there.cpu()", {"copy to cpu": 1}),
        ("torch.ones(2).to(elsewhere_device)", {"copy to elsewhere": 1}),
        ("(there * 2).sum()", {}),
        ("(weight * there).square().sum().backward(); assert weight.grad.numbers.tolist() == [4.0] * 3", {}),
    ],
)
def test_the_simulation_counts_what_waits(code, waits):
    ended = outcome(code)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.strip() == str(waits)
