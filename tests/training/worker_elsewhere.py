"""Trains members on a processor and on the device that is not there: python worker_elsewhere.py MEMBER ... prints JSON.

For each member: the terms of the first step on both; the waits of a later step; whether a restored run goes on to the same bits;
the shape and place of a sample.
"""

import json
import sys
import traceback
from typing import Any

import elsewhere
import numpy as np
import torch
from torch.utils._pytree import tree_map

from bench import members
from bench.data import Split
from bench.data.batches import Batches
from bench.gan import GAN, ImageSpec
from bench.training.loop import Execution, Training
from bench.training.sampling import SampleRequest, generate

COUNT = 8
IMAGES = 16 * COUNT  # no step below begins a new order of them


def split(spec: ImageSpec) -> Split:
    random = np.random.default_rng(0)

    def pictures(channels: int) -> np.ndarray:
        return random.integers(0, 256, (IMAGES, channels, spec.resolution, spec.resolution), np.uint8)

    source = pictures(spec.source_channels) if spec.source_channels else None
    return Split(pictures(spec.channels), np.arange(IMAGES) % spec.classes, source=source)


def training(name: str, device: str) -> tuple[Training, ImageSpec]:
    spec = ImageSpec(3, 16, classes=3, source_channels=3)
    torch.manual_seed(0)
    gan = members.build(members.listings()[name], spec)
    batches = Batches(split(spec), COUNT, seed=0, device=device, flip=True, memory_limit_bytes=1 << 30)
    return Training(gan, batches, images=1_000, seed=0, execution=Execution(torch.device(device))), spec


def first_terms(run: Training) -> dict[str, float]:
    return {name: float(getattr(term, "numbers", term)) for name, term in next(run.steps()).terms.items()}


def asked(gan: GAN, spec: ImageSpec) -> SampleRequest:
    latents = gan.latents(4, torch.Generator().manual_seed(0)) if gan.latents else None
    channels = spec.channels if gan.task == "reconstruction" else spec.source_channels
    source = torch.zeros(4, channels, spec.resolution, spec.resolution, dtype=torch.uint8) if channels else None
    return SampleRequest(4, 0, latents, torch.arange(4) % spec.classes, source)


def weights(run: Training) -> list[torch.Tensor]:
    nets = [player.net for player in run.gan.players.values()]
    return [getattr(value, "numbers", value) for net in nets for value in net.state_dict().values()]


def tried(name: str) -> dict[str, Any]:
    found: dict[str, Any] = {"cpu": first_terms(training(name, "cpu")[0])}
    with elsewhere.Machine():
        run, spec = training(name, f"{elsewhere.NAME}:0")
        found["there"] = first_terms(run)
        steps = run.steps()
        elsewhere.waits.clear()
        next(steps)
        found["waits"] = dict(elsewhere.waits)
        state = tree_map(lambda leaf: leaf.clone() if isinstance(leaf, torch.Tensor) else leaf, run.state_dict())
        next(steps)
        again, _ = training(name, f"{elsewhere.NAME}:0")
        again.load_state_dict(state)
        next(again.steps())
        found["resumes"] = all(map(torch.equal, weights(run), weights(again)))
        images = generate(run.gan, run.sampling_nets(), asked(run.gan, spec), spec, run.execution)
        found["images"] = [list(images.shape), images.device.type]
    return found


def main(names: list[str]) -> None:
    torch.set_num_threads(1)
    for name in names:
        try:
            found = tried(name)
        except Exception:
            found = {"error": traceback.format_exc()[-1500:]}
        print(json.dumps({"member": name, **found}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
