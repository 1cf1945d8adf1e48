"""A workload made runnable. Every subject is called once per timed unit: one batch of samples, or one iteration of training."""

from collections.abc import Callable
from dataclasses import replace
from time import perf_counter_ns
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from bench import members
from bench.data import Split
from bench.data.batches import Batches
from bench.errors import UserError
from bench.gan import GAN, Draw, ImageSpec, Now, Prompt, Stage, Update
from bench.perf.case import WorkloadSpec
from bench.perf.clock import wait
from bench.training.loop import Execution, Training
from bench.training.sampling import prompt, verified

PICTURES = 1024  # of the made-up data set that training is timed on
ENDLESS = 1 << 40  # images: no timing reaches it

Workload = Callable[[], object]


def spec_of(case: WorkloadSpec) -> ImageSpec:
    """What the builder is told."""
    return ImageSpec(case.channels, case.resolution, case.classes, case.source_channels)


def execution_of(case: WorkloadSpec) -> Execution:
    """How the arithmetic is done in this mode."""
    parts = case.parts
    return Execution(
        torch.device(case.device),
        precision="bf16" if "bf16" in parts else "fp32",
        channels_last="channels-last" in parts,
        compiled="compile" in parts,
    )


def build(case: WorkloadSpec) -> GAN:
    """The member, its weights drawn from seed 0; the global random state is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return members.bound(members.called(case.call))(spec_of(case))


def subject(case: WorkloadSpec) -> Workload:
    """The case, ready to be called. Raises UserError for a member that cannot run in this mode."""
    if case.what == "training":
        return TrainingSubject(case)
    return OnnxGeneration(case) if "onnx" in case.parts else Generation(case)


class Generation:
    """One batch of samples per call."""

    def __init__(self, case: WorkloadSpec):
        self.case, self.execution = case, execution_of(case)
        self.gan = build(case)
        self.nets = {name: self._ready(player.net) for name, player in self.gan.players.items()}
        self.prompt = on_device(prompt(self.gan, spec_of(case), case.batch), self.execution)
        self.device = self.execution.device

    def _ready(self, net: nn.Module) -> nn.Module:
        net = net.eval().to(self.device_of(self.case))
        if self.execution.channels_last:
            net = net.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        # whole or not at all: a graph with holes would be timed under the name of a compiled one
        return torch.compile(net, dynamic=False, fullgraph=True) if self.execution.compiled else net  # pyright: ignore[reportReturnType]

    @staticmethod
    def device_of(case: WorkloadSpec) -> torch.device:
        """Where it runs."""
        return torch.device(case.device)

    @torch.no_grad()
    def __call__(self) -> Tensor:
        with self.execution.autocast():
            return self.gan.generate(self.nets, self.prompt)

    def verify(self) -> None:
        """Raise UserError when what comes out is not as the contract says."""
        verified(self(), self.case.batch, spec_of(self.case))


class OnnxGeneration:
    """One batch of samples per call, by ONNX Runtime on the CPU, from a model that was exported and checked."""

    def __init__(self, case: WorkloadSpec):
        from bench.perf.export import onnx_session, to_onnx_bytes
        from bench.perf.traceable import exportable

        gan = build(case)
        nets = {name: player.net.eval() for name, player in gan.players.items()}
        self.module = exportable(gan, nets, spec_of(case))
        self.session = onnx_session(to_onnx_bytes(self.module), case.threads)
        self.inputs = {name: value.numpy() for name, value in self.module.example(case.batch).items()}
        self.device = torch.device("cpu")

    def __call__(self) -> Any:
        return self.session.run(None, self.inputs)

    def verify(self) -> None:
        """Raise UserError unless the model agrees with eager at batch 1 and 32."""
        from bench.perf.export import compare, run_session

        compare(self.module, run_session(self.session), "onnx")


class TrainingSubject:
    """One iteration of one stage per call, on made-up pictures that lie on the device."""

    def __init__(self, case: WorkloadSpec):
        self.case, self.execution = case, execution_of(case)
        self.device = self.execution.device
        gan = build(case)
        stage = replace(gan.schedule[case.stage], share=1.0)
        self.training = TimedTraining(
            replace(gan, schedule=[stage]), made_up(case, gan), images=ENDLESS, seed=0, execution=self.execution
        )
        self._steps = self.training.steps()

    def __call__(self) -> object:
        return next(self._steps)

    def verify(self) -> None:
        """Training checks nothing before it starts."""

    @property
    def images_per_call(self) -> int:
        """Real images that an iteration draws."""
        return max(update.repeat for update in self.training.gan.schedule[0].updates) * self.case.batch

    def updates(self, calls: int) -> dict[str, list[float]]:
        """The milliseconds of every update in some iterations, by player. Waits for the device at every edge."""
        self.training.clock = {}
        for _ in range(calls):
            self()
        found, self.training.clock = self.training.clock, None
        return found


class TimedTraining(Training):
    """A training that can time each of its updates."""

    clock: dict[str, list[float]] | None = None  # player -> milliseconds of its updates

    def apply(self, update: Update, stage: Stage, draws: list[Draw], now: Now, *, diagnose: bool) -> dict[str, Tensor]:
        """One update, timed while there is a clock."""
        if self.clock is None:
            return super().apply(update, stage, draws, now, diagnose=diagnose)
        device = self.execution.device
        wait(device)
        start = perf_counter_ns()
        seen = super().apply(update, stage, draws, now, diagnose=diagnose)
        wait(device)
        self.clock.setdefault(update.player, []).append((perf_counter_ns() - start) / 1e6)
        return seen


def made_up(case: WorkloadSpec, gan: GAN) -> Batches:
    """Random pictures with whatever the member asks for, resident on the device as uint8."""
    rng = np.random.default_rng(0)
    size = (case.resolution, case.resolution)
    rows = max(PICTURES * 32 * 32 // case.resolution**2, case.batch)

    def pictures(channels: int) -> np.ndarray:
        return rng.integers(0, 256, (rows, channels, *size), dtype=np.uint8)

    labels = rng.integers(case.classes, size=rows) if case.classes else None
    source = pictures(case.source_channels) if case.source_channels else None
    split = Split(pictures(case.channels), labels, source, paired=gan.task != "unpaired")
    return Batches(split, case.batch, seed=0, device=case.device)


def on_device(asked: Prompt, execution: Execution) -> Prompt:
    """The same request on the device and in the layout of the execution."""
    device = execution.device

    def moved(tensor: Tensor | None) -> Tensor | None:
        return None if tensor is None else tensor.to(device)

    source = moved(asked.source)
    if source is not None and execution.channels_last:
        source = source.to(memory_format=torch.channels_last)
    random = torch.Generator(device).manual_seed(0)
    return Prompt(asked.count, random, moved(asked.latents), moved(asked.labels), source, asked.truncation)


def fitting_spec(listing: members.Listing, channels: int, resolution: int, classes: int) -> ImageSpec:
    """The plainest spec of this size that the member's builder accepts: unlabelled first, then with ten classes, then with
    pictures to translate. Raises UserError with the builder's own words when it accepts none.
    """
    builder = members.bound(listing)
    first = ImageSpec(channels, resolution, classes)
    specs = [first, replace(first, classes=classes or 10), replace(first, source_channels=channels)]
    refusals: list[UserError] = []
    with torch.random.fork_rng(devices=[]):
        for spec in specs:
            try:
                if builder(spec).task not in ("paired", "unpaired") or spec.source_channels:
                    return spec
            except UserError as error:
                refusals.append(error)
    raise refusals[0]
