"""What a metric is: its inputs, its entry in the table, and how it is named."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from bench.errors import UserError


@dataclass(frozen=True)
class Estimate:
    """A value with what is known about it. A metric may return this or a plain float."""

    value: float
    error: float | None = None  # standard deviation or standard error; the metric's summary says of what
    baseline: float | None = None  # the figure that held-out real images get in the place of the fakes
    flags: tuple[str, ...] = ()  # what the reader must know, e.g. "memorised"


@dataclass(frozen=True)
class Metric:
    """One row of the table. ``function`` is pure: the inputs named in ``needs``, by keyword, to a number."""

    name: str
    version: int  # raised whenever the number for the same images changes
    better: Literal["lower", "higher"]
    unit: str  # "" where the number has none
    low: float  # the range of possible values
    high: float
    needs: tuple[str, ...]  # names of inputs, see bench.metrics.inputs.INPUTS
    minimum: int  # fewest samples, real and fake, for which the number is defined
    summary: str  # one line: what it measures, convention, source
    function: Callable[..., float | Estimate]


HELD_OUT = "held-out"


@dataclass(frozen=True)
class MetricId:
    """``NAME[@EXTRACTOR][:held-out]``, e.g. ``fid@digits-cnn``: real side = training split, the GAN convention.

    ``fid@digits-cnn:held-out`` compares with the held-out split. Another network or another split is another column.
    """

    name: str
    extractor: str | None = None
    held_out: bool = False

    @classmethod
    def parse(cls, text: str) -> "MetricId":
        """Read an id; raises UserError when the text is not of the form above."""
        body, colon, split = text.partition(":")
        name, at, extractor = body.partition("@")
        if not name or (at and not extractor) or (colon and split != HELD_OUT):
            raise UserError(
                f"metric id {text!r} is not NAME[@EXTRACTOR][:{HELD_OUT}]. Write for instance 'fid@digits-cnn' "
                f"(real side: training split) or 'fid@digits-cnn:{HELD_OUT}'."
            )
        return cls(name, extractor or None, bool(colon))

    def __str__(self) -> str:
        return self.name + (f"@{self.extractor}" if self.extractor else "") + (f":{HELD_OUT}" if self.held_out else "")
