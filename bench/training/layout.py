"""Whether a member's networks work on images in the channels-last layout, tried before a run."""

import torch

from bench.errors import UserError
from bench.gan import Builder, ImageSpec
from bench.training import sampling, trial
from bench.training.execution import Execution


def layout_fault(builder: Builder, spec: ImageSpec, execution: Execution | None = None) -> str | None:
    """Why the member cannot be trained and sampled on channels-last images although it can on contiguous ones, or None.

    One iteration of each stage on made-up images and one sample; random states are left as they were. A fault that
    contiguous images have too is not the layout's: None, and the run itself will say it. `execution` gives the device.
    """
    device = (execution or Execution()).device
    error = _error(builder, spec, Execution(device, channels_last=True))
    if error is None or _error(builder, spec, Execution(device)) is not None:
        return None
    first = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    if "view size is not compatible" in first:
        return "a network calls .view on channels-last images, which have other strides"
    return f"channels-last images raise {type(error).__name__}: {first}"


def _error(builder: Builder, spec: ImageSpec, execution: Execution) -> Exception | None:
    """What a short training and a sample raise. Raises UserError when the member refuses the spec."""
    devices = [execution.device] if execution.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        gan = trial.build(builder, spec, 0)
        try:
            training = trial.run(trial.begin(trial.once(gan), spec, 0, iterations=1, execution=execution))
            prompt = sampling.prompt(gan, spec, 4)
            if execution.device.type == "cpu":  # a prompt is made on the CPU
                with torch.no_grad():
                    gan.generate(training.sampling_nets(), prompt)
        except UserError:
            raise
        except Exception as error:
            return error
    return None
