"""MLflow. MLFLOW_TRACKING_URI names a server; without it a database in the tracking folder: `mlflow ui --backend-store-uri`."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.errors import UserError
from bench.records.record import Record
from bench.trackers.tracker import TrackedRun

JOB = "bench.run"  # the tag by which an interrupted run is found again
LONGEST = 500  # letters of a parameter's value that every store takes
ALLOWED = "_-. /:"  # beside letters and digits, in the name of a metric


class MLflow:
    """An experiment for each suite, a run for each run, over real images drawn."""

    def __init__(self, folder: Path):
        try:
            from mlflow.entities import RunStatus
            from mlflow.tracking import MlflowClient
        except ImportError as error:
            raise UserError("tracker 'mlflow' needs mlflow. Install it: pip install 'gan-bench[mlflow]'.") from error
        uri = os.environ.get("MLFLOW_TRACKING_URI")
        self._client: Any = MlflowClient(tracking_uri=uri or f"sqlite:///{folder.absolute() / 'mlflow.db'}")
        self._pictures = None if uri else folder.absolute() / "pictures"
        self._status_of = RunStatus.to_string
        self._statuses = {True: RunStatus.FINISHED, False: RunStatus.FAILED}
        self._id = ""

    def start(self, run: TrackedRun) -> None:
        """The run of that id if it is known, else a new one."""
        experiment = self._experiment(run.suite)
        found = self._client.search_runs([experiment], f"tags.`{JOB}` = '{run.id}'")
        if found:
            self._id = found[0].info.run_id
            self._client.update_run(self._id, status="RUNNING")
            return
        made = self._client.create_run(experiment, run_name=f"{run.member}/{run.seed}", tags={JOB: run.id})
        self._id = made.info.run_id
        for name, value in {"member": run.member, **run.config}.items():
            self._client.log_param(self._id, _allowed(name), str(value)[:LONGEST])

    def log(self, images: int, values: Mapping[str, float]) -> None:
        """Numbers over images."""
        for name, value in values.items():
            self._client.log_metric(self._id, _allowed(name), value, step=images)

    def picture(self, images: int, name: str, path: Path) -> None:
        """The file itself, as an artifact NAME/FILE."""
        self._client.log_artifact(self._id, str(path), artifact_path=name)

    def finish(self, record: Record | None) -> None:
        """An interrupted run is left as it is, to be found again."""
        if record is None:
            return
        self._client.set_tag(self._id, "status", record.status)
        sound = record.status in ("ok", "diverged")
        self._client.set_terminated(self._id, self._status_of(self._statuses[sound]))

    def _experiment(self, name: str) -> str:
        found = self._client.get_experiment_by_name(name)
        if found is not None:
            return found.experiment_id
        place = None if self._pictures is None else (self._pictures / name).as_uri()
        return self._client.create_experiment(name, artifact_location=place)


def _allowed(name: str) -> str:
    """MLflow takes few characters in names: fid@digits-cnn becomes fid_digits-cnn."""
    return "".join(letter if letter.isalnum() or letter in ALLOWED else "_" for letter in name)
