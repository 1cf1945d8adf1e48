"""The loop against what it promises: who moves, what is counted, how it is saved."""

import io

import pytest
import torch
from torch import Tensor, nn

from bench.data import DataSet, Split
from bench.data.batches import Batches
from bench.errors import UserError
from bench.gan import GAN, Average, Context, Draw, ImageSpec, Now, Player, Stage, Turn, Update
from bench.training.loop import DIAGNOSE_EVERY, Execution, Training

pytestmark = pytest.mark.slow

SPEC = ImageSpec(1, 8)


def batches(size: int = 4, seed: int = 0) -> Batches:
    images = torch.randint(0, 256, (10, 1, 8, 8), generator=torch.Generator().manual_seed(3), dtype=torch.uint8)
    return Batches(Split(images.numpy()), size, seed=seed, device="cpu")


def training(toys, images: int = 200, seed: int = 0, member: str = "toy", **execution) -> Training:
    torch.manual_seed(seed)
    gan = getattr(toys, member)(SPEC)
    return Training(gan, batches(), images=images, seed=seed, execution=Execution(**execution))


def weights(run: Training) -> list[Tensor]:
    nets = [player.net for player in run.gan.players.values()] + list(run.averages.values())
    return [value.clone() for net in nets for value in net.state_dict().values()]


def equal(left: list[Tensor], right: list[Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(left, right, strict=True))


def test_every_draw_counts_and_the_budget_is_never_exceeded(toys):
    run = training(toys, images=101)
    steps = list(run.steps())
    assert [step.now.images for step in steps] == [8 * (i + 1) for i in range(len(steps))]  # two draws of four
    assert run.now.images == 96  # a thirteenth iteration would cost 104
    assert run.updates == {"generator": 12, "critic": 24 + 3}  # two per step, and the lazy one on steps 0, 4, 8


def test_a_budget_below_one_iteration_is_refused(toys):
    with pytest.raises(UserError, match="budget of 7 images does not pay for one iteration"):
        list(training(toys, images=7).steps())


def test_stages_share_the_budget_and_restart_their_optimisers(toys):
    run = training(toys, images=80)
    stages = [step.now.stage for step in run.steps()]
    assert stages == [0] * 2 + [1] * 8  # a quarter of 80 images pays for two iterations of eight
    (state,) = {int(value["step"]) for value in run.optimisers["generator"].state.values()}
    assert state == 8


def test_a_stage_forgets_the_graphs_of_those_before(toys, monkeypatch):
    """Dynamo gives a function eight graphs, and every stage needs new ones."""
    resets = []
    monkeypatch.setattr(torch, "compile", lambda net, **_: net)
    monkeypatch.setattr(torch.compiler, "reset", lambda: resets.append(1))
    run = training(toys, images=80, compiled=True)
    assert {(step.now.stage, len(resets)) for step in run.steps()} == {(0, 1), (1, 2)}


@pytest.mark.parametrize("cut", [1, 3, 7, 17])
def test_a_restored_run_continues_to_the_same_bits(toys, cut):
    whole = training(toys)
    curve = [step.terms for step in whole.steps()]

    first = training(toys)
    steps = first.steps()
    for _ in range(cut):
        next(steps)
    file = io.BytesIO()
    torch.save(first.state_dict(), file)
    file.seek(0)
    torch.rand(5)  # somebody else uses torch's generator in between
    second = training(toys, seed=99)
    second.load_state_dict(torch.load(file, weights_only=True))
    rest = [step.terms for step in second.steps()]

    assert equal(weights(whole), weights(second))
    assert whole.now == second.now
    assert whole.updates == second.updates
    assert [{k: float(v) for k, v in t.items()} for t in curve[cut:]] == [
        {k: float(v) for k, v in t.items()} for t in rest
    ]


def test_the_same_seed_repeats_and_another_differs(toys):
    def trained(seed: int) -> list[Tensor]:
        run = training(toys, seed=seed)
        list(run.steps())
        return weights(run)

    assert equal(trained(0), trained(0))
    assert not equal(trained(0), trained(1))


def test_divergence_is_found_with_its_step_and_no_exception(toys):
    run = training(toys, images=100, member="diverging")
    list(run.steps())
    assert run.diverged_at_step == 5
    sound = training(toys, images=100)
    list(sound.steps())
    assert sound.diverged_at_step is None


def test_weights_that_are_not_finite_are_divergence_too(toys):
    run = training(toys)
    next(run.steps())
    with torch.no_grad():
        next(run.gan.players["critic"].net.parameters()).fill_(float("nan"))
    assert run.diverged_at_step == 1


class Linear(nn.Module):
    """A scalar weight w: 'images' w, or logits w * mean."""

    def __init__(self, value: float):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(value))


