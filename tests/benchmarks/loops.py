"""Training loops to hold ours against, with the same networks, the same batches and the same optimiser settings.

`PlainLoop` does what the loop of PyTorch's DCGAN example does (github.com/pytorch/examples, dcgan/main.py), in our own words:
the critic is differentiated on a real and on a fake batch in two passes, the generator's pass is shared by both updates,
the generator's update also differentiates the critic's weights, the optimisers are `torch.optim.Adam` as it comes, and the
losses and mean outputs are read at every step. `HandWrittenLoop` does exactly the operations of ours, without the contract.

    python tests/benchmarks/loops.py NAME THREADS     one of LOOPS as a process: for every line with a number of iterations
                                                      on standard input, their wall and CPU seconds as JSON
"""

import json
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, softplus

from bench.data import Split
from bench.data.batches import Batches
from bench.gan import GAN, Builder, ImageSpec
from bench.training.allocator import keep_freed_memory
from bench.training.loop import Execution, Training
from zoo.dcgan import dcgan

SPEC = ImageSpec(3, 32)
BATCH = 64
LATENT = 100
ADAM = {"lr": 2e-4, "betas": (0.5, 0.999)}


def batches(seed: int = 0) -> Batches:
    """4,096 random pictures, resident as uint8."""
    pictures = torch.randint(
        0, 256, (4096, 3, 32, 32), generator=torch.Generator().manual_seed(seed), dtype=torch.uint8
    )
    return Batches(Split(pictures.numpy()), BATCH, seed=seed, device="cpu")


def build(builder: Builder) -> GAN:
    """The member with weights from seed 0."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return builder(SPEC)


def ours(builder: Builder, execution: Execution) -> Callable[[], object]:
    """One iteration of the bench's loop per call."""
    training = Training(build(builder), batches(), images=1 << 40, seed=0, execution=execution)
    steps = training.steps()
    return lambda: next(steps)


@dataclass
class Loop:
    """Two networks and their supply."""

    builder: Builder
    channels_last: bool = False
    compiled: bool = False
    supply: Batches = field(default_factory=batches)
    random: torch.Generator = field(default_factory=lambda: torch.Generator().manual_seed(0))

    def __post_init__(self) -> None:
        players = build(self.builder).players
        layout = torch.channels_last if self.channels_last else torch.contiguous_format
        self.generator, self.critic = (players[name].net.to(memory_format=layout) for name in ("generator", "critic"))
        self.g, self.d = self._runnable(self.generator), self._runnable(self.critic)

    def _runnable(self, net: nn.Module) -> nn.Module:
        return torch.compile(net, dynamic=False) if self.compiled else net  # pyright: ignore[reportReturnType]

    def images(self) -> Tensor:
        images = self.supply.next().images
        return images.to(memory_format=torch.channels_last) if self.channels_last else images

    def latents(self) -> Tensor:
        return torch.randn(BATCH, LATENT, generator=self.random)


class PlainLoop(Loop):
    """As in PyTorch's example."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.optimiser_d = torch.optim.Adam(self.critic.parameters(), **ADAM)
        self.optimiser_g = torch.optim.Adam(self.generator.parameters(), **ADAM)

    def __call__(self) -> tuple[float, ...]:
        self.critic.zero_grad()
        real = self.d(self.images())
        loss_real = binary_cross_entropy_with_logits(real, torch.ones_like(real))
        loss_real.backward()
        fakes = self.g(self.latents())
        fake = self.d(fakes.detach())
        loss_fake = binary_cross_entropy_with_logits(fake, torch.zeros_like(fake))
        loss_fake.backward()
        seen = [real.mean().item(), fake.mean().item(), (loss_real + loss_fake).item()]
        self.optimiser_d.step()
        self.generator.zero_grad()
        judged = self.d(fakes)
        loss = binary_cross_entropy_with_logits(judged, torch.ones_like(judged))
        loss.backward()
        seen += [judged.mean().item(), loss.item()]
        self.optimiser_g.step()
        return tuple(seen)


class HandWrittenLoop(Loop):
    """The operations of the bench's loop for this member, written down one after the other."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.optimiser_d = torch.optim.Adam(self.critic.parameters(), **ADAM, fused=True)
        self.optimiser_g = torch.optim.Adam(self.generator.parameters(), **ADAM, fused=True)

    def __call__(self) -> None:
        images = self.images()
        fakes = self.g(self.latents())
        loss = softplus(-self.d(images)).mean() + softplus(self.d(fakes.detach())).mean()
        loss.backward()
        self.optimiser_d.step()
        self.optimiser_d.zero_grad(set_to_none=True)
        self.critic.requires_grad_(False)
        softplus(-self.d(fakes)).mean().backward()
        self.optimiser_g.step()
        self.optimiser_g.zero_grad(set_to_none=True)
        self.critic.requires_grad_(True)


def kept(loop: Callable[[], Callable[[], object]]) -> Callable[[], object]:
    """The loop in a process that keeps the memory it frees, as `bench run` does on a processor."""
    keep_freed_memory()
    return loop()


LOOPS: dict[str, Callable[[], Callable[[], object]]] = {
    "plain": partial(PlainLoop, dcgan),
    "hand-written": partial(HandWrittenLoop, dcgan),
    "hand-written, channels last": partial(HandWrittenLoop, dcgan, channels_last=True),
    "hand-written, channels last, memory kept": partial(kept, partial(HandWrittenLoop, dcgan, channels_last=True)),
    "plain, memory kept": partial(kept, partial(PlainLoop, dcgan)),
    "ours, contiguous, memory returned": partial(ours, dcgan, Execution()),
    "ours": partial(kept, partial(ours, dcgan, Execution(channels_last=True))),
}
COMPILED: dict[str, Callable[[], Callable[[], object]]] = {
    "hand-written, compiled": partial(kept, partial(HandWrittenLoop, dcgan, channels_last=True, compiled=True)),
    "ours, compiled": partial(kept, partial(ours, dcgan, Execution(channels_last=True, compiled=True))),
}


def serve(name: str, threads: int) -> None:
    """Time as many iterations as each line of standard input asks for."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(threads)
    step = (LOOPS | COMPILED)[name]()
    for line in sys.stdin:
        start = time.perf_counter(), time.process_time()
        for _ in range(int(line)):
            step()
        print(json.dumps([time.perf_counter() - start[0], time.process_time() - start[1]]), flush=True)


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
