"""From a checkpoint, a record or an ONNX file to a sampler. Files that could run code are never loaded."""

from dataclasses import dataclass
from pathlib import Path

import torch

from bench.adoption import forms, generators
from bench.adoption.generators import Foreign
from bench.adoption.statement import Statement
from bench.errors import UserError
from bench.files import sha256_of
from bench.gan import ImageSpec, Prompt
from bench.runs import trained_model
from bench.runs.trained_model import Which
from bench.serving.sampler import Facts, Sampler


@dataclass(frozen=True)
class Source:
    """What is to be served."""

    path: Path  # .pt, .json or .onnx
    checkpoint: Which = "last"  # of a record
    latents: str = ""  # of an ONNX file: gaussian:128, uniform:100; "": Gaussian, as wide as the file says
    classes: int = 0  # of an ONNX file


def load(source: Source, device: torch.device, together: int) -> tuple[Sampler, Facts]:
    """The sampler, tried on two images, and its facts.

    Raises UserError for a file that is missing, damaged, of other code or of a kind that could run code, for a member that
    translates pictures, and for a generator that breaks its contract (shape, finite values in [-1, 1]).
    """
    if source.path.suffix == ".onnx":
        return _of_onnx(source, device, together)
    if source.path.suffix not in (".pt", ".json"):
        raise UserError(
            f"{source.path}: expected a checkpoint (.pt), the record of a run (.json) or an ONNX file. TorchScript and pickles "
            "could run code: they are not served."
        )
    if source.latents or source.classes:
        raise UserError("--latents and --classes say what an ONNX file cannot say. Leave them out here.")
    found = trained_model.load(source.path, source.checkpoint)
    sampler = Sampler(found.gan, found.nets, found.spec, device, together)
    origin = found.origin(source.path, 0)
    return sampler, _facts(sampler, origin.member, origin.suite, source.path, origin.checkpoint, found.identity.seed)


def _of_onnx(source: Source, device: torch.device, together: int) -> tuple[Sampler, Facts]:
    said = Statement(source.path.stem, "not asked for", latents=source.latents, classes=source.classes)
    found = forms.onnx(source.path, said)
    spec = _spec(found, source.classes)
    generators.check(found, spec, source.classes)
    sampler = Sampler(found.gan, {}, spec, device, together)
    return sampler, _facts(sampler, source.path.stem, "", source.path, found.sha256, 0)


def _spec(found: Foreign, classes: int) -> ImageSpec:
    """The size of its images, by making one."""
    random = torch.Generator().manual_seed(0)
    assert found.gan.latents is not None
    labels = torch.zeros(1, dtype=torch.int64) if classes else None
    shape = tuple(found.gan.generate({}, Prompt(1, random, found.gan.latents(1, random), labels)).shape)
    if len(shape) != 4 or shape[1] not in (1, 3) or shape[2] != shape[3]:
        raise UserError(
            f"generator {found.file}: gave shape {shape} for one image, expected (1, C, R, R) with 1 or 3 channels."
        )
    return ImageSpec(shape[1], shape[2], classes)


def _facts(sampler: Sampler, member: str, suite: str, path: Path, checkpoint: str, seed: int) -> Facts:
    spec = sampler.spec
    return Facts(
        member, suite, path.name, checkpoint or sha256_of(path), seed, spec.channels, spec.resolution, sampler.classes,
        sampler.heeds_truncation(),
    )  # fmt: skip