class ScalarTurn(Turn):
    def value(self, name: str) -> Tensor:
        return self.nets[name].weight  # pyright: ignore[reportReturnType]


def scalars(updates: list[Update], rate=None, average: Average | None = None, lr: float = 1.0) -> GAN:
    def sgd(parameters):
        return torch.optim.SGD(parameters, lr=lr)

    players = {"a": Player(Linear(1.0), sgd, average, rate), "b": Player(Linear(2.0), sgd)}
    return GAN(players, [Stage(updates, ScalarTurn)], lambda nets, prompt: torch.zeros(0))


def test_only_the_mover_carries_gradients_and_moves():
    seen = []

    def product(turn: ScalarTurn) -> Tensor:
        seen.append([turn.value(name).requires_grad for name in ("a", "b")])
        return turn.value("a") * turn.value("b")

    gan = scalars([Update("a", {"product": product})])  # pyright: ignore[reportArgumentType]
    run = Training(gan, batches(), images=4, seed=0)
    list(run.steps())
    assert seen == [[True, False]]
    assert gan.players["a"].net.get_parameter("weight").item() == -1.0  # 1 - d(ab)/da = 1 - 2
    assert gan.players["b"].net.get_parameter("weight").item() == 2.0


def test_a_lazy_update_is_scaled_up_by_its_interval_and_skipped_between():
    gan = scalars([Update("a", {"a": lambda t: t.value("a")}, every=3)], lr=0.1)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    run = Training(gan, batches(), images=4 * 4, seed=0)
    values = [gan.players["a"].net.get_parameter("weight").item() for _ in run.steps()]
    assert values == pytest.approx([0.7, 0.7, 0.7, 0.4])  # the gradient of a is 1, times 3, on steps 0 and 3


def test_the_rate_falls_with_the_budget():
    gan = scalars([Update("a", {"a": lambda t: t.value("a")})], rate=lambda fraction: 1 - fraction, lr=0.4)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    run = Training(gan, batches(), images=4 * 4, seed=0)
    values = [gan.players["a"].net.get_parameter("weight").item() for _ in run.steps()]
    assert values == pytest.approx([0.6, 0.3, 0.1, 0.0], abs=1e-6)  # steps of 0.4 * (1, 3/4, 1/2, 1/4)


def test_the_average_follows_its_formula():
    gan = scalars([Update("a", {"a": lambda t: t.value("a")})], average=Average(decay=0.5), lr=1.0)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    run = Training(gan, batches(), images=4 * 3, seed=0)
    values = [float(run.averages["a"].get_parameter("weight")) for _ in run.steps()]
    assert values == pytest.approx([0.5, -0.25, -1.125])  # weights 0, -1, -2; halfway each time


def test_half_life_counts_images_ramps_up_and_starts_late():
    average = Average(half_life_images=1000)
    assert average.at(Now(10_000, 20_000, 0), 500) == pytest.approx(0.5**0.5)
    assert average.at(Now(10_000, 20_000, 0), 250) ** 2 == pytest.approx(average.at(Now(10_000, 20_000, 0), 500))
    ramped = Average(half_life_images=1000, ramp=0.05)
    assert ramped.at(Now(2_000, 20_000, 0), 100) == pytest.approx(0.5)  # half-life 0.05 * 2000
    assert Average(decay=0.9, start_images=100).at(Now(99, 200, 0), 1) == 0.0
    assert Average(decay=0.9, start_images=100).at(Now(100, 200, 0), 1) == 0.9


def test_repeat_takes_the_last_draws_and_then_acts_without_gradients():
    seen: dict[str, list[int]] = {"a": [], "b": []}
    acts = []

    def note(name: str):
        def loss(turn: ScalarTurn) -> Tensor:
            seen[name].append(id(turn.draw))
            return turn.value(name)

        return loss

    def act(turn: Turn) -> None:
        acts.append(torch.is_grad_enabled())

    gan = scalars([Update("b", {"b": note("b")}, repeat=3), Update("a", {"a": note("a")}, then=[act])])  # pyright: ignore[reportArgumentType]
    next(Training(gan, batches(), images=12, seed=0).steps())
    assert len(set(seen["b"])) == 3
    assert seen["a"] == seen["b"][-1:]
    assert acts == [False]


def test_terms_are_looked_at_every_sixteenth_step_only(toys):
    run = training(toys, images=8 * 40)
    filled = [step.now.step - 1 for step in run.steps() if step.terms]
    assert filled == [0, DIAGNOSE_EVERY, 2 * DIAGNOSE_EVERY]


def test_diagnostics_tell_gradient_norm_and_accuracy(toys):
    terms = next(training(toys).steps()).terms
    assert {"critic/adversarial", "critic/memory", "generator/adversarial", "critic/gradient_norm"} <= set(terms)
    assert 0 <= float(terms["critic/accuracy_real"]) <= 1
    assert float(terms["generator/gradient_norm"]) > 0


