import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from bench.gan import Batch, Context, Draw, ImageSpec, Now
from bench.training import trial
from zoo.bigan import PairTurn, bigan, encode

SPEC = ImageSpec(1, 8)


def turn(mover: str) -> PairTurn:
    gan = trial.build(lambda spec: bigan(spec, width=8), SPEC, seed=0)
    nets = {name: player.net for name, player in gan.players.items()}
    draw = Draw(Batch(torch.rand(4, 1, 8, 8)))
    made = gan.schedule[0].turn(Context(nets, draw, mover, Now(0, 1, 0), torch.Generator().manual_seed(0)))
    assert isinstance(made, PairTurn)
    return made


def test_three_players_move_in_turn():
    gan = bigan(SPEC)
    assert [update.player for update in gan.schedule[0].updates] == ["critic", "generator", "encoder"]


def test_the_critic_judges_pairs():
    """Real images with their codes, generated ones with the latents that they were made from."""
    made = turn("critic")
    critic, generator, encoder = (made.nets[name] for name in ("critic", "generator", "encoder"))
    latents = made.latents(4, torch.Generator().manual_seed(0))
    torch.testing.assert_close(made.fake_logits, critic(generator(latents), latents))
    torch.testing.assert_close(made.real_logits, critic(made.batch.images, encoder(made.batch.images)))


@pytest.mark.parametrize(("mover", "moves"), [("critic", False), ("generator", False), ("encoder", True)])
def test_only_the_encoders_own_update_differentiates_its_codes(mover: str, moves: bool):
    assert turn(mover).encoded.requires_grad == moves


def test_the_encoder_minimises_the_loss_with_exchanged_labels():
    made = turn("encoder")
    made.real_logits = torch.tensor([2.0, -1.0])
    torch.testing.assert_close(encode(made), binary_cross_entropy_with_logits(made.real_logits, torch.zeros(2)))
