"""Statistics of an averaged network against the same passes done by hand."""

import torch
from torch import Tensor, nn

from bench.gan import GAN, Average, ImageSpec, Nets, Player, Prompt, Stage, Turn, Update, adam, gaussian
from bench.training import trial
from bench.training.averaging import STANDING_SEED
from bench.training.loop import Training

SPEC = ImageSpec(1, 8, classes=3)


class Generator(nn.Module):
    """Latents (N, 4) and classes -> images (N, 1, 8, 8) through batch norm; counts its passes."""

    passes: Tensor

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(3, 4)
        self.first = nn.Linear(4, 64)
        self.norm = nn.BatchNorm1d(64)
        self.register_buffer("passes", torch.zeros(()))

    def forward(self, latents: Tensor, labels: Tensor) -> Tensor:
        if self.training:
            self.passes += 1
        return torch.tanh(self.norm(self.first(latents + self.embed(labels)))).unflatten(1, (1, 8, 8))


class Conditional(Turn):
    """Fakes of the classes of the batch; there is no critic."""

    def made(self) -> Tensor:
        latents = torch.randn(len(self.batch.images), 4, generator=self.random)
        return self.nets["generator"](latents, self.batch.labels)


def nearness(turn: Turn) -> Tensor:
    assert isinstance(turn, Conditional)
    return (turn.made() - turn.real).square().mean()


def sample(nets: Nets, prompt: Prompt) -> Tensor:
    return nets["generator"](prompt.latents, prompt.labels)


def trained(standing_batches: int, iterations: int = 3) -> Training:
    def build(spec: ImageSpec) -> GAN:
        average = Average(decay=0.5, standing_batches=standing_batches)
        players = {"generator": Player(Generator(), adam(0.1), average)}
        return GAN(players, [Stage([Update("generator", {"near": nearness})], Conditional)], sample, gaussian(4))

    return trial.run(trial.begin(trial.build(build, SPEC, 0), SPEC, 0, iterations=8), iterations)


def test_standing_statistics_are_the_means_over_batches_of_the_average_itself():
    training = trained(standing_batches=5)
    average = training.averages["generator"]
    assert isinstance(average, Generator)
    position = training.batches.state_dict()
    labels = [training.batches.next().labels for _ in range(5)]
    training.batches.load_state_dict(position)
    random = torch.Generator().manual_seed(STANDING_SEED)
    features = [average.first(gaussian(4)(trial.BATCH_SIZE, random) + average.embed(label)) for label in labels]
    found = training.sampling_nets()["generator"]
    assert isinstance(found, Generator)
    mean = torch.stack([batch.mean(0) for batch in features]).mean(0)
    variance = torch.stack([batch.var(0) for batch in features]).mean(0)
    torch.testing.assert_close(found.norm.running_mean, mean)
    torch.testing.assert_close(found.norm.running_var, variance)
    assert not any(module.training for module in found.modules())
    assert found.norm.momentum == 0.1


def test_estimating_changes_neither_training_nor_the_average_and_repeats():
    undisturbed, looked_at = trained(5), trained(5)
    before = trial.weights(looked_at)
    first, again = (looked_at.sampling_nets()["generator"].state_dict() for _ in range(2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert trial.differing(before, trial.weights(looked_at)) == []
    looked_at.resume_training_mode()
    trial.run(undisturbed)
    trial.run(looked_at)
    assert trial.differing(trial.weights(undisturbed), trial.weights(looked_at)) == []


def test_without_standing_batches_or_batch_norm_the_average_itself_is_sampled(toys):
    training = trained(standing_batches=0)
    assert training.sampling_nets()["generator"] is training.averages["generator"]
    norm = training.averages["generator"].get_submodule("norm")
    live = training.gan.players["generator"].net.get_submodule("norm")
    assert torch.equal(norm.get_buffer("running_mean"), live.get_buffer("running_mean"))
