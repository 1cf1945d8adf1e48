"""`bench perf MEMBER`: from a name to a written record."""

import os
import shlex
from dataclasses import dataclass, replace

from bench import members
from bench.errors import UserError
from bench.gan import ImageSpec
from bench.perf import counters
from bench.perf.case import WorkloadSpec
from bench.perf.machine import BUSY_OTHERS, Load, load_between, moment
from bench.perf.measure import Effort, ModeRun, compiler_missing, unstable
from bench.perf.subjects import build, execution_of, fitting_spec
from bench.records import speed as records
from bench.records.record import Member, now_in_utc
from bench.records.speed_figures import latency
from bench.training.environment import describe

SHAKY = 1.5  # the 90th percentile over the median of a call's time from which on a machine is called noisy


@dataclass(frozen=True)
class PerfOptions:
    """What the user asked for."""

    channels: int
    resolution: int
    classes: int
    device: str
    threads: int
    modes: tuple[str, ...]
    batches: tuple[int, ...]
    training_batch: int


def case_of(listing: members.Listing, asked: PerfOptions, spec: ImageSpec | None = None) -> WorkloadSpec:
    """The member at the size that was asked for, generating one image. Raises UserError when it refuses that size."""
    found = spec or fitting_spec(listing, asked.channels, asked.resolution, asked.classes)
    return WorkloadSpec(
        call=listing.call,
        channels=found.channels,
        resolution=found.resolution,
        classes=found.classes,
        source_channels=found.source_channels,
        mode="eager",
        device=asked.device,
        threads=asked.threads,
        what="generation",
        batch=1,
    )


def measure(name: str, asked: PerfOptions, effort: Effort | None = None) -> records.SpeedRecord:
    """Everything about one member. Raises UserError for an unknown member or a size that it refuses."""
    listing = members.find(name)
    case = case_of(listing, asked)
    gan = build(case)
    effort = effort or Effort(asked.batches, asked.training_batch, tuple(stage.share for stage in gan.schedule))
    started, before, own_before = now_in_utc(), moment(), sum(os.times()[:4])
    counts = counters.count(case)
    modes = [_mode_result(_in_mode(case, mode), effort) for mode in asked.modes]
    own = sum(os.times()[:4]) - own_before  # this process and the workers, whose time it inherits when they end
    load = load_between(before, moment(), own)
    return records.SpeedRecord(
        member=Member(
            name=listing.name,
            entry_point=listing.entry_point,
            distribution=listing.distribution,
            source_digest=members.source_digest(listing),
            task=gan.task,
        ),
        size=records.Size(
            channels=case.channels,
            resolution=case.resolution,
            classes=case.classes,
            source_channels=case.source_channels,
        ),
        parameters=counts.parameters,
        flops_sample=counts.flops_sample,
        flops_training_image=counts.flops_training_image,
        modes=tuple(modes),
        environment=describe(execution_of(case)).model_copy(update={"threads": asked.threads}),
        surroundings=_surroundings(load, modes),
        command=_command(listing, asked),
        started=started,
        finished=now_in_utc(),
    )


def _mode_result(case: WorkloadSpec, effort: Effort) -> records.ModeResult:
    why = compiler_missing(case.mode)
    return records.ModeResult(mode=case.mode, not_measured={"generation": why}) if why else ModeRun(case, effort).run()


def _in_mode(case: WorkloadSpec, mode: str) -> WorkloadSpec:
    if mode == "onnx" and case.device != "cpu":
        raise UserError("--mode onnx is timed with ONNX Runtime on the CPU. Give --device cpu, or leave the mode out.")
    return replace(case, mode=mode)


def _surroundings(load: Load, modes: list[records.ModeResult]) -> records.Surroundings:
    return records.Surroundings(
        other_cores=load.other_cores and round(load.other_cores, 3),
        load_average=round(load.load_average, 2),
        megahertz=load.megahertz and round(load.megahertz),
        warnings=tuple([*under_load(load), *unstable(modes), *_shaky(modes)]),
    )


def under_load(load: Load) -> list[str]:
    """A warning when others used the machine."""
    if load.other_cores is None or load.other_cores < BUSY_OTHERS:
        return []
    return [
        f"others used {load.other_cores:.1f} cores meanwhile: do not claim these timings; measure again on a quiet machine"
    ]


def _shaky(modes: list[records.ModeResult]) -> list[str]:
    found = [(result.mode, latency(result)) for result in modes]
    return [
        f"{mode}: one call in ten takes {one.p90 / one.p50:.1f} times the median or more: the machine is too noisy"
        for mode, one in found
        if one and one.p90 > SHAKY * one.p50
    ]


def _command(listing: members.Listing, asked: PerfOptions) -> str:
    parts = ["bench", "perf", listing.argument, "--resolution", asked.resolution, "--channels", asked.channels]
    parts += ["--device", asked.device, "--threads", asked.threads, "--mode", ",".join(asked.modes)]
    parts += ["--batch", ",".join(map(str, asked.batches)), "--training-batch", asked.training_batch]
    return shlex.join(str(part) for part in parts)
