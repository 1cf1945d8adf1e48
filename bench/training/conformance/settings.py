"""How the arithmetic may be done: precision, layout, compilation, sizes."""

import shutil

from bench.errors import UserError
from bench.gan import Builder, ImageSpec
from bench.training import trial
from bench.training.conformance.finding import ConformanceError, ConformanceWarning, NotApplicable
from bench.training.conformance.images import sampled
from bench.training.execution import Execution
from bench.training.layout import layout_fault


def bf16(builder: Builder, spec: ImageSpec) -> str:
    """Training and sampling under bfloat16 autocast stay finite."""
    return _runs(builder, spec, Execution(precision="bf16"), "bfloat16 autocast")


def compiled(builder: Builder, spec: ImageSpec) -> str:
    """Training runs under torch.compile."""
    if not any(shutil.which(compiler) for compiler in ("c++", "g++", "clang++", "cl")):
        raise NotApplicable("no C++ compiler was found, which torch.compile needs on a CPU")
    return _runs(builder, spec, Execution(compiled=True), "torch.compile")


def channels_last(builder: Builder, spec: ImageSpec) -> str:
    """Training and sampling work on images in the channels-last layout."""
    fault = layout_fault(builder, spec)
    if fault:
        raise ConformanceWarning(
            f"{fault}. `bench run` takes contiguous images instead, which are slower on processors. Use .flatten(1) or "
            ".reshape where .view is."
        )
    return "trains and generates on channels-last images too"


def _runs(builder: Builder, spec: ImageSpec, execution: Execution, what: str) -> str:
    gan = trial.build(builder, spec, 0)
    training = trial.run(trial.begin(gan, spec, 0, iterations=2, execution=execution))
    if training.diverged_at_step is not None:
        raise ConformanceError(f"a loss is not finite at step {training.diverged_at_step} under {what}.")
    with execution.autocast():
        sampled(training, spec)
    return f"trains and generates under {what}"


def works_at(builder: Builder, spec: ImageSpec) -> str:
    """One iteration and a sample at this size."""
    try:
        gan = trial.build(builder, spec, 0)
    except UserError as error:
        raise NotApplicable(f"refused: {error}") from None
    training = trial.run(trial.begin(trial.once(gan), spec, 0, iterations=1), 1)
    if training.diverged_at_step is not None:
        raise ConformanceError(f"the first losses at {size(spec)} are not finite.")
    sampled(training, spec)
    return "trains and generates"


def size(spec: ImageSpec) -> str:
    """``16 px, 1 channel``."""
    return f"{spec.resolution} px, {spec.channels} channel{'s' if spec.channels > 1 else ''}"
