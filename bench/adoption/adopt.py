"""`bench adopt`: a generator that was trained elsewhere, or its images, as a row of a suite."""

import hashlib
import re
from pathlib import Path

import torch

from bench import members
from bench.adoption import forms, scoring
from bench.adoption.generators import Foreign, check
from bench.adoption.images import dealt, images_of
from bench.adoption.statement import Statement
from bench.adoption.timing import BATCH, timed
from bench.errors import UserError
from bench.features.sample import Sample
from bench.gan import GAN
from bench.records import record as records
from bench.records.origins import Adoption, Timing
from bench.records.record import Record
from bench.runs.calibration import CALIBRATIONS
from bench.runs.evaluation import Evaluator
from bench.runs.experiment import Experiment, Job
from bench.runs.provenance import Snapshot
from bench.training.sampling import prompt

TORCHSCRIPT = (".pt", ".pth", ".ts", ".jit")


def adopt(experiment: Experiment, source: str, statement: Statement, command: str) -> tuple[Record, Path]:
    """Score a generator by the suite's rules and write its record, which says that it was trained elsewhere.

    Args:
        experiment: The suite on this machine.
        source: A TorchScript or ONNX file, module:function (with `statement.weights`), or a folder, .npz or archive of images.
        statement: The row's name, the budget as stated, and what the file cannot say.
        command: What to type to do it again; kept in the record.

    Returns:
        The record and its path.

    Raises:
        UserError: A name that is taken, a file that is damaged or does not fit the suite. Nothing is written then.
    """
    _check_name(statement.name)
    found, given = _opened(experiment, source, statement)
    job = job_of(experiment, statement, source, found)
    if experiment.files.attempts(job):
        raise UserError(
            f"{statement.name}: this file is a row of {experiment.suite.name} already. Nothing was written."
        )
    scored = scoring.scored(Evaluator(experiment, found.gan, statement.name), given)
    adoption = Adoption(
        form=found.form,
        file=found.file,
        sha256=found.sha256,
        bytes=found.bytes,
        statement=" ".join(statement.budget.split()),
        images=statement.images,
        timing=_timing(experiment, found),
    )
    record = scoring.record(experiment, job, found.gan, scored, command=command, adoption=adoption)
    return record, records.write(record, experiment.files.results)


def job_of(experiment: Experiment, statement: Statement, source: str, found: Foreign) -> Job:
    """The job: its source is the file, so that another file under the same name supersedes it."""
    entry = source if found.form == "module" else found.file
    digest = records.job_digest(statement.name, found.sha256, experiment.rules.digest, statement.seed)
    listing = members.Listing(statement.name, entry, "")
    return Job(listing, Snapshot(found.sha256), statement.seed, digest, "adopted")


def _check_name(name: str) -> None:
    if not re.fullmatch(members.NAME, name):
        raise UserError(f"--as {name}: is not a name: letters, digits, '.', '_' and '-' were expected, 80 at most.")
    if name in CALIBRATIONS or name in members.listings():
        raise UserError(f"--as {name}: is a row that is trained or made here. Choose another name.")


def _opened(experiment: Experiment, source: str, statement: Statement) -> tuple[Foreign, dict[int, Sample] | None]:
    """The generator, or images of it that are there already."""
    path, spec = Path(source), experiment.spec
    if statement.weights is not None or (":" in source and not path.exists()):
        found = forms.network(source, statement, spec)
    elif path.suffix.lower() in TORCHSCRIPT:
        found = forms.torchscript(path, statement)
    elif path.suffix.lower() == ".onnx":
        found = forms.onnx(path, statement)
    else:
        return _samples(experiment, path)
    if found.gan.task not in ("unconditional", "conditional") or found.gan.latents is None:
        raise UserError(f"generator {source}: translates pictures; generators from latents are adopted.")
    check(found, spec, statement.classes)
    return found, None


def _samples(experiment: Experiment, path: Path) -> tuple[Foreign, dict[int, Sample]]:
    if not path.exists():
        raise UserError(f"generator {path}: there is no such file or folder. Give a file, a folder or MODULE:FUNCTION.")
    evaluation = experiment.suite.evaluation
    images = images_of(path, experiment.spec, evaluation.samples)
    given = dealt(images, evaluation.samples, evaluation.sample_seeds)

    def refuse(*_: object) -> torch.Tensor:
        raise UserError(f"{path}: holds images and no generator.")

    sha256 = hashlib.sha256(images.images.tobytes()).hexdigest()
    gan = GAN({}, (), refuse)
    return Foreign(gan, "samples", path.name, sha256, images.images.nbytes), given


def _timing(experiment: Experiment, found: Foreign) -> Timing | None:
    if found.form == "samples":
        return None
    asked = prompt(found.gan, experiment.spec, BATCH)
    (timing,) = timed({"generator": lambda: found.gan.generate({}, asked)})
    return timing
