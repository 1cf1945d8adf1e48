"""A trained member, from a checkpoint or from the record of its run: ready to be sampled."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from bench import members
from bench.errors import UserError
from bench.files import sha256_of, write_atomically
from bench.gan import GAN, ImageSpec
from bench.paths import home
from bench.records import record as records
from bench.records.record import Record
from bench.runs.origin import Origin
from bench.training import checkpoint
from bench.training.checkpoint import Identity
from bench.training.loop import Execution
from bench.training.sampling import SampleRequest, generate, interpolation_request, labelled, request

Which = Literal["last", "best"]


@dataclass(frozen=True)
class Trained:
    """Networks to sample from, and what they are."""

    gan: GAN
    nets: dict[str, nn.Module]
    spec: ImageSpec
    identity: Identity
    path: Path  # of its checkpoint

    def origin(self, source: Path, seed: int) -> Origin:
        """What a picture of it says: the record or checkpoint that was named, and the seed of its latents."""
        found = self.identity
        name = source.name.encode("utf-8", "replace").decode()
        return Origin(found.member, found.suite, name, sha256_of(self.path), found.seed, seed)

    def sample(self, asked: SampleRequest, execution: Execution | None = None) -> Tensor:
        """The images asked for, (N, C, H, W) uint8."""
        return generate(self.gan, self.nets, asked, self.spec, execution or Execution())

    def request(self, count: int, seed: int, truncation: float = 1.0) -> SampleRequest:
        """`count` images; classes in turn where the member is conditional.

        Raises UserError for a member that translates pictures: it has nothing to start from here.
        """
        if self.gan.latents is None:
            raise UserError(f"member {self.identity.member!r} translates pictures, and none were given to it.")
        asked = request(self.gan, None, count, seed)
        return labelled(asked, torch.arange(count) % max(self.spec.classes, 1), truncation)

    def interpolation(self, rows: int, steps: int, seed: int) -> SampleRequest:
        """Rows of `steps` images from one latent to another, each row of one class where the member is conditional.

        Raises UserError for a member without latents.
        """
        asked = interpolation_request(self.gan, None, seed, rows=rows, steps=steps)
        return labelled(asked, (torch.arange(rows) % max(self.spec.classes, 1)).repeat_interleave(steps))


def load(source: Path | Record, which: Which = "last", device: torch.device | None = None) -> Trained:
    """From a checkpoint (.pt) or a record, read or as a path (.json), whose checkpoint is looked for in the cache.

    Raises UserError when there is no such file, the member's code has changed since, or it cannot be imported.
    """
    record = source if isinstance(source, Record) else records.read(source) if source.suffix == ".json" else None
    path = _checkpoint_of(record, which) if record else source
    assert isinstance(path, Path)
    content = checkpoint.load(path)
    identity = checkpoint.identity_of(content)
    spec = checkpoint.spec_of(content, path)
    listing = members.Listing(identity.member, identity.entry_point, "")
    if members.source_digest(listing) != identity.source_digest:
        raise UserError(
            f"checkpoint {path}: the code of member {identity.member!r} has changed since it was trained. "
            "Check out the commit that its record names, or train it again."
        )
    with torch.random.fork_rng():
        gan = members.build(listing, spec)
    nets = {name: player.net for name, player in gan.players.items()}
    checkpoint.load_nets(content, nets, path)
    for net in nets.values():
        net.to(device or torch.device("cpu")).eval()
    return Trained(gan, nets, spec, identity, path)


def _checkpoint_of(record: Record, which: Which) -> Path:
    stem = records.file_stem(record.seed, record.job)
    return home() / "checkpoints" / record.suite / record.member.name / stem / f"{which}.pt"


def write_images(images: Tensor, out: Path, origin: Origin) -> None:
    """Write (N, C, H, W) uint8 as an .npz (`arr_0`, uint8 NHWC, as the ADM evaluator reads it) or a folder of PNGs, which say
    where they come from.

    Raises UserError when the target cannot be written or is a folder that is not empty.
    """
    pixels = np.moveaxis(images.numpy(), 1, -1)
    if out.suffix == ".npz":
        write_atomically(out, _npz(pixels))
        return
    if out.suffix:
        raise UserError(
            f"--out {out}: {len(images)} images go into a folder or an .npz; a .png takes --grid or --interpolate."
        )
    if out.exists() and any(out.iterdir()):
        raise UserError(f"--out {out}: the folder is not empty. Give a new one.")
    out.mkdir(parents=True, exist_ok=True)
    chunks = origin.chunks()
    for index, image in enumerate(pixels):
        picture = Image.fromarray(image.squeeze(-1) if image.shape[-1] == 1 else image)
        picture.save(out / f"{index:06d}.png", pnginfo=chunks)


def _npz(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, pixels)
    return buffer.getvalue()
