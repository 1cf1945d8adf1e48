import pytest
import torch

from bench.gan import Batch, Context, Draw, ImageSpec, Now, Turn
from zoo.geometric_gan import NormalLength, geometric_gan
from zoo.losses.objectives import Hinge


def test_the_machines_own_term_is_half_the_squared_normal():
    """A normal of 16 F twos: 1/2 * 16 F * 4."""
    gan = geometric_gan(ImageSpec(1, 8), width=2)
    critic = gan.players["critic"].net
    torch.nn.init.constant_(critic.head.weight, 2.0)  # pyright: ignore[reportArgumentType, reportAttributeAccessIssue]
    context = Context(
        {"critic": critic}, Draw(Batch(torch.zeros(2, 1, 8, 8))), "critic", Now(0, 1, 0), torch.Generator()
    )
    assert NormalLength(0.5)(Turn(context)).item() == pytest.approx(0.5 / 2 * 16 * 2 * 4)


def test_on_separable_features_the_loss_finds_the_widest_margin():
    """Features 2 and -2 along one axis: 2 max(0, 1 - 2 w) + w^2 / 2 is least at w = 1/2, where both lie on the margin."""

    def loss(w: float) -> float:
        context = Context({}, Draw(Batch(torch.zeros(1, 1, 1, 1))), "critic", Now(0, 1, 0), torch.Generator())
        made = Turn(context)
        made.real_logits, made.fake_logits = torch.tensor([2 * w]), torch.tensor([-2 * w])
        return Hinge().critic(made).item() + w**2 / 2

    tried = [step / 100 for step in range(101)]
    assert min(tried, key=loss) == pytest.approx(0.5)
