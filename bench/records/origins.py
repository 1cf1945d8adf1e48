"""Where a row comes from that its suite did not train: a generator made elsewhere, or a compressed copy of a trained one."""

from typing import Literal

from bench.records.fields import Below, Count, Finite, Line, Message, Name
from bench.records.parts import Score
from bench.suites.frozen import Frozen

Form = Literal["module", "torchscript", "onnx", "samples"]


class Timing(Frozen):
    """How long one batch took, round by round, after a warm-up."""

    what: Line  # e.g. "compressed, ONNX Runtime"
    batch: Count  # images
    threads: Count
    milliseconds: tuple[Finite, ...]  # of a whole batch; raw


class Adoption(Frozen):
    """A generator made elsewhere. Its file is known; what is stated of its training is not verified."""

    form: Form
    file: Line  # its name, without its folder
    sha256: Name  # of the file, or of all images of a folder
    bytes: Count
    statement: Message  # the budget, in the words of whoever made it
    images: Count | None = None  # real images drawn in training, as stated
    timing: Timing | None = None  # None: images that were made before


class Compression(Frozen):
    """A compressed copy of a trained member, and what the copy costs beside its parent."""

    parent: Below  # the parent's record, below the results folder
    parent_digest: Name  # of that record
    recipe: Line  # "int8", "prune:0.5", "half"
    calibration_seed: Count  # of the latents that int8 was calibrated with; other recipes need none
    bytes: Count  # of the compressed file
    parent_bytes: Count  # of the parent's weights in the same kind of file
    macs: Count  # multiply-accumulates of one image: no recipe changes how many a dense kernel does
    zeros: Finite  # share of the weights that are zero
    kept_float: dict[str, Count]  # operator -> nodes that multiply in floating point, in the graph that runs
    in_int8: dict[str, Count]  # operator -> nodes that multiply in int8, in the graph that runs
    timings: tuple[Timing, ...] = ()  # interleaved; empty where the same kernels run and nothing can be faster
    parent_scores: tuple[Score, ...]  # of the parent, from the same latents in the same process
    to_parent: tuple[Score, ...]  # image against image: PSNR and perceptual distance