def test_bf16_and_channels_last_run(toys):
    run = training(toys, images=40, precision="bf16", channels_last=True)
    list(run.steps())
    assert run.diverged_at_step is None
    assert all(value.dtype != torch.bfloat16 for value in weights(run))  # autocast keeps the weights in float32


@pytest.mark.parametrize(
    ("device", "precision", "batch_size", "pays"),
    [("cpu", "fp32", 16, True), ("cpu", "bf16", 1, False), ("cuda", "bf16", 1, True), ("cuda", "fp32", 16, False)],
)
def test_where_channels_last_pays(device, precision, batch_size, pays):
    assert Execution.channels_last_pays(torch.device(device), precision, batch_size) is pays


def test_a_turn_computes_each_thing_once_per_update(toys):
    calls = []
    real = toys.Critic.forward

    class Counting(toys.Critic):
        def forward(self, images: Tensor) -> Tensor:
            calls.append(len(images))
            return real(self, images)

    gan = toys.toy(SPEC)
    turn = toys.ToyTurn(
        Context(
            {"generator": gan.players["generator"].net, "critic": Counting(SPEC)},
            Draw(batches().next()), "critic", Now(0, 1, 0), torch.Generator(),
        )
    )  # fmt: skip
    assert turn.real_logits is turn.real_logits
    assert len(calls) == 1


def test_sets_are_what_the_loop_is_told():
    data = DataSet("x", Split(batches().split.images), Split(batches().split.images), (), "d", "p")
    assert (data.channels, data.resolution, data.source_channels) == (1, 8, 0)


class Judge(nn.Module):
    """Images -> logits, without anything that looks across images."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.Tanh(), nn.Linear(8, 1), nn.Flatten(0))

    def forward(self, images: Tensor) -> Tensor:
        return self.layers(images)


class JudgeTurn(Turn):
    def judge(self, images: Tensor) -> Tensor:
        return self.nets["critic"](images)


def judged(parts: int) -> Training:
    torch.manual_seed(0)

    def loss(turn: Turn) -> Tensor:
        return nn.functional.softplus(-turn.real_logits).mean()

    player = Player(Judge(), lambda parameters: torch.optim.SGD(parameters, lr=0.5))
    gan = GAN({"critic": player}, [Stage([Update("critic", {"loss": loss})], JudgeTurn)], lambda nets, prompt: prompt)  # pyright: ignore[reportArgumentType]
    run = Training(gan, batches(size=8), images=80, seed=0, execution=Execution(parts=parts))
    list(run.steps())
    return run


@pytest.mark.parametrize("parts", [2, 4, 8])
def test_a_batch_in_parts_has_the_gradients_of_the_whole(parts):
    whole, split = weights(judged(1)), weights(judged(parts))
    for one, other in zip(whole, split, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


def test_parts_count_images_and_updates_as_ever(toys):
    run = training(toys, parts=2)
    whole = training(toys)
    assert [step.now for step in run.steps()] == [step.now for step in whole.steps()]
    assert run.updates == whole.updates
    assert run.diverged_at_step is None


def test_a_batch_in_parts_that_do_not_fit_is_refused(toys):
    with pytest.raises(UserError, match="batch of 4 cannot be differentiated in 3 parts"):
        training(toys, parts=3)


def test_cuda_graphs_are_refused_off_cuda_with_the_reason(toys):
    with pytest.raises(UserError, match="on a CUDA device; this run is on cpu, not compiled"):
        training(toys, cuda_graphs=True)


def test_a_batch_in_parts_is_another_protocol(tmp_path, monkeypatch):
    from bench.runs.experiment import prefer, prepare
    from bench.suites import suite

    monkeypatch.setenv("BENCH_HOME", str(tmp_path / "home"))
    whole, parts = (prepare(*_placed(prefer(suite.load("demo"), Execution(), parts=n), tmp_path)) for n in (1, 2))
    assert "parts" not in whole.rules.protocol["training"]
    assert parts.rules.protocol["training"]["parts"] == 2
    assert parts.execution.parts == 2
    assert whole.rules.digest == prepare(*_placed(prefer(suite.load("demo"), Execution()), tmp_path)).rules.digest
    assert whole.rules.digest != parts.rules.digest


def _placed(preferred, folder):
    wanted, execution = preferred
    return wanted, folder, execution


@pytest.mark.parametrize("parts", [3, 32])
def test_a_suite_with_parts_that_do_not_fit_is_refused(parts):
    from bench.suites.suite import Budget

    with pytest.raises(
        ValueError, match=f"{parts} parts of a batch of 48: their number is a power of two that divides"
    ):
        Budget(images=100, batch_size=48, parts=parts)
