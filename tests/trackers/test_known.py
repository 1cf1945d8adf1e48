"""The trackers that come with the bench: what they wrote, read back by the libraries' own readers, without a network."""

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.errors import UserError
from bench.trackers import names
from bench.trackers.names import opened
from bench.trackers.tracker import TrackedRun, Tracker

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]  # warnings of these libraries are theirs

RUN = TrackedRun("digits-0-abcdef0123", "digits", "dcgan(width=32)", 0, {"training.images": 48_000, "track": "fixed"})
FID = "score/fid@digits-cnn"


@pytest.fixture
def picture(tmp_path) -> Path:
    path = tmp_path / "grid.png"
    Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)).save(path)
    return path


def told(tracker: Tracker, picture: Path, make_record: Callable, cut: bool = False) -> None:
    """A run of two points; with `cut` it is interrupted after it had logged beyond its checkpoint, and goes on."""
    tracker.start(RUN)
    tracker.log(12_000, {FID: 90.0})
    tracker.log(12_500, {"train/critic/adversarial": 0.5, "images_per_second": 800.0})
    if cut:
        tracker.finish(None)
        tracker.start(RUN)
        tracker.log(12_400, {"train/critic/adversarial": 0.25})
    tracker.log(24_000, {FID: 45.5})
    tracker.picture(24_000, "grid", picture)
    tracker.finish(make_record())


@pytest.mark.parametrize("cut", [False, True])
def test_tensorboard_reads_back_scalars_and_pictures(tmp_path, picture, make_record, cut):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    told(opened(["tensorboard"], tmp_path / "t")["tensorboard"], picture, make_record, cut)
    found = EventAccumulator(str(tmp_path / "t/tensorboard/digits/dcgan(width=32)/0-abcdef0123")).Reload()
    assert [(event.step, event.value) for event in found.Scalars(FID)] == [(12_000, 90.0), (24_000, 45.5)]
    losses = [(event.step, event.value) for event in found.Scalars("train/critic/adversarial")]
    assert losses == ([(12_400, 0.25)] if cut else [(12_500, 0.5)])
    (image,) = found.Images("grid")
    assert (image.step, image.width, image.height) == (24_000, 8, 8)
    assert any("training.images" in str(event) for event in found.Tensors("configuration/text_summary"))


@pytest.mark.parametrize("cut", [False, True])
def test_mlflow_reads_back_metrics_parameters_and_files(tmp_path, picture, make_record, cut, monkeypatch):
    pytest.importorskip("mlflow")
    pytest.importorskip("sqlalchemy")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    from mlflow.tracking import MlflowClient

    told(opened(["mlflow"], tmp_path / "t")["mlflow"], picture, make_record, cut)
    client = MlflowClient(tracking_uri=f"sqlite:///{tmp_path / 't/mlflow/mlflow.db'}")
    experiment = client.get_experiment_by_name("digits")
    assert experiment is not None
    (run,) = client.search_runs([experiment.experiment_id])
    history = client.get_metric_history(run.info.run_id, "score/fid_digits-cnn")
    assert [(entry.step, entry.value) for entry in history] == [(12_000, 90.0), (24_000, 45.5)]
    assert run.data.params == {"member": "dcgan(width=32)", "training.images": "48000", "track": "fixed"}
    assert run.info.status == "FINISHED"
    assert run.data.tags["status"] == "ok"
    (kept,) = (tmp_path / "t/mlflow/pictures/digits").rglob("*.png")
    assert kept.read_bytes() == picture.read_bytes()


@pytest.mark.parametrize("cut", [False, True])
def test_wandb_writes_offline(tmp_path, picture, make_record, cut, monkeypatch):
    pytest.importorskip("wandb")
    for name in ("WANDB_API_KEY", "WANDB_MODE", "WANDB_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    told(opened(["wandb"], tmp_path / "t")["wandb"], picture, make_record, cut)
    files = sorted((tmp_path / "t/wandb").rglob("run-*.wandb"))
    assert [path.name for path in files] == [f"run-{RUN.id}.wandb"] * (1 + cut)
    # A log of messages, whose texts stand in it as they are; a process of the library's writes it.
    words = [text.encode() for text in (FID, "90", "45.5", "train/critic/adversarial", "training.images", "grid")]
    until = time.monotonic() + 30
    while not all(word in b"".join(path.read_bytes() for path in files) for word in words):
        assert time.monotonic() < until
        time.sleep(0.1)
    (kept,) = {path.read_bytes() for path in (tmp_path / "t/wandb").rglob("grid*.png")}
    assert kept == picture.read_bytes()


def test_an_unknown_tracker_is_refused_with_the_nearest_name(tmp_path):
    with pytest.raises(UserError, match=r"unknown tracker 'tensorbord'.*tensorboard"):
        opened(["tensorbord"], tmp_path)


@pytest.mark.parametrize("name", ["tensorboard", "wandb", "mlflow"])
def test_a_tracker_without_its_library_names_the_extra(name, tmp_path, monkeypatch):
    libraries = {"tensorboard": "torch.utils.tensorboard.writer", "wandb": "wandb", "mlflow": "mlflow.tracking"}
    monkeypatch.setitem(__import__("sys").modules, libraries[name], None)
    with pytest.raises(UserError, match=rf"pip install 'gan-bench\[{name}\]'"):
        opened([name], tmp_path)


def test_a_folder_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"--track-dir .*Give a folder you may write to"):
        opened(["tensorboard"], tmp_path / "file")


def test_a_tracker_of_somebody_else_that_cannot_be_made_is_named(tmp_path, monkeypatch):
    from importlib.metadata import EntryPoint

    point = EntryPoint("theirs", "sqlite3:no_such_thing", names.GROUP)
    monkeypatch.setattr(names, "entry_points", lambda group: [point])
    with pytest.raises(UserError, match=r"tracker 'theirs' .*AttributeError"):
        opened(["theirs"], tmp_path)
    assert sqlite3  # the module is there, the factory is not
