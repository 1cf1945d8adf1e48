"""A member whose network needs contiguous images runs on them, and says so once."""

from dataclasses import replace
from pathlib import Path

from torch import Tensor, nn

from bench.gan import GAN, ImageSpec, Player, adam
from bench.runs.experiment import prepare
from bench.runs.run import Finished, run
from bench.suites.suite import parse
from bench.training.loop import Execution

SUITE = """
name = "brief"
version = "1.0.0"
members = ["MEMBER"]
seeds = [0]
ranking = "fid@random-cnn"
[data]
name = "digits"
resolution = 16
[training]
images = 320
batch_size = 16
[evaluation]
metrics = ["fid@random-cnn"]
samples = 100
every = 160
curve_samples = 50
selection = "fid@random-cnn:held-out"
"""


class Viewing(nn.Module):
    """Flattens by .view, as many networks do."""

    def __init__(self, spec: ImageSpec):
        super().__init__()
        self.convolution = nn.Conv2d(spec.channels, 4, 3, padding=1)
        self.last = nn.Linear(4 * spec.resolution**2, 1)

    def forward(self, images: Tensor) -> Tensor:
        return self.last(self.convolution(images).view(images.shape[0], -1)).flatten(0)


def test_contiguous_images_are_used_where_channels_last_ones_do_not_work(tmp_path: Path, monkeypatch, toys, capsys):
    monkeypatch.setenv("BENCH_HOME", str(tmp_path / "home"))

    def viewing(spec: ImageSpec) -> GAN:
        gan = toys.toy(spec)
        return replace(gan, players={**gan.players, "critic": Player(Viewing(spec), adam(1e-3))})

    monkeypatch.setattr(toys, "viewing", viewing, raising=False)
    used: dict[str, bool] = {}
    for name in ("toys:toy", "toys:viewing"):
        experiment = prepare(
            parse(SUITE.replace("MEMBER", name), "-"), tmp_path / "results", Execution(channels_last=True)
        )
        (record,) = [event.record for event in run(experiment, experiment.jobs()) if isinstance(event, Finished)]
        assert record.status == "ok"
        used[name] = record.environment.channels_last
    assert used == {"toys:toy": True, "toys:viewing": False}
    said = [line for line in capsys.readouterr().err.splitlines() if "contiguous" in line]
    assert said == [
        "viewing: a network calls .view on channels-last images, which have other strides; contiguous images are used, "
        "as with --no-channels-last"
    ]
