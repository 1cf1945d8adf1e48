"""Damaged and altered checkpoints: one UserError in our own words, and nothing is run."""

import io
import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch

from bench.errors import UserError
from bench.gan import ImageSpec
from bench.training import checkpoint, trial
from bench.training.checkpoint import Identity
from bench.training.environment import threads_kept

IDENTITY = Identity("demo", "toy", "toys:toy", "s", "p", 0)
SPEC = ImageSpec(1, 8)


class Touch:
    """Pickles into a call that makes a file."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


def saved(path: Path, **content: Any) -> Path:
    checkpoint.save(path, IDENTITY, content)
    return path


def test_what_was_saved_is_loaded(tmp_path):
    path = saved(tmp_path / "last.pt", spec={"channels": 1, "resolution": 8}, nets={"a": {"w": torch.ones(2)}})
    content = checkpoint.load(path, IDENTITY)
    assert checkpoint.identity_of(content) == IDENTITY
    assert checkpoint.spec_of(content, path) == SPEC
    assert torch.equal(content["nets"]["a"]["w"], torch.ones(2))


def compressed(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


def emptied(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "nothing")


DAMAGE = {
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("not a checkpoint\n" * 50),
    "pickle": lambda path: path.write_bytes(pickle.dumps({"identity": {}})),
    "cut off": lambda path: path.write_bytes(path.read_bytes()[:700]),
    "zeros": lambda path: path.write_bytes(bytes(5_000)),
    "a zip of something else": emptied,
    "compressed": compressed,
    "a byte changed": lambda path: path.write_bytes(path.read_bytes().replace(b"data.pkl", b"dat\0.pkl")),
    "no dictionary": lambda path: torch.save([1, 2], path),
    "no identity": lambda path: torch.save({"nets": {}}, path),
    "identity is text": lambda path: torch.save({"identity": "x"}, path),
    "identity lacks a part": lambda path: torch.save({"identity": {"suite": "demo"}}, path),
    "code": lambda path: torch.save({"identity": Touch(path.parent / "ran")}, path),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_one_message_and_runs_nothing(damage, tmp_path):
    path = saved(tmp_path / "last.pt", nets={"a": {"w": torch.ones(200)}})
    DAMAGE[damage](path)
    with pytest.raises(UserError) as caught:
        checkpoint.load(path, IDENTITY)
    message = str(caught.value)
    assert message.startswith(f"checkpoint {path}: ")
    assert "weights_only" not in message
    assert "\n" not in message
    assert not (tmp_path / "ran").exists()


def test_what_is_not_a_regular_file_is_not_opened(tmp_path):
    os.mkfifo(tmp_path / "last.pt")  # reading it would wait for ever
    for path in (tmp_path, tmp_path / "last.pt"):
        with pytest.raises(UserError, match="not a regular file"):
            checkpoint.load(path)
    with pytest.raises(UserError, match="there is no such file"):
        checkpoint.load(tmp_path / "none.pt")


def test_a_checkpoint_of_another_member_is_named(tmp_path):
    path = saved(tmp_path / "last.pt")
    with pytest.raises(UserError, match="it was written by seed 0, expected 1"):
        checkpoint.load(path, Identity("demo", "toy", "toys:toy", "s", "p", 1))


@pytest.mark.parametrize(
    "spec",
    [None, 3, [], {}, {"channels": 1}, {"channels": "x", "resolution": 8}, {"channels": 1, "resolution": 10**9},
     {"channels": -1, "resolution": 8}, {"channels": 1, "resolution": 8, "classes": 10**12}],
)  # fmt: skip
def test_a_spec_that_is_none(spec, tmp_path):
    path = saved(tmp_path / "last.pt", spec=spec)
    with pytest.raises(UserError, match="damaged or altered"):
        checkpoint.spec_of(checkpoint.load(path), path)


def test_an_unfinished_run_has_no_spec(tmp_path):
    path = saved(tmp_path / "checkpoint.pt")
    with pytest.raises(UserError, match="belongs to an unfinished run"):
        checkpoint.spec_of(checkpoint.load(path), path)


WEIGHTS = {
    "none": None,
    "a list": [1],
    "no such net": {},
    "no tensors": {"net": {"weight": "x", "bias": 1}},
    "a missing weight": {"net": {"bias": torch.zeros(2)}},
    "another shape": {"net": {"weight": torch.zeros(3, 3), "bias": torch.zeros(2)}},
    "more than there is": {"net": {"weight": torch.zeros(2, 2), "bias": torch.zeros(2), "more": torch.zeros(1)}},
}


@pytest.mark.parametrize("what", WEIGHTS)
def test_weights_that_do_not_fit(what, tmp_path):
    path = saved(tmp_path / "last.pt", nets=WEIGHTS[what])
    with pytest.raises(UserError, match="does not fit this member") as caught:
        checkpoint.load_nets(checkpoint.load(path), {"net": torch.nn.Linear(2, 2)}, path)
    assert "\n" not in str(caught.value)


def test_a_missing_key_of_any_state_is_one_message(toys, tmp_path):
    training = trial.begin(trial.build(toys.toy, SPEC, 0), SPEC, 0, iterations=2)
    for key in training.state_dict():
        state = training.state_dict()
        del state[key]
        with pytest.raises(UserError, match=f"'{key}' is missing"), checkpoint.fitting(tmp_path / "x.pt"):
            training.load_state_dict(state)
    state = training.state_dict() | {"version": 1}
    with pytest.raises(UserError, match="it has version 1 of the format"), checkpoint.fitting(tmp_path / "x.pt"):
        training.load_state_dict(state)


def test_a_run_is_resumed_with_its_own_threads_and_the_process_gets_its_own_back(toys):
    with threads_kept():
        torch.set_num_threads(2)
        training = trial.begin(trial.build(toys.toy, SPEC, 0), SPEC, 0, iterations=2)
        buffer = io.BytesIO()
        torch.save(training.state_dict(), buffer)
        torch.set_num_threads(1)
        buffer.seek(0)
        with threads_kept():
            training.load_state_dict(torch.load(buffer, weights_only=True))
            assert torch.get_num_threads() == 2
        assert torch.get_num_threads() == 1
