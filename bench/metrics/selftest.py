"""Does this installation measure what others measure? `bench selftest`, and `bench selftest --official`.

The first scores the embedded digits by the embedded network, seconds on any machine. The second passes the 60,000 images
of CIFAR-10 through Inception-v3: minutes on a GPU, hours on a CPU.
"""

from dataclasses import dataclass
from pathlib import Path

from bench import data
from bench.features import networks
from bench.features.sample import Extractor, Sample
from bench.metrics.measure import measure

DATA, NETWORK = "cifar10", "inception-v3"


@dataclass(frozen=True)
class Calibration:
    """A known figure of real images, and what was found here."""

    what: str
    metric: str
    published: float
    tolerance: float  # absolute
    source: str
    found: float

    @property
    def passed(self) -> bool:
        """Whether the figure was reproduced."""
        return abs(self.found - self.published) <= self.tolerance


def embedded(device: str = "cpu") -> list[Calibration]:
    """Measure the held-out digits by digits-cnn: figures that every machine should find to 1e-6 relative."""
    dataset = data.load("digits")
    train, held_out = (
        Sample.of(split.images, split.labels, name=f"digits {name}", keep=True)
        for split, name in ((dataset.train, "training images"), (dataset.held_out, "held-out images"))
    )
    known = {"gan-test": 1.0, "inception-score": 8.880200796, "fid": 7.539156817}
    ids = [f"{name}@digits-cnn" for name in known]
    found = measure(ids, train, held_out, held_out, lambda name: networks.load(name, device))
    source = "this project: PyTorch 2.14.1 on an AMD EPYC"
    return [
        Calibration("held-out digits", item.metric, value, 1e-6 * value, source, item.value)
        for item, value in zip(found, known.values(), strict=True)
    ]


def official(data_root: Path | None = None, device: str = "cpu") -> list[Calibration]:
    """Measure CIFAR-10 by Inception-v3: the score of its training set, and training against test images.

    Raises UserError when the weights or the images are not here and cannot be downloaded.
    """
    network = networks.load(NETWORK, device)
    dataset = data.load(DATA, data_root=data_root)
    train, test = (
        Sample.of(split.images, split.labels, name=f"{DATA} {name}", keep=True)
        for split, name in ((dataset.train, "training images"), (dataset.held_out, "test images"))
    )
    return calibrations(train, test, network)


def calibrations(train: Sample, test: Sample, network: Extractor) -> list[Calibration]:
    """The published figures beside those of these samples."""
    ids = [f"inception-score@{NETWORK}", f"fid@{NETWORK}"]
    score, distance = measure(ids, test, test, train, lambda name: network)
    return [
        Calibration(
            "Inception Score of the CIFAR-10 training set", score.metric, 11.23678, 0.02, "torch-fidelity README", score.value
        ),
        Calibration(
            "FID of CIFAR-10, training against test images", distance.metric, 3.1508, 0.01, "TTUR, TensorFlow",
            distance.value,
        ),
    ]  # fmt: skip
