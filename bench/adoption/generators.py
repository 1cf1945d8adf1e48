"""Generators in the forms that others give them: each becomes a GAN that can be sampled and nothing else."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from bench.adoption.statement import Prior, Statement
from bench.errors import UserError
from bench.gan import GAN, ImageSpec, Nets, Prompt
from bench.records.origins import Form

Run = Callable[[Prompt], Tensor]


@dataclass(frozen=True)
class Foreign:
    """A generator that was trained elsewhere."""

    gan: GAN
    form: Form
    file: str
    sha256: str
    bytes: int


def foreign(run: Run, statement: Statement, prior: Prior, form: Form, path: Path) -> Foreign:
    """A generator as a GAN without players: it is sampled and scored as a trained member is."""

    def generate(_: Nets, prompt: Prompt) -> Tensor:
        try:
            return run(_on_cpu(prompt))
        except (UserError, MemoryError, torch.OutOfMemoryError):
            raise
        except Exception as error:
            raise UserError(f"generator {path.name}: sampling it failed: {_first_line(error)}.") from None

    task = "conditional" if statement.classes else "unconditional"
    beside = path.with_name(f"{path.name}.data")  # where exporters put the weights of an ONNX model
    content = path.read_bytes() + (beside.read_bytes() if beside.is_file() else b"")
    gan = GAN({}, (), generate, prior, task=task)
    return Foreign(gan, form, path.name, hashlib.sha256(content).hexdigest(), len(content))


def _on_cpu(prompt: Prompt) -> Prompt:
    """Files of others are run on the CPU, wherever features are computed."""
    random = prompt.random
    if random.device.type != "cpu":
        random = torch.Generator().manual_seed(random.initial_seed())
    latents, labels = (None if one is None else one.cpu() for one in (prompt.latents, prompt.labels))
    return replace(prompt, random=random, latents=latents, labels=labels)


def arguments(prompt: Prompt, prior: Prior, conditional: bool) -> tuple[Tensor, ...]:
    """Latents in the generator's shape, (N, *shape), then labels (N,) of a conditional one."""
    assert prompt.latents is not None
    latents = prompt.latents.reshape(-1, *prior.shape)
    if not conditional:
        return (latents,)
    assert prompt.labels is not None
    return latents, prompt.labels


def check(found: Foreign, spec: ImageSpec, classes: int) -> None:
    """Try it at two batch sizes. Raises UserError for another shape, range or number of classes than the suite's."""
    if classes and classes != spec.classes:
        raise UserError(
            f"generator {found.file}: takes {classes} classes, the suite's data set has {spec.classes or 'none'}. "
            "Adopt it into a suite of the data set that it learned from."
        )
    assert found.gan.latents is not None
    for count in (1, max(5, classes)):
        random = torch.Generator().manual_seed(0)
        labels = torch.arange(count) % classes if classes else None
        with torch.no_grad():
            images = found.gan.generate({}, Prompt(count, random, found.gan.latents(count, random), labels))
        _check_images(found.file, images, count, spec)


def _check_images(file: str, images: object, count: int, spec: ImageSpec) -> None:
    """Raises UserError that says what is wrong with them."""
    wanted = (count, spec.channels, spec.resolution, spec.resolution)
    if not isinstance(images, Tensor):
        raise UserError(f"generator {file}: gave {type(images).__name__}, expected a tensor of shape {wanted}.")
    if tuple(images.shape) != wanted:
        grey = images.ndim == 4 and images.shape[1] != spec.channels
        why = f": the suite's images have {spec.channels} channels, its {images.shape[1]}" if grey else ""
        raise UserError(f"generator {file}: gave shape {tuple(images.shape)}, expected {wanted}{why}.")
    if not images.is_floating_point() or not bool(images.isfinite().all()):
        raise UserError(
            f"generator {file}: gave {images.dtype} or values that are not finite, expected floats in [-1, 1]."
        )
    low, high = float(images.min()), float(images.max())
    if low < -1.01 or high > 1.01:
        raise UserError(f"generator {file}: gave values from {low:.3g} to {high:.3g}, expected [-1, 1]. Rescale them.")
    if low >= 0 and count > 1:
        raise UserError(
            f"generator {file}: gave values from {low:.3g} to {high:.3g}, none of them below 0: they seem to lie in [0, 1]. "
            "Expected [-1, 1]: wrap it so that it gives 2 * images - 1."
        )


def read(path: Path) -> bytes:
    """The content of a file. Raises UserError where there is none."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"generator {path}: cannot be read: {error.strerror or error}. Give its file.") from None


def state_of(path: Path) -> Mapping[str, Tensor]:
    """A state dict from safetensors, or from a file of torch.save: tensors only, nothing in it is run.

    Raises UserError for a file that is damaged, could run code, or holds anything else.
    """
    _ = read(path)
    if path.suffix == ".safetensors":
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            return load_file(path)
        except (SafetensorError, ValueError, RuntimeError) as error:
            raise UserError(f"weights {path}: is damaged or no safetensors file: {_first_line(error)}.") from None
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception:  # whatever a file of any content makes the reader raise; its advice is not ours
        raise UserError(
            f"weights {path}: is damaged, or holds something other than tensors and plain values. Such a file could run "
            "code, so it is never loaded. Give a state dict (torch.save(net.state_dict(), PATH)) or safetensors."
        ) from None
    if not isinstance(content, dict) or not content or not all(isinstance(one, Tensor) for one in content.values()):
        raise UserError(f"weights {path}: holds no state dict. Save net.state_dict() of the generator alone.")
    return content


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0][:300].rstrip(".:") if lines else type(error).__name__
